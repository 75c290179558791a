export const SIGNAL_STATUS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
export type EndingSignal = keyof typeof SIGNAL_STATUS;

/** The run was ended by a signal, or by Ctrl-C at a prompt. */
export class Interrupted extends Error {
  readonly signal: EndingSignal;

  constructor(signal: EndingSignal) {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}

/**
 * Where signals arrive. The last listener gets them; without a listener the first one ends the
 * run: `interrupted` is aborted, its reason is the `Interrupted` to report.
 */
export class SignalDesk {
  readonly #listeners: ((signal: EndingSignal) => void)[] = [];
  readonly #interruption = new AbortController();

  get interrupted(): AbortSignal {
    return this.#interruption.signal;
  }

  /** Takes signals over until the returned function is called. */
  listen(listener: (signal: EndingSignal) => void): () => void {
    this.#listeners.push(listener);
    return () => {
      const index = this.#listeners.lastIndexOf(listener);
      if (index !== -1) this.#listeners.splice(index, 1);
    };
  }

  /** @returns whether somebody listened; if not, the run is now interrupted. */
  deliver(signal: EndingSignal): boolean {
    const listener = this.#listeners.at(-1);
    if (listener !== undefined) {
      listener(signal);
      return true;
    }
    this.#interruption.abort(new Interrupted(signal));
    return false;
  }
}

/** Rejects with `Interrupted` when the run is; never resolves. */
export function interruption(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = (): void => reject(signal.reason as Interrupted);
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}
