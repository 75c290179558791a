import { beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import type { ServerInspection } from '../../src/core/environments/server-inspection.ts';
import type { ServerSession } from '../../src/core/warm-ups/source-sessions.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import { initialisedHome, runCaptures, type CliOptions, type CliResult } from '../support/cli.ts';
import { addUser } from '../support/users.ts';
import { FakeSource, inspectionOf } from '../support/server-inspection.ts';

let home: string;
beforeAll(async () => {
  home = await initialisedHome();
  await runCaptures(['env', 'create', 'shop', '--url', 'mysql://r@h'], { home });
  await runCaptures(['env', 'create', 'numbers'], { home });
});

interface Changes extends Partial<Omit<ServerInspection, 'values'>> {
  readonly values?: Partial<ServerInspection['values']>;
}

function run(argv: readonly string[], changes: Changes = {}, more: CliOptions = {}) {
  const { values, ...rest } = changes;
  const usual = inspectionOf(rest);
  const inspection = { ...usual, values: { ...usual.values, ...values } };
  return runCaptures(argv, {
    home,
    serverLogs: new FakeSource(inspection),
    startDaemon: () => Promise.resolve({ pid: 7, logFile: '/dev/null' }),
    ...more,
  });
}

const warmUp = (more: readonly string[], changes: Changes = {}, options: CliOptions = {}) =>
  run(['env', 'warm-up', 'shop', '--no-wait', ...more], changes, options);

const sessions = (user: string, ...ids: number[]): ServerSession[] =>
  ids.map((id) => ({ id, user, host: 'web1', seconds: 5, isIdle: true }));

/** What the store has of warm-ups, and forgets. */
function takeWarmUps(): readonly { state: string; until: number; begin: number }[] {
  const store = openStore(home);
  const all = store.warmUps.listOf(1).filter(({ state }) => state !== 'over');
  for (const { id } of all) store.warmUps.update(id, { state: 'over', outcome: 'taken' });
  store.close();
  return all;
}

/** The status, and what went wrong, or was said first. */
function sentence({ status, stderr }: CliResult): [number, string] {
  const lines = stderr.split('\n');
  return [status, lines.find((line) => line.startsWith('captures: ')) ?? lines[0] ?? ''];
}

const unwrapped = (text: string): string => text.replace(/\s+/g, ' ');

describe('captures env warm-up', () => {
  it('asks the daemon for one, starting it, and says what goes into the slow log', async () => {
    const { status, stderr } = await warmUp(['--for', '1h']);
    expect([status, stderr]).toEqual([
      0,
      'While it lasts, statements that take longer than 10 s go to the file db1-slow.log.\nno daemon was running: started one in the background (pid 7, log /dev/null)\n',
    ]);
    const [asked, ...more] = takeWarmUps();
    expect(more).toEqual([]);
    expect(asked).toMatchObject({ state: 'waiting' });
    expect((asked?.until ?? 0) - (asked?.begin ?? 0)).toBe(3_600_000);
  });

  it.each<[string, Changes, string]>([
    [
      'MySQL',
      {
        server: { ...inspectionOf().server, flavor: 'mysql', version: '9.7.4' },
        values: { logged: 'always' },
      },
      'MySQL 9.7.4 logs the values of every prepared statement: no warm-up is needed.',
    ],
    [
      'a slow log that is on',
      {
        settings: { ...inspectionOf().settings, slowLog: true },
        values: { coveredBy: 'slow_log' },
      },
      'Its slow log is already on and covers the sessions since then: nothing changes.',
    ],
    [
      'a general log that is on',
      {
        settings: { ...inspectionOf().settings, generalLog: true },
        values: { coveredBy: 'general_log' },
      },
      'Its general log is already on and covers every session: nothing changes.',
    ],
  ])('changes nothing for %s, and says so', async (_what, changes, said) => {
    expect(sentence(await warmUp(['--for', '1h'], changes))).toEqual([0, said]);
    expect(takeWarmUps()).toEqual([]);
  });

  it.each<[string, readonly string[], Changes, number, RegExp]>([
    ['an RDS instance', ['--for', '1h'], { logSwitch: 'owner' }, 9, /only in its parameter group/],
    ['too short a time', ['--for', '5'], {}, 2, /from 60 seconds to 30 days/],
    ['too long a time', ['--for', '31d'], {}, 2, /from 60 seconds to 30 days/],
    ['what is no time', ['--for', 'abc'], {}, 2, /cannot be read/],
    ['both at once', ['--for', '1h', '--stop'], {}, 2, /contradict/],
    [
      'a slow log that would get everything, without somebody to ask',
      ['--for', '1h'],
      { values: { slowLog: { ...inspectionOf().values.slowLog, longerThan: 0 } } },
      2,
      /more than slow statements/,
    ],
    [
      'a missing privilege',
      ['--for', '1h'],
      {
        privileges: [
          {
            privilege: 'SUPER',
            purpose: 'x',
            state: 'missing',
            grant: 'GRANT SUPER',
            required: true,
          },
        ],
      },
      9,
      /lacks privileges/,
    ],
  ])('refuses %s, and asks for nothing', async (_what, argv, changes, status, said) => {
    const result = await warmUp(argv, changes);
    expect([result.status, result.stdout]).toEqual([status, '']);
    expect(result.stderr).toMatch(said);
    expect(takeWarmUps()).toEqual([]);
  });

  it('refuses an environment without a server, and one that is not there', async () => {
    const numbers = await run(['env', 'warm-up', 'numbers', '--for', '1h']);
    expect(sentence(numbers)).toEqual([
      2,
      'captures: The environment "numbers" has no server to warm up: it is metrics-only',
    ]);
    const stranger = addUser(home, 'stranger');
    const hidden = await warmUp(['--for', '1h'], {}, { env: stranger });
    expect(sentence(hidden)).toEqual([3, 'captures: Environment does not exist']);
  });

  it('says how many of the sessions are covered, by the warm-ups of this life of the server', async () => {
    const store = openStore(home);
    const { id } = store.warmUps.insert({
      environmentId: 1,
      captureId: null,
      askedBy: 'ada',
      begin: 1_000,
      until: 2_000,
    });
    const { serverStart } = inspectionOf().values;
    store.warmUps.update(id, {
      state: 'over',
      serverStart,
      covered: [{ after: 10, upTo: 20, isOpen: false }],
    });
    store.close();
    const there = [...sessions('app', 9, 10, 11, 20, 21), ...sessions('batch', 15)];
    const look = async (values: Changes['values']): Promise<unknown> => {
      const { stdout } = await warmUp(['--json'], { values: { sessions: there, ...values } });
      const { covered, users } = JSON.parse(stdout) as Record<string, unknown>;
      return { covered, users };
    };
    expect(await look({})).toEqual({
      covered: 3,
      users: [
        { user: 'app', sessions: 5, covered: 2 },
        { user: 'batch', sessions: 1, covered: 1 },
      ],
    });
    // Another start of the server numbers its sessions anew.
    expect(await look({ serverStart: serverStart + 60 })).toMatchObject({ covered: 0 });
    expect(await look({ coveredBy: 'slow_log', sinceStart: true })).toMatchObject({ covered: 6 });
    expect(await look({ coveredBy: 'slow_log', sinceStart: false })).toMatchObject({ covered: 3 });
    expect(await look({ logged: 'always' })).toMatchObject({ covered: 6 });
  });

  it('ends what was asked for, and says so where there is nothing', async () => {
    await warmUp(['--for', '1h']);
    expect((await warmUp(['--stop'])).status).toBe(0);
    const [asked] = takeWarmUps();
    expect(asked?.until).toBeLessThanOrEqual(Date.now());
    expect(sentence(await warmUp(['--stop']))).toEqual([0, 'There is no warm-up of shop to end.']);
  });

  it('is ended by who asked for it, and by an admin', async () => {
    const bob = addUser(home, 'bob');
    const eve = addUser(home, 'eve');
    for (const name of ['bob', 'eve']) await run(['member', 'add', 'shop', name]);
    const as = (env: Record<string, string>, ...more: string[]): Promise<CliResult> =>
      warmUp(more, {}, { env });
    await as(bob, '--for', '1h');
    expect(sentence(await as(eve, '--stop'))).toEqual([
      5,
      'captures: Only bob, who asked for it, or an admin of its environment (ada) may end this warm-up',
    ]);
    expect((await as(bob, '--stop')).status).toBe(0);
    expect(takeWarmUps()[0]?.until).toBeLessThanOrEqual(Date.now());
    await as(bob, '--for', '1h');
    expect((await warmUp(['--stop'])).status).toBe(0);
    expect(takeWarmUps()[0]?.until).toBeLessThanOrEqual(Date.now());
  });

  it("goes on where it is a capture's, and says whose", async () => {
    await run(['create', 'early', '--env', 'shop', '--at', '+10m', '--warm-up', '1h']);
    const store = openStore(home);
    const [capture] = store.captures.listWarming(Date.now());
    const { id } = store.warmUps.insert({
      environmentId: 1,
      captureId: capture?.id ?? 0,
      askedBy: 'ada',
      begin: Date.now(),
      until: capture?.scheduledStart ?? 0,
    });
    store.close();
    const [status, said] = sentence(await warmUp(['--stop']));
    expect(status).toBe(0);
    expect(said).toMatch(
      /^The warm-up of the capture "early" \(id \d+\) continues until that capture starts or is deleted\.$/,
    );
    expect(takeWarmUps()).toHaveLength(1);
    const again = openStore(home);
    expect(again.warmUps.find(id)?.outcome).toBe('taken');
    again.close();
    await run(['delete', 'early', '--yes']);
  });

  it('warns where the server could not end it by itself', async () => {
    const { stderr } = await warmUp(['--for', '1h'], { deadManObstacle: 'no scheduler' });
    expect(stderr).toContain('If the daemon never returns, the server cannot end it by itself');
    takeWarmUps();
  });

  it('shows where one looks: captures alone, doctor, and what keeps an environment', async () => {
    await warmUp(['--for', '1h']);
    expect((await run([])).stdout).toMatch(/^shop: a warm-up is on until /m);
    const doctor = await run(['doctor', '-o', 'table']);
    expect(doctor.stdout).toContain('none is running and a warm-up waits for one');
    const store = openStore(home);
    const tap = store.taps.insert(
      {
        environmentId: 1,
        serverKey: 'k',
        nonce: 'n',
        settings: inspectionOf().settings,
      },
      Date.now(),
    );
    store.close();
    expect((await run([])).stdout).toContain(
      'A warm-up of shop is on and no daemon is running: the slow log of its server stays on.',
    );
    const refused = await run(['env', 'delete', 'shop', '--yes']);
    expect(refused.stderr).toContain('captures env warm-up shop --stop');
    const again = openStore(home);
    again.taps.delete(tap.id);
    again.close();
    takeWarmUps();
  });

  it('says what was asked for where the server cannot be asked', async () => {
    await warmUp(['--for', '1h']);
    const serverLogs = new FakeSource(inspectionOf());
    serverLogs.inspect = () => Promise.reject(new AppError('remote_failed', 'It is down'));
    const { status, stdout, stderr } = await warmUp([], {}, { serverLogs });
    expect([status, stdout]).toEqual([9, '']);
    expect(unwrapped(stderr)).toMatch(
      /^A warm-up of shop is requested until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d and is not on yet\. captures: It is down $/,
    );
    takeWarmUps();
  });

  it('is found by its last word', async () => {
    const { status, stderr } = await run(['warm-up', 'shop']);
    expect([status, stderr]).toEqual([
      2,
      "captures: Unknown command 'warm-up'\n  Did you mean captures env warm-up?\n",
    ]);
  });
});

describe('captures create --warm-up and --recycle-sessions', () => {
  it('refuse what makes no sense, and store nothing', async () => {
    const create = (...more: string[]): Promise<CliResult> =>
      run(['create', 'x', '--env', 'shop', '--no-wait', ...more]);
    expect(sentence(await create('--warm-up', '1h'))).toEqual([
      2,
      'captures: A warm-up goes before a scheduled start',
    ]);
    expect(sentence(await create('--at', '+1h', '--warm-up', '5'))).toEqual([
      2,
      'captures: A warm-up lasts from 60 seconds to 30 days',
    ]);
    expect(sentence(await create('--recycle-user', 'app'))).toEqual([
      2,
      'captures: --recycle-user says whose sessions --recycle-sessions ends',
    ]);
    expect(sentence(await create('--recycle-sessions'))).toEqual([
      2,
      'captures: --recycle-sessions ends sessions of others, and there is no terminal to confirm on',
    ]);
    const metricsOnly = await run([
      'create',
      'x',
      '--env',
      'numbers',
      '--recycle-sessions',
      '--yes',
    ]);
    expect(metricsOnly.status).toBe(2);
    const { stdout } = await run(['list', '--json']);
    expect(JSON.parse(stdout)).toEqual([]);
  });

  it('keep what was asked for with the capture, and with those of a schedule', async () => {
    const options = ['--warm-up', '30m', '--recycle-sessions', '--recycle-user', 'app*', '--yes'];
    const kept = { warmUp: 1_800, recycleUsers: ['app*'] };
    const create = await run([
      'create',
      'later',
      '--env',
      'shop',
      '--at',
      '+1h',
      '--json',
      ...options,
    ]);
    expect(JSON.parse(create.stdout)).toMatchObject({ status: 'SCHEDULED', options: kept });
    // Half a day away, whenever the test runs: its warm-up is not due yet.
    const hour = (new Date().getUTCHours() + 12) % 24;
    const cron = ['--cron', `0 ${hour} * * *`, '--duration', '30m'];
    const schedule = await run([
      'schedule',
      'create',
      'nightly',
      '--env',
      'shop',
      ...cron,
      '--json',
      ...options,
    ]);
    expect(JSON.parse(schedule.stdout)).toMatchObject({ options: kept });
    const hourly = await run(
      ['schedule', 'create', 'hourly', '--env', 'shop', '--cron', '0 * * * *'].concat([
        '--duration',
        '30m',
        '--warm-up',
        '2h',
      ]),
    );
    expect(hourly.stderr).toMatch(/^warm-up from .* until it starts$/m);
    expect(hourly.stderr).toContain('The warm-up is as long as the time between two captures');
    expect(schedule.stderr).not.toContain('The warm-up is as long as');
    await run(['schedule', 'delete', 'hourly', '--yes']);
    const store = openStore(home);
    const all = store.captures.listWarming(Date.now() + 2 * 86_400_000);
    expect(all.map(({ name }) => name.split(' ')[0]).sort()).toEqual(['later', 'nightly']);
    expect(store.captures.listWarming(Date.now())).toEqual([]);
    expect(store.captures.nextWarming()).toBeGreaterThan(Date.now() + 25 * 60_000);
    store.close();
    for (const name of ['later', 'nightly*']) await run(['delete', name, '--yes']);
  });

  it('ask whose sessions are to be ended, with what an application sees', async () => {
    const there = [...sessions('app', 1, 2, 3), ...sessions('batch', 4)];
    const ask = (answer: boolean, ...more: string[]): Promise<CliResult> =>
      run(
        ['create', 'asked', '--env', 'shop', '--no-wait', '--recycle-sessions', ...more],
        { values: { sessions: there } },
        { tty: 120, answers: [{ to: 'End them?', answer }] },
      );
    const declined = await ask(false);
    expect(declined.status).toBe(7);
    expect(declined.stderr).toContain(
      'Now that would be: 4 sessions: app 3, batch 1 (limit with --recycle-user).',
    );
    expect(declined.stderr).toContain('one error on a stale connection');
    const some = await ask(true, '--recycle-user', 'b*');
    expect(some.status).toBe(0);
    expect(some.stderr).toContain('sessions of b* from before are ended if');
    expect(some.stderr).toContain('Now that would be: 1 session: batch 1.');
    await run(['delete', 'asked', '--yes']);
  });

  it('end nothing on a server that needs it not, and say so', async () => {
    const { status, stderr, stdout } = await run(
      ['create', 'mysql', '--env', 'shop', '--no-wait', '--recycle-sessions', '-o', 'json'],
      { values: { logged: 'always' } },
    );
    expect([status, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ options: { recycleUsers: null } });
    await run(['delete', 'mysql', '--yes']);
    const said = await run(
      ['create', 'mysql', '--env', 'shop', '--no-wait', '--recycle-sessions'],
      { values: { logged: 'always' } },
    );
    expect(said.stderr).toContain('no session has to be ended');
    await run(['delete', 'mysql', '--yes']);
  });

  it('name the GRANT that is missing, at once for now and as a warning for later', async () => {
    const recycling = [
      {
        privilege: 'CONNECTION ADMIN',
        purpose: 'ends the sessions of others',
        state: 'missing',
        grant: 'GRANT CONNECTION ADMIN ON *.* TO `recorder`@`%`',
        required: true,
      },
    ] as const;
    const create = (...more: string[]): Promise<CliResult> =>
      run(['create', 'x', '--env', 'shop', '--recycle-sessions', '--yes', ...more], { recycling });
    for (const result of [await create(), await create('--plan')]) {
      expect(result.status).toBe(9);
      const said = unwrapped(result.stderr + result.stdout);
      expect(said).toContain('that session recycling needs: CONNECTION ADMIN');
      expect(said).toContain('GRANT CONNECTION ADMIN ON *.* TO `recorder`@`%`;');
    }
    const planned = await create('--at', '+1h', '--plan');
    expect(planned.status).toBe(0);
    expect(unwrapped(planned.stdout)).toContain('session recycling needs: CONNECTION ADMIN');
    const later = await create('--at', '+1h');
    expect(later.status).toBe(0);
    expect(later.stderr).toContain('No session can be ended as things are');
    await run(['delete', 'x', '--yes']);
  });

  it('are planned for later, and say from when on a daemon has to run', async () => {
    const options = ['--env', 'shop', '--at', '2199-01-01 12:00', '--timezone', 'UTC'];
    const plan = await run(['create', 'x', ...options, '--warm-up', '1h', '--plan'], {});
    expect(plan.status).toBe(0);
    expect(unwrapped(plan.stdout)).toContain('slow_query_log is switched on 1h before the start');
    expect(plan.stdout).toContain('SET GLOBAL slow_query_log = OFF;');
    const created = await run(['create', 'x', ...options, '--warm-up', '1h']);
    expect(created.stderr).toContain(
      'No daemon is running to start it: for the warm-up, from 2199-01-01 11:00:00 +00:00 on, one must run.',
    );
    const short = await run(['create', 'y', '--env', 'shop', '--at', '+10m', '--warm-up', '1h']);
    expect(short.stderr).toMatch(/until it starts, (?:10m|9m 59s) instead of 1h/);
    const needless = await run(['create', 'z', ...options, '--warm-up', '1h'], {
      values: { logged: 'always' },
    });
    expect(needless.stderr).toContain('no warm-up is needed.');
    for (const name of ['x', 'y', 'z']) await run(['delete', name, '--yes']);
  });
});

describe('captures verify --min-values', () => {
  it.each(['-1', '101', '200', 'abc', '', '1e1'])('refuses "%s"', async (text) => {
    const { status, stderr } = await run(['verify', 'x', `--min-values=${text}`]);
    expect(status).toBe(2);
    expect(stderr).toContain('--min-values takes a number from 0 to 100');
  });
});
