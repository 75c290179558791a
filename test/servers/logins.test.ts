import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chosenServer } from '../../scripts/server-programs.ts';
import type { ServerAddress } from '../../src/core/environments/environment.ts';
import { MysqlConnection } from '../../src/source/mysql/connection/mysql-connection.ts';
import {
  RECORDER_PASSWORD,
  startRecorderServer,
  type RecorderServer,
} from '../support/recorder-server.ts';
import { needs } from '../support/skips.ts';

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

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'captures-logins-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** @returns the path of a file with the server's RSA key for a way of logging in. */
async function keyOf(login: 'Caching_sha2_password' | 'Rsa'): Promise<string> {
  const admin = await server.admin();
  const name = login === 'Rsa' ? 'Rsa_public_key' : `${login}_rsa_public_key`;
  const [rows] = await admin.query<RowDataPacket[]>(`SHOW STATUS LIKE '${name}'`);
  await admin.end();
  return file(`${login}.pem`, String(rows[0]?.['Value']));
}

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

describe("logging in by MariaDB's plugins", needs(!isMysql, 'it is of MariaDB only'), () => {
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

describe(
  "logging in by MySQL's caching_sha2_password",
  needs(isMysql, 'it is of MySQL only'),
  () => {
    beforeAll(() =>
      prepare(`CREATE USER hashed@'%' IDENTIFIED WITH caching_sha2_password BY 'pässwörd😀'`),
    );

    // Without a hash of the password in its cache the server asks for all of it.
    test.each(['REQUIRED', 'DISABLED', 'PREFERRED'] as const)('with %s works', async (sslMode) => {
      if (sslMode !== 'DISABLED') await prepare('FLUSH PRIVILEGES');
      expect(await login('hashed', 'pässwörd😀', { sslMode })).toBe('hashed@%');
    });

    test('over a local socket sends the password', async () => {
      await prepare('FLUSH PRIVILEGES');
      const socket = { socket: server.socket, sslMode: 'PREFERRED' } as const;
      expect(await login('hashed', 'pässwörd😀', socket)).toBe('hashed@%');
    });

    test('without TLS needs the key of the server, or its cache', async () => {
      const plain = { sslMode: 'DISABLED' } as const;
      await prepare('FLUSH PRIVILEGES');
      await expect(login('hashed', 'pässwörd😀', plain)).rejects.toMatchObject({
        code: 'remote_failed',
        message: `The server at 127.0.0.1:${server.port} wants the password of "hashed" itself (caching_sha2_password), and without TLS others could read it: nothing was sent`,
        hint: expect.stringMatching(/^The server offers TLS: use SSL mode REQUIRED/),
      });
      const withKey = { ...plain, serverPublicKey: await keyOf('Caching_sha2_password') };
      expect(await login('hashed', 'pässwörd😀', withKey)).toBe('hashed@%');
      await prepare('FLUSH PRIVILEGES');
      const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
      const wrong = file('wrong.pem', stranger.export({ type: 'spki', format: 'pem' }));
      await expect(
        login('hashed', 'pässwörd😀', { ...plain, serverPublicKey: wrong }),
      ).rejects.toMatchObject({
        code: 'remote_failed',
        message: expect.stringContaining(
          'the server key of the environment is not that of this server',
        ),
      });
    });

    test('or by sha256_password, where the server has it, does the same', async () => {
      const admin = await server.admin();
      const [[plugin]] = await admin.query<RowDataPacket[][]>(
        "SELECT 1 FROM information_schema.plugins WHERE plugin_name = 'sha256_password' AND plugin_status = 'ACTIVE'",
      );
      await admin.end();
      if (plugin === undefined) return;
      await prepare(`CREATE USER older@'%' IDENTIFIED WITH sha256_password BY 's3cret'`);
      expect(await login('older', 's3cret', { sslMode: 'REQUIRED' })).toBe('older@%');
      expect(await login('older', 's3cret', { socket: server.socket })).toBe('older@%');
      const plain = { sslMode: 'DISABLED' } as const;
      await expect(login('older', 's3cret', plain)).rejects.toThrow('(sha256_password)');
      const serverPublicKey = await keyOf('Rsa');
      expect(await login('older', 's3cret', { ...plain, serverPublicKey })).toBe('older@%');
    });

    test('with a wrong password is refused as such', async () => {
      await expect(login('hashed', 'passwörd')).rejects.toMatchObject({
        message: `The server at 127.0.0.1:${server.port} refused the login of "hashed"`,
      });
    });
  },
);

test('what is asked on a connection that the server has closed says that it was lost', async () => {
  const connection = await MysqlConnection.open(server.address, RECORDER_PASSWORD);
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
