import { beforeEach, describe, expect, it } from 'vitest';
import { UNLIMITED, type Actor } from '../../src/core/access.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Replay, ReplayResult } from '../../src/core/replays/replay.ts';
import { readReplayReport } from '../../src/core/replays/replay-report-reader.ts';
import { workloadFiles } from '../../src/workload/stored-workloads.ts';
import { runCaptures, type CliOptions, type CliResult } from '../support/cli.ts';
import { replay, replayResult, SOME_PLAN } from '../support/replays.ts';
import { TestStore } from '../support/stores.ts';
import { addUser } from '../support/users.ts';
import { DOCUMENTED } from './json-page.ts';

let test: TestStore;
let home: string;
let ada: { CAPTURES_TOKEN: string };
let actor: Actor;

beforeEach(() => {
  test = new TestStore(systemClock);
  home = test.store.directory;
  ada = addUser(home, 'ada');
  const userId = test.store.users.findByName('ada')?.id ?? 0;
  actor = { userId, userName: 'ada', isStoreAdmin: false, scope: UNLIMITED };
  for (const name of ['shop', 'copy']) test.environment({ admin: [actor] }, { name });
});

function run(argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return runCaptures(argv, { home, ...options, env: { ...ada, LANG: 'C.UTF-8', NO_COLOR: '1' } });
}

async function linesOf(argv: readonly string[], options: CliOptions = {}): Promise<string[]> {
  const { status, stdout, stderr } = await run(argv, options);
  expect([status, stderr]).toEqual([0, '']);
  return stdout.trimEnd().split('\n');
}

/** A replay as it is left behind in the store. */
async function keptReplay(
  result: ReplayResult | null = replayResult(),
  status: 'DONE' | 'FAILED' | 'RUNNING' = 'DONE',
  name = 'friday on copy',
): Promise<number> {
  const { store } = test;
  const { stored }: Replay = replay();
  const begin = systemClock.now() - 60_000;
  const { id } = store.captures.insert(
    {
      name,
      environmentId: store.environments.findByName('copy')?.id ?? 0,
      ownerId: actor.userId,
      type: 'REPLAY',
      status,
      start: begin,
      scheduledStart: null,
      scheduledEnd: null,
      end: status === 'RUNNING' ? null : begin + 50_000,
      duration: null,
      reason: status === 'FAILED' ? 'the target was lost' : null,
      recordsStatements: false,
    },
    begin,
  );
  const { source, options, host, pid, target } = stored;
  const now = systemClock.now();
  store.replays.insert({ captureId: id, source, options, host, pid, heardAt: now });
  store.replays.saveTarget(id, target);
  store.replays.savePlan(id, SOME_PLAN);
  const progress = { records: 80_312, sent: 12_000, skipped: 300, failed: 45, open: 32, lateMs: 1 };
  store.replays.heard(id, progress, now);
  if (result !== null) await workloadFiles(store).writeReplayResult(id, result);
  return id;
}

describe('captures replay', () => {
  it('says what is missing, and what contradicts itself, before anything else', async () => {
    const refused = async (...argv: string[]): Promise<string> => {
      const { status, stdout, stderr } = await run(['replay', 'friday', ...argv]);
      expect([status, stdout]).toEqual([2, '']);
      return stderr;
    };
    expect(await refused()).toContain('--to is missing');
    expect(await refused('--to', 'copy', '--speed', '0')).toContain(
      '--speed takes a number from 0.001 to 1000',
    );
    expect(await refused('--to', 'copy', '--serial', '--speed', '4')).toContain(
      '--serial and --speed contradict one another',
    );
    expect(await refused('--to', 'copy', '--serial', '--sessions', '4')).toContain(
      '--serial and --sessions contradict one another',
    );
    expect(await refused('--to', 'copy', '--sessions', '0')).toContain(
      '--sessions takes a whole number from 1 on',
    );
    expect(await refused('--to', 'copy', '--user-map', 'nobody.txt')).toContain(
      'There is no file nobody.txt',
    );
    expect(await refused('--to', 'copy', '--now', 'never')).toContain('recorded, real');
    expect(await refused('--to', 'copy', '--fields', 'nope')).toContain('There is no field "nope"');
    const part = ['--to', 'copy', '--since', '14:00'];
    expect(await refused(...part, '--deadline', '0.5')).toMatch(/^captures: [^\n]+\n/);
    expect(await refused(...part, '--map-db', 'a=b', '--map-db', 'a=c')).toMatch(
      /^captures: The database "a" is mapped twice\n/,
    );
  });

  it('knows no capture and no environment that are not there', async () => {
    for (const argv of [
      ['replay', 'nope', '--to', 'copy'],
      ['replay', 'nope', '--to', 'copy', '--dry-run', '--json'],
    ]) {
      const { status, stdout, stderr } = await run(argv);
      expect([status, stdout]).toEqual([3, '']);
      expect(stderr).toContain('Capture not found');
    }
  });

  it('has names to complete: captures, and environments behind --to', async () => {
    const { stdout } = await run(['__complete', 'zsh', 'replay', '1', '--to', 'c']);
    expect(stdout).toContain('copy');
  });
});

