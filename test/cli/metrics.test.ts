import { chmodSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { SignalDesk } from '../../src/cli/runtime/signals.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import { PASSWORD, runCaptures, type CliOptions, type CliResult } from '../support/cli.ts';
import { CloudWatchServer } from '../support/cloudwatch-server.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { temporaryFolder } from '../support/stores.ts';
import { waitUntil } from '../support/waiting.ts';

const MINUTE = 60_000;
/** The capture: half an hour, an hour ago, not on a minute. */
const NOW = Date.parse('2026-11-22T12:00:00Z');
const START = Date.parse('2026-11-22T11:00:17Z');
const END = START + 30 * MINUTE;

let cloudWatch: CloudWatchServer;
let clock: ManualClock;
let home: string;

const captures = (args: readonly string[], options: CliOptions = {}): Promise<CliResult> =>
  runCaptures(args, {
    home,
    clock,
    ...options,
    env: { LANG: 'C.UTF-8', ...options.env },
  });

let initialised: string;
beforeAll(async () => {
  // A password's hash takes a while: made once, copied for each test.
  clock = new ManualClock(NOW);
  home = initialised = join(temporaryFolder(), 'home');
  await done(['init', '--user', 'ada', '--password-stdin'], { stdin: `${PASSWORD}\n` });
});

beforeEach(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent/config');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent/credentials');
  cloudWatch = await CloudWatchServer.start();
  clock = new ManualClock(NOW);
  cloudWatch.now = () => clock.now();
  cloudWatch.publish('shop-db', 'CPUUtilization', (at) => (at / MINUTE) % 60);
  cloudWatch.publish('shop-db', 'FreeableMemory', () => 2 ** 31);
  home = join(temporaryFolder(), 'home');
  cpSync(initialised, home, { recursive: true });
  chmodSync(home, 0o700);
  await done(
    'env create shop --instance shop-db --region eu-central-1 --endpoint-url'.split(' '),
    {},
    cloudWatch.url,
  );
  await done(['create', 'friday', '--env', 'shop', '--start', iso(START), '--duration', '30m']);
});
afterEach(async () => {
  await cloudWatch.stop();
  vi.unstubAllEnvs();
});

async function done(args: readonly string[], options: CliOptions = {}, last = ''): Promise<void> {
  const result = await captures(last === '' ? args : [...args, last], options);
  expect(result.stderr).not.toContain('captures:');
  expect(result.status).toBe(0);
}

const iso = (at: number): string => new Date(at).toISOString();

interface Metric {
  label: string;
  type: string;
  displayName: string;
  dataPoints: { Timestamp: string; Maximum: number; Unit: string; Average?: number }[];
}

async function json(...args: string[]): Promise<Metric[]> {
  const result = await captures(['metrics', ...args, '--json']);
  expect(result).toMatchObject({ status: 0, stderr: '' });
  return JSON.parse(result.stdout) as Metric[];
}

