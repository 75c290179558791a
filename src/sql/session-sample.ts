import { createHash } from 'node:crypto';

/**
 * Which sessions of a server are in a sample of one in N: a hash of the session's id with a key of
 * the capture's own, and nothing else, so that a session is in or out for its whole life. Ids count
 * upwards, so each bit must depend on all of them and of the key: the rounds are murmur3's finaliser.
 */
export class SessionSample {
  readonly #below: number;
  readonly #first: number;
  readonly #second: number;
  readonly #third: number;

  /** @param seed any text; the same seed makes the same choices. */
  constructor(oneIn: number, seed: string) {
    this.#below = 2 ** 32 / oneIn;
    const digest = createHash('sha256').update(seed).digest();
    this.#first = digest.readInt32LE(0);
    this.#second = digest.readInt32LE(4);
    this.#third = digest.readInt32LE(8);
  }

  has(session: number): boolean {
    const high = Math.floor(session / 2 ** 32);
    const once = scrambled(session ^ this.#first);
    const twice = scrambled(once ^ high ^ this.#second);
    return scrambled(twice ^ this.#third) >>> 0 < this.#below;
  }
}

function scrambled(word: number): number {
  let hash = word;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
