import {
  constants,
  createPublicKey,
  generateKeyPairSync,
  privateDecrypt,
  verify,
  type KeyObject,
} from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AuthPlugin } from 'mysql2';
import {
  loginPlugins,
  signParsec,
  signWithPassword,
  type LoginChannel,
  type LoginMeans,
} from '../../../../src/source/mysql/connection/login-plugins.ts';
import { MysqlConnection } from '../../../../src/source/mysql/connection/mysql-connection.ts';
import {
  authMore,
  authSwitch,
  greeting,
  SCRAMBLE,
  startFakeServer,
  type FakeServer,
  WELCOME,
} from '../../../support/fake-server.ts';
import { temporaryFolder } from '../../../support/stores.ts';

const challenge = Buffer.from(Array.from({ length: 32 }, (_, index) => 7 * index + 3));

/** Whether a signature is right for a key as a server stores it, in the judgement of OpenSSL. */
function isSignedBy(publicKey: string, message: Buffer, signature: Buffer): boolean {
  const header = Buffer.from('302a300506032b6570032100', 'hex');
  const key = createPublicKey({
    key: Buffer.concat([header, Buffer.from(publicKey, 'base64')]),
    format: 'der',
    type: 'spki',
  });
  return verify(null, message, key, signature);
}

function means(given: Partial<LoginMeans> = {}): LoginMeans {
  return { password: 's3cret', channel: () => 'plain', serverKey: null, ...given };
}

function start(name: string, given: Partial<LoginMeans> = {}): (data: Buffer) => unknown {
  const found = loginPlugins(means(given))[name];
  if (found === undefined) throw new Error(`no entry for ${name}`);
  // The plugins look at neither.
  return found({} as Parameters<AuthPlugin>[0]);
}

describe('ed25519', () => {
  // authentication_string of MariaDB 11.8.9; 10.11.19 has the same.
  test.each([
    ['s3cret', 'VTpeMO9EoEH32KxFkC6VlQwbz7gSmI253Sqk3kQvx64'],
    ['pässwörd😀', 'mWrRal5/VgPAqhqpTAo91yET4WN5sYDRx45G5o+fflk'],
    ['', '4LH+dBF+G5W2CKTyId8xR3SyDqZoQjUNUVNxx8aWbG4'],
  ])('signs with "%s" so that the key that the server stores says so', async (password, key) => {
    const signature = await signWithPassword(password, challenge);
    expect(isSignedBy(key, challenge, signature)).toBe(true);
    expect(isSignedBy(key, challenge.subarray(1), signature)).toBe(false);
    const other = await signWithPassword(`${password}x`, challenge);
    expect(isSignedBy(key, challenge, other)).toBe(false);
  });

  test('answers the challenge with the signature alone', async () => {
    expect(await start('client_ed25519')(challenge)).toEqual(
      await signWithPassword('s3cret', challenge),
    );
  });

  test('does not sign what is no challenge', async () => {
    await expect(start('client_ed25519')(Buffer.from('GRANT'))).rejects.toThrow(
      'ed25519: a challenge of 5 bytes',
    );
  });
});

describe('parsec', () => {
  // authentication_string of MariaDB 11.8.9: P, the exponent, the salt and the key.
  test.each([
    ['s3cret', 'UIrRr+PxvxzvEpi+s41EAWs+', 'KjO6Jijm3MUCWuJLzbTbVFYi2oPzhh9F5gee348nbxg'],
    ['pässwörd😀', 'oJhkshcpnFWG1iuTZSPgUxMo', 'mYFziyxz0DzahD6oXkymKsrSL5vBu5vfmxp2MPNzYP8'],
    ['', '2hq9dQkNuqLMsb4NgEteH5Pe', 'cO7s1fPtJi1zslVVf1aiLsXrCHFrw+m4LyPpcSKDtrQ'],
  ])(
    'signs with "%s" so that the key that the server stores says so',
    async (password, salt, key) => {
      const packet = Buffer.concat([Buffer.from('P\0'), Buffer.from(salt, 'base64')]);
      const signature = await signParsec(password, packet, challenge);
      expect(isSignedBy(key, challenge, signature)).toBe(true);
      const other = await signParsec(`${password}x`, packet, challenge);
      expect(isSignedBy(key, challenge, other)).toBe(false);
    },
  );

  test('asks for the salt, then signs both challenges, never the same', async () => {
    const salt = Buffer.concat([
      Buffer.from('P\0'),
      Buffer.from('UIrRr+PxvxzvEpi+s41EAWs+', 'base64'),
    ]);
    const answers = [];
    for (const answer of [start('parsec'), start('parsec')]) {
      expect(await answer(challenge)).toEqual(Buffer.alloc(0));
      const response = (await answer(salt)) as Buffer;
      expect(response).toHaveLength(32 + 64);
      const signed = Buffer.concat([challenge, response.subarray(0, 32)]);
      expect(
        isSignedBy('KjO6Jijm3MUCWuJLzbTbVFYi2oPzhh9F5gee348nbxg', signed, response.subarray(32)),
      ).toBe(true);
      answers.push(response.toString('hex'));
    }
    expect(answers[0]).not.toBe(answers[1]);
  });

  test.each([
    ['another derivation', `Q\0${'s'.repeat(18)}`],
    ['more iterations than any server stores', `P\x04${'s'.repeat(18)}`],
    ['a salt too short', `P\0${'s'.repeat(17)}`],
    ['nothing', ''],
  ])('refuses %s', async (_what, salt) => {
    const answer = start('parsec');
    await answer(challenge);
    await expect(answer(Buffer.from(salt, 'latin1'))).rejects.toThrow(
      'parsec: the salt is of an unknown kind',
    );
  });
});

