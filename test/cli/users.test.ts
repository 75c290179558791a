import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CTRL_C, initialisedHome, PASSWORD, runCaptures } from '../support/cli.ts';
import { addUser } from '../support/users.ts';
import { temporaryFolder } from '../support/stores.ts';

const NEW_PASSWORD = 'another long password';

let home: string;
let bob: { CAPTURES_TOKEN: string };
beforeAll(async () => {
  home = await initialisedHome();
  bob = addUser(home, 'bob');
});

function secretFile(text: string): string {
  const path = join(temporaryFolder(), 'password');
  writeFileSync(path, `${text}\n`, { mode: 0o600 });
  return path;
}

async function namesOf(): Promise<string[]> {
  const { stdout } = await runCaptures(['user', 'list', '-o', 'name'], { home });
  return stdout.trimEnd().split('\n');
}

describe('user create', () => {
  it('asks for name and password, and says how to let the user in', async () => {
    const made = await runCaptures(['user', 'create'], {
      home,
      tty: 80,
      answers: [
        { to: 'Name of the user', answer: 'Carol C.' },
        { to: 'Password for the new captures user Carol C.', answer: PASSWORD },
        { to: 'Repeat the password', answer: PASSWORD },
      ],
    });
    expect(made).toEqual({
      status: 0,
      stdout: '',
      stderr:
        "Created the user Carol C.. To add them to an environment:\n  captures member add ENVIRONMENT 'Carol C.'\n",
    });
    expect(await namesOf()).toContain('Carol C.');
  });

  it('makes an administrator who can log in, from a script', async () => {
    const made = await runCaptures(
      ['user', 'create', 'dave', '--admin', '--password-stdin', '--json'],
      { home, stdin: NEW_PASSWORD },
    );
    expect([made.status, made.stderr]).toEqual([0, '']);
    expect(JSON.parse(made.stdout)).toEqual({
      id: expect.any(Number),
      name: 'dave',
      storeAdmin: true,
      createdAt: expect.stringMatching(/Z$/),
    });
    const config = temporaryFolder();
    const other = { home, env: { XDG_CONFIG_HOME: config } };
    const token = await runCaptures(['login', 'dave', '--password-stdin', '--json'], {
      ...other,
      stdin: NEW_PASSWORD,
    });
    expect(token.status).toBe(0);
    expect(JSON.parse(token.stdout)).toMatchObject({ user: 'dave', storeAdmin: true });
    await runCaptures(['login', 'ada', '--password-stdin'], { home, stdin: PASSWORD });
  });

  it('leaves nobody behind at Ctrl-C', async () => {
    const before = await namesOf();
    for (const answers of [
      [{ to: 'Name', answer: CTRL_C }],
      [
        { to: 'Name', answer: 'eve' },
        { to: 'Password', answer: CTRL_C },
      ],
      [
        { to: 'Name', answer: 'eve' },
        { to: 'Password', answer: PASSWORD },
        { to: 'Repeat the password', answer: CTRL_C },
      ],
    ]) {
      const stopped = await runCaptures(['user', 'create'], { home, tty: 80, answers });
      expect(stopped).toEqual({ status: 130, stdout: '', stderr: '' });
    }
    expect(await namesOf()).toEqual(before);
  });

  it.each([
    [['create', 'x', '--password-stdin'], 'short', 2, 'The password is shorter than 8 characters'],
    [['create', 'BOB', '--password-stdin'], PASSWORD, 6, 'There is already a user named BOB'],
    [['create', 'a/b', '--password-stdin'], PASSWORD, 2, 'The user name contains "/"'],
    [['create', '--password-stdin'], PASSWORD, 2, 'The user has no name'],
    [['create', 'x'], '', 2, 'A password is needed and there is no terminal to ask on'],
  ])('%j is refused before anything is made', async (argv, stdin, status, message) => {
    const before = await namesOf();
    const refused = await runCaptures(['user', ...argv, '--json'], { home, stdin });
    expect([refused.status, refused.stdout]).toEqual([status, '']);
    expect(JSON.parse(refused.stderr)).toMatchObject({ message });
    expect(await namesOf()).toEqual(before);
  });

  it('asks nothing where somebody may not create users', async () => {
    const refused = await runCaptures(['user', 'create', 'x'], { home, tty: 80, env: bob });
    expect([refused.status, refused.stderr]).toEqual([
      5,
      'captures: Only an administrator of the store may create users\n',
    ]);
    expect((await runCaptures(['user', 'list'], { home, env: bob })).status).toBe(5);
  });
});

