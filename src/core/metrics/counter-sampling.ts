import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { OpenSource } from '../source.ts';
import { SAMPLE_INTERVAL_MS, type CounterSample } from './metric-source.ts';

/**
 * Samples a server's counters every five seconds. It is never in the way of what goes on beside it: what fails is
 * told, once, and left out.
 */
export class CounterSampling {
  readonly #clock: Clock;
  readonly #tellFailure: (message: string) => void;
  readonly #isFatal: (error: unknown) => boolean;
  #nextAt = 0;
  #isFailing = false;

  /** @param isFatal what ends it: that is thrown. */
  constructor(
    clock: Clock,
    tellFailure: (message: string) => void,
    isFatal: (error: unknown) => boolean = () => false,
  ) {
    this.#clock = clock;
    this.#tellFailure = tellFailure;
    this.#isFatal = isFatal;
  }

  /**
   * Takes a sample when one is due, or when `isEdge`: rates need one at both ends of a capture.
   * @param skew server clock minus ours, in milliseconds.
   * @throws what is fatal.
   */
  async sample(
    server: Pick<OpenSource, 'sampleCounters'>,
    options: { readonly skew: number; readonly isEdge: boolean },
    save: (sample: CounterSample) => void,
  ): Promise<void> {
    const now = this.#clock.now();
    if (now < this.#nextAt && !options.isEdge) return;
    // Aims at every five seconds, not at five seconds after the last; a clock may be set back.
    const isFar = this.#nextAt < now - SAMPLE_INTERVAL_MS || this.#nextAt > now;
    this.#nextAt = (isFar ? now : this.#nextAt) + SAMPLE_INTERVAL_MS;
    try {
      const counters = await server.sampleCounters();
      save({ at: Math.round(this.#clock.now() + options.skew), counters });
      this.#isFailing = false;
    } catch (error) {
      if (this.#isFatal(error)) throw error;
      if (!this.#isFailing) this.#tellFailure(messageOf(error));
      this.#isFailing = true;
    }
  }
}
