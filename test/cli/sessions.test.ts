import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { prepareUser } from '../../src/core/users/user-service.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import { CTRL_C, emptyFolder, initialisedHome, PASSWORD, runCaptures } from '../support/cli.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { temporaryFolder } from '../support/stores.ts';

let home: string;
beforeAll(async () => {
  home = await initialisedHome();
});

function mode(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8);
}

function fileWith(text: string, permissions: number): string {
  const path = join(temporaryFolder(), 'secret');
  writeFileSync(path, text);
  chmodSync(path, permissions);
  return path;
}

describe('init', () => {
  it('makes a store that only its owner can enter, and logs its first user in', async () => {
    const folder = join(temporaryFolder(), 'new', 'home');
    const made = await runCaptures(['init', '--password-stdin', '--json'], {
      home: folder,
      stdin: `${PASSWORD}\r\nmore`,
    });
    expect(made.status).toBe(0);
    expect(made.stderr).toBe('');
    expect(JSON.parse(made.stdout)).toMatchObject({
      user: 'ada',
      storeAdmin: true,
      by: 'session',
      store: folder,
    });
    expect([
      mode(folder),
      mode(join(folder, 'captures.db')),
      mode(join(folder, 'session')),
    ]).toEqual(['700', '600', '600']);
    const who = await runCaptures(['whoami', '-o', 'name'], { home: folder });
    expect(who).toEqual({ status: 0, stdout: 'ada\n', stderr: '' });
  });

  it('says what it did to a person, and prints no data', async () => {
    const folder = emptyFolder();
    const file = fileWith(`${PASSWORD}\n`, 0o600);
    const made = await runCaptures(['init', '--user', 'Ada L.', '--password-file', file], {
      home: folder,
    });
    expect(made).toEqual({
      status: 0,
      stdout: '',
      stderr: `Created a store in ${folder} and logged in Ada L., its administrator.\n`,
    });
  });

  it('asks for the password twice on a terminal', async () => {
    const folder = emptyFolder();
    const made = await runCaptures(['init'], {
      home: folder,
      tty: 80,
      answers: [
        { to: 'Password for the new captures user ada', answer: PASSWORD },
        { to: 'Repeat the password', answer: PASSWORD },
      ],
    });
    expect(made.status).toBe(0);
  });

  it('leaves nothing behind when the two passwords differ, or at Ctrl-C', async () => {
    const folder = join(temporaryFolder(), 'none');
    const differing = await runCaptures(['init'], {
      home: folder,
      tty: 80,
      answers: [1, 2, 3].flatMap(() => [
        { to: 'Password', answer: PASSWORD },
        { to: 'Repeat the password', answer: `${PASSWORD}!` },
      ]),
    });
    expect([differing.status, differing.stderr]).toEqual([
      2,
      `${'The two passwords are not the same. Try again.\n'.repeat(2)}captures: The two passwords are not the same\n`,
    ]);
    const stopped = await runCaptures(['init'], {
      home: folder,
      tty: 80,
      answers: [{ to: 'Password', answer: CTRL_C }],
    });
    expect(stopped).toEqual({ status: 130, stdout: '', stderr: '' });
    expect(existsSync(folder)).toBe(false);
  });

  it('asks again when the password is too short, before it is repeated, or was not repeated', async () => {
    const made = await runCaptures(['init'], {
      home: emptyFolder(),
      tty: 80,
      answers: [
        { to: 'Password for the new captures user ada', answer: 'short' },
        { to: 'Password for the new captures user ada', answer: PASSWORD },
        { to: 'Repeat the password', answer: `${PASSWORD}!` },
        { to: 'Password for the new captures user ada', answer: PASSWORD },
        { to: 'Repeat the password', answer: PASSWORD },
      ],
    });
    expect([made.status, made.stderr.split('\n').slice(0, 2)]).toEqual([
      0,
      [
        'The password is shorter than 8 characters. Try again.',
        'The two passwords are not the same. Try again.',
      ],
    ]);
  });

  it('refuses a second store in the same folder before it asks anything', async () => {
    const again = await runCaptures(['init', '--json'], { home, tty: 80 });
    expect(again.status).toBe(6);
    expect(JSON.parse(again.stderr)).toMatchObject({
      code: 409,
      message: `There is already a captures store in ${home}`,
    });
  });

  it.each([
    [['--password-stdin'], 'short', 'The password is shorter than 8 characters'],
    [['--password-stdin'], '', 'There is no password on stdin: its first line is empty'],
    [['--password-stdin'], undefined, 'There is no password on stdin: its first line is empty'],
    [['--user', 'a/b', '--password-stdin'], PASSWORD, 'The user name contains "/"'],
    [
      ['--user', '42', '--password-stdin'],
      PASSWORD,
      'The user name is only digits, which would read as an id',
    ],
    [
      ['--user', 'a\u001b[31m', '--password-stdin'],
      PASSWORD,
      'The user name has a character that cannot be printed',
    ],
    [
      ['--password-stdin', '--password-file', 'x'],
      PASSWORD,
      '--password-stdin and --password-file contradict one another',
    ],
    [['--password-file', '/nowhere/x'], PASSWORD, 'There is no password file /nowhere/x'],
    [[], PASSWORD, 'A password is needed and there is no terminal to ask on'],
    [
      ['--password-stdin', '--shared-group', 'no such group'],
      PASSWORD,
      'There is no group "no such group" in /etc/group',
    ],
  ])('with %j is refused, and nothing is made', async (options, stdin, message) => {
    const folder = join(temporaryFolder(), 'none');
    const refused = await runCaptures(['init', '--json', ...options], {
      home: folder,
      ...(stdin === undefined ? {} : { stdin }),
    });
    expect([refused.status, refused.stdout]).toEqual([2, '']);
    expect(JSON.parse(refused.stderr)).toMatchObject({ code: 400, message });
    expect(existsSync(folder)).toBe(false);
  });

  it('refuses a password file that others can read', async () => {
    const file = fileWith(PASSWORD, 0o644);
    const refused = await runCaptures(['init', '--password-file', file], { home: emptyFolder() });
    expect(refused).toEqual({
      status: 2,
      stdout: '',
      stderr: `captures: The password file ${file} is open to other users (mode 0644)\n  Close it with: chmod 600 ${file}\n`,
    });
  });

  it.each([
    ['a folder', '/', 'is a folder, not a regular file'],
    ['a device', '/dev/zero', 'is a device, not a regular file'],
  ])('refuses a password file that is %s', async (_what, file, message) => {
    const refused = await runCaptures(['init', '--password-file', file], { home: emptyFolder() });
    expect([refused.status, refused.stderr]).toEqual([
      2,
      `captures: The password file ${file} ${message}\n`,
    ]);
  });

  it('refuses a password file whose first line is endless, and reads no more of it', async () => {
    const file = fileWith('x'.repeat(64 * 1024 + 1), 0o600);
    const refused = await runCaptures(['init', '--password-file', file], { home: emptyFolder() });
    expect([refused.status, refused.stderr]).toEqual([
      2,
      `captures: The first line in ${file} is longer than 64 KiB\n`,
    ]);
  });

  it('refuses a folder that others can enter and that holds something', async () => {
    const folder = emptyFolder();
    writeFileSync(join(folder, 'mine'), '');
    chmodSync(folder, 0o755);
    const refused = await runCaptures(['init', '--password-stdin'], {
      home: folder,
      stdin: PASSWORD,
    });
    expect(refused.status).toBe(10);
    expect(refused.stderr).toContain('is open to other users (mode 0755) and not empty');
    expect(mode(folder)).toBe('755');
  });

  it('closes an empty folder that others can enter', async () => {
    const folder = emptyFolder();
    chmodSync(folder, 0o755);
    const made = await runCaptures(['init', '--password-stdin'], { home: folder, stdin: PASSWORD });
    expect([made.status, mode(folder)]).toEqual([0, '700']);
  });

  it('shares a store with a group, and keeps the session out of it', async () => {
    const folder = emptyFolder();
    const userHome = temporaryFolder();
    const group = String(process.getgid?.() ?? 0);
    const made = await runCaptures(['init', '--password-stdin', '--shared-group', group], {
      home: folder,
      userHome,
      stdin: PASSWORD,
    });
    expect(made.status).toBe(0);
    expect([mode(folder), mode(join(folder, 'captures.db'))]).toEqual(['2770', '660']);
    expect(existsSync(join(folder, 'session'))).toBe(false);
    expect(mode(join(userHome, '.config', 'captures'))).toBe('700');
    expect((await runCaptures(['whoami'], { home: folder, userHome })).status).toBe(0);
    expect((await runCaptures(['whoami'], { home: folder })).status).toBe(4);
  });

  it('keeps to the XDG folders where CAPTURES_HOME is not set', async () => {
    const userHome = temporaryFolder();
    const made = await runCaptures(['init', '--password-stdin'], { userHome, stdin: PASSWORD });
    expect(made.status).toBe(0);
    expect(existsSync(join(userHome, '.local/share/captures/captures.db'))).toBe(true);
    expect(existsSync(join(userHome, '.config/captures/session'))).toBe(true);
    const data = temporaryFolder();
    const elsewhere = await runCaptures(['whoami'], { userHome, env: { XDG_DATA_HOME: data } });
    expect(elsewhere.stderr).toContain(`There is no captures store in ${join(data, 'captures')}`);
  });
});

