import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chosenServer } from '../../scripts/server-programs.ts';
import type { ServerAddress } from '../../src/core/environments/environment.ts';
import { MysqlConnection } from '../../src/source/mysql/connection/mysql-connection.ts';
import {
  RECORDER_PASSWORD,
  startRecorderServer,
  type RecorderServer,
} from '../support/recorder-server.ts';

const isMysql = chosenServer(() => undefined).family === 'mysql';

let folder: string;
let server: RecorderServer;

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'ignore', cwd: folder });
}

/** An authority, and a certificate of it that is valid for the name `db.example` and for 127.0.0.2. */
function makeCertificates(): void {
  writeFileSync(join(folder, 'san'), 'subjectAltName=DNS:db.example,IP:127.0.0.2\n');
  for (const name of ['ca', 'other']) {
    openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
    );
  }
  openssl(
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    '/CN=db.example',
    '-keyout',
    'server.key',
    '-out',
    'server.csr',
  );
  openssl(
    'x509',
    '-req',
    '-in',
    'server.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    'san',
    '-out',
    'server.pem',
  );
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'captures-tls-'));
  makeCertificates();
  server = await startRecorderServer({
    options: [
      `--ssl-cert=${join(folder, 'server.pem')}`,
      `--ssl-key=${join(folder, 'server.key')}`,
      '--bind-address=0.0.0.0',
    ],
  });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/**
 * Without TLS, MySQL's default login needs the server's key (test/servers/logins.test.ts holds what it says
 * without one), so that DISABLED comes as far here as the other modes.
 * @returns whether the connection was encrypted.
 */
async function connect(
  address: Partial<ServerAddress>,
  password = RECORDER_PASSWORD,
): Promise<boolean> {
  const serverPublicKey = isMysql ? join(server.dataDir, 'public_key.pem') : null;
  const connection = await MysqlConnection.open(
    { ...server.address, serverPublicKey, ...address },
    password,
  );
  const cipher = (await connection.row("SHOW SESSION STATUS LIKE 'Ssl_cipher'"))?.[1];
  await connection.close();
  return cipher !== '';
}

/** What can be told of a login that was refused without TLS by a server that offers it. */
const OR_TLS = ` without TLS: either TLS is demanded there, or the user or password is wrong${
  isMysql ? ', or the server key of the environment is not that of this server' : ''
}`;
const ca = (name: string): string => join(folder, `${name}.pem`);

