import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import type { OpenSource } from '../../src/core/source.ts';
import { CounterSampler, type SamplerContext } from '../../src/daemon/counter-sampler.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { TestStore } from '../support/stores.ts';

/** A server of which only the counters are asked; what is not here must not be called. */
function serverThat(sampleCounters: OpenSource['sampleCounters']): OpenSource {
  return { sampleCounters } as OpenSource;
}

function setUp() {
  const clock = new ManualClock();
  const test = new TestStore(clock);
  const alice = test.user();
  const { id } = test.capture(alice, test.environment({ admin: [alice] }));
  const events: string[] = [];
  const context: SamplerContext = {
    store: test.store,
    clock,
    log: (_level, event) => events.push(event),
    commit: (work) => test.store.transaction(work),
  };
  const sampler = new CounterSampler(context, 'shop');
  const take = (server: OpenSource, isEdge = false): Promise<void> =>
    sampler.sample(server, [id], { skew: 40, isEdge });
  return { clock, events, take, samples: () => test.store.metrics.samplesOf(id) };
}

describe('the sampler', () => {
  it('asks every five seconds, at the edges of captures besides, by the clock of the server', async () => {
    const { clock, take, samples } = setUp();
    const server = serverThat(() => Promise.resolve({ Questions: 1 }));
    const begin = clock.now();
    await take(server);
    await take(server);
    await clock.advance(500);
    await take(server, true);
    await clock.advance(9_000);
    await take(server);
    expect(samples().map(({ at }) => at - begin)).toEqual([40, 540, 9_540]);
  });

  it('goes on without a sample when the server does not give one, and says so once', async () => {
    const { clock, take, samples, events } = setUp();
    const broken = serverThat(() => Promise.reject(new AppError('remote_failed', 'no')));
    for (let i = 0; i < 3; i++) {
      await take(broken);
      await clock.advance(5_000);
    }
    expect(events).toEqual(["server's counters not sampled"]);
    await take(serverThat(() => Promise.resolve({ Questions: 1 })));
    expect(samples()).toHaveLength(1);
  });

  it('asks nothing where no capture is open', async () => {
    const { events } = setUp();
    const test = new TestStore(new ManualClock());
    const sampler = new CounterSampler(
      {
        store: test.store,
        clock: test.clock,
        log: (_level, event) => events.push(event),
        commit: (work) => work(),
      },
      'shop',
    );
    const never = serverThat(() => Promise.reject(new Error('it was asked')));
    await sampler.sample(never, [], { skew: 0, isEdge: true });
    expect(events).toEqual([]);
  });
});
