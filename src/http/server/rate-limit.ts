import { isAppError } from '../../core/errors.ts';
import { sha256 } from '../../core/users/sha256.ts';
import { Refusal } from './refusal.ts';

interface Bucket {
  tokens: number;
  /** Milliseconds of the same clock as `now`. */
  filledAt: number;
}

export interface Rate {
  readonly perSecond: number;
  /** So many at once, after a pause. */
  readonly burst: number;
}

/** Buckets are looked through for full ones, which say nothing, when there are so many. */
const MANY_BUCKETS = 10_000;

/** How many requests each client may make: a bucket of tokens each, refilled steadily. */
export class RateLimit {
  readonly #rate: Rate;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();

  /** @param now milliseconds, of a clock that is not set back. */
  constructor(rate: Rate, now: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#now = now;
  }

  /** @throws Refusal 429 that says when to come back. */
  take(client: string): void {
    const bucket = this.#refilled(client);
    if (bucket.tokens < 1) {
      const seconds = Math.ceil((1 - bucket.tokens) / this.#rate.perSecond);
      throw new Refusal(429, 'Too many requests: wait a moment', {
        'retry-after': String(Math.max(1, seconds)),
      });
    }
    bucket.tokens -= 1;
  }

  /** Undoes a `take`. */
  giveBack(client: string): void {
    this.#refilled(client).tokens += 1;
  }

  #refilled(client: string): Bucket {
    const { perSecond, burst } = this.#rate;
    const now = this.#now();
    const bucket = this.#buckets.get(client);
    if (bucket === undefined) {
      if (this.#buckets.size >= MANY_BUCKETS) this.#forgetFull(now);
      const full = { tokens: burst, filledAt: now };
      this.#buckets.set(client, full);
      return full;
    }
    const gained = ((now - bucket.filledAt) / 1_000) * perSecond;
    bucket.tokens = Math.min(burst, bucket.tokens + gained);
    bucket.filledAt = now;
    return bucket;
  }

  #forgetFull(now: number): void {
    const { perSecond, burst } = this.#rate;
    for (const [client, { tokens, filledAt }] of this.#buckets) {
      if (tokens + ((now - filledAt) / 1_000) * perSecond >= burst) this.#buckets.delete(client);
    }
  }
}

/** So many credentials are remembered, the latest. */
const MOST_KNOWN = 10_000;

/**
 * How many requests each network may make that nobody proves to be theirs. They are counted before any work is done
 * for them. A credential that was right before is let through: who guesses at them shuts out nobody else.
 */
export class StrangerLimit {
  readonly #rate: RateLimit;
  /** Hashes, the one that was used first at the beginning. */
  readonly #known = new Set<string>();

  constructor(rate: RateLimit) {
    this.#rate = rate;
  }

  /** Counts what needs no credential. @throws Refusal 429 where there were too many. */
  take(network: string): void {
    this.#rate.take(network);
  }

  /**
   * Finds out who asks.
   * @param secret null where none was sent.
   * @throws Refusal 429 where there were too many; whatever `authenticate` throws.
   */
  async pass<Who>(
    network: string,
    secret: string | null,
    authenticate: () => Promise<Who>,
  ): Promise<Who> {
    const key = sha256(secret ?? '').toString('base64');
    const isKnown = this.#known.has(key);
    if (!isKnown) this.#rate.take(network);
    let who: Who;
    try {
      who = await authenticate();
    } catch (error) {
      if (isAppError(error, 'unauthenticated')) this.#known.delete(key);
      throw error;
    }
    if (!isKnown) {
      this.#rate.giveBack(network);
      this.#remember(key);
    }
    return who;
  }

  #remember(key: string): void {
    this.#known.add(key);
    const [oldest] = this.#known;
    if (this.#known.size > MOST_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }
}

/** How much each client may have open at the same time. */
export class ShareLimit {
  readonly #most: number;
  readonly #open = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** @returns to be called once, when it is over. @throws Refusal 429. */
  open(client: string): () => void {
    const open = this.#open.get(client) ?? 0;
    if (open >= this.#most) {
      throw new Refusal(429, `${open} of your requests go on already: end one of them`, {
        'retry-after': '5',
      });
    }
    this.#open.set(client, open + 1);
    return () => {
      const left = (this.#open.get(client) ?? 1) - 1;
      if (left === 0) this.#open.delete(client);
      else this.#open.set(client, left);
    };
  }
}
