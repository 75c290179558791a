import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import {
  BIN,
  endProcess,
  endStarted,
  eventually,
  processesWith,
  run,
  type Outcome,
} from '../support/processes.ts';
import { startShopServer, type ShopServer } from './shop-server.ts';

const PASSWORD = 'correct horse battery';
const GROUP = 61_000;
const FOREIGNER = 61_234;

/** A user of the system who has no entry in its list, with a home folder, and the strictest of umasks. */
class SystemUser {
  readonly home: string;
  readonly #uid: number;

  constructor(desk: string, uid: number) {
    this.#uid = uid;
    this.home = join(desk, `home-${uid}`);
    mkdirSync(this.home, { mode: 0o700 });
    chownSync(this.home, uid, uid);
  }

  /** Runs the program as this user. */
  captures(
    args: readonly string[],
    env: Readonly<Record<string, string | undefined>>,
  ): Promise<Outcome> {
    const shell = 'umask 077; exec "$@"';
    const program = [process.execPath, BIN, ...args];
    const as = ['--reuid', this.#uid, '--regid', this.#uid, '--groups', GROUP].map(String);
    return run('setpriv', [...as, 'bash', '-c', shell, 'bash', ...program], {
      cwd: this.home,
      env: { HOME: this.home, ...env },
      input: `${PASSWORD}\n`,
    });
  }

  /** Runs a command that has to succeed. */
  async ok(args: readonly string[], env: Readonly<Record<string, string | undefined>>) {
    const outcome = await this.captures(args, env);
    const { status, stderr } = outcome;
    expect({ args, status, stderr }).toEqual({ args, status: 0, stderr });
    return outcome;
  }
}

let desk: string;
let reason: string | null = null;
beforeAll(async () => {
  desk = mkdtempSync(join(tmpdir(), 'captures-users-'));
  chmodSync(desk, 0o755);
  if (process.getuid?.() !== 0) reason = 'only root can be other users';
  else {
    const { status } = await new SystemUser(desk, FOREIGNER - 1)
      .captures(['--version'], {})
      .catch(() => ({ status: null }));
    if (status !== 0) reason = 'another user cannot run the program where it lies';
  }
});
afterAll(async () => {
  await endStarted();
  rmSync(desk, { recursive: true, force: true });
});

function onlyWhereUsersCanBeOthers(context: TestContext): void {
  if (reason !== null) context.skip(reason);
}

describe('a user whom the system does not know', () => {
  it('can use every command with a home folder, or with CAPTURES_HOME', async (context) => {
    onlyWhereUsersCanBeOthers(context);
    const user = new SystemUser(desk, FOREIGNER);
    const withHome = {};
    const withoutHome = { HOME: undefined, CAPTURES_HOME: join(user.home, 'elsewhere') };
    for (const env of [withHome, withoutHome]) {
      await user.ok(['init', '--password-stdin'], env);
      await user.ok(['env', 'create', 'shop', '--region', 'r', '--instance', 'i'], env);
      await user.ok(['create', 'one', '--env', 'shop'], env);
      await user.ok(['stop', 'one'], env);
      const { stdout } = await user.ok(['log', '--json'], env);
      expect(stdout).toContain(`uid-${FOREIGNER}`);
      expect((await user.captures(['daemon', '--status', '--json'], env)).status).toBe(8);
    }
  });

  it('is told what to set when there is neither', async (context) => {
    onlyWhereUsersCanBeOthers(context);
    const user = new SystemUser(desk, FOREIGNER + 1);
    const nothing = { HOME: undefined, XDG_DATA_HOME: undefined, XDG_CONFIG_HOME: undefined };
    expect(await user.captures(['list'], nothing)).toEqual({
      status: 10,
      signal: null,
      stdout: '',
      stderr: `captures: The user uid-${FOREIGNER + 1} has no home folder\n  Set HOME, or CAPTURES_HOME to the folder of the store.\n`,
    });
    expect((await user.captures(['help', 'exit-codes'], nothing)).status).toBe(0);
  });
});

describe('a shared store', () => {
  let server: ShopServer | null = null;
  const store = (): string => join(desk, 'shared', 'store');
  afterAll(async () => {
    for (const { pid } of processesWith('CAPTURES_HOME', store())) await endProcess(pid);
    await server?.stop();
  });

  /** What of the store the group cannot use, or others can. */
  function wrongModes(): string[] {
    const paths = readdirSync(store(), { recursive: true, encoding: 'utf8' });
    return ['', ...paths].flatMap((path) => {
      const { mode, gid } = statSync(join(store(), path));
      const isFolder = (mode & 0o170000) === 0o040000;
      const isRight = (mode & 0o7777) === (isFolder ? 0o2770 : 0o660) && gid === GROUP;
      return isRight ? [] : [`${path} ${(mode & 0o7777).toString(8)} ${gid}`];
    });
  }

  it('has nothing that only one of its users can use, whoever runs the next daemon', async (context) => {
    onlyWhereUsersCanBeOthers(context);
    server = await startShopServer();
    const [ann, ben] = [new SystemUser(desk, 61_001), new SystemUser(desk, 61_002)];
    mkdirSync(join(desk, 'shared'), { mode: 0o770 });
    chownSync(join(desk, 'shared'), 0, GROUP);
    chmodSync(join(desk, 'shared'), 0o770);
    const env = { CAPTURES_HOME: store(), RECORDER: server.recorderPassword };
    const daemonOf = () =>
      eventually('a daemon in the background', () =>
        processesWith('CAPTURES_HOME', store()).find(({ command }) => command.includes('daemon')),
      );

    await ann.ok(
      ['init', '--user', 'ann', '--shared-group', String(GROUP), '--password-stdin'],
      env,
    );
    await ann.ok(['user', 'create', 'ben', '--admin', '--password-stdin'], env);
    await ben.ok(['login', 'ben', '--password-stdin'], env);
    const url = `mysql://recorder@127.0.0.1:${server.port}`;
    await ann.ok(['env', 'create', 'shop', '--url', url, '--password-from', 'env:RECORDER'], env);
    await ann.ok(['member', 'add', 'shop', 'ben', '--role', 'admin'], env);
    // Either may use the password: whoever's daemon is there.
    const typed = ['--url', url, '--password-from', 'env:RECORDER'];
    await ben.ok(['env', 'edit', 'shop', ...typed], env);

    await ann.ok(['create', 'first', '--env', 'shop'], env);
    await server.query("SELECT 'one'");
    await ann.ok(['stop', 'first'], env);
    await ben.ok(['create', 'second', '--env', 'shop'], env);
    expect(wrongModes()).toEqual([]);
    // The next daemon is another user's, and goes on with what that of the first one left.
    process.kill((await daemonOf()).pid, 'SIGKILL');
    await server.query("SELECT 'two'");
    await ann.ok(['stop', 'second'], env);
    expect(wrongModes()).toEqual([]);
    for (const name of ['first', 'second']) await ben.ok(['verify', name], env);
    await ben.ok(['delete', 'first', '--yes'], env);
    await ann.ok(['delete', 'second', '--yes'], env);
    expect(readdirSync(join(store(), 'captures'))).toEqual([]);
  });
});