describe('captures metrics --json', () => {
  it("is the reference API's, ordered by time, with exactly the capture's window", async () => {
    const [cpu, ...others] = await json('friday');
    expect(cpu).toMatchObject({
      label: 'CPUUtilization',
      type: 'CPU UTILIZATION',
      displayName: 'CPU UTILIZATION',
    });
    expect(Object.keys(cpu ?? {})).toEqual(['label', 'type', 'displayName', 'dataPoints']);
    const points = cpu?.dataPoints ?? [];
    expect(points.map(({ Timestamp }) => Timestamp)).toEqual(
      Array.from({ length: 30 }, (_, i) => iso(START - 17_000 + (i + 1) * MINUTE)),
    );
    expect(points[0]).toEqual({
      Timestamp: '2026-11-22T11:01:00.000Z',
      Maximum: 1,
      Unit: 'Percent',
      Average: 1,
    });
    expect(Object.keys(points[0] ?? {}).slice(0, 3)).toEqual(['Timestamp', 'Maximum', 'Unit']);
    expect(others.map(({ type }) => type).slice(0, 6)).toEqual([
      'READ IOPS',
      'WRITE IOPS',
      'FREEABLE MEMORY',
      'READ THROUGHPUT',
      'WRITE THROUGHPUT',
      'FREE STORAGE',
    ]);
    expect(others[0]?.dataPoints).toEqual([]);
  });

  it('has the metrics that were asked for, by label or type, also one that only AWS knows', async () => {
    cloudWatch.publish('shop-db', 'NewMetric2027', () => 7);
    const found = await json('friday', '--metric', 'freeable memory', 'NewMetric2027');
    expect(found.map(({ label, type, dataPoints }) => [label, type, dataPoints.length])).toEqual([
      ['FreeableMemory', 'FREEABLE MEMORY', 30],
      ['NewMetric2027', 'NEW METRIC2027', 30],
    ]);
    expect(found[1]?.dataPoints[0]?.Unit).toBeNull();
  });

  it('understands the capture behind the names as well', async () => {
    expect(await json('--metric', 'CPUUtilization', 'friday')).toHaveLength(1);
  });

  it('has other statistics as further fields, and longer periods', async () => {
    const [cpu] = await json(
      'friday',
      '--metric',
      'CPUUtilization',
      '--stat',
      'sum',
      '--period',
      '10m',
    );
    expect(cpu?.dataPoints).toEqual([
      {
        Timestamp: '2026-11-22T11:10:00.000Z',
        Maximum: 19,
        Unit: 'Percent',
        Average: 14.5,
        Sum: 145,
      },
      {
        Timestamp: '2026-11-22T11:20:00.000Z',
        Maximum: 29,
        Unit: 'Percent',
        Average: 24.5,
        Sum: 245,
      },
      {
        Timestamp: '2026-11-22T11:30:00.000Z',
        Maximum: 39,
        Unit: 'Percent',
        Average: 34.5,
        Sum: 345,
      },
    ]);
  });

  it('ignores the margin of charts, and obeys --from and --to', async () => {
    const [cpu] = await json('friday', '--margin', '10m');
    expect(cpu?.dataPoints).toHaveLength(30);
    const args = [
      'metrics',
      'friday',
      '--json',
      '--from',
      iso(START),
      '--to',
      iso(START + 2 * MINUTE),
    ];
    const result = await captures(args);
    const [part] = JSON.parse(result.stdout) as Metric[];
    expect(part?.dataPoints.map(({ Maximum }) => Maximum)).toEqual([1, 2]);
  });

  it('is an empty list of points for a capture that has not started', async () => {
    await captures(['create', 'later', '--env', 'shop', '--at', '+1h']);
    const metrics = await json('later');
    expect(metrics.length).toBeGreaterThan(6);
    expect(metrics.every(({ dataPoints }) => dataPoints.length === 0)).toBe(true);
  });
});

describe('captures metrics -o csv and tsv', () => {
  it('are the long form, a row a data point', async () => {
    const csv = await captures(['metrics', 'friday', '-o', 'csv', '--metric', 'CPUUtilization']);
    const lines = csv.stdout.split('\r\n');
    expect(lines[0]).toBe('label,type,displayName,Timestamp,Maximum,Unit,Average');
    expect(lines[1]).toBe(
      'CPUUtilization,CPU UTILIZATION,CPU UTILIZATION,2026-11-22T11:01:00.000Z,1,Percent,1',
    );
    expect(lines).toHaveLength(32);
    const short = await captures(['metrics', 'friday', '--csv', '--metric', 'CPUUtilization']);
    expect(short.stdout).toBe(csv.stdout);
    expect((await captures(['metrics', 'friday', '--csv', '--json'])).status).toBe(2);
    const tsv = await captures([
      'metrics',
      'friday',
      '--fields',
      'Timestamp,Maximum',
      '--no-headers',
    ]);
    expect(tsv.stdout.split('\n')[0]).toBe('2026-11-22T11:01:00.000Z\t1');
  });
});

describe('what is kept', () => {
  it('is fetched once more while points may be late, then never again, and is there offline', async () => {
    await json('friday');
    const first = cloudWatch.requests.length;
    expect(first).toBeGreaterThan(0);
    await json('friday');
    expect(cloudWatch.requests).toHaveLength(first);
    expect(openStore(home).metrics.findFetch(1)?.nextAt).toBeNull();
    await cloudWatch.stop();
    const [cpu] = await json('friday');
    expect(cpu?.dataPoints).toHaveLength(30);
    await clock.advance(3 * 365 * 24 * 60 * MINUTE);
    await done(['login', 'ada', '--password-stdin'], { stdin: `${PASSWORD}\n` });
    const [later] = await json('friday');
    expect(later?.dataPoints).toEqual(cpu?.dataPoints);
    cloudWatch = await CloudWatchServer.start();
  });

  it('is fetched again for a capture that just ended, until the late points are in', async () => {
    cloudWatch.lateness = 3 * MINUTE;
    clock.set(END);
    expect((await json('friday'))[0]?.dataPoints.length).toBeLessThan(30);
    await clock.advance(5 * MINUTE);
    expect((await json('friday'))[0]?.dataPoints).toHaveLength(30);
  });

  it('is shown with a warning when CloudWatch fails now', async () => {
    cloudWatch.lateness = 3 * MINUTE;
    clock.set(END);
    await json('friday');
    await clock.advance(2 * MINUTE);
    cloudWatch.misbehaviours.push({ error: 'AccessDenied', status: 403 });
    const result = await captures(['metrics', 'friday', '--json']);
    expect(result.status).toBe(0);
    expect(result.stderr).toBe(
      'warning: AWS denies cloudwatch:GetMetricData; shown is what was fetched at 2026-11-22T11:30:17.000Z\n',
    );
    expect((JSON.parse(result.stdout) as Metric[])[0]?.dataPoints.length).toBeGreaterThan(20);
  });

  it('is asked for again with --refresh, and finer points are never replaced by coarser ones', async () => {
    await json('friday');
    const before = cloudWatch.requests.length;
    await json('friday', '--refresh');
    expect(cloudWatch.requests.length).toBeGreaterThan(before);
    await clock.advance(20 * 24 * 60 * MINUTE);
    const result = await captures(['metrics', 'friday', '--json', '--refresh']);
    expect(result.stderr).toContain('CloudWatch keeps points of 300 s only by now');
    expect((JSON.parse(result.stdout) as Metric[])[0]?.dataPoints).toHaveLength(30);
  });
});

