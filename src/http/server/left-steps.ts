/** Of what is waited for no longer. */
export const LEFT = Symbol('left');

/**
 * Waits for one step after the other, or for one of the signals. (`Promise.race` with one promise that lasts would
 * keep what it was raced with.)
 */
export class Steps {
  readonly #signals: readonly AbortSignal[];
  #leave: () => void = () => undefined;
  readonly #heard = (): void => this.#leave();

  constructor(signals: readonly AbortSignal[]) {
    this.#signals = signals;
    for (const signal of signals) signal.addEventListener('abort', this.#heard);
  }

  next<Step>(step: Promise<Step>): Promise<Step | typeof LEFT> {
    if (this.#signals.some((signal) => signal.aborted)) {
      step.catch(() => undefined);
      return Promise.resolve(LEFT);
    }
    return new Promise((resolve, reject) => {
      this.#leave = () => resolve(LEFT);
      step.then(resolve, reject);
    });
  }

  close(): void {
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#heard);
  }
}
