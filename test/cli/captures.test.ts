import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../src/store/sqlite-store.ts';
import {
  CTRL_C,
  initialisedHome,
  runCaptures,
  type CliOptions,
  type CliResult,
} from '../support/cli.ts';
import { ManualClock } from '../support/manual-clock.ts';

let home: string;
beforeAll(async () => {
  home = await initialisedHome();
  await run(['env', 'create', 'shop']);
});

function run(argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return runCaptures(argv, { home, ...options });
}

const NO_DAEMON = /^warning: No daemon is running to start it: .*\n/;

async function json(argv: readonly string[], options: CliOptions = {}): Promise<unknown> {
  const { status, stdout, stderr } = await run([...argv, '--json'], options);
  expect([status, stderr.replace(NO_DAEMON, '')]).toEqual([0, '']);
  return JSON.parse(stdout);
}

async function failure(argv: readonly string[], options: CliOptions = {}): Promise<unknown> {
  const { status, stdout, stderr } = await run([...argv, '--json'], options);
  expect(stdout).toBe('');
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  return { status, ...(JSON.parse(stderr) as object) };
}

let names = 0;
/** A new capture of the environment `shop`. */
async function created(...options: string[]): Promise<{ id: number; name: string }> {
  names += 1;
  return (await json(['create', `capture ${names}`, '--env', 'shop', ...options])) as {
    id: number;
    name: string;
  };
}

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe('create', () => {
  it('is RUNNING at once on a metrics-only environment', async () => {
    const capture = await json(['create', 'first', '--env', 'shop']);
    expect(capture).toEqual({
      id: expect.any(Number) as number,
      name: 'first',
      start: expect.stringMatching(ISO) as string,
      scheduledStart: null,
      scheduledEnd: null,
      end: null,
      status: 'RUNNING',
      envId: 1,
      type: 'CAPTURE',
      reason: null,
      environment: 'shop',
      owner: 'ada',
      duration: null,
      createdAt: expect.stringMatching(ISO) as string,
      options: null,
      trouble: null,
      replayed: null,
      workload: null,
    });
    expect(Object.keys(capture as object).slice(0, 10)).toEqual(
      'id name start scheduledStart scheduledEnd end status envId type reason'.split(' '),
    );
  });

  it('schedules, echoes how the time was understood, and asks for a daemon', async () => {
    const clock = new ManualClock(Date.parse('2026-11-21T23:30:00Z'));
    const own = await ownHome(clock);
    const argv = [
      'create',
      'nightly',
      '--env',
      'e',
      '--at',
      'tomorrow 02:00',
      '--duration',
      '1h30m',
    ];
    const result = await runCaptures([...argv, '--timezone', 'Europe/Berlin', '-o', 'csv'], {
      home: own,
      clock,
    });
    expect(result.status).toBe(0);
    expect(result.stderr).toBe(
      'scheduled start: 2026-11-23 02:00:00 +01:00 (Europe/Berlin), in 1d 1h\n' +
        'warning: No daemon is running to start it: at that time one must run. Keep one running with: captures daemon\n',
    );
    expect(result.stdout.split('\r\n')[1]).toBe(
      '1,nightly,,2026-11-23T01:00:00.000Z,2026-11-23T02:30:00.000Z,,SCHEDULED,1,CAPTURE,,e,ada,5400,2026-11-21T23:30:00.000Z,,,,,,,,',
    );
  });

  it.each([
    [['--status', 'SCHEDULED'], 400, 'Cannot schedule without a schedule start time'],
    [['--duration', '59'], 400, 'Duration must be at least 60 seconds'],
    [['--duration', '0'], 400, 'Duration must be at least 60 seconds'],
    [['--duration', '-5'], 400, 'Duration must be at least 60 seconds'],
    [['--duration', '59.9s'], 400, 'Duration must be at least 60 seconds'],
    [['--duration', '11000w'], 400, 'Duration must be at most 10 years'],
    [['--duration', 'long'], 400, 'The duration "long" cannot be read'],
    [['--at', '2020-01-01T00:00:00Z'], 400, 'The scheduled start is in the past'],
    [['--at', 'now'], 400, 'The scheduled start is in the past'],
    [['--scheduled-start', '2026-13-01'], 400, '"2026-13-01" is not a date: there is no month 13'],
    [['--start', '+1h'], 400, 'The start of a capture cannot be in the future'],
    [['--status', 'RUNNING'], 400, '--status cannot be "RUNNING"'],
    [
      ['--start', 'now', '--at', '+1h'],
      400,
      'A capture with a scheduled start has not started: its status is SCHEDULED',
    ],
    [['--timezone', 'Mars/Olympus', '--at', '+1h'], 400, 'There is no time zone "Mars/Olympus"'],
    [['unquoted', 'name'], 400, 'There is more than one name: refused, unquoted, name'],
  ])('with %j is refused', async (options, code, message) => {
    expect(await failure(['create', 'refused', ...options, '--env', 'shop'])).toMatchObject({
      status: 2,
      code,
      message,
    });
    expect(await failure(['get', 'refused'])).toMatchObject({ code: 404 });
  });

  it('in an environment that does not exist is not found', async () => {
    expect(await failure(['create', 'a', '--env', 'nope'])).toEqual({
      status: 3,
      code: 404,
      message: 'Environment does not exist',
      hint: 'To see yours: captures env list',
    });
    expect(await failure(['create', 'a', '--env', 'shpo'])).toMatchObject({
      message: 'Environment does not exist',
      hint: 'Did you mean shop? To see yours: captures env list',
    });
  });

  it('refuses a name that is taken, ignoring case', async () => {
    const { name } = await created();
    expect(await failure(['create', name.toUpperCase(), '--env', 'shop'])).toEqual({
      status: 2,
      code: 400,
      message: 'Capture with the same name already exists in this environment',
      hint: `Choose another name. To see that one: captures get 'shop/${name.toUpperCase()}'`,
    });
  });

  it('registers a window that has passed', async () => {
    const capture = await json([
      ...[
        'create',
        'past',
        '--env',
        'shop',
        '--start',
        '2018-05-19T22:06:53Z',
        '--duration',
        '826',
      ],
    ]);
    expect(capture).toMatchObject({
      status: 'DONE',
      start: '2018-05-19T22:06:53.000Z',
      end: '2018-05-19T22:20:39.000Z',
      scheduledEnd: '2018-05-19T22:20:39.000Z',
      duration: 826,
      reason: null,
    });
  });

  it('asks for name and environment on a terminal, and elsewhere says how to give them', async () => {
    const own = await initialisedHome();
    for (const name of ['shop', 'other']) await runCaptures(['env', 'create', name], { home: own });
    const asked = await runCaptures(['create', '-o', 'name'], {
      home: own,
      tty: 80,
      answers: [
        { to: 'Name of the capture', answer: 'asked for' },
        { to: 'Which environment', answer: 'shop' },
      ],
    });
    expect(asked).toEqual({ status: 0, stdout: 'shop/asked for\n', stderr: '' });
    expect(await failure(['create', '--env', 'shop'])).toMatchObject({
      status: 2,
      message: 'The capture has no name',
    });
  });

  it('takes the only environment there is, says so, and names them where there are several', async () => {
    const own = await initialisedHome();
    await runCaptures(['env', 'create', 'a shop'], { home: own });
    expect(await runCaptures(['create', 'one', '-o', 'name'], { home: own })).toEqual({
      status: 0,
      stdout: 'a shop/one\n',
      stderr: 'Environment: a shop, the only one you have\n',
    });
    await runCaptures(['env', 'create', 'b'], { home: own });
    expect(await runCaptures(['create', 'two'], { home: own })).toEqual({
      status: 2,
      stdout: '',
      stderr:
        "captures: There is no environment to capture: --env is missing\n  Say which: --env 'a shop', --env b\n",
    });
  });

  it('names each capture that cannot be deleted, and deletes none', async () => {
    const own = await ownHome();
    await runCaptures(['create', 'one', '--env', 'e'], { home: own });
    const argv = ['delete', 'one', 'no pe', 'nix', '--yes'];
    expect(await runCaptures(argv, { home: own })).toEqual({
      status: 3,
      stdout: '',
      stderr:
        "captures: Capture not found\n  'no pe': Capture not found. To see those of your environments: captures list\n  nix: Capture not found. To see those of your environments: captures list\n  Nothing was deleted.\n",
    });
    expect((await runCaptures(['list', '-o', 'name'], { home: own })).stdout).toBe('e/one\n');
  });

  it('with --wait follows the capture to its end', async () => {
    const clock = new ManualClock();
    const own = await ownHome(clock);
    const waiting = runCaptures(
      ['create', 'w', '--env', 'e', '--duration', '60', '--wait', '--json'],
      {
        home: own,
        clock,
      },
    );
    const { status, stdout } = await passTime(clock, waiting);
    expect(status).toBe(0);
    // NDJSON: how it goes, and at last how it ended.
    expect(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
      status: 'DONE',
      reason: 'reached its scheduled end',
      duration: 60,
    });
  });

  it('records for as long as a command runs, and exits with its status', async () => {
    const ran: string[][] = [];
    const result = await run(
      ['create', 'cmd', '--env', 'shop', '--', 'npm', 'test', '--json', '-o'],
      {
        runCommand: (command, args) => {
          ran.push([command, ...args]);
          return Promise.resolve({ status: 7 });
        },
      },
    );
    expect(ran).toEqual([['npm', 'test', '--json', '-o']]);
    expect([result.status, result.stdout]).toEqual([7, '']);
    expect(result.stderr).toMatch(/^Recorded no statements in \d+m?s: captures get \S+\/cmd\n$/);
    expect(await json(['get', 'cmd'])).toMatchObject({ status: 'DONE' });
  });

  it.each([
    ['missing', 127, 'was not found'],
    ['forbidden', 126, 'may not be run'],
  ] as const)('does nothing when the command is %s, and exits %i', async (fault, status, why) => {
    const result = await run(['create', 'never', '--env', 'shop', '--', './tests'], {
      commandFault: () => Promise.resolve(fault),
    });
    expect(result).toEqual({
      status,
      stdout: '',
      stderr: `warning: The command ./tests ${why}; nothing was recorded.\n`,
    });
    expect((await run(['get', 'never'])).status).toBe(3);
  });

  it('stops the capture when the command cannot be started, and exits 127', async () => {
    const result = await run(['create', 'gone', '--env', 'shop', '--', 'no-such-command'], {
      runCommand: () => Promise.reject(Object.assign(new Error('spawn'), { code: 'ENOENT' })),
    });
    expect(result).toEqual({
      status: 127,
      stdout: '',
      stderr: 'warning: The command no-such-command was not found; the capture is stopped.\n',
    });
    expect(await json(['get', 'gone'])).toMatchObject({ status: 'DONE' });
  });

  it.each([
    [['--'], 'There is no command after --'],
    [['--at', '+1h', '--', 'true'], 'A command is recorded from now until it ends'],
    [['--wait', '--no-wait'], '--wait and --no-wait contradict one another'],
    [['--no-wait', '--', 'true'], 'A command is recorded from now until it ends'],
  ])('with %j is refused', async (options, message) => {
    const refused = await run(['create', 'cmd2', '--env', 'shop', '--json', ...options]);
    expect([refused.status, refused.stdout]).toEqual([2, '']);
    expect(JSON.parse(refused.stderr)).toMatchObject({ code: 400, message });
  });
});