describe('captures metrics on a terminal', () => {
  it('is an overview, and full charts for what was named', async () => {
    const overview = await captures(['metrics', 'friday'], { tty: 80 });
    expect(overview.stdout).toContain(
      'shop/friday · DONE · 2026-11-22 11:00:17 to 11:30:17 (30m) · UTC',
    );
    expect(overview.stdout).toMatch(/CPU UTILIZATION +[▁-█ ]+ +1 +15.5 +29 +30 +30 .*%/);
    expect(overview.stdout).toContain('Not published:');
    const chart = await captures(['metrics', 'friday', '--metric', 'CPUUtilization'], { tty: 80 });
    expect(chart.stdout).toContain('CPU UTILIZATION, % · avg 15.5');
    expect(chart.stdout).toContain('↑start');
  });

  it('counts over the part that was asked for', async () => {
    const args = ['metrics', 'friday', '--from', iso(START), '--to', iso(START + 10 * MINUTE)];
    const part = await captures(args, { tty: 80 });
    expect(part.stdout).toMatch(/CPU UTILIZATION +[▁-█ ]+ +1 +5\.50 +10 +10 +10 .*%/);
  });

  it('is drawn with ASCII where the locale or the terminal has no more, or where asked to', async () => {
    for (const [args, env] of [
      [['--ascii'], {}],
      [[], { LANG: 'C' }],
      [[], { LC_ALL: 'POSIX' }],
      [[], { TERM: 'dumb' }],
    ] as const) {
      const { stdout } = await captures(['metrics', 'friday', ...args], { tty: 80, env });
      expect(stdout).toContain('shop/friday | DONE');
      expect(stdout).toMatch(/^[\x20-\x7e\n\u001b]*$/);
    }
  });

  it('compares two captures from their starts', async () => {
    const args = ['create', 'saturday', '--env', 'shop', '--start', iso(START + 10 * MINUTE)];
    await done([...args, '--duration', '20m']);
    const both = await captures(['metrics', 'friday', '--compare', 'saturday', '--no-color'], {
      tty: 80,
    });
    expect(both.stdout).toContain('A shop/friday');
    expect(both.stdout).toContain('B shop/saturday');
    expect(both.stdout).toMatch(/CHANGE\n/);
    const data = await captures(['metrics', 'friday', '--compare', 'saturday', '--json']);
    expect(data.status).toBe(2);
  });

  it('is redrawn in place with --watch until the capture is over', async () => {
    await done(['create', 'now', '--env', 'shop', '--duration', '60s']);
    const watching = captures(['metrics', 'now', '--watch'], { tty: 80 });
    let isOver = false;
    void watching.then(() => (isOver = true));
    await waitUntil(async () => {
      await clock.advance(1_000);
      return isOver;
    });
    const { status, stdout } = await watching;
    expect(status).toBe(0);
    const frames = stdout.split('\u001b[H').slice(1);
    expect(frames.length).toBeGreaterThan(3);
    expect(frames[0]).toContain('every 5 s; Ctrl-C ends this view only');
    expect(frames.at(-1)).toContain('the capture is over');
    // CloudWatch is paid by the metric: once a minute while it runs, and once when it is over.
    expect(cloudWatch.requests.length).toBeLessThanOrEqual(3);
  });

  it('stops watching at Ctrl-C', async () => {
    await done(['create', 'now', '--env', 'shop']);
    const signals = new SignalDesk();
    const watching = captures(['metrics', 'now', '--watch'], { tty: 80, signals });
    await waitUntil(() => cloudWatch.requests.length > 0);
    signals.deliver('SIGINT');
    expect((await watching).status).toBe(130);
  });

  it('draws on a terminal only: elsewhere --watch is refused', async () => {
    const result = await captures(['metrics', 'friday', '--watch']);
    expect(result.status).toBe(2);
  });
});

