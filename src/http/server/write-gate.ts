import type { Clock } from '../../core/clock.ts';
import { StoreBusy } from '../../core/errors.ts';

/** So often it is looked, by all who wait together. */
const LOOK_MS = 10;

/**
 * Lets requests that change something wait while another process holds the store locked. SQLite itself would wait
 * with the whole process, and nobody else's request would be answered meanwhile.
 */
export class WriteGate {
  readonly #tryWrite: () => void;
  readonly #patience: number;
  readonly #clock: Clock;
  #waiting = 0;
  #opening: Promise<void> | null = null;

  /**
   * @param tryWrite changes nothing, waits for nobody, and throws `StoreBusy` where the store is locked.
   * @param patience milliseconds.
   */
  constructor(tryWrite: () => void, patience: number, clock: Clock) {
    this.#tryWrite = tryWrite;
    this.#patience = patience;
    this.#clock = clock;
  }

  /**
   * Waits until the store can be written.
   * @param gone aborted: it is not waited for any more, and this rejects with its reason.
   * @throws StoreBusy when it takes too long.
   */
  async pass(gone: AbortSignal): Promise<void> {
    const deadline = this.#clock.now() + this.#patience;
    for (;;) {
      const refusal = this.#refusal();
      if (refusal === null) return;
      const left = deadline - this.#clock.now();
      if (left <= 0) throw refusal;
      await this.#opened(left, gone);
      gone.throwIfAborted();
    }
  }

  /** Waits until it was open for a moment, which another may have used, or there is no time left. */
  async #opened(left: number, gone: AbortSignal): Promise<void> {
    const over = new AbortController();
    this.#waiting += 1;
    try {
      // Not before it is set: it may be open at once.
      this.#opening ??= this.#open().finally(() => (this.#opening = null));
      const patience = this.#clock.sleep(left, AbortSignal.any([gone, over.signal]));
      await Promise.race([this.#opening, patience]);
    } finally {
      over.abort();
      this.#waiting -= 1;
    }
  }

  /** Resolves when it is open, or nobody waits any more. */
  async #open(): Promise<void> {
    while (this.#waiting > 0 && this.#refusal() !== null) await this.#clock.sleep(LOOK_MS);
  }

  /** Any other failure is for who writes. */
  #refusal(): StoreBusy | null {
    try {
      this.#tryWrite();
      return null;
    } catch (error) {
      return error instanceof StoreBusy ? error : null;
    }
  }
}