describe('get', () => {
  it('finds by id, name and environment/name', async () => {
    const { id, name } = await created();
    const byId = await json(['get', String(id)]);
    expect(await json(['get', name])).toEqual(byId);
    expect(await json(['get', `SHOP/${name}`])).toEqual(byId);
    expect(await json(['get', `1/${name}`])).toEqual(byId);
  });

  it('lists the candidates of an ambiguous name', async () => {
    await run(['env', 'create', 'second']);
    await run(['create', 'same', '--env', 'shop']);
    await run(['create', 'same', '--env', 'second']);
    const refused = await run(['get', 'same']);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toMatch(
      /^captures: There is more than one capture named "same"\n {2}Say which: shop\/same \(id \d+\), second\/same \(id \d+\)\n$/,
    );
  });

  it.each(['nope', '999999', 'nope/nope', '', '\u202e'])('"%s" is not found', async (ref) => {
    expect(await failure(['get', ref])).toEqual({
      status: 3,
      code: 404,
      message: 'Capture not found',
      hint: 'To see those of your environments: captures list',
    });
  });

  it('shows a hostile reference escaped', async () => {
    const refused = await run(['create', 'x', '--env', 'shop', '--status', 'a\u001b[2J\nb']);
    expect(refused.stderr).toBe(
      'captures: --status cannot be "a\\x1b[2J\\nb"\n  Choose from: SCHEDULED, STARTED, STARTING\n',
    );
  });
});