describe('a command without a store', () => {
  it.each([
    ['list'],
    ['get', '1'],
    ['whoami'],
    ['login', 'ada', '--password-stdin'],
    ['logout'],
    ['env', 'list'],
    ['create', 'a', '--env', 'e'],
    ['daemon', '--status'],
  ])('%s exits 10 and names captures init', async (...argv) => {
    const folder = join(temporaryFolder(), 'none');
    const result = await runCaptures([...argv, '--json'], { home: folder, stdin: PASSWORD });
    expect([result.status, result.stdout]).toEqual([10, '']);
    expect(JSON.parse(result.stderr)).toEqual({
      code: 503,
      message: `There is no captures store in ${folder}`,
      hint: 'Make one with: captures init',
    });
  });
});

describe('a store that cannot be used', () => {
  it.each([
    [
      'text',
      'this is no database, but long enough to look like one'.repeat(100),
      'is not a captures store',
    ],
    ['an empty file', '', 'is not a captures store'],
  ])('because it is %s is reported in one sentence', async (_what, content, message) => {
    const folder = emptyFolder();
    writeFileSync(join(folder, 'captures.db'), content, { mode: 0o600 });
    const result = await runCaptures(['list'], { home: folder });
    expect([result.status, result.stdout]).toEqual([10, '']);
    expect(result.stderr).toContain(message);
    expect(readFileSync(join(folder, 'captures.db'), 'utf8')).toBe(content);
  });

  it('because its pages are damaged is reported in one sentence', async () => {
    const folder = emptyFolder();
    const bytes = readFileSync(join(home, 'captures.db'));
    bytes.fill(0x5a, 4_096);
    writeFileSync(join(folder, 'captures.db'), bytes, { mode: 0o600 });
    const result = await runCaptures(['list', '--json'], { home: folder });
    expect([result.status, result.stdout]).toEqual([10, '']);
    expect(JSON.parse(result.stderr)).toMatchObject({ code: 503 });
  });
});

