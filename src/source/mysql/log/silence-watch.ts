const TICK_MS = 1_000;
/** Less than this is as good as nothing: a peer that drips would never be done. */
const LEAST_BYTES = 64 * 1024;

/**
 * Ends a wait in which nothing comes, or next to nothing. Only time in which this process ran is
 * counted, a second at a time: a timer of the whole limit fires at once when a process goes on that was
 * suspended (a closed lid, SIGSTOP), before the answer is read that has been lying in the socket since.
 */
export class SilenceWatch {
  readonly #timer: ReturnType<typeof setInterval>;
  #silentTicks = 0;
  #bytes = 0;

  /** @param onSilent called once, when nothing was heard for so long; not after `stop`. */
  constructor(limitMs: number, onSilent: () => void) {
    this.#timer = setInterval(() => {
      this.#silentTicks++;
      if (this.#silentTicks * TICK_MS < limitMs) return;
      this.stop();
      onSilent();
    }, TICK_MS);
  }

  /** So much came: once that is enough, the limit counts from then on. */
  heard(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < LEAST_BYTES) return;
    this.#bytes = 0;
    this.#silentTicks = 0;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