describe('list', () => {
  it('shows the newest 30, says when there is more, and all with --all', async () => {
    const own = await ownHome();
    const store = openStore(own);
    store.transaction(() => {
      for (let i = 1; i <= 35; i += 1) insertDone(store, `c${i}`);
    });
    store.close();
    const first = await runCaptures(['list'], { home: own });
    expect(first.stdout.split('\n')).toHaveLength(32);
    expect(first.stdout.split('\n')[1]).toMatch(/^35\tc35\t/);
    expect(first.stderr).toBe('These are the newest 30; for more: --limit N or --all\n');
    expect((await runCaptures(['list', '-q'], { home: own })).stderr).toBe('');
    const some = await runCaptures(['list', '--limit', '2', '-o', 'name'], { home: own });
    expect(some.stdout).toBe('e/c35\ne/c34\n');
    const all = await runCaptures(['list', '--all', '--json'], { home: own });
    expect([(JSON.parse(all.stdout) as unknown[]).length, all.stderr]).toEqual([35, '']);
  });

  it('is [] as JSON when there is nothing, and a sentence on a terminal', async () => {
    const own = await ownHome();
    expect((await runCaptures(['list', '--json'], { home: own })).stdout).toBe('[]\n');
    expect((await runCaptures(['list'], { home: own, tty: 80 })).stdout).toBe('No captures.\n');
    const tsv = await runCaptures(['list', '--fields', 'id,name'], { home: own });
    expect(tsv.stdout).toBe('id\tname\n');
  });

  it('filters by environment and status', async () => {
    const { id } = await created('--at', '+1h');
    const scheduled = (await json(['list', '--env', 'shop', '--status', 'scheduled,FAILED'])) as {
      id: number;
    }[];
    expect(scheduled.map((capture) => capture.id)).toEqual([id]);
    expect(await failure(['list', '--env', 'nope'])).toMatchObject({
      status: 3,
      message: 'Environment does not exist',
    });
    expect(await failure(['list', '--status', 'RUNING'])).toMatchObject({ status: 2 });
    for (const limit of ['0', '-1', '1.5', 'x', '']) {
      expect(await failure(['list', '--limit', limit])).toMatchObject({ status: 2 });
    }
  });
});