describe('login', () => {
  it('opens a session, and logout ends it in the store as well', async () => {
    const own = await initialisedHome();
    const stolen = readFileSync(join(own, 'session'), 'utf8');
    const out = await runCaptures(['logout'], { home: own });
    expect(out).toEqual({ status: 0, stdout: '', stderr: 'Logged out.\n' });
    expect(existsSync(join(own, 'session'))).toBe(false);
    const nobody = await runCaptures(['list', '--json'], { home: own });
    expect([nobody.status, JSON.parse(nobody.stderr)]).toEqual([
      4,
      { code: 401, message: 'You are not logged in', hint: 'Log in with: captures login ada' },
    ]);
    writeFileSync(join(own, 'session'), stolen, { mode: 0o600 });
    expect((await runCaptures(['list'], { home: own })).status).toBe(4);

    const again = await runCaptures(
      ['login', 'ADA', '--password-stdin', '--expires', '8h', '--json'],
      {
        home: own,
        stdin: PASSWORD,
      },
    );
    expect(again.status).toBe(0);
    const { expiresAt } = JSON.parse(again.stdout) as { expiresAt: string };
    expect(Math.abs(Date.parse(expiresAt) - Date.now() - 8 * 3_600_000)).toBeLessThan(60_000);
    expect((await runCaptures(['list'], { home: own })).status).toBe(0);
  });

  it.each([
    ['ada', 'wrong password'],
    ['nobody', PASSWORD],
  ])('of %s with the wrong name or password says the same', async (name, stdin) => {
    const refused = await runCaptures(['login', name, '--password-stdin', '--json'], {
      home,
      stdin,
    });
    expect([refused.status, refused.stdout, JSON.parse(refused.stderr)]).toEqual([
      4,
      '',
      {
        code: 401,
        message: 'Wrong user name or password',
        hint: 'An administrator of the store can set a new password: captures user passwd NAME',
      },
    ]);
    expect((await runCaptures(['whoami'], { home })).status).toBe(0);
  });

  it('without a name asks for it on a terminal, and elsewhere says how to give it', async () => {
    const asked = await runCaptures(['login'], {
      home,
      tty: 80,
      answers: [
        { to: 'User name', answer: '' },
        { to: 'Password for ada', answer: PASSWORD },
      ],
    });
    expect(asked.status).toBe(0);
    expect(asked.stderr).toMatch(
      /^Logged in ada until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+00:00\.\n$/,
    );
    const piped = await runCaptures(['login'], { home });
    expect([piped.status, piped.stderr]).toEqual([
      2,
      'captures: The name of the user is missing\n  Log in with: captures login NAME\n',
    ]);
  });

  it.each(['10s', '2000d', 'soon'])(
    'that expires after %s is refused before the password is read',
    async (expires) => {
      const refused = await runCaptures(['login', 'ada', '--expires', expires], { home, tty: 80 });
      expect(refused.status).toBe(2);
    },
  );

  it.each([{ CI: 'true' }, { CI: '1' }])('never asks with %j', async (env) => {
    expect((await runCaptures(['login', 'ada'], { home, tty: 80, env })).status).toBe(2);
  });

  it('never asks with --no-input', async () => {
    expect((await runCaptures(['login', 'ada', '--no-input'], { home, tty: 80 })).status).toBe(2);
  });
});