describe('any other way of logging in', () => {
  test.each([
    'mysql_clear_password',
    'dialog',
    'auth_gssapi_client',
    'authentication_ldap_sasl_client',
    'toString',
    '__proto__',
  ])('as %s is refused by name, before anything is sent', (name) => {
    expect(Object.hasOwn(loginPlugins(means()), name)).toBe(true);
    expect(() => start(name)).toThrow(`the login plugin "${name}" is not supported`);
  });

  test('without a name is the one from before MySQL 4.1', () => {
    expect(() => start('')).toThrow('the login plugin "mysql_old_password" is not supported');
  });
});

const scramble = Buffer.from(`${SCRAMBLE}\0`, 'latin1');
const FULL_LOGIN = Buffer.from([4]);

/** The password that a server finds in what was encrypted with its key. */
function decrypted(key: KeyObject, answer: unknown): string {
  const text = privateDecrypt(
    { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
    answer as Buffer,
  );
  return Buffer.from(text.map((byte, index) => byte ^ (scramble[index % 20] ?? 0))).toString();
}

describe('the password itself', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

  /** Up to the point where the server wants it. */
  function asked(name: string, given: Partial<LoginMeans>): () => unknown {
    const answer = start(name, given);
    if (name === 'sha256_password') return () => answer(scramble);
    answer(scramble);
    return () => answer(FULL_LOGIN);
  }

  describe.each(['caching_sha2_password', 'sha256_password'])('as %s', (name) => {
    test('goes over TLS', () => {
      expect(asked(name, { channel: () => 'tls' })()).toEqual(Buffer.from('s3cret\0'));
    });

    test('goes over a plain network only encrypted with the key that we were given', () => {
      const answer = asked(name, { password: 'pässwörd😀', serverKey: publicKey })();
      expect(decrypted(privateKey, answer)).toBe('pässwörd😀\0');
      expect(asked(name, {})).toThrow(
        `the login plugin "${name}" asks for the password without TLS`,
      );
    });

    test('is not there for an account without one', () => {
      expect(asked(name, { password: '' })()).toEqual(Buffer.from([0]));
    });
  });
});

test('the password itself goes over a local socket: to caching_sha2_password as it is, to sha256_password by its key', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const channel = (): LoginChannel => 'socket';
  const caching = start('caching_sha2_password', { channel });
  caching(scramble);
  expect(caching(FULL_LOGIN)).toEqual(Buffer.from('s3cret\0'));
  const older = start('sha256_password', { channel });
  expect(older(scramble)).toEqual(Buffer.from([1]));
  const pem = Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }));
  expect(decrypted(privateKey, older(pem))).toBe('s3cret\0');
});

/** What a peer does to get at the password, once we have said who we are. */
const ATTACKS: readonly (readonly [string, ((key: Buffer) => Buffer[]) | null])[] = [
  ...['caching_sha2_password', 'sha256_password', 'mysql_native_password'].flatMap(
    (plugin) =>
      [
        [
          `switches to ${plugin}, asks for all of it and sends its key`,
          (key: Buffer) => [
            authSwitch(2, plugin),
            authMore(4, FULL_LOGIN),
            authMore(6, key),
            authMore(8, key),
          ],
        ],
        [
          `switches to ${plugin} and sends its key at once`,
          (key: Buffer) => [authSwitch(2, plugin), authMore(4, key), authMore(6, key)],
        ],
      ] as const,
  ),
  ...[
    'mysql_clear_password',
    'mysql_old_password',
    '',
    'dialog',
    'auth_gssapi_client',
    'authentication_ldap_simple_client',
    'authentication_oci_client',
    'authentication_openid_connect_client',
    'toString',
  ].map(
    (plugin) =>
      [
        `switches to "${plugin}"`,
        () => [authSwitch(2, plugin), authMore(4, Buffer.from('Password: '))],
      ] as const,
  ),
  ['asks for more of no plugin', (key) => [authMore(2, FULL_LOGIN), authMore(4, key)]],
];

