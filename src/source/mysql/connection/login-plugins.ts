import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  pbkdf2,
  publicEncrypt,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto';
import { promisify } from 'node:util';
import type { AuthPlugin } from 'mysql2';

/**
 * Every way of logging in that the recorder knows. None is left to the driver: without TLS it would
 * encrypt the password with whatever RSA key the peer sends, and it would take up the login with a peer
 * that goes on before TLS is up. What would send the password in clear text by design is refused by name.
 */

/** The server asks for a way of logging in that we do not have. */
export class UnsupportedLogin extends Error {
  /** As the server names it. */
  readonly plugin: string;

  constructor(plugin: string) {
    super(`the login plugin "${plugin}" is not supported`);
    this.plugin = plugin;
  }
}

/** The server asks for the password itself, and nothing keeps others from reading it on its way. */
export class ReadableLogin extends Error {
  /** As the server names it. */
  readonly plugin: string;

  constructor(plugin: string) {
    super(`the login plugin "${plugin}" asks for the password without TLS`);
    this.plugin = plugin;
  }
}

/** The peer said more, in clear text, before the TLS was up that it had agreed to. */
export class TlsSkipped extends Error {
  constructor() {
    super('the peer continues without TLS');
  }
}

/** For messages: every way of logging in that works, as CREATE USER spells them. */
export const SUPPORTED_LOGINS =
  'caching_sha2_password, mysql_native_password, sha256_password, ed25519, parsec';

/**
 * What is between us and the server at this moment: `pending` where TLS was asked for and is not up yet,
 * or its certificate is not trusted; `plain` is a network without TLS.
 */
export type LoginChannel = 'pending' | 'plain' | 'socket' | 'tls';

/** What a login has to go by. */
export interface LoginMeans {
  readonly password: string;
  readonly channel: () => LoginChannel;
  /** The server's RSA key that the user gave us; null without one. */
  readonly serverKey: KeyObject | null;
}

type Answer = (data: Buffer) => Buffer | null | Promise<Buffer>;

const PLUGINS: Readonly<Record<string, (means: LoginMeans) => Answer>> = {
  mysql_native_password:
    ({ password }) =>
    (scramble) =>
      answerNative(password, scramble),
  caching_sha2_password: answerCachingSha2,
  sha256_password: answerSha256,
  client_ed25519:
    ({ password }) =>
    (scramble) =>
      answerEd25519(password, scramble),
  parsec: ({ password }) => answerParsec(password),
};

/**
 * The driver's option `authPlugins`. It has an entry for every name, because the driver says of a missing
 * one only what its own authors should do. The entry of a plugin that is not supported throws
 * UnsupportedLogin; the others answer nothing to a peer that goes on before TLS is up.
 */
export function loginPlugins(means: LoginMeans): Record<string, AuthPlugin> {
  const find = (name: string | symbol): AuthPlugin | undefined => {
    if (typeof name === 'symbol') return undefined;
    return () => {
      if (means.channel() === 'pending') throw new TlsSkipped();
      const plugin = Object.hasOwn(PLUGINS, name) ? PLUGINS[name] : undefined;
      // The login from before MySQL 4.1 is asked for without a name.
      if (plugin === undefined)
        throw new UnsupportedLogin(name === '' ? 'mysql_old_password' : name);
      const answer = plugin(means);
      return (data) => {
        if (means.channel() === 'pending') throw new TlsSkipped();
        return answer(data);
      };
    };
  };
  return new Proxy<Record<string, AuthPlugin>>(
    {},
    {
      get: (_target, name) => find(name),
      // The driver asks for its own properties only, so that no name finds Object's.
      getOwnPropertyDescriptor: (_target, name) => {
        const value = find(name);
        return value === undefined
          ? undefined
          : { value, configurable: true, enumerable: true, writable: false };
      },
    },
  );
}

/** The scramble as the server meant it: it ends with a zero byte that is no part of it. */
const scrambleOf = (data: Buffer): Buffer => Buffer.from(data.subarray(0, 20));