describe('a server that offers TLS', () => {
  test.each([
    ['DISABLED', false],
    ['PREFERRED', true],
    ['REQUIRED', true],
  ] as const)(
    'is spoken to with %s: encrypted %s, whoever signed its certificate',
    async (sslMode, encrypted) => {
      expect(await connect({ sslMode })).toBe(encrypted);
    },
  );

  test('is trusted with VERIFY_CA when the authority is right', async () => {
    expect(await connect({ sslMode: 'VERIFY_CA', sslCa: ca('ca') })).toBe(true);
  });

  test.each([
    ['VERIFY_CA', 'other'],
    ['VERIFY_CA', null],
    ['VERIFY_IDENTITY', 'other'],
  ] as const)('is not trusted with %s and the authority %s', async (sslMode, name) => {
    await expect(
      connect({ sslMode, sslCa: name === null ? null : ca(name) }),
    ).rejects.toMatchObject({
      code: 'remote_failed',
      message: `The certificate of the server at 127.0.0.1:${server.port} is not trusted`,
    });
  });

  test.each([
    ['127.0.0.1', false],
    ['localhost', false],
    ['127.0.0.2', true],
  ])('with VERIFY_IDENTITY as %s is the right one: %s', async (host, isRight) => {
    const connecting = connect({ sslMode: 'VERIFY_IDENTITY', sslCa: ca('ca'), host });
    if (isRight) {
      expect(await connecting).toBe(true);
    } else {
      await expect(connecting).rejects.toMatchObject({
        code: 'remote_failed',
        message: `The certificate of the server at ${host}:${server.port} is for another host`,
      });
    }
  });

  describe('says why it refused a login, whoever signed its certificate', () => {
    beforeAll(async () => {
      const admin = await server.admin();
      await admin.query(`
        CREATE USER locked@'%' IDENTIFIED BY 'secret' ACCOUNT LOCK;
        CREATE USER expired@'%' IDENTIFIED BY 'secret' PASSWORD EXPIRE;
        CREATE USER reader@'%' IDENTIFIED BY 'secret';
        GRANT SELECT ON *.* TO reader@'%';
        CREATE USER needs_tls@'%' IDENTIFIED BY 'secret' REQUIRE SSL`);
      await admin.end();
    });

    const place = (): string => `127.0.0.1:${server.port}`;
    const causes: readonly [string, Partial<ServerAddress>, () => string][] = [
      ['a wrong password', {}, () => `The server at ${place()} refused the login of "recorder"`],
      [
        'an unknown user',
        { user: 'nobody' },
        () => `The server at ${place()} refused the login of "nobody"`,
      ],
      [
        'a locked account',
        { user: 'locked' },
        () => `The account "locked" is locked on the server at ${place()}`,
      ],
      [
        'an expired password',
        { user: 'expired' },
        () => 'The password of "expired" has expired on the server',
      ],
      [
        'an unknown database',
        { user: 'reader', database: 'nosuch' },
        () => `The server at ${place()} has no database "nosuch"`,
      ],
    ];
    const modes = ['DISABLED', 'PREFERRED', 'REQUIRED', 'VERIFY_CA'] as const;
    test.each(
      causes.flatMap(([cause, address, message]) =>
        modes.map((sslMode) => ({ cause, sslMode, address, message })),
      ),
    )('$cause, with $sslMode', async ({ sslMode, address, message }) => {
      const isRefused = message().includes('refused the login');
      await expect(
        connect({ sslMode, sslCa: ca('ca'), ...address }, 'secret'),
      ).rejects.toMatchObject({
        code: 'remote_failed',
        message: message() + (isRefused && sslMode === 'DISABLED' ? OR_TLS : ''),
      });
    });

    test('an account that demands TLS, with DISABLED', async () => {
      const connecting = connect({ sslMode: 'DISABLED', user: 'needs_tls' }, 'secret');
      await expect(connecting).rejects.toMatchObject({
        message: `The server at ${place()} refused the login of "needs_tls"${OR_TLS}`,
        hint: expect.stringContaining('use SSL mode REQUIRED'),
      });
      expect(await connect({ sslMode: 'REQUIRED', user: 'needs_tls' }, 'secret')).toBe(true);
    });

    test('a server that demands TLS, with DISABLED', async () => {
      const admin = await server.admin();
      await admin.query('SET GLOBAL require_secure_transport = ON');
      try {
        // MariaDB 10.11 says of it no more than of a wrong password; 11.8 and MySQL name it.
        await expect(connect({ sslMode: 'DISABLED' })).rejects.toMatchObject({
          code: 'remote_failed',
          hint: expect.stringMatching(/use SSL mode REQUIRED/i),
        });
        expect(await connect({ sslMode: 'PREFERRED' })).toBe(true);
      } finally {
        await admin.query('SET GLOBAL require_secure_transport = OFF');
        await admin.end();
      }
    });
  });

  test('is not blamed for a file of authorities that holds none', async () => {
    const path = join(folder, 'ca.key');
    await expect(connect({ sslMode: 'VERIFY_CA', sslCa: path })).rejects.toMatchObject({
      code: 'invalid',
      message: `The file of certificate authorities ${path} holds no certificate`,
    });
  });

  test('an authority that cannot be read is named', async () => {
    await expect(connect({ sslMode: 'VERIFY_CA', sslCa: '/no/such.pem' })).rejects.toMatchObject({
      code: 'invalid',
      message: 'The file of certificate authorities /no/such.pem does not exist',
    });
  });
});