describe('a peer that wants the password', () => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = Buffer.from(pair.publicKey.export({ type: 'spki', format: 'pem' }));
  const password = 'the s3cret of shop';
  const PLUGINS = ['caching_sha2_password', 'sha256_password', 'mysql_native_password', 'dialog'];

  /** Nothing that was said to it is the password, or an encryption of it with its key. */
  function expectNothingLeaked(peer: FakeServer): void {
    const heard = peer.heard();
    expect(heard.includes(password)).toBe(false);
    for (let at = 0; at + 4 <= heard.length;) {
      const length = heard.readUIntLE(at, 3);
      // What is encrypted with a key of 2048 bits has 256 bytes.
      expect(length).toBeLessThan(256);
      at += 4 + length;
    }
  }

  const cases = PLUGINS.flatMap((first) =>
    ATTACKS.flatMap(([what, attack]) =>
      (['DISABLED', 'PREFERRED'] as const).map(
        (sslMode) => [first, what, sslMode, attack] as const,
      ),
    ),
  );

  test.each(cases)(
    'as %s and %s, with %s, does not get it',
    async (plugin, _what, sslMode, attack) => {
      const peer = await startFakeServer(greeting({ plugin }), (socket, said) => {
        const next = attack?.(pem)[said - 1];
        if (next === undefined) socket.end();
        else socket.write(next);
      });
      await expect(
        MysqlConnection.open({ ...peer.address, sslMode }, password),
      ).rejects.toMatchObject({ code: 'remote_failed' });
      expectNothingLeaked(peer);
    },
  );

  test('is told by name what it asked for, and the user what to do', async () => {
    const peer = await startFakeServer(greeting(), (socket, said) => {
      if (said === 1) socket.write(authSwitch(2, 'caching_sha2_password'));
      else socket.write(authMore(4, FULL_LOGIN));
    });
    await expect(MysqlConnection.open(peer.address, password)).rejects.toMatchObject({
      code: 'remote_failed',
      message: `The server at 127.0.0.1:${peer.address.port} wants the password of "recorder" itself (caching_sha2_password), and without TLS others could read it: nothing was sent`,
      hint: 'Have the server offer TLS and use SSL mode REQUIRED. Or give its RSA key as the server key.',
    });
  });

  // In one piece with the greeting: before the TLS that both agreed to is up.
  test.each(['REQUIRED', 'VERIFY_CA', 'VERIFY_IDENTITY'] as const)(
    'and says so before the TLS of %s is up does not get it',
    async (sslMode) => {
      for (const rest of [
        [authSwitch(1, 'caching_sha2_password'), authMore(2, FULL_LOGIN)],
        [authSwitch(2, 'caching_sha2_password'), authMore(3, FULL_LOGIN)],
        [authSwitch(2, 'sha256_password')],
        [authSwitch(2, 'mysql_native_password')],
        [WELCOME],
      ]) {
        const peer = await startFakeServer(Buffer.concat([greeting({ offersTls: true }), ...rest]));
        await expect(
          MysqlConnection.open({ ...peer.address, sslMode }, password),
        ).rejects.toMatchObject({ code: 'remote_failed' });
        expectNothingLeaked(peer);
      }
    },
  );

  test.each([
    ['is not there', null, 'does not exist'],
    ['is no PEM', 'key', 'holds no key'],
    [
      'is of another kind',
      generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }),
      'holds a key that is not RSA',
    ],
  ])('is not connected to where the key that we were given %s', async (_what, text, why) => {
    const serverPublicKey = join(temporaryFolder(), 'key.pem');
    if (text !== null) writeFileSync(serverPublicKey, text);
    const peer = await startFakeServer(null);
    await expect(
      MysqlConnection.open({ ...peer.address, serverPublicKey }, password),
    ).rejects.toMatchObject({
      code: 'invalid',
      message: `The file of the server's public key ${serverPublicKey} ${why}`,
    });
    expect(peer.open()).toBe(0);
  });
});
