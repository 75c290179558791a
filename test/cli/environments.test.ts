import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CTRL_C, initialisedHome, runCaptures } from '../support/cli.ts';
import { FakeSource, inspectionOf } from '../support/server-inspection.ts';
import { temporaryFolder } from '../support/stores.ts';

let home: string;
beforeAll(async () => {
  home = await initialisedHome();
});

const URL = 'mysql://recorder@db.example.com';

describe('env create', () => {
  it('prints the environment as JSON, without any secret', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'aws'), '[profile p]\n');
    const created = await runCaptures(
      [
        ...['env', 'create', 'shop', '--url', 'mysql://rec%40x@db:3307/app?socket=/run/db.sock'],
        ...[
          '--password-from',
          'file:secret.txt',
          '--ssl-mode',
          'verify_ca',
          '--server-public-key',
          'key.pem',
          '--ssl-ca',
          '../ca.pem',
        ],
        ...['--region', 'eu-central-1', '--instance', 'shop-1', '--profile', 'p', '--json'],
        ...['--endpoint-url', 'http://127.0.0.1:5000'],
      ],
      { home, cwd, env: { AWS_CONFIG_FILE: join(cwd, 'aws') } },
    );
    expect([created.status, created.stderr]).toEqual([0, '']);
    expect(JSON.parse(created.stdout)).toEqual({
      id: expect.any(Number) as number,
      name: 'shop',
      url: 'mysql://rec%40x@db:3307/app?socket=/run/db.sock',
      passwordFrom: `file:${join(cwd, 'secret.txt')}`,
      sslMode: 'VERIFY_CA',
      sslCa: join(cwd, '../ca.pem'),
      serverPublicKey: join(cwd, 'key.pem'),
      region: 'eu-central-1',
      instance: 'shop-1',
      profile: 'p',
      endpointUrl: 'http://127.0.0.1:5000',
      role: 'admin',
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
    });
  });

  it('makes option files and ~ absolute, and leaves a variable alone', async () => {
    const userHome = temporaryFolder();
    for (const [name, reference, expected] of [
      ['from-cnf', 'cnf:my.cnf#captures', `cnf:${join(userHome, 'my.cnf')}#captures`],
      ['from-home', 'file:~/secret', `file:${join(userHome, 'secret')}`],
      ['from-env', 'env:DB_PASSWORD', 'env:DB_PASSWORD'],
    ] as const) {
      const argv = ['env', 'create', name, '--url', URL, '--password-from', reference, '--json'];
      const created = await runCaptures(argv, { home, userHome });
      expect(JSON.parse(created.stdout)).toMatchObject({ passwordFrom: expected });
    }
  });

  it('without a server is metrics-only, and says so', async () => {
    const created = await runCaptures(['env', 'create', 'numbers', '-o', 'name'], { home });
    expect(created).toEqual({
      status: 0,
      stdout: 'numbers\n',
      stderr: 'Created the environment numbers (metrics only: no server to record).\n',
    });
  });

  it('with an AWS profile that is not here says so, and which there are', async () => {
    const userHome = temporaryFolder();
    const create = (name: string, profile: string) =>
      runCaptures(['env', 'create', name, '--profile', profile, '-o', 'name', '-q'], {
        home,
        userHome,
      });
    const none = await create('profile 1', 'nosuch');
    expect([none.status, none.stderr]).toEqual([
      0,
      'warning: There is no AWS profile "nosuch" here (there are none). Metrics need it where the daemon runs.\n',
    ]);
    mkdirSync(join(userHome, '.aws'));
    writeFileSync(join(userHome, '.aws/config'), '[default]\n[profile prod]\n');
    const wrong = await create('profile 2', 'nosuch');
    expect(wrong.stderr).toContain('(there are default, prod)');
    expect((await create('profile 3', 'prod')).stderr).toBe('');
    const edited = await runCaptures(['env', 'edit', 'profile 3', '--profile', 'x', '-o', 'name'], {
      home,
      userHome,
    });
    expect([edited.status, edited.stderr]).toEqual([0, wrong.stderr.replace('nosuch', 'x')]);
  });

  it('asks for what is missing on a terminal', async () => {
    const created = await runCaptures(['env', 'create', '-o', 'json'], {
      home,
      tty: 80,
      answers: [
        { to: 'Name of the environment', answer: 'asked' },
        { to: 'Server', answer: URL },
        { to: 'password is', answer: 'env:SECRET' },
      ],
    });
    expect(JSON.parse(created.stdout)).toMatchObject({
      name: 'asked',
      url: 'mysql://recorder@db.example.com:3306',
      passwordFrom: 'env:SECRET',
      sslMode: 'PREFERRED',
    });
    const stopped = await runCaptures(['env', 'create'], {
      home,
      tty: 80,
      answers: [
        { to: 'Name of the environment', answer: 'never' },
        { to: 'Server', answer: CTRL_C },
      ],
    });
    expect(stopped).toEqual({ status: 130, stdout: '', stderr: '' });
    expect((await runCaptures(['env', 'get', 'never'], { home })).status).toBe(3);
  });

  it.each([
    [[], 'The environment has no name'],
    [['a/b'], 'The environment name contains "/"'],
    [['7'], 'The environment name is only digits, which would read as an id'],
    [['x'.repeat(65)], 'The environment name is longer than 64 characters'],
    [
      ['e', '--url', 'mysql://root:secret@db'],
      'The server URL contains a password, which would be stored and shown',
    ],
    [['e', '--url', 'postgres://root@db'], 'The server URL begins with "postgres://"'],
    [['e', '--url', 'nonsense'], 'The server URL cannot be read'],
    [['e', '--url', 'mysql://db'], 'The server URL names no user'],
    [['e', '--url', URL, '--password-from', 'hunter2'], 'The password reference cannot be read'],
    [['e', '--url', URL, '--ssl-mode', 'MAYBE'], '--ssl-mode cannot be "MAYBE"'],
    [['e', '--ssl-mode', 'REQUIRED'], '--ssl-mode is about a server, and there is no --url'],
    [['e', '--endpoint-url', 'localhost'], '--endpoint-url takes an http:// or https:// address'],
    [['e', '--region', '\u009b31m'], '--region takes a region, such as eu-central-1'],
    [
      ['e', '--instance', 'shop\u2028'],
      '--instance takes the identifier of an RDS instance, such as shop-1',
    ],
    [['e', '--profile', 'a\nb'], "--profile takes the name of a profile in AWS's files"],
  ])('with %j is refused, and no password is echoed', async (words, message) => {
    const refused = await runCaptures(['env', 'create', ...words, '--json'], { home });
    expect([refused.status, refused.stdout]).toEqual([2, '']);
    expect(JSON.parse(refused.stderr)).toMatchObject({ code: 400, message });
    expect(refused.stderr).not.toMatch(/secret|hunter2/);
  });

  it('refuses a name that is taken, whatever its case', async () => {
    await runCaptures(['env', 'create', 'Taken'], { home });
    const refused = await runCaptures(['env', 'create', 'TAKEN', '--json'], { home });
    expect([refused.status, JSON.parse(refused.stderr)]).toEqual([
      6,
      {
        code: 409,
        message: 'The environment name "TAKEN" is taken',
        hint: 'Names of environments are unique in a store. To see yours: captures env list',
      },
    ]);
  });
});

