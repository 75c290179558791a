import { AppError } from '../errors.ts';

/** A hash of a password takes 128 MiB and half a second of a core. */
const MOST_WAITING = 32;
const MOST_WAITING_OF_ONE = 8;

interface Waiting {
  readonly address: string;
  readonly begin: () => void;
}

/**
 * Lets one piece of work through at a time, in the order in which they came: however many log in at once, they
 * take the memory and the core of one.
 */
export class Turns {
  readonly #waiting: Waiting[] = [];
  #isTaken = false;

  /**
   * Runs `work` when those before it are done.
   * @param address of who asks over the network; undefined on this machine, where nobody is turned away.
   * @throws AppError `store_unusable` where too many wait already, also of one address: so nobody keeps all
   *   others waiting.
   */
  async take<Result>(address: string | undefined, work: () => Promise<Result>): Promise<Result> {
    if (this.#isTaken) await this.#wait(address);
    this.#isTaken = true;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // Handed on without being free in between, so that nobody overtakes.
      if (next === undefined) this.#isTaken = false;
      else next.begin();
    }
  }

  #wait(address: string | undefined): Promise<void> {
    if (address !== undefined) {
      const ofOne = this.#waiting.filter((one) => one.address === address).length;
      if (this.#waiting.length >= MOST_WAITING || ofOne >= MOST_WAITING_OF_ONE) {
        throw new AppError('store_unusable', 'Too many log in at once', {
          hint: 'Try again in a few seconds.',
        });
      }
    }
    return new Promise((begin) => this.#waiting.push({ address: address ?? '', begin }));
  }
}
