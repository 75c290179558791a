import { createHash, createPrivateKey, pbkdf2, randomBytes, sign } from 'node:crypto';
import { promisify } from 'node:util';
import type { AuthPlugin } from 'mysql2';

/**
 * Ways of logging in that the driver leaves out: MariaDB's `ed25519` and `parsec`, which prove that
 * we know the password by a signature. All others, and those that would send the password in clear
 * text, are refused by name.
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

/** Left to the driver. It sends the password of none of them in clear text outside TLS. */
const DRIVERS_OWN: ReadonlySet<string> = new Set([
  'mysql_native_password',
  'caching_sha2_password',
  'sha256_password',
]);

/** For messages: every way of logging in that works, as CREATE USER spells them. */
export const SUPPORTED_LOGINS =
  'caching_sha2_password, mysql_native_password, sha256_password, ed25519, parsec';

/**
 * The driver's option `authPlugins`. It has an entry for every name that is not left to the driver,
 * because the driver says of a missing one only what its own authors should do; an entry for a
 * plugin that is not supported throws UnsupportedLogin.
 */
export function loginPlugins(password: string): Record<string, AuthPlugin> {
  const ours: Readonly<Record<string, AuthPlugin>> = {
    client_ed25519: () => (scramble) => answerEd25519(password, scramble),
    parsec: () => answerParsec(password),
    // For want of a password the driver would send the text "undefined".
    ...(password === '' ? { sha256_password: () => () => Buffer.alloc(1) } : {}),
  };
  const find = (name: string | symbol): AuthPlugin | undefined => {
    if (typeof name === 'symbol') return undefined;
    if (Object.hasOwn(ours, name)) return ours[name];
    if (DRIVERS_OWN.has(name)) return undefined;
    return () => {
      // The login from before MySQL 4.1 is asked for without a name.
      throw new UnsupportedLogin(name === '' ? 'mysql_old_password' : name);
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