describe('what captures metrics refuses', () => {
  it('is a failure of AWS, in one sentence, with exit 9', async () => {
    cloudWatch.misbehaviours.push({ html: '<html>Welcome to the hotel' });
    const result = await captures(['metrics', 'friday', '--json']);
    expect(result).toMatchObject({ status: 9, stdout: '' });
    expect(JSON.parse(result.stderr)).toMatchObject({
      code: 502,
      message: 'The endpoint is not an AWS service: it sent a page, not data',
    });
  });

  it('is an environment without an instance, saying how to set one', async () => {
    await done(['env', 'create', 'bare']);
    await done(['create', 'x', '--env', 'bare', '--start', iso(START), '--duration', '30m']);
    const result = await captures(['metrics', 'x']);
    expect(result.status).toBe(3);
    expect(result.stderr).toContain('names no RDS instance');
    expect(result.stderr).toContain('captures env edit bare --instance ID --region R');
  });

  it.each([
    [['friday', '--stat', 'median'], 2, 'no statistic "median"'],
    [['friday', '--period', '90'], 2, 'no period of 90 s'],
    [['friday', '--source', 'mysql'], 2, '--source'],
    [['friday', '--from', '2026-11-22T11:30:00Z', '--to', '2026-11-22T11:10:00Z'], 2, 'not after'],
    [['friday', '--metric', 'CPU; DROP'], 2, 'There is no metric'],
    [['friday', '--source', 'server'], 3, 'was not sampled'],
    [['nobody'], 3, 'Capture not found'],
    [[], 2, 'Say which capture'],
  ])('is %j', async (args, status, message) => {
    const result = await captures(['metrics', ...args]);
    expect(result.status).toBe(status);
    expect(result.stderr).toContain(message);
    expect(result.stdout).toBe('');
  });

  it('is everybody who is no member of the environment', async () => {
    const store = openStore(home);
    store.environments.insert(
      {
        name: 'secret',
        server: null,
        region: null,
        instance: 'x',
        profile: null,
        endpointUrl: null,
      },
      NOW,
    );
    const environmentId = store.environments.findByName('secret')?.id ?? 0;
    const { id } = store.captures.insert(
      {
        name: 'hidden',
        environmentId,
        ownerId: 1,
        status: 'DONE',
        start: START,
        end: END,
        scheduledStart: null,
        scheduledEnd: END,
        duration: 30 * MINUTE,
        reason: null,
        recordsStatements: false,
      },
      NOW,
    );
    store.close();
    const result = await captures(['metrics', String(id), '--json']);
    expect(result.status).toBe(3);
    expect(JSON.parse(result.stderr)).toEqual({
      code: 404,
      message: "Capture's environment not found",
      hint: 'To see those of your environments: captures list',
    });
  });
});

describe("the server's own counters", () => {
  const from = START + 20_000;
  beforeEach(() => {
    const store = openStore(home);
    const { id } = store.captures.insert(
      {
        name: 'counted',
        environmentId: store.environments.findByName('shop')?.id ?? 0,
        ownerId: 1,
        status: 'DONE',
        start: from,
        end: from + MINUTE,
        scheduledStart: null,
        scheduledEnd: null,
        duration: null,
        reason: null,
        recordsStatements: true,
      },
      NOW,
    );
    // 20 selects a second in the first 23 s, none in the rest.
    for (let at = 0; at <= 60; at += 5) {
      const counters = { Com_select: 20 * Math.min(at, 23), Uptime: 1_000 + at };
      store.metrics.addSample([id], { at: from + at * 1_000, counters });
    }
    store.close();
  });
  const selects = ['metrics', 'counted', '--source', 'server', '--metric', 'Com_select'];

  it.each([
    [[]],
    [['--period', '30s']],
    [['--period', '1m']],
    [['--period', '7s']],
    [['--period', '1h']],
  ])('have the same average over the whole capture with %j', async (period) => {
    const { stdout } = await captures([...selects, ...period], { tty: 80 });
    expect(stdout).toMatch(/avg 7\.67 · max/);
    const data = await captures([...selects, ...period, '--json']);
    const [metric] = JSON.parse(data.stdout) as Metric[];
    expect(metric?.dataPoints[0]?.Timestamp).toBe(iso(from));
  });

  it('say so where a shorter period is asked for than there is', async () => {
    const { status, stderr } = await captures([...selects, '--period', '1s']);
    expect([status, stderr]).toEqual([0, 'warning: No points here are shorter than 5 s\n']);
    expect((await captures([...selects, '--period', '5s'])).stderr).toBe('');
  });
});