describe('stop', () => {
  it('ends a RUNNING capture, once', async () => {
    const { name } = await created();
    expect(await json(['stop', name])).toMatchObject({
      status: 'DONE',
      end: expect.stringMatching(ISO) as string,
      reason: null,
    });
    expect(await failure(['stop', name])).toEqual({
      status: 6,
      code: 409,
      message: 'This capture has already been stopped',
    });
  });

  it('of a SCHEDULED capture says how to cancel it', async () => {
    const { name } = await created('--at', '+1h');
    expect(await failure(['stop', name])).toEqual({
      status: 6,
      code: 409,
      message: 'Cannot stop a capture until it has started completely. Try again soon.',
      hint: `To cancel a scheduled capture: captures delete '${name}'; to move its start: captures edit '${name}' --at WHEN`,
    });
  });

  it('of a capture that is not there is not found', async () => {
    expect(await failure(['stop', 'nope'])).toMatchObject({
      status: 3,
      message: 'Capture not found',
    });
  });

  it('loses against the scheduled end without an error of its own', async () => {
    const clock = new ManualClock();
    const own = await ownHome(clock);
    await runCaptures(['create', 'short', '--env', 'e', '--duration', '60'], { home: own, clock });
    await clock.advance(61_000);
    const late = await runCaptures(['stop', 'short', '--json'], { home: own, clock });
    expect([late.status, JSON.parse(late.stderr)]).toEqual([
      6,
      { code: 409, message: 'This capture has already been stopped' },
    ]);
  });
});