describe('user delete', () => {
  it('asks for the name, hands the captures on and ends what proved who they were', async () => {
    const eve = addUser(home, 'eve');
    await runCaptures(['env', 'create', 'shop'], { home });
    await runCaptures(['member', 'add', 'shop', 'eve'], { home });
    await runCaptures(['create', 'mine', '--env', 'shop'], { home, env: eve });
    const declined = await runCaptures(['user', 'delete', 'eve'], {
      home,
      tty: 80,
      answers: [{ to: "the user's name", answer: 'evil' }],
    });
    expect(declined.status).toBe(7);
    const stopped = await runCaptures(['user', 'delete', 'eve'], {
      home,
      tty: 80,
      answers: [{ to: "the user's name", answer: CTRL_C }],
    });
    expect([stopped.status, await namesOf()]).toEqual([130, expect.arrayContaining(['eve'])]);
    const deleted = await runCaptures(['user', 'delete', 'EVE', '--yes'], { home });
    expect(deleted).toEqual({
      status: 0,
      stdout: '',
      stderr: 'Deleted the user eve.\nHanded 1 capture on to ada.\n',
    });
    expect((await runCaptures(['whoami'], { home, env: eve })).status).toBe(4);
    const shown = await runCaptures(['get', 'mine', '--json', '--fields', 'owner'], { home });
    expect(JSON.parse(shown.stdout)).toEqual({ owner: 'ada' });
  });

  it.each([
    [['nobody', '--yes'], {}, 3, 'There is no user named "nobody"'],
    [['bob'], {}, 2, 'Deleting needs confirmation, and there is no terminal to confirm on'],
    [['bob', '--yes'], 'bob', 5, 'Only an administrator of the store may delete users'],
  ])('%j is refused', async (argv, who, status, message) => {
    const env = who === 'bob' ? bob : {};
    const refused = await runCaptures(['user', 'delete', ...argv], { home, env });
    expect([refused.status, refused.stderr.split('\n')[0]]).toEqual([
      status,
      `captures: ${message}`,
    ]);
  });

  it('never takes the last administrator', async () => {
    const own = await initialisedHome();
    const refused = await runCaptures(['user', 'delete', 'ada', '--yes'], { home: own });
    expect(refused).toEqual({
      status: 6,
      stdout: '',
      stderr:
        'captures: ada is the last administrator of the store\n  Create another one first: captures user create NAME --admin\n',
    });
  });
});

describe('user passwd', () => {
  it('changes one’s own with the current one, and ends the other sessions', async () => {
    const own = await initialisedHome();
    const elsewhere = await runCaptures(['token', 'create', '--name', 't'], { home: own });
    const changed = await runCaptures(['user', 'passwd'], {
      home: own,
      tty: 80,
      answers: [
        { to: 'Current password', answer: PASSWORD },
        { to: 'New password for ada', answer: NEW_PASSWORD },
        { to: 'Repeat the password', answer: NEW_PASSWORD },
        { to: 'ada has 1 token. Keep it valid? (no: revoke)', answer: true },
      ],
    });
    expect(changed).toEqual({
      status: 0,
      stdout: '',
      stderr:
        'Changed the password of ada; your other sessions have ended, 1 token still\n  valid.\n',
    });
    expect((await runCaptures(['whoami'], { home: own })).status).toBe(0);
    const env = { CAPTURES_TOKEN: elsewhere.stdout.trim() };
    expect((await runCaptures(['whoami'], { home: own, env })).status).toBe(0);
    const wrong = await runCaptures(
      [
        'user',
        'passwd',
        '--current-password-file',
        secretFile('not the right one'),
        '--password-stdin',
      ],
      { home: own, stdin: PASSWORD },
    );
    expect([wrong.status, wrong.stderr]).toEqual([4, 'captures: The current password is wrong\n']);
    const scripted = await runCaptures(
      ['user', 'passwd', '--current-password-file', secretFile(NEW_PASSWORD), '--password-stdin'],
      { home: own, stdin: PASSWORD },
    );
    expect([scripted.status, scripted.stderr]).toEqual([
      0,
      'Changed the password of ada; your other sessions have ended, 1 token revoked.\n',
    ]);
    expect((await runCaptures(['whoami'], { home: own, env })).status).toBe(4);
  });

  it('says that the current one is wrong before it asks for the new one', async () => {
    const refused = await runCaptures(['user', 'passwd'], {
      home,
      tty: 80,
      answers: [{ to: 'Current password', answer: 'not the right one' }],
    });
    expect([refused.status, refused.stderr]).toEqual([
      4,
      'captures: The current password is wrong\n',
    ]);
  });

  it('with a token for an environment says whose password it cannot change', async () => {
    const own = await initialisedHome();
    await runCaptures(['env', 'create', 'shop'], { home: own });
    const made = await runCaptures(['token', 'create', '--name', 't', '--env', 'shop'], {
      home: own,
    });
    const env = { CAPTURES_TOKEN: made.stdout.trim() };
    const refused = await runCaptures(['user', 'passwd'], { home: own, env, tty: 80 });
    expect([refused.status, refused.stderr]).toEqual([
      5,
      'captures: Your token is for its environments alone: it cannot change your\n  password\n',
    ]);
  });

  it('without a terminal says how to give the current one', async () => {
    const refused = await runCaptures(['user', 'passwd', '--password-stdin'], {
      home,
      stdin: NEW_PASSWORD,
    });
    expect(refused).toEqual({
      status: 2,
      stdout: '',
      stderr:
        'captures: A password is needed and there is no terminal to ask on\n  Give the current one with --current-password-file FILE beside the new one.\n',
    });
  });

  it('sets somebody else’s for an administrator alone', async () => {
    const set = await runCaptures(['user', 'passwd', 'bob', '--password-stdin', '--keep-tokens'], {
      home,
      stdin: NEW_PASSWORD,
    });
    expect(set.stderr).toBe(
      'Changed the password of bob; their sessions have ended, 1 token still valid.\n',
    );
    const refused = await runCaptures(['user', 'passwd', 'ada'], { home, env: bob, tty: 80 });
    expect([refused.status, refused.stderr]).toEqual([
      5,
      "captures: Only an administrator of the store may change another user's password\n",
    ]);
    const revoked = await runCaptures(['user', 'passwd', 'bob', '--password-stdin'], {
      home,
      stdin: NEW_PASSWORD,
    });
    expect(revoked.stderr).toBe(
      'Changed the password of bob; their sessions have ended, 1 token revoked.\n',
    );
    const both = ['user', 'passwd', 'bob', '--keep-tokens', '--revoke-tokens'];
    expect((await runCaptures(both, { home })).status).toBe(2);
  });
});

