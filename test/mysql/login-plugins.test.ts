import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { AuthPlugin } from 'mysql2';
import { loginPlugins, signParsec, signWithPassword } from '../../src/mysql/login-plugins.ts';

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

function plugin(name: string, password = 's3cret'): AuthPlugin {
  const found = loginPlugins(password)[name];
  if (found === undefined) throw new Error(`no entry for ${name}`);
  return found;
}

function start(name: string): (data: Buffer) => unknown {
  // The plugins look at neither.
  return plugin(name)({} as Parameters<AuthPlugin>[0]);
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
    expect(Object.hasOwn(loginPlugins('s3cret'), name)).toBe(true);
    expect(() => start(name)).toThrow(`the login plugin "${name}" is not supported`);
  });

  test('without a name is the one from before MySQL 4.1', () => {
    expect(() => start('')).toThrow('the login plugin "mysql_old_password" is not supported');
  });

  test.each(['mysql_native_password', 'caching_sha2_password', 'sha256_password'])(
    'as %s is left to the driver',
    (name) => {
      expect(Object.hasOwn(loginPlugins('s3cret'), name)).toBe(false);
      expect(loginPlugins('s3cret')[name]).toBeUndefined();
    },
  );

  test('as sha256_password without a password sends none', () => {
    expect(plugin('sha256_password', '')({} as Parameters<AuthPlugin>[0])(challenge)).toEqual(
      Buffer.from([0]),
    );
  });
});