describe('edit', () => {
  it('renames at any time, and moves what may be moved', async () => {
    const { id, name } = await created('--at', '+1h', '--duration', '60');
    expect(await json(['edit', name, '--name', `${name} b`])).toMatchObject({
      id,
      name: `${name} b`,
    });
    const moved = await json([
      'edit',
      String(id),
      '--at',
      '2099-01-01T00:00:00Z',
      '--duration',
      '1d',
    ]);
    expect(moved).toMatchObject({
      scheduledStart: '2099-01-01T00:00:00.000Z',
      scheduledEnd: '2099-01-02T00:00:00.000Z',
      duration: 86_400,
    });
  });

  it.each([
    [[], 'Nothing to change'],
    [['--duration', '5'], 'Duration must be at least 60 seconds'],
    [['--name', ''], 'The capture name is empty'],
    [['--at', '+1h'], 'The start of a capture that is RUNNING cannot be moved'],
  ])('with %j is refused', async (options, message) => {
    const { name } = await created();
    expect(await failure(['edit', name, ...options])).toMatchObject({
      status: 2,
      code: 400,
      message,
    });
  });

  it('refuses the name of another capture', async () => {
    const [one, other] = [await created(), await created()];
    expect(await failure(['edit', one.name, '--name', other.name])).toMatchObject({
      status: 2,
      message: 'Capture with the same name already exists in this environment',
    });
  });
});

describe('delete', () => {
  it('asks for the name on a terminal, and deletes nothing when it is not it', async () => {
    const { name } = await created();
    const declined = await run(['delete', name], {
      tty: 80,
      answers: [{ to: "Type the capture's name", answer: 'another' }],
    });
    expect([declined.status, declined.stdout]).toEqual([7, '']);
    expect(declined.stderr).toContain(`shop/${name} (id`);
    expect(declined.stderr).toContain('captures: The name does not match; nothing deleted\n');
    const stopped = await run(['delete', name], {
      tty: 80,
      answers: [{ to: 'Type', answer: CTRL_C }],
    });
    expect(stopped.status).toBe(130);
    expect((await run(['get', name])).status).toBe(0);
    const deleted = await run(['delete', name], {
      tty: 80,
      answers: [{ to: 'Type', answer: name }],
    });
    expect([deleted.status, deleted.stdout]).toEqual([0, '']);
    expect(deleted.stderr).toContain(`Deleted shop/${name}.\n`);
    expect((await run(['get', name])).status).toBe(3);
  });

  it('fails at once without a terminal and without --yes', async () => {
    const { name } = await created();
    expect(await failure(['delete', name])).toEqual({
      status: 2,
      code: 400,
      message: 'Deleting needs confirmation, and there is no terminal to confirm on',
      hint: 'To delete without confirmation add --yes.',
    });
    expect((await run(['get', name])).status).toBe(0);
  });

  it('takes several, all or none', async () => {
    const [one, other] = [await created(), await created('--at', '+1h')];
    expect(await failure(['delete', one.name, 'nope', '--yes'])).toMatchObject({
      status: 3,
      message: 'Capture not found',
    });
    expect((await run(['get', one.name])).status).toBe(0);
    const deleted = await json(['delete', one.name, other.name, String(one.id), '--yes']);
    expect((deleted as { id: number }[]).map(({ id }) => id)).toEqual([one.id, other.id]);
  });
});

