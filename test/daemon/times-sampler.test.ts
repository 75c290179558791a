import { describe, expect, it } from 'vitest';
import type {
  DigestTotals,
  NoTimes,
  ServerTimes,
  TimesReading,
} from '../../src/core/reports/server-times.ts';
import type { OpenSource } from '../../src/core/source.ts';
import { TimesSampler } from '../../src/daemon/times-sampler.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { TestStore } from '../support/stores.ts';

/** A server of which only the times are asked, each reading answered by the test. */
class AnsweredTimes implements ServerTimes {
  readonly isBusy = false;
  readonly #waiting: ((answer: TimesReading | NoTimes) => void)[] = [];
  texts = new Map<string, { db: string | null; text: string }>();
  asked = 0;

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  read(): Promise<TimesReading | NoTimes> {
    this.asked += 1;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  textsOf(names: readonly string[]): Promise<AnsweredTimes['texts']> {
    return Promise.resolve(new Map([...this.texts].filter(([name]) => names.includes(name))));
  }

  answer(at: number, counts: Readonly<Record<string, number>>): void {
    const totals = new Map<string, DigestTotals>(
      Object.entries(counts).map(([name, count]) => {
        const sums = { count, micros: count, rowsSent: 0, rowsExamined: 0, errors: 0 };
        return [name, { ...sums, since: '' }];
      }),
    );
    this.#waiting.shift()?.({ is: 'read', at, isCounting: true, lost: 0, totals });
  }
}

function setUp() {
  const clock = new ManualClock();
  const test = new TestStore(clock);
  const alice = test.user();
  const environment = test.environment({ admin: [alice] });
  const { store } = test;
  const tap = { serverKey: 'here', nonce: '1', environmentId: environment.id, settings: {} };
  const { id: tapId } = store.taps.insert(tap, clock.now());
  const times = new AnsweredTimes();
  const server = { serverStart: 1, times } as Partial<OpenSource> as OpenSource;
  const context = {
    store,
    clock,
    log: () => undefined,
    commit: <T>(work: () => T) => store.transaction(work),
  };
  const sampler = new TimesSampler(context, 'shop', tapId, server);
  const capture = (): number => test.capture(alice, environment).id;
  const intervalsOf = (id: number): unknown[] =>
    store.times
      .intervalsOf(id)
      .map(({ from, to, why, digests }) => [from, to, why, digests.map(({ count }) => count)]);
  return { clock, times, sampler, capture, intervalsOf };
}

describe('the sampler of times', () => {
  it('reads again for a window that opened or closed while it was reading', async () => {
    const { clock, times, sampler, capture, intervalsOf } = setUp();
    times.texts.set('d', { db: null, text: 'D' });
    const [one, two] = [capture(), capture()];
    sampler.tend([one], []);
    sampler.tend([one, two], []);
    times.answer(1_000, { d: 5 });
    await clock.advance(0);
    times.answer(2_000, { d: 7 });
    await clock.advance(0);
    expect([times.asked, sampler.isReading]).toEqual([2, false]);
    sampler.tend([two], [one]);
    times.answer(3_000, { d: 8 });
    await clock.advance(0);
    expect(intervalsOf(one)).toEqual([
      [1_000, 2_000, null, [2]],
      [2_000, 3_000, null, [1]],
    ]);
    expect(intervalsOf(two)).toEqual([[2_000, 3_000, null, [1]]]);
  });

  it('lets a capture that ends wait for a moment, and stores what comes later all the same', async () => {
    const { clock, times, sampler, capture, intervalsOf } = setUp();
    times.texts.set('d', { db: null, text: 'D' });
    const id = capture();
    sampler.tend([id], []);
    times.answer(1_000, { d: 1 });
    await clock.advance(0);
    sampler.tend([], [id]);
    let isSettled = false;
    const settled = sampler.settle().then(() => (isSettled = true));
    await clock.advance(299);
    expect(isSettled).toBe(false);
    await clock.advance(1);
    await settled;
    expect(intervalsOf(id)).toEqual([[1_000, null, 'failed', []]]);
    const closed = sampler.close(true);
    await clock.advance(1_000);
    times.answer(9_000, { d: 4 });
    await clock.advance(0);
    await closed;
    expect(intervalsOf(id)).toEqual([[1_000, 9_000, null, [3]]]);
  });

  it('asks again for a text that did not come, and keeps what was counted until then', async () => {
    const { clock, times, sampler, capture, intervalsOf } = setUp();
    const id = capture();
    for (const [at, count] of [0, 3, 4].entries()) {
      if (at === 2) times.texts.set('d', { db: null, text: 'D' });
      await clock.advance(3_600_000);
      sampler.tend([id], []);
      times.answer(at, { d: count });
      await clock.advance(0);
    }
    expect(intervalsOf(id)).toEqual([
      [0, 1, null, [3]],
      [1, 2, null, [1]],
    ]);
  });

  it('reads each minute and no sooner, also when the clock is set back', async () => {
    const { clock, times, sampler, capture } = setUp();
    const id = capture();
    const tend = async (): Promise<void> => {
      sampler.tend([id], []);
      times.answer(1, {});
      await clock.advance(0);
    };
    await tend();
    await clock.advance(59_000);
    await tend();
    expect(times.asked).toBe(1);
    await clock.advance(3_600_000);
    await tend();
    expect(times.asked).toBe(2);
    clock.set(clock.now() - 3_600_000);
    await tend();
    await tend();
    expect(times.asked).toBe(3);
  });

  it('drops what comes after it was closed', async () => {
    const { clock, times, sampler, capture, intervalsOf } = setUp();
    const id = capture();
    sampler.tend([id], []);
    times.answer(1_000, { d: 1 });
    await clock.advance(3_600_000);
    sampler.tend([id], []);
    await sampler.close(false);
    times.answer(2_000, { d: 9 });
    await clock.advance(0);
    expect(intervalsOf(id)).toEqual([]);
  });

  it('has a capture that lost its window by a crash say that its last times are missing', async () => {
    const { clock, times, sampler, capture, intervalsOf } = setUp();
    const [gone, other] = [capture(), capture()];
    sampler.tend([gone, other], []);
    times.answer(1_000, {});
    await clock.advance(3_600_000);
    sampler.tend([other], []);
    times.answer(2_000, {});
    await clock.advance(0);
    expect(intervalsOf(gone)).toEqual([[1_000, null, 'failed', []]]);
  });
});