describe('a session', () => {
  it('that has expired, or was ended elsewhere, is nobody: exit 4 for every command', async () => {
    const own = await initialisedHome();
    const clock = new ManualClock(Date.now());
    const login = ['login', 'ada', '--password-stdin', '--expires', '1h'];
    await runCaptures(login, { home: own, clock, stdin: PASSWORD });
    expect((await runCaptures(['whoami'], { home: own, clock })).status).toBe(0);
    await clock.advance(3_600_000);
    for (const argv of [
      ['whoami'],
      ['list'],
      ['env', 'list'],
      ['token', 'list'],
      ['user', 'list'],
    ]) {
      expect(await runCaptures(argv, { home: own, clock })).toEqual({
        status: 4,
        stdout: '',
        stderr: 'captures: Your session has expired\n  Log in with: captures login ada\n',
      });
    }
    await runCaptures(login, { home: own, stdin: PASSWORD });
    const secret = readFileSync(join(own, 'session'), 'utf8');
    await runCaptures(['logout'], { home: own });
    writeFileSync(join(own, 'session'), secret, { mode: 0o600 });
    expect((await runCaptures(['list'], { home: own })).status).toBe(4);
  });
});

describe('a session file', () => {
  it('that others can read is refused, with the command that closes it', async () => {
    const own = await initialisedHome();
    const file = join(own, 'session');
    chmodSync(file, 0o640);
    const refused = await runCaptures(['list'], { home: own });
    expect(refused).toEqual({
      status: 10,
      stdout: '',
      stderr: `captures: The session file ${file} is open to other users (mode 0640)\n  Close it with: chmod 600 ${file}\n`,
    });
    chmodSync(file, 0o600);
    chmodSync(own, 0o750);
    const folder = await runCaptures(['list', '--json'], { home: own });
    expect([folder.status, JSON.parse(folder.stderr)]).toEqual([
      10,
      {
        code: 503,
        message: `The folder ${own}, which holds your session, is open to other users (mode 0750)`,
        hint: `Close it with: chmod 700 ${own}`,
      },
    ]);
    chmodSync(own, 0o700);
    expect((await runCaptures(['list'], { home: own })).status).toBe(0);
  });

  it('with nonsense in it is nobody', async () => {
    const own = await initialisedHome();
    writeFileSync(join(own, 'session'), 'nonsense\u0000\n');
    expect((await runCaptures(['list'], { home: own })).status).toBe(4);
    writeFileSync(join(own, 'session'), '');
    expect((await runCaptures(['list'], { home: own })).status).toBe(4);
  });

  it('that is a folder is reported', async () => {
    const own = await initialisedHome();
    await runCaptures(['logout'], { home: own });
    mkdirSync(join(own, 'session'), { mode: 0o700 });
    const refused = await runCaptures(['list'], { home: own });
    expect(refused.status).toBe(10);
    expect(refused.stderr).toContain('is a folder, not a regular file');
  });
});

