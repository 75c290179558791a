import { beforeAll, describe, expect, it } from 'vitest';
import { SignalDesk } from '../../src/cli/runtime/signals.ts';
import { auditNoun } from '../../src/cli/render/audit.ts';
import { activeCaptureNoun, nextStartNoun } from '../../src/cli/render/daemon-overview.ts';
import { occurrenceNoun, scheduleNoun } from '../../src/cli/render/schedules.ts';
import type { Clock } from '../../src/core/clock.ts';
import { initialisedHome, runCaptures, type CliOptions } from '../support/cli.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { waitUntil } from '../support/waiting.ts';

let home: string;
beforeAll(async () => {
  home = await initialisedHome();
  await run(['env', 'create', 'shop', '--region', 'eu-west-1', '--instance', 'shop-1']);
});

// The session is a month long and begins now: the clock of the tests has to be within it.
const clock = new ManualClock(Date.now());
const run = (argv: readonly string[], options: CliOptions = {}) =>
  runCaptures(argv, { home, clock, ...options });

let names = 0;
async function makeSchedule(options: readonly string[] = []): Promise<string> {
  const name = `schedule${++names}`;
  const { status, stderr } = await run([
    ...['schedule', 'create', name, '--env', 'shop', '--cron', '0 9 * * 1-5'],
    ...['--timezone', 'America/New_York', '--duration', '15m', ...options],
  ]);
  expect({ status, stderr }).toEqual({ status: 0, stderr });
  return name;
}

