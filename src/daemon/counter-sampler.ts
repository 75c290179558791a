import { messageOf } from '../core/errors.ts';
import type { OpenSource } from '../core/source.ts';
import { SAMPLE_INTERVAL_MS } from '../core/metrics/metric-source.ts';
import { LeaseLost, type TapContext } from './tap-context.ts';

export type SamplerContext = Pick<TapContext, 'store' | 'clock' | 'log' | 'commit'>;

/**
 * Samples a server's counters for the captures that are open on it. It is never in the way of the
 * record: what fails is logged, once, and left out.
 */
export class CounterSampler {
  readonly #context: SamplerContext;
  readonly #environmentName: string;
  #nextAt = 0;
  #isFailing = false;

  constructor(context: SamplerContext, environmentName: string) {
    this.#context = context;
    this.#environmentName = environmentName;
  }

  /**
   * Takes a sample when one is due, or when `isEdge`: rates need one at both ends of a capture.
   * @param skew server clock minus ours, in milliseconds.
   * @throws LeaseLost.
   */
  async sample(
    server: OpenSource,
    captureIds: readonly number[],
    options: { skew: number; isEdge: boolean },
  ): Promise<void> {
    const { clock, store, commit, log } = this.#context;
    const now = clock.now();
    if (captureIds.length === 0 || (now < this.#nextAt && !options.isEdge)) return;
    // Aims at every five seconds, not at five seconds after the last; a clock may be set back.
    const isFar = this.#nextAt < now - SAMPLE_INTERVAL_MS || this.#nextAt > now;
    this.#nextAt = (isFar ? now : this.#nextAt) + SAMPLE_INTERVAL_MS;
    try {
      const counters = await server.sampleCounters();
      const at = Math.round(clock.now() + options.skew);
      commit(() => store.metrics.addSample(captureIds, { at, counters }));
      this.#isFailing = false;
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      if (!this.#isFailing) {
        const environment = this.#environmentName;
        log('warn', "server's counters not sampled", { environment, message: messageOf(error) });
      }
      this.#isFailing = true;
    }
  }
}
