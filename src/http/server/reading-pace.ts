/** How slowly a client may take its answer. */
export interface PaceLimits {
  /** Bytes a second, over the time in which the server waits for the client. */
  readonly leastPerSecond: number;
  /** Milliseconds that a client may be behind that, or take nothing. */
  readonly grace: number;
}

/**
 * A line of 64 kB/s takes its 2 GB in nine hours, and four answers at once. Who takes a buffer a minute is found out
 * after two.
 */
export const PACE: PaceLimits = { leastPerSecond: 16_384, grace: 120_000 };

/**
 * How far a client is behind in taking one answer. What counts is the time for which it is waited: one that is sent
 * little, because there is little to send, is not slow.
 */
export class ReadingPace {
  readonly #limits: PaceLimits;
  #left: number;

  constructor(limits: PaceLimits) {
    this.#limits = limits;
    this.#left = limits.grace;
  }

  /** Milliseconds that it may be waited for from now on. */
  get left(): number {
    return Math.max(0, this.#left);
  }

  /** It took so much, and was waited for so long, in milliseconds. What it is ahead counts for the grace at most. */
  took(bytes: number, waited: number): void {
    const { leastPerSecond, grace } = this.#limits;
    this.#left = Math.min(grace, this.#left - waited + (bytes / leastPerSecond) * 1_000);
  }
}