describe('delete of several', () => {
  it('shows all of them, asks once, and deletes nothing unless it is meant', async () => {
    const [one, other] = [await created(), await created()];
    for (const [answer, status] of [
      [one.name, 7],
      [CTRL_C, 130],
      ['delete 2 captures', 0],
    ] as const) {
      const result = await run(['delete', one.name, other.name], {
        tty: 80,
        answers: [{ to: 'Type "delete 2 captures"', answer }],
      });
      expect(result.status).toBe(status);
      for (const { name } of [one, other]) expect(result.stderr).toContain(`shop/${name} (id `);
      expect((await run(['get', one.name])).status).toBe(status === 0 ? 3 : 0);
    }
  });

  it('goes on after a failure, says what failed, and exits with the first one', async () => {
    const own = await ownHome();
    const store = openStore(own);
    insertDone(store, 'stuck', true);
    insertDone(store, 'free');
    store.close();
    // No folder to take a workload's folder out of.
    writeFileSync(join(own, 'captures'), '');
    const argv = ['delete', 'stuck', 'free', '--yes'];
    const failed = await runCaptures([...argv, '--json'], { home: own });
    expect([failed.status, failed.stdout]).toEqual([10, '']);
    expect(JSON.parse(failed.stderr)).toMatchObject({
      code: 503,
      message: '1 of 2 captures could not be deleted',
      hint: expect.stringMatching(/^e\/stuck: .*\nDeleted: e\/free$/),
    });
    expect((await runCaptures(['get', 'free'], { home: own })).status).toBe(3);
  });
});

describe('workload', () => {
  it('of a capture that records no statements is not found', async () => {
    const { name } = await created();
    const { status, stderr } = await run(['workload', name]);
    expect(status).toBe(3);
    expect(stderr).toContain(`The capture "${name}" has no workload`);
    expect(await failure(['workload', name, '--format', 'xml'])).toMatchObject({ status: 2 });
  });
});

/** A store of its own with the environment `e`; with a clock, everything happens in its time. */
async function ownHome(clock?: ManualClock): Promise<string> {
  const own = await initialisedHome();
  if (clock !== undefined) {
    // The session was opened by the real clock: renew it by this one.
    await runCaptures(['login', 'ada', '--password-stdin'], {
      home: own,
      clock,
      stdin: 'correct horse battery',
    });
  }
  const made = await runCaptures(['env', 'create', 'e'], {
    home: own,
    ...(clock === undefined ? {} : { clock }),
  });
  expect(made.status).toBe(0);
  return own;
}

/** Lets time pass until the run is over. */
async function passTime<T>(clock: ManualClock, waiting: Promise<T>): Promise<T> {
  const over = new AbortController();
  const ended = waiting.finally(() => over.abort());
  for (let second = 0; second < 200 && !over.signal.aborted; second += 1) {
    await clock.advance(1_000);
  }
  if (!over.signal.aborted) throw new Error('The run did not end within 200 s of its clock');
  return ended;
}

function insertDone(
  store: ReturnType<typeof openStore>,
  name: string,
  recordsStatements = false,
): void {
  store.captures.insert(
    {
      name,
      environmentId: 1,
      ownerId: 1,
      status: 'DONE',
      start: 1_000,
      scheduledStart: null,
      scheduledEnd: null,
      end: 2_000,
      duration: null,
      reason: null,
      recordsStatements,
    },
    1_000,
  );
}
