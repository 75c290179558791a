import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import { BIN, endStarted, eventually, run, start } from '../support/processes.ts';
import { expectRefusal, Workplace } from './workplace.ts';
import { needs } from '../support/skips.ts';

/** A Node that is too old for the program, if this machine has one. */
const oldNode = ['/usr/bin/node', '/usr/local/bin/node', '/opt/node20/bin/node'].find((path) => {
  try {
    const version = execFileSync(path, ['--version'], { encoding: 'utf8' });
    return Number(/^v(\d+)/.exec(version)?.[1]) < 22;
  } catch {
    return false;
  }
});

describe(
  'on a Node that is too old',
  needs(oldNode !== undefined, 'there is no Node older than 22 here'),
  () => {
    it('says in one sentence what is wrong and what to do, and exits 10', async () => {
      for (const args of [[], ['--version'], ['list', '--json']]) {
        const { status, stdout, stderr } = await run(oldNode ?? '', [BIN, ...args]);
        expect({ status, stdout }).toEqual({ status: 10, stdout: '' });
        expect(stderr).toMatch(
          /^captures needs Node\.js 22\.15 or newer and this is [\d.]+: .+\.\n$/,
        );
      }
    });
  },
);

describe('without a store', () => {
  const place = new Workplace();
  afterAll(() => place.close());

  it('prints version and help all the same', async () => {
    const { version } = JSON.parse(
      readFileSync(resolve(import.meta.dirname, '../../package.json'), 'utf8'),
    ) as { version: string };
    expect((await place.ok(['--version'])).stdout).toBe(`${version}\n`);
    expect((await place.ok(['--help'])).stdout).toContain('workload');
    expect((await place.ok(['create', '--help'])).stdout).toContain('Examples:');
    expect((await place.ok(['help', 'exit-codes'])).stdout).toContain('143');
  });

  it.each([
    ['list'],
    ['get', '1'],
    ['whoami'],
    ['env', 'list'],
    ['create', 'a', '--env', 'b'],
    ['daemon'],
    ['daemon', '--background'],
  ])('captures %s names captures init and exits 10', async (...args) => {
    expectRefusal(await place.captures(args), 10, /captures init/);
  });

  it.each([
    { args: ['no-such-command'] },
    { args: ['list', '--no-such-option'] },
    { args: ['list', '--output', 'poem'] },
    { args: ['get'] },
    { args: ['env'] },
    { args: ['init', '--user', 'a/b', '--password-file', 'password'] },
  ])('$args is a usage error, exit 2, and makes nothing', async ({ args }) => {
    expectRefusal(await place.captures(args), 2, /./);
    expect(readdirSync(place.desk)).toEqual(['password']);
  });

  it('puts one object on stderr and nothing on stdout for a failure with --json', async () => {
    const outcome = await place.captures(['list', '--json']);
    expect(outcome).toMatchObject({ status: 10, stdout: '' });
    expect(JSON.parse(outcome.stderr)).toMatchObject({
      code: 503,
      hint: 'Make one with: captures init',
    });
    expect(outcome.stderr.trim().split('\n')).toHaveLength(1);
  });

  it('refuses a password that is too short before anything is made', async () => {
    const short = await place.captures(['init', '--user', 'ada', '--password-stdin'], {
      input: 'short\n',
    });
    expectRefusal(short, 2, 'The password is shorter than 8 characters');
    expect(readdirSync(place.desk)).toEqual(['password']);
  });
});

describe('a password', () => {
  const place = new Workplace();
  // Nothing is made: what is refused, or interrupted, is so before.
  const init = 'captures init --user ada';
  afterAll(() => place.close());
  afterEach(endStarted);

  it('comes from a pipe of the shell', async () => {
    for (const from of ['<(printf "short\\nx")', '/dev/stdin < <(printf "short\\nx")']) {
      const outcome = await place.shell(`${init} --password-file ${from}`);
      expectRefusal(outcome, 2, 'The password is shorter than 8 characters');
    }
  });

  it('never comes from a named pipe, which is not even waited for', async () => {
    const outcome = await place.shell(`mkfifo -m 600 pipe && ${init} --password-file pipe`);
    expectRefusal(outcome, 2, 'is a named pipe, not a regular file');
  });

  it('that has no end is not read to its end', async () => {
    for (const line of [
      `${init} --password-stdin < /dev/zero`,
      `${init} --password-file <(cat /dev/zero)`,
    ]) {
      expectRefusal(await place.shell(line), 2, /The first line .+ is longer than 64 KiB/);
    }
  });

  it('is waited for until a signal comes', async () => {
    const program = `'${process.execPath}' '${BIN}' init --user ada --password-file /dev/stdin`;
    const waiting = `exec ${program} < <(exec sleep 60 2> /dev/null)`;
    const env = { CAPTURES_HOME: place.home };
    const { pid, ended } = start('bash', ['-c', waiting], { cwd: place.desk, env });
    await eventually('the program has opened its password', () => {
      const links = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
      return links.filter((link) => link !== null && link === links[0]).length > 1;
    });
    process.kill(pid, 'SIGTERM');
    const { status, signal } = await ended;
    expect(status === 143 || signal === 'SIGTERM').toBe(true);
  });
});

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

