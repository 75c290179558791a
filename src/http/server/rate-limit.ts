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
      throw new Refusal(429, `${open} streams are open already: end one of them`, {
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