function digest(algorithm: 'sha1' | 'sha256', ...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** @param key repeated where it is the shorter one. */
function xor(text: Buffer, key: Buffer): Buffer {
  return Buffer.from(text.map((byte, index) => byte ^ (key[index % key.length] ?? 0)));
}

function answerNative(password: string, data: Buffer): Buffer {
  if (password === '') return Buffer.alloc(0);
  const once = digest('sha1', Buffer.from(password));
  return xor(once, digest('sha1', scrambleOf(data), digest('sha1', once)));
}

const FAST_LOGIN_DONE = 3;
const FULL_LOGIN_WANTED = 4;

/**
 * MySQL's `caching_sha2_password`: a hash over the scramble is enough where the server has the password's
 * hash in its cache; else it wants the password itself.
 */
function answerCachingSha2(means: LoginMeans): Answer {
  const { password } = means;
  let scramble: Buffer | null = null;
  return (data) => {
    if (scramble === null) {
      scramble = scrambleOf(data);
      if (password === '') return Buffer.alloc(1);
      const once = digest('sha256', Buffer.from(password));
      return xor(once, digest('sha256', digest('sha256', once), scramble));
    }
    if (data.length === 1 && data[0] === FAST_LOGIN_DONE) return null;
    if (data.length === 1 && data[0] === FULL_LOGIN_WANTED) {
      return passwordItself(means, 'caching_sha2_password', scramble);
    }
    throw new Error('caching_sha2_password: an answer of an unknown kind');
  };
}

const KEY_WANTED = 1;

/**
 * MySQL's `sha256_password`: always the password itself. Over a local socket the server wants it encrypted
 * (9.7, tried), and there its key may come from itself: nobody stands between.
 */
function answerSha256(means: LoginMeans): Answer {
  let scramble: Buffer | null = null;
  return (data) => {
    if (scramble !== null) return encrypted(means.password, scramble, createPublicKey(data));
    if (means.password === '' || means.channel() !== 'socket') {
      return passwordItself(means, 'sha256_password', data);
    }
    scramble = scrambleOf(data);
    return Buffer.from([KEY_WANTED]);
  };
}

/**
 * The password for the server to read: over TLS or a local socket, or encrypted with the key that the user
 * says is the server's (https://dev.mysql.com/doc/refman/8.4/en/caching-sha2-pluggable-authentication.html).
 * @throws ReadableLogin where none of these is there: a key that the peer sends proves nothing.
 */
function passwordItself(
  { password, channel, serverKey }: LoginMeans,
  plugin: string,
  scramble: Buffer,
): Buffer {
  if (password === '') return Buffer.alloc(1);
  if (channel() !== 'plain') return Buffer.from(`${password}\0`);
  if (serverKey === null) throw new ReadableLogin(plugin);
  return encrypted(password, scramble, serverKey);
}

function encrypted(password: string, scramble: Buffer, key: KeyObject): Buffer {
  return publicEncrypt(
    { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
    xor(Buffer.from(`${password}\0`), scrambleOf(scramble)),
  );
}

const SCRAMBLE_BYTES = 32;

async function answerEd25519(password: string, scramble: Buffer): Promise<Buffer> {
  if (scramble.length !== SCRAMBLE_BYTES) {
    throw new Error(`ed25519: a challenge of ${scramble.length} bytes`);
  }
  return signWithPassword(password, scramble);
}

/**
 * The signature of MariaDB's `client_ed25519`: as RFC 8032, 5.1.6, but with the password, of any
 * length, in the place of the 32 bytes of a key. (node:crypto takes keys of 32 bytes only.)
 */
export async function signWithPassword(password: string, message: Uint8Array): Promise<Buffer> {
  // Loaded by the one login that needs it: 2 to 9 ms, and 45 for the first signature's tables; each
  // later one takes 1 ms.
  const { Point, etc } = await import('@noble/ed25519');
  const order = Point.CURVE().n;
  const secret = sha512(Buffer.from(password));
  const scalar = secret.subarray(0, 32);
  scalar[0] = (scalar[0] ?? 0) & 0b1111_1000;
  scalar[31] = ((scalar[31] ?? 0) & 0b0011_1111) | 0b0100_0000;
  const key = etc.mod(littleEndian(scalar), order);
  const publicKey = Point.BASE.multiply(key).toBytes();
  const nonce = etc.mod(littleEndian(sha512(secret.subarray(32), message)), order);
  const commitment = Point.BASE.multiply(nonce).toBytes();
  const challenge = littleEndian(sha512(commitment, publicKey, message));
  const proof = etc.mod(nonce + challenge * key, order);
  return Buffer.concat([commitment, toLittleEndian(proof, 32)]);
}

function sha512(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha512');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}

function toLittleEndian(value: bigint, bytes: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * bytes, '0'), 'hex').reverse();
}

const SALT_BYTES = 18;
/** As MariaDB's own client: more is no stored password, but a server that wants us to compute. */
const MAX_FACTOR = 3;

/**
 * MariaDB's `parsec` (11.6 and later): challenge, an empty packet for "which salt?", the salt, then
 * our own 32 random bytes and the signature over both challenges
 * (MariaDB's plugin/auth_parsec/server_parsec.cc).
 */
function answerParsec(password: string): (data: Buffer) => Promise<Buffer> {
  let challenge: Buffer | null = null;
  return async (data) => {
    if (challenge === null) {
      if (data.length !== SCRAMBLE_BYTES) {
        throw new Error(`parsec: a challenge of ${data.length} bytes`);
      }
      challenge = Buffer.from(data);
      return Buffer.alloc(0);
    }
    const ours = randomBytes(SCRAMBLE_BYTES);
    return Buffer.concat([
      ours,
      await signParsec(password, data, Buffer.concat([challenge, ours])),
    ]);
  };
}

/** An Ed25519 key that holds its 32 bytes, up to those bytes (RFC 8410, section 7). */
const KEY_HEADER = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * @param salt the server's "ext-salt": `P`, the exponent of the iterations over 1024, 18 bytes.
 * @throws Error when it is something else.
 */
export async function signParsec(
  password: string,
  salt: Buffer,
  message: Uint8Array,
): Promise<Buffer> {
  const factor = salt[1] ?? 0;
  if (salt.length !== 2 + SALT_BYTES || salt[0] !== 'P'.charCodeAt(0) || factor > MAX_FACTOR) {
    throw new Error('parsec: the salt is of an unknown kind');
  }
  const seed = await promisify(pbkdf2)(password, salt.subarray(2), 1024 << factor, 32, 'sha512');
  const key = createPrivateKey({
    key: Buffer.concat([KEY_HEADER, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  return sign(null, message, key);
}