describe('token', () => {
  it('create prints the secret alone on stdout, for a script to take', async () => {
    const made = await runCaptures(['token', 'create', '--name', 'ci', '--expires', '30d'], {
      home,
    });
    expect(made.status).toBe(0);
    expect(made.stdout).toMatch(/^captures_token_[\w-]{43}\n$/);
    expect(made.stderr).toMatch(
      /^Created the token ci, valid until .* \+00:00\. It is shown only this once\.\n$/,
    );
    const env = { CAPTURES_TOKEN: made.stdout.trim() };
    const who = await runCaptures(['whoami', '--json'], { home, env });
    expect(JSON.parse(who.stdout)).toMatchObject({ user: 'ada', by: 'token' });
    const listed = await runCaptures(['token', 'list', '--json'], { home });
    expect(listed.stdout).not.toContain(made.stdout.trim());
    const revoked = await runCaptures(['token', 'revoke', 'CI'], { home });
    expect(revoked).toEqual({ status: 0, stdout: '', stderr: 'Revoked the token ci.\n' });
    expect((await runCaptures(['whoami'], { home, env })).status).toBe(4);
  });

  it('create as JSON holds the secret and when it ends', async () => {
    const made = await runCaptures(['token', 'create', '--name', 'json', '--json'], { home });
    expect(JSON.parse(made.stdout)).toEqual({
      id: expect.any(Number),
      name: 'json',
      createdAt: expect.any(String),
      expiresAt: expect.any(String),
      expired: false,
      readOnly: false,
      environments: null,
      token: expect.stringMatching(/^captures_token_/),
    });
  });

  it('with --read-only and --env can do as much as that', async () => {
    await runCaptures(['env', 'create', 'numbers'], { home });
    const argv = ['token', 'create', '--name', 'dashboard', '--read-only', '--env', 'numbers'];
    const made = await runCaptures(argv, { home });
    const env = { CAPTURES_TOKEN: made.stdout.trim() };
    const who = await runCaptures(['whoami', '--json'], { home, env });
    expect(JSON.parse(who.stdout)).toMatchObject({ readOnly: true, environments: ['numbers'] });
    const refused = await runCaptures(['create', 'x', '--env', 'numbers'], { home, env });
    expect([refused.status, refused.stderr.split('\n')[0]]).toEqual([
      5,
      'captures: Your token is read-only: it cannot change anything',
    ]);
    const listed = await runCaptures(['token', 'list', '--output', 'table'], { home });
    expect(listed.stdout).toMatch(/dashboard .* read +numbers/);
  });

  it.each([
    ['0', 'A token lasts from 1 minute to 366 days'],
    ['-5', 'A token lasts from 1 minute to 366 days'],
    ['1000d', 'A token lasts from 1 minute to 366 days'],
    ['soon', 'The duration "soon" cannot be read'],
  ])('never expires in the past: --expires %s', async (expires, message) => {
    const argv = ['token', 'create', '--name', 'x', `--expires=${expires}`];
    const refused = await runCaptures(argv, { home });
    expect([refused.status, refused.stderr.split('\n')[0]]).toEqual([2, `captures: ${message}`]);
  });

  it.each([
    [['create'], 2, 'The token has no name'],
    [['create', '--name', '7'], 2, 'The token name is only digits, which would read as an id'],
    [['revoke', 'nope'], 3, 'You have no token "nope"'],
    [['revoke', '\u001b[31m'], 3, 'You have no token "\\x1b[31m"'],
  ])('%j is refused', async (argv, status, message) => {
    const refused = await runCaptures(['token', ...argv], { home });
    expect([refused.status, refused.stderr.split('\n')[0]]).toEqual([
      status,
      `captures: ${message}`,
    ]);
  });

  it('asks for a name on a terminal, and refuses one that is taken', async () => {
    const answers = [{ to: 'Name of the token', answer: 'asked' }];
    const made = await runCaptures(['token', 'create'], { home, tty: 80, answers });
    expect(made.status).toBe(0);
    const again = await runCaptures(['token', 'create', '--name', 'asked'], { home });
    expect([again.status, again.stderr]).toEqual([
      6,
      'captures: You already have a token named asked\n',
    ]);
  });
});