describe('schedule', () => {
  it('create says when the first capture starts and that a daemon has to run', async () => {
    const { status, stdout, stderr } = await run([
      ...['schedule', 'create', 'open', '--env', 'shop', '--cron', '0 9 * * 1-5'],
      ...['--timezone', 'America/New_York', '--duration', '15m', '--retain', '30d', '-o', 'json'],
    ]);
    expect(status).toBe(0);
    const json = JSON.parse(stdout) as Record<string, unknown>;
    expect(json).toMatchObject({
      name: 'open',
      state: 'active',
      cron: '0 9 * * 1-5',
      timezone: 'America/New_York',
      duration: 900,
      retain: 2_592_000,
      overlap: 'skip',
    });
    expect(stderr).toContain('No daemon is running to start its captures');
    const { stdout: captures } = await run(['list', '--name', 'open *', '--json']);
    expect(JSON.parse(captures)).toMatchObject([
      { name: expect.stringMatching(/^open \d{4}-\d\d-\d\d 09:00$/), status: 'SCHEDULED' },
    ]);
  });

  it('that is not there may be one of a name that is near', async () => {
    await run([...'schedule create nightly --env shop --duration 30m --cron'.split(' '), '@daily']);
    for (const [typed, meant] of [
      ['nightlyy', 'nightly'],
      ['shop/nigthly', 'shop/nightly'],
    ] as const) {
      const { status, stderr } = await run(['schedule', 'get', typed]);
      expect([status, stderr]).toEqual([
        3,
        `captures: Schedule not found\n  Did you mean ${meant}? To see those of your environments: captures schedule list\n`,
      ]);
    }
    await run(['schedule', 'delete', 'nightly', '--yes']);
  });

  it.each([
    [['schedule', 'create', 'x', '--env', 'shop', '--duration', '15m'], 'A schedule needs --cron'],
    [
      ['schedule', 'create', 'x', '--env', 'shop', '--cron', '@daily'],
      'A schedule needs --duration',
    ],
    [
      ['schedule', 'create', 'x', '--env', 'shop', '--cron', '99 * * * *', '--duration', '15m'],
      'The cron expression "99 * * * *" cannot be read',
    ],
    [['schedule', 'edit', 'x'], 'Nothing to change'],
    [['schedule'], 'schedule needs a command'],
    [['prune'], '--older-than is missing'],
    [['prune', '--older-than', '0'], 'The age has to be longer than nothing'],
  ])('%j exits 2 and says what is wrong', async (argv, message) => {
    const { status, stdout, stderr } = await run(argv);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('list, get, edit, pause and resume show the schedule', async () => {
    const name = await makeSchedule();
    const listed = await run(['schedule', 'list', '-o', 'name']);
    expect(listed.stdout.split('\n')).toContain(`shop/${name}`);
    const edited = await run([
      'schedule',
      'edit',
      name,
      '--count',
      '9',
      '--cron',
      '@daily',
      '--json',
    ]);
    expect(JSON.parse(edited.stdout)).toMatchObject({ name, count: 9, cron: '@daily' });
    const endless = await run(['schedule', 'edit', name, '--count', 'none', '--json']);
    expect(JSON.parse(endless.stdout)).toMatchObject({ count: null });
    const paused = await run(['schedule', 'pause', name, '--reason', 'freeze', '--json']);
    expect(JSON.parse(paused.stdout)).toMatchObject({ state: 'paused', next: null });
    const again = await run(['schedule', 'pause', name]);
    expect([again.status, again.stderr]).toEqual([6, expect.stringContaining('already paused')]);
    await run(['schedule', 'resume', name]);
    const got = await run(['schedule', 'get', name, '--json']);
    expect(JSON.parse(got.stdout)).toMatchObject({ state: 'active' });
  });

  it('get shows the next start on the clocks of its zone, and which they are', async () => {
    const name = await makeSchedule();
    const { stdout } = await run(['schedule', 'get', name], {
      tty: 120,
      env: { NO_COLOR: '1' },
    });
    expect(stdout).toMatch(/next +\S+ 09:00 -0[45]:00 America\/New_York \(in /i);
  });

  it('is told to be at least a minute long, without ways to record that it does not have', async () => {
    const edited = await run(['schedule', 'edit', await makeSchedule(), '--duration', '30s']);
    expect(edited.status).toBe(2);
    expect(edited.stderr).toContain('Duration must be at least 60 seconds');
    expect(edited.stderr).not.toContain('captures create');
  });

  it('next shows instants with the offset of their zone', async () => {
    const name = await makeSchedule();
    const { stdout } = await run(['schedule', 'next', name, '-n', '3', '--json']);
    const instants = JSON.parse(stdout) as { at: string; local: string; timezone: string }[];
    expect(instants).toHaveLength(3);
    for (const { at, local, timezone } of instants) {
      expect(local).toMatch(/ 09:00 -0[45]:00$/);
      expect(new Date(local.replace(' ', 'T').replace(' ', ':00')).toISOString()).toBe(at);
      expect(timezone).toBe('America/New_York');
    }
  });

  it('delete asks for the name, and leaves the captures that started', async () => {
    const name = await makeSchedule();
    const refused = await run(['schedule', 'delete', name]);
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('--yes')]);
    const declined = await run(['schedule', 'delete', name], {
      tty: 80,
      answers: [{ to: "schedule's name", answer: 'no' }],
    });
    expect(declined.status).toBe(7);
    const deleted = await run(['schedule', 'delete', name], {
      tty: 80,
      answers: [{ to: "schedule's name", answer: name }],
    });
    expect(deleted.status).toBe(0);
    expect((await run(['schedule', 'get', name])).status).toBe(3);
  });
});

describe('log', () => {
  it('shows who did what to a capture and why, the newest first', async () => {
    await run(['create', 'logged', '--env', 'shop']);
    await run(['stop', 'logged', '--reason', 'too much load']);
    const { stdout } = await run(['log', 'logged', '--json']);
    expect(JSON.parse(stdout)).toMatchObject([
      { action: 'capture.stop', user: 'ada', reason: 'too much load', from: { host: 'test-host' } },
      { action: 'capture.create', user: 'ada' },
    ]);
    const table = await run(['log', 'logged', '--no-color'], { stdoutTty: 120 });
    expect(table.stdout).toContain('too much load');
    for (const line of table.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });

  it('knows a deleted capture by its id, and no other', async () => {
    const created = await run(['create', 'gone', '--env', 'shop', '--json']);
    const { id } = JSON.parse(created.stdout) as { id: number };
    await run(['delete', 'gone', '--yes', '--reason', 'a mistake']);
    const { stdout } = await run(['log', String(id), '--json']);
    expect(JSON.parse(stdout)).toMatchObject([
      { action: 'capture.delete', reason: 'a mistake' },
      { action: 'capture.create' },
    ]);
    expect((await run(['log', '999999'])).status).toBe(3);
    expect((await run(['log', 'gone'])).status).toBe(3);
  });
});

describe('prune', () => {
  it('shows what it would delete, asks, deletes, and says how much', async () => {
    const start = new Date(clock.now() - 40 * 86_400_000).toISOString();
    await run(['create', 'ancient', '--env', 'shop', '--start', start, '--duration', '60']);
    const dry = await run(['prune', '--older-than', '30d', '--dry-run', '-o', 'name']);
    expect(dry.stdout).toBe('shop/ancient\n');
    expect(dry.stderr).toContain('1 capture (0 B on disk) would be deleted');
    expect((await run(['prune', '--older-than', '30d'])).status).toBe(2);
    const declined = await run(['prune', '--older-than', '30d'], {
      tty: 80,
      answers: [{ to: 'Delete 1 capture', answer: false }],
    });
    expect([declined.status, declined.stderr]).toEqual([
      7,
      expect.stringContaining('shop/ancient'),
    ]);
    const pruned = await run(['prune', '--older-than', '30d', '--yes', '--json']);
    expect(JSON.parse(pruned.stdout)).toMatchObject([{ name: 'ancient' }]);
    expect((await run(['get', 'ancient'])).status).toBe(3);
    const nothing = await run(['prune', '--older-than', '30d', '--yes', '--json']);
    expect(nothing).toMatchObject({ status: 0, stdout: '[]\n' });
  });
});

describe('watching', () => {
  async function watch(argv: readonly string[], options: CliOptions = {}) {
    const signals = new SignalDesk();
    let sleeps = 0;
    const counting: Clock = {
      now: () => clock.now(),
      sleep: (ms, signal) => {
        sleeps += 1;
        return clock.sleep(ms, signal);
      },
    };
    const watching = run(argv, { signals, clock: counting, ...options });
    await waitUntil(() => sleeps > 0);
    let ends = 0;
    const isDone = (): boolean => ends > 0;
    void watching.finally(() => (ends += 1));
    // A second of its clock at a time, each once it has looked; a list is watched until Ctrl-C.
    for (let second = 0; second < 70 && !isDone(); second++) {
      const before = sleeps;
      await clock.advance(1_000);
      await waitUntil(() => isDone() || sleeps > before);
    }
    signals.deliver('SIGINT');
    return watching;
  }

  it('get --watch says every ten seconds how it goes, and ends with the capture', async () => {
    await run(['create', 'watched', '--env', 'shop', '--duration', '60']);
    const { status, stdout } = await watch(['get', 'watched', '--watch']);
    expect(status).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThanOrEqual(6);
    expect(lines.length).toBeLessThanOrEqual(9);
    for (const line of lines) expect(line).toMatch(/^\d{4}-.*Z shop\/watched: (RUNNING|DONE) /);
    expect(lines.at(-1)).toMatch(/DONE 1m$/);
  });

  it('get --watch --json is NDJSON, the last line the end', async () => {
    await run(['create', 'watched-json', '--env', 'shop', '--duration', '60']);
    const { stdout } = await watch(['get', 'watched-json', '--watch', '--json']);
    const objects = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { status: string; live: { elapsed: number } });
    expect(objects.length).toBeGreaterThan(30);
    expect(objects.at(-1)).toMatchObject({
      status: 'DONE',
      live: { elapsed: 60, remaining: null },
    });
    expect(objects[0]).toMatchObject({ status: 'RUNNING' });
  });

  it('get --watch draws one line over and over on a terminal, then the capture', async () => {
    await run(['create', 'watched-tty', '--env', 'shop', '--duration', '60']);
    const { status, stdout, stderr } = await watch(['get', 'watched-tty', '--watch'], { tty: 80 });
    expect(status).toBe(0);
    const drawn = stderr.split('\r\u001b[K');
    expect(drawn.length).toBeGreaterThan(30);
    expect(drawn).toContain('RUNNING 30s of 1m (30s left)');
    expect(stderr.endsWith('\r\u001b[K')).toBe(true);
    expect(stderr).not.toContain('\n');
    expect(stdout).toContain('DONE');
  });

  it('list --watch shows each change until Ctrl-C', async () => {
    await run(['create', 'listed', '--env', 'shop', '--duration', '60']);
    const { status, stdout } = await watch(['list', '--name', 'listed', '--watch', '--json']);
    expect(status).toBe(130);
    const statuses = stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { status: string }).status);
    expect(statuses).toEqual(['RUNNING', 'DONE']);
  });

  it('list --watch draws the table anew on a terminal, within its width', async () => {
    const { status, stdout } = await watch(['list', '--watch', '--no-color'], { tty: 80 });
    expect(status).toBe(130);
    const screens = stdout.split('\u001b[H\u001b[2J').slice(1);
    expect(screens.length).toBeGreaterThan(30);
    for (const line of screens.at(-1)?.split('\n') ?? []) {
      expect(line.length).toBeLessThanOrEqual(80);
    }
  });
});

describe('the JSON fields that help promises', () => {
  it('are those of every noun of this file', async () => {
    for (const noun of [
      scheduleNoun,
      occurrenceNoun,
      auditNoun,
      activeCaptureNoun,
      nextStartNoun,
    ]) {
      expect(new Set(noun.fields).size).toBe(noun.fields.length);
    }
    await makeSchedule();
    const { stdout } = await run(['schedule', 'list', '--json']);
    const [first] = JSON.parse(stdout) as Record<string, unknown>[];
    expect(Object.keys(first ?? {})).toEqual(scheduleNoun.fields);
  });
});