describe('with a store and a metrics-only environment', () => {
  let place: Workplace;
  beforeAll(async () => {
    place = await Workplace.make();
    await place.given([
      'env',
      'create',
      'shop',
      '--region',
      'eu-central-1',
      '--instance',
      'shop-1',
    ]);
    await place.ok(['create', 'taken', '--env', 'shop']);
  });
  afterEach(endStarted);
  afterAll(() => place.close());

  it.each([
    { args: ['create', 'x', '--env', 'nowhere'], status: 3, says: 'Environment does not exist' },
    { args: ['list', '--env', 'nowhere'], status: 3, says: 'Environment does not exist' },
    { args: ['env', 'get', 'nowhere'], status: 3, says: 'Environment does not exist' },
    { args: ['get', '99'], status: 3, says: 'Capture not found' },
    { args: ['workload', 'nothing'], status: 3, says: 'Capture not found' },
    {
      args: ['create', 'TAKEN', '--env', 'shop'],
      status: 2,
      says: 'Capture with the same name already exists in this environment',
    },
    {
      args: ['create', 'x', '--env', 'shop', '--duration', '59'],
      status: 2,
      says: 'Duration must be at least 60 seconds',
    },
    {
      args: ['create', 'x', '--env', 'shop', '--status', 'SCHEDULED'],
      status: 2,
      says: 'Cannot schedule without a schedule start time',
    },
    { args: ['init', '--user', 'eve', '--password-file', 'password'], status: 6, says: 'already' },
    {
      args: ['env', 'create', 'shop', '--region', 'r', '--instance', 'i'],
      status: 6,
      says: 'shop',
    },
    {
      args: ['env', 'create', 'p', '--url', 'mysql://u:secret@127.0.0.1'],
      status: 2,
      says: 'contains a password',
    },
    { args: ['delete', 'taken'], status: 2, says: '--yes' },
    { args: ['login', 'ada', '--password-file', 'wrong'], status: 2, says: 'wrong' },
  ])('$args ends with exit $status and changes nothing', async ({ args, status, says }) => {
    const outcome = await place.captures(args);
    expectRefusal(outcome, status, says);
    expect(outcome.stderr).not.toContain('secret');
    expect((await place.list()).map(({ name }) => name)).toEqual(['taken']);
  });

  it('refuses a wrong password and a wrong name with the same sentence, exit 4', async () => {
    for (const name of ['ada', 'eve']) {
      const outcome = await place.captures(['login', name, '--password-stdin'], {
        input: 'not the password\n',
      });
      expectRefusal(outcome, 4, 'Wrong user name or password');
    }
    await place.ok(['whoami']);
  });

  it('ends a wait on SIGINT with 130 and on SIGTERM with 143, and lets the capture go on', async () => {
    for (const [signal, status] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const waiting = place.start(['create', signal, '--env', 'shop', '--wait', '--json']);
      await eventually('it is there', async () =>
        (await place.list()).some(({ name }) => name === signal),
      );
      waiting.child.kill(signal);
      const outcome = await waiting.ended;
      expect({ status: outcome.status, stdout: outcome.stdout }).toEqual({ status, stdout: '' });
      expect(await place.get(signal)).toMatchObject({ status: 'RUNNING' });
      await place.ok(['delete', signal, '--yes']);
    }
  });

  it('asks for a login, exit 4, once one has logged out', async () => {
    await place.ok(['logout']);
    expectRefusal(await place.captures(['list']), 4, /captures login/);
    await place.ok(['login', 'ada', '--password-file', 'password']);
    await place.ok(['list']);
  });
});

test('nothing that a command shows holds the session or a password', async () => {
  const place = await Workplace.make();
  try {
    const outputs = [
      await place.ok(['whoami', '--json']),
      await place.ok(['login', 'ada', '--password-file', 'password', '--json']),
      await place.ok(
        ['env', 'create', 'a', '--url', 'mysql://u@h', '--password-from', 'env:SECRET'],
        {
          env: { SECRET: 'hush-hush' },
        },
      ),
    ];
    const text = outputs.map(({ stdout, stderr }) => stdout + stderr).join('');
    expect(text).not.toMatch(/captures_session_|hush-hush|correct horse/);
    const files = readdirSync(join(place.home), { recursive: true, encoding: 'utf8' });
    expect(files.length).toBeGreaterThan(0);
  } finally {
    await place.close();
  }
});
