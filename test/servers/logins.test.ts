import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chosenServer } from '../../scripts/server-programs.ts';
import type { ServerAddress } from '../../src/core/environments.ts';
import { MysqlConnection } from '../../src/mysql/connection.ts';
import { startRecorderServer, type RecorderServer } from './recorder-server.ts';

const isMysql = chosenServer(() => undefined).family === 'mysql';

let server: RecorderServer;

beforeAll(async () => {
  server = await startRecorderServer();
});
afterAll(() => server.stop());

async function prepare(sql: string): Promise<void> {
  const admin = await server.admin();
  await admin.query(sql);
  await admin.end();
}

const MARIADB_ACCOUNTS = `
    INSTALL SONAME 'auth_ed25519';
    INSTALL SONAME 'auth_pam';
    CREATE USER signs@'%' IDENTIFIED VIA ed25519 USING PASSWORD('s3cret');
    CREATE USER signs_words@'%' IDENTIFIED VIA ed25519 USING PASSWORD('pässwörd😀');
    CREATE USER either@'%' IDENTIFIED VIA ed25519 USING PASSWORD('other')
      OR mysql_native_password USING PASSWORD('s3cret');
    CREATE USER asks@'%' IDENTIFIED VIA pam;
    CREATE USER local@'%' IDENTIFIED VIA unix_socket`;

/** @returns who the server says we are. */
async function login(
  user: string,
  password: string | null,
  address: Partial<ServerAddress> = {},
): Promise<string | null> {
  const connection = await MysqlConnection.open({ ...server.address, ...address, user }, password);
  const who = await connection.value('SELECT CURRENT_USER()');
  await connection.close();
  return who;
}

describe.skipIf(isMysql)("logging in by MariaDB's plugins (MySQL has others)", () => {
  beforeAll(() => prepare(MARIADB_ACCOUNTS));

  test.each([
    ['signs', 's3cret'],
    ['signs_words', 'pässwörd😀'],
    ['either', 'other'],
    ['either', 's3cret'],
  ])('as %s with "%s" works by ed25519', async (user, password) => {
    expect(await login(user, password)).toBe(`${user}@%`);
  });

  test.each([
    ['signs', 'wrong'],
    ['signs', null],
    ['signs_words', 'passwörd😀'],
    ['either', 'wrong'],
  ])('as %s with %o is refused', async (user, password) => {
    await expect(login(user, password)).rejects.toMatchObject({
      code: 'remote_failed',
      message: `The server at 127.0.0.1:${server.port} refused the login of "${user}"`,
    });
  });

  test('by a plugin that wants the password in clear text is refused by its name', async () => {
    await expect(login('asks', 's3cret')).rejects.toMatchObject({
      code: 'remote_failed',
      message: `The server at 127.0.0.1:${server.port} asks "asks" to log in by dialog, which is not supported`,
      hint: expect.stringContaining('in clear text'),
    });
  });

  test('to an account of the operating system says that it has no password', async () => {
    await expect(login('local', 's3cret')).rejects.toMatchObject({
      message: `The server at 127.0.0.1:${server.port} refused the login of "local"`,
      hint: expect.stringContaining('without a password'),
    });
  });
});

describe.runIf(isMysql)("logging in by MySQL's caching_sha2_password", () => {
  beforeAll(() =>
    prepare(`CREATE USER hashed@'%' IDENTIFIED WITH caching_sha2_password BY 'pässwörd😀'`),
  );

  // The server has no hash of the password in its cache at first, and asks for all of it.
  test.each(['REQUIRED', 'DISABLED', 'PREFERRED'] as const)('with %s works', async (sslMode) => {
    if (sslMode !== 'DISABLED') await prepare('FLUSH PRIVILEGES');
    expect(await login('hashed', 'pässwörd😀', { sslMode })).toBe('hashed@%');
  });

  test('with a wrong password is refused as such', async () => {
    await expect(login('hashed', 'passwörd')).rejects.toMatchObject({
      message: `The server at 127.0.0.1:${server.port} refused the login of "hashed"`,
    });
  });
});

test('what is asked on a connection that the server has closed says that it was lost', async () => {
  const connection = await MysqlConnection.open(server.address, "recorder's secret");
  const admin = await server.admin();
  await admin.query(`KILL ${connection.id}`);
  await admin.end();
  const lost = {
    code: 'remote_failed',
    message: `The connection to the server at 127.0.0.1:${server.port} was lost`,
  };
  // The first may still find it open, the second does not.
  await expect(connection.run('DO 1')).rejects.toMatchObject(lost);
  expect(connection.isLost).toBe(true);
  await expect(connection.run('DO 1')).rejects.toMatchObject(lost);
  await connection.close();
});