describe('CAPTURES_TOKEN', () => {
  it('wins over the session, right or wrong', async () => {
    const store = openStore(home);
    const user = store.users.insert(
      {
        ...(await prepareUser('grace', PASSWORD, { logN: 10, r: 8, p: 1 })),
        isAdmin: false,
      },
      Date.now(),
    );
    store.close();
    expect(user.name).toBe('grace');
    const session = await runCaptures(['login', 'grace', '--password-stdin'], {
      home,
      stdin: PASSWORD,
    });
    expect(session.status).toBe(0);
    const token = readFileSync(join(home, 'session'), 'utf8').trim();
    await runCaptures(['login', 'ada', '--password-stdin'], { home, stdin: PASSWORD });
    const who = await runCaptures(['whoami', '-o', 'name'], {
      home,
      env: { CAPTURES_TOKEN: token },
    });
    expect(who.stdout).toBe('grace\n');
    const wrong = await runCaptures(['whoami', '--json'], {
      home,
      env: { CAPTURES_TOKEN: 'wrong' },
    });
    expect([wrong.status, JSON.parse(wrong.stderr)]).toEqual([
      4,
      {
        code: 401,
        message: 'You are not logged in: the session or token is not known to this store',
        hint: 'CAPTURES_TOKEN is used instead of the session: set it to a valid token, or unset it.',
      },
    ]);
    expect((await runCaptures(['whoami', '-o', 'name'], { home })).stdout).toBe('ada\n');
  });
});

describe('whoami', () => {
  it('shows who, by what and until when', async () => {
    const piped = await runCaptures(['whoami'], { home });
    expect(piped.stdout).toMatch(
      /^user\tstoreAdmin\tby\texpiresAt\tstore\treadOnly\tenvironments\tserver\nada\ttrue\tsession\t\d{4}-\d\d-\d\dT[\d:.]+Z\t.*\n$/,
    );
    const shown = await runCaptures(['whoami', '--no-color'], { home, tty: 80 });
    expect(shown.stdout.split('\n').slice(0, 3)).toEqual([
      'user                 ada',
      'store administrator  yes',
      'logged in by         session',
    ]);
  });
});
