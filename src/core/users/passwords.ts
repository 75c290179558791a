import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';
import { AppError } from '../errors.ts';

const SHORTEST_PASSWORD = 8;
const KEY_BYTES = 32;

/** The cost of a hash: N = 2^logN. Users' passwords have logN 17 (about 0.6 s here), r 8, p 1. */
export interface ScryptCost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}
export const SCRYPT_COST: ScryptCost = { logN: 17, r: 8, p: 1 };

/** A hash of no password: checked where there is no user, so that time does not tell. */
export function nobodysHash({ logN, r, p }: ScryptCost): string {
  return `scrypt$${logN}$${r}$${p}$${'A'.repeat(22)}$${'A'.repeat(43)}`;
}

/** @throws AppError `invalid` for a password that is too short. */
export function checkPassword(password: string): void {
  if (Array.from(password).length < SHORTEST_PASSWORD) {
    throw new AppError('invalid', `The password is shorter than ${SHORTEST_PASSWORD} characters`);
  }
}

/** A hash with its salt and cost: `scrypt$17$8$1$SALT$KEY`, salt and key in base64url. */
export async function hashPassword(
  password: string,
  cost: ScryptCost = SCRYPT_COST,
): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, cost);
  return [
    'scrypt',
    cost.logN,
    cost.r,
    cost.p,
    salt.toString('base64url'),
    key.toString('base64url'),
  ].join('$');
}

/** Whether a password is the one of a hash, compared in constant time. */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  const [scheme, logN, r, p, salt, key] = hash.split('$');
  if (scheme !== 'scrypt' || salt === undefined || key === undefined) return false;
  const cost = { logN: Number(logN), r: Number(r), p: Number(p) };
  const expected = Buffer.from(key, 'base64url');
  const actual = await derive(password, Buffer.from(salt, 'base64url'), cost);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

function derive(password: string, salt: Buffer, cost: ScryptCost): Promise<Buffer> {
  const N = 2 ** cost.logN;
  // scrypt needs 128·N·r bytes; Node's own limit of 32 MiB is below that from N = 2^15 on.
  const options: ScryptOptions = { N, r: cost.r, p: cost.p, maxmem: 256 * N * cost.r };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, KEY_BYTES, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
