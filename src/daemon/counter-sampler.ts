import { CounterSampling } from '../core/metrics/counter-sampling.ts';
import type { OpenSource } from '../core/source.ts';
import { LeaseLost, type TapContext } from './tap-context.ts';

export type SamplerContext = Pick<TapContext, 'store' | 'clock' | 'log' | 'commit'>;

/** Samples a server's counters for the captures that are open on it; what fails is logged. */
export class CounterSampler {
  readonly #context: SamplerContext;
  readonly #sampling: CounterSampling;

  constructor(context: SamplerContext, environment: string) {
    this.#context = context;
    this.#sampling = new CounterSampling(
      context.clock,
      (message) => {
        context.log('warn', "server's counters not sampled", { environment, message });
      },
      (error) => error instanceof LeaseLost,
    );
  }

  /** As `CounterSampling.sample`, where there are captures. @throws LeaseLost. */
  async sample(
    server: OpenSource,
    captureIds: readonly number[],
    options: { skew: number; isEdge: boolean },
  ): Promise<void> {
    if (captureIds.length === 0) return;
    const { store, commit } = this.#context;
    await this.#sampling.sample(server, options, (sample) => {
      commit(() => {
        store.metrics.addSample(captureIds, sample);
      });
    });
  }
}