describe('env list and env get', () => {
  it('list by name, and find by id and by name', async () => {
    const own = await initialisedHome();
    expect((await runCaptures(['env', 'list', '--json'], { home: own })).stdout).toBe('[]\n');
    expect((await runCaptures(['env', 'list'], { home: own, tty: 80 })).stdout).toBe(
      'No environments.\n',
    );
    await runCaptures(['env', 'create', 'zebra', '--url', URL], { home: own });
    await runCaptures(['env', 'create', 'ant'], { home: own });
    const list = await runCaptures(['env', 'list', '--no-color'], { home: own, tty: 80 });
    expect(list.stdout).toMatchInlineSnapshot(`
      "ID  NAME   ROLE   SERVER                                INSTANCE  REGION
      ────────────────────────────────────────────────────────────────────────
       2  ant    admin  none (metrics only)                   -         -
       1  zebra  admin  mysql://recorder@db.example.com:3306  -         -
      "
    `);
    const byId = await runCaptures(['env', 'get', '1', '--json'], { home: own });
    const byName = await runCaptures(['env', 'get', 'ZEBRA', '--json'], { home: own });
    expect(byName.stdout).toBe(byId.stdout);
  });

  it.each(['nope', '99', '', '\u001b[31m'])('"%s" that is not there is not found', async (ref) => {
    const result = await runCaptures(['env', 'get', ref, '--json'], { home });
    expect([result.status, result.stdout, JSON.parse(result.stderr)]).toEqual([
      3,
      '',
      { code: 404, message: 'Environment does not exist', hint: 'To see yours: captures env list' },
    ]);
  });
});

