import { Interrupted, type EndingSignal, type SignalDesk } from './signals.ts';

/** Signals, taken over for as long as something must not be left half done. */
export class HeldSignals {
  readonly #desk: SignalDesk;
  #interruption = new AbortController();
  #onFirst: ((signal: EndingSignal) => void) | null = null;
  #release: (() => void) | null = null;

  constructor(desk: SignalDesk) {
    this.#desk = desk;
  }

  /** Takes them over, until `release`. */
  take(): void {
    this.#release ??= this.#desk.listen((signal) => {
      const onFirst = this.#onFirst;
      this.#onFirst = null;
      if (onFirst === null) this.#interruption.abort(new Interrupted(signal));
      else onFirst(signal);
    });
  }

  /** Aborted by the first signal; the reason is the `Interrupted` to report. */
  get interrupted(): AbortSignal {
    return this.#interruption.signal;
  }

  /**
   * From now on the first signal is told, and the second one aborts what is returned. Those that came before are
   * forgotten.
   */
  abortedBySecond(onFirst: (signal: EndingSignal) => void): AbortSignal {
    this.#onFirst = onFirst;
    this.#interruption = new AbortController();
    return this.#interruption.signal;
  }

  /** @throws Interrupted that has come, once: it is forgotten then. */
  throwPending(): void {
    const { signal } = this.#interruption;
    if (!signal.aborted) return;
    this.#interruption = new AbortController();
    throw signal.reason as Interrupted;
  }

  release(): void {
    this.#release?.();
    this.#release = null;
  }
}