describe('a replay that is over', () => {
  it('is told from captures in a list, in any case of the word', async () => {
    await keptReplay();
    await run(['create', 'numbers', '--env', 'shop']);
    const both = await linesOf(['list'], { tty: 120 });
    expect(both[0]).toMatch(/^ID +NAME +TYPE +STATUS/);
    expect(both.slice(2).map((line) => / (CAPTURE|REPLAY) /.exec(line)?.[1])).toEqual([
      'CAPTURE',
      'REPLAY',
    ]);
    for (const type of ['replay', 'REPLAY', 'Replay']) {
      expect(await linesOf(['list', '--type', type, '-o', 'name', '--all'])).toEqual([
        'copy/friday on copy',
      ]);
    }
    const captures = await linesOf(['list', '--type', 'capture'], { tty: 120 });
    expect(captures.join('\n')).toMatch(/TYPE/);
    expect(captures.join('\n')).not.toContain('REPLAY');
    const counts = ['replayed.sent', 'replayed.skipped', 'replayed.failed'].join(',');
    const listed = await linesOf(['list', '--type', 'replay', '--json', '--fields', counts]);
    expect(JSON.parse(listed.join(''))).toEqual([
      { 'replayed.sent': 12_000, 'replayed.skipped': 300, 'replayed.failed': 45 },
    ]);
    const { status } = await run(['list', '--type', 'capture,replay']);
    expect(status).toBe(2);
  });

  it('has no column of its own where no replay is listed', async () => {
    await run(['create', 'numbers', '--env', 'shop']);
    expect((await linesOf(['list'], { tty: 120 }))[0]).not.toContain('TYPE');
  });

  it('is shown by get: what was sent where, how, and what became of all records', async () => {
    await keptReplay();
    const screen = (await linesOf(['get', 'friday on copy'], { tty: 100 })).join('\n');
    expect(screen).toMatch(/type +REPLAY/);
    expect(screen).toMatch(/record +shop\/friday \(MariaDB 10\.11\.8\)/);
    expect(screen).toMatch(/target +MariaDB 11\.8\.3, db2:3306/);
    expect(screen).toMatch(/how +read-only/);
    expect(screen.replaceAll(/\s+/g, ' ')).toContain(
      'records 80,312 = 78,201 sent + 2,000 skipped (writes 1,500, echo 400, half_transaction 100) + 111 failed (1213: 100, 1146: 11)',
    );
    expect(screen).not.toMatch(/scheduled|uncompressed/);
  });

  it('is one object in JSON, the same of get and of report, with all that is documented', async () => {
    await keptReplay();
    const whole = (await linesOf(['get', 'friday on copy', '--json'])).join('\n');
    const json = JSON.parse(whole) as Record<string, unknown>;
    const reported = (await linesOf(['report', 'friday on copy', '--json'])).join('\n');
    expect(JSON.parse(reported)).toEqual(json);
    const fields = DOCUMENTED['replay']?.fields.map(([path]) => path) ?? [];
    const valueOf = (path: string): unknown =>
      path
        .split('.')
        .reduce<unknown>((value, key) => (value as Record<string, unknown> | null)?.[key], json);
    // Of what a capture records it has nothing.
    const present = fields.filter((path) => !path.startsWith('workload.'));
    expect(present.filter((path) => valueOf(path) === undefined)).toEqual([]);
    expect(json).toMatchObject({ type: 'REPLAY', workload: null, result: { sent: 78_201 } });
    expect(readReplayReport(json, 'r.json').result.rows).toHaveLength(3);
  });

  it('takes --fields of a replay, in get and in report', async () => {
    await keptReplay();
    const picked = ['--json', '--fields', 'name,result.sent,result.failed'];
    for (const command of ['get', 'report']) {
      expect(JSON.parse((await linesOf([command, 'friday on copy', ...picked])).join(''))).toEqual({
        name: 'friday on copy',
        'result.sent': 78_201,
        'result.failed': { 1213: 100, 1146: 11 },
      });
    }
    const rows = await linesOf(['report', 'friday on copy', '--fields', 'digest,errors,p99Ms']);
    expect(rows[0]).toBe('digest\terrors\tp99Ms');
    expect(rows).toHaveLength(4);
    const { status, stderr } = await run(['report', 'friday on copy', '--fields', 'nope']);
    expect([status, stderr]).toEqual([2, expect.stringContaining('There is no field "nope"')]);
  });

  it('is a line without its digests in CSV and TSV of get', async () => {
    await keptReplay();
    const lines = await linesOf(['get', 'friday on copy', '-o', 'csv']);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('result.sent,result.skipped');
    expect(lines[0]).not.toContain('result.rows');
    expect((lines[1] ?? '').length).toBeLessThan(4_000);
  });

  it('has a report with an order, a limit, and one digest in full', async () => {
    await keptReplay();
    const ids = async (...argv: string[]): Promise<string[]> => {
      const lines = await linesOf(['report', 'friday on copy', ...argv], { tty: 120 });
      return lines.flatMap((line) => /^ {4}([0-9a-f]{8}) {2}/.exec(line)?.[1] ?? []);
    };
    expect(await ids()).toEqual(['3f2a9c1d', 'ffb2c3d4']);
    expect(await ids('--sort', 'errors')).toEqual(['ffb2c3d4', '3f2a9c1d']);
    expect(await ids('--sort', 'p99', '--limit', '1')).toEqual(['ffb2c3d4']);
    const one = (
      await linesOf(['report', 'friday on copy', '--digest', 'FFB2'], { tty: 120 })
    ).join('\n');
    expect(one).toContain('Latency of 2,111 answers');
    expect(one).toContain('100 failed: 1213: Deadlock found');
    expect(one).toMatch(/Statement\n {2}SELECT o\.\* FROM orders o/);
    const rows = JSON.parse(
      (await linesOf(['report', 'friday on copy', '--json', '--digest', 'ffb2'])).join(''),
    ) as { result: ReplayResult };
    expect(rows.result.rows).toHaveLength(1);
    expect((await run(['report', 'friday on copy', '--digest', '0000'])).status).toBe(3);
  });

  it.each([
    [['--by', 'table'], '--by table is not for a replay'],
    [['--since', '14:00'], '--since is not for a replay'],
    [['--until', '14:00'], '--until is not for a replay'],
    [['--watch'], '--watch is not for a replay'],
    [['--sort', 'examined'], 'A replay is not sorted by examined'],
  ])('is not reported with %j', async (argv, message) => {
    await keptReplay();
    const { status, stdout, stderr } = await run(['report', 'friday on copy', ...argv]);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });

  it('is drawn with what was lost, where it FAILED', async () => {
    await keptReplay(
      replayResult({ ended: { why: 'target_lost', message: 'the target was lost' } }),
      'FAILED',
    );
    const screen = (await linesOf(['report', 'friday on copy'], { tty: 80 })).join('\n');
    expect(screen).toContain('replay FAILED');
    expect(screen).toMatch(/ended +the target was lost/);
  });
});

describe('a replay that goes on', () => {
  it('has no result yet, and says how far it is', async () => {
    await keptReplay(null, 'RUNNING');
    const screen = (await linesOf(['get', 'friday on copy'], { tty: 100 })).join('\n');
    expect(screen).toContain('12,000 sent, 300 skipped, 45 failed so far of 80,312');
    const { result } = JSON.parse(
      (await linesOf(['get', 'friday on copy', '--json'])).join(''),
    ) as {
      result: unknown;
    };
    expect(result).toBe(null);
    const { status, stdout, stderr } = await run(['report', 'friday on copy'], { tty: 100 });
    expect(status).toBe(0);
    expect(stdout).toContain('12,000 sent, 300 skipped, 45 failed of 80,312 records');
    expect(stderr).toContain('copy/friday on copy is RUNNING: it has no result yet.');
  });
});