describe('env check', () => {
  beforeAll(async () => {
    await runCaptures(['env', 'create', 'checked', '--url', URL], { home });
  });

  it('reports what was found; its last line is the verdict', async () => {
    const checked = await runCaptures(['env', 'check', 'checked'], {
      home,
      serverLogs: new FakeSource(inspectionOf({ warnings: ['The disk is slow.'] })),
    });
    expect([checked.status, checked.stderr]).toEqual([0, '']);
    expect(checked.stdout).toMatchInlineSnapshot(`
      "server        mariadb 10.11.9-MariaDB at db1:3306
      account       recorder@%
      log settings  general_log OFF, log_output FILE, slow log OFF, log table CSV
      record table  MyISAM: the server's disk has 64 GiB free
      values        not recorded for statements prepared before a capture starts. To cover new sessions: captures env warm-up checked --for 1h
      recorder      free
      schema        none yet: the recorder creates it
      privileges
        [ok]      SUPER: switches the general log on and off
      warning: The disk is slow.
      A capture of checked could start now.
      "
    `);
  });

  it('names each missing privilege with its GRANT, and exits 9', async () => {
    const serverLogs = new FakeSource(
      inspectionOf({
        privileges: [
          {
            privilege: 'SUPER',
            purpose: 'switches the log',
            state: 'missing',
            grant: 'GRANT SUPER ON *.* TO `r`@`h`',
            required: true,
          },
          {
            privilege: 'PROCESS',
            purpose: 'sees sessions',
            state: 'missing',
            grant: 'GRANT PROCESS ON *.* TO `r`@`h`',
            required: false,
          },
        ],
      }),
    );
    const shown = await runCaptures(['env', 'check', 'checked'], { home, serverLogs });
    expect(shown.status).toBe(9);
    expect(shown.stdout).toContain('[missing] SUPER: switches the log');
    expect(shown.stdout).toContain('GRANT PROCESS ON *.* TO `r`@`h`;');
    expect(shown.stdout.trimEnd().split('\n').at(-1)).toBe(
      'No capture can start: recorder@% lacks privileges on db1:3306 that recording needs: SUPER.',
    );
    const json = await runCaptures(['env', 'check', 'checked', '--json'], { home, serverLogs });
    expect([json.status, json.stdout, JSON.parse(json.stderr)]).toEqual([
      9,
      '',
      {
        code: 502,
        message: 'recorder@% lacks privileges on db1:3306 that recording needs: SUPER',
        hint: 'Run there as an administrator:\nGRANT SUPER ON *.* TO `r`@`h`;',
      },
    ]);
  });

  it.each([
    [
      { lockHolder: { connectionId: 9, user: 'eve', host: '10.0.0.9:1' } },
      'The statements of db1:3306 are already being recorded, by eve from 10.0.0.9:1',
    ],
    [
      { schema: { state: 'foreign' as const, storeId: null, nonce: null } },
      'The schema "captures" on db1:3306 was not made by a recorder',
    ],
    [
      { schema: { state: 'other-store' as const, storeId: 'abc', nonce: 'x' } },
      'The schema "captures" on db1:3306 belongs to the recorder of another store (abc)',
    ],
  ])('exits 6 when the server is another recorder’s: %j', async (found, message) => {
    const serverLogs = new FakeSource(inspectionOf(found));
    const json = await runCaptures(['env', 'check', 'checked', '--json'], { home, serverLogs });
    expect([json.status, json.stdout]).toEqual([6, '']);
    expect(JSON.parse(json.stderr)).toMatchObject({ code: 409, message });
  });

  it('as JSON has the fields its help names', async () => {
    const serverLogs = new FakeSource(inspectionOf());
    const json = await runCaptures(['env', 'check', 'checked', '--json'], { home, serverLogs });
    expect(json.status).toBe(0);
    const help = await runCaptures(['env', 'check', '--help']);
    const fields = Object.keys(JSON.parse(json.stdout) as object).join(', ');
    expect(help.stdout.replaceAll(/\s+/g, ' ')).toContain(`JSON fields: ${fields}`);
  });

  it('of a server that does not answer exits 9', async () => {
    await runCaptures(['env', 'create', 'dead', '--url', 'mysql://r@127.0.0.1:1'], { home });
    const result = await runCaptures(['env', 'check', 'dead', '--json'], { home });
    expect([result.status, result.stdout]).toEqual([9, '']);
    expect(JSON.parse(result.stderr)).toMatchObject({ code: 502 });
  });

  it('of a metrics-only environment says that there is nothing to check', async () => {
    await runCaptures(['env', 'create', 'plain'], { home });
    const result = await runCaptures(['env', 'check', 'plain'], { home });
    expect([result.status, result.stderr]).toEqual([
      2,
      'captures: The environment "plain" has no server to check: it is metrics-only\n',
    ]);
  });
});
