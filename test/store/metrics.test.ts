import fc from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { packPoints, unpackPoints } from '../../src/store/packed-points.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { TestStore } from '../support/stores.ts';

const MINUTE = 60_000;

function setUp() {
  const clock = new ManualClock();
  const test = new TestStore(clock);
  const alice = test.user();
  const environment = test.environment({ admin: [alice] });
  const { id } = test.capture(alice, environment);
  return { clock, test, alice, environment, id, metrics: test.store.metrics };
}

describe('packed points', () => {
  const anyValue = fc.oneof(fc.double({ noNaN: true }), fc.integer(), fc.maxSafeInteger());

  it('come back as they were, to the last bit', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.maxSafeNat(), anyValue)), (points) => {
        const sorted = [...points].sort(([a], [b]) => a - b);
        const times = sorted.map(([time]) => Math.floor(time / 4));
        const values = sorted.map(([, value]) => value);
        const back = unpackPoints(packPoints({ times, values }));
        expect(back.times).toEqual(times);
        expect(back.values.every((value, index) => Object.is(value, values[index]))).toBe(true);
        expect(back.values).toHaveLength(values.length);
      }),
    );
  });

  it('are small: minutes of a day that change a little, and counters', () => {
    const times = Array.from({ length: 1_440 }, (_, i) => i * MINUTE);
    const cpu = times.map((_, i) => 40 + 20 * Math.sin(i / 100) + ((i * 7_919) % 13) / 7);
    expect(packPoints({ times, values: cpu }).length).toBeLessThan(1_440 * 8);
    expect(packPoints({ times, values: times.map(() => 0) }).length).toBeLessThan(60);
    expect(packPoints({ times, values: times.map((_, i) => i * 500) }).length).toBeLessThan(100);
  });

  it('refuse what is none', () => {
    expect(() => unpackPoints(Buffer.from([9, 1]))).toThrow('format 9');
  });
});

describe("the store's metrics", () => {
  it('give back the tracks that were fetched, those without points as well', () => {
    const { metrics, id } = setUp();
    const tracks = [
      { label: 'CPUUtilization', statistic: 'Average', times: [0, MINUTE], values: [1.5, 2] },
      { label: 'ReplicaLag', statistic: 'Maximum', times: [], values: [] },
    ];
    const fetch = {
      captureId: id,
      fetched: { window: { from: 0, to: 2 * MINUTE }, period: MINUTE, at: 5 },
      nextAt: 7,
      failures: 0,
      failure: null,
    };
    metrics.saveFetch(fetch, tracks);
    expect(metrics.findFetch(id)).toEqual(fetch);
    expect(metrics.tracksOf(id)).toEqual(tracks);
    // Nobody puts a fetch off for a year: a clock was ahead.
    const now = 1e12;
    metrics.saveFetch({ ...fetch, nextAt: now + 365 * 86_400_000 }, []);
    expect([metrics.nextDue(now), metrics.listDue(now, 1)]).toEqual([now, [fetch.captureId]]);
    metrics.saveFetch({ ...fetch, nextAt: null }, []);
    expect(metrics.tracksOf(id)).toEqual(tracks);
    expect(metrics.listDue(1e15, 10)).toEqual([]);
  });

  it('keep samples through being packed, also while more come', () => {
    const { metrics, id, test } = setUp();
    const samples = Array.from({ length: 1_500 }, (_, i) => ({
      at: i * 5_000,
      counters: { Questions: i * 1_000, Uptime: i * 5, ...(i % 2 === 0 ? { Odd: i / 3 } : {}) },
    }));
    test.store.transaction(() => {
      for (const sample of samples) metrics.addSample([id], sample);
    });
    expect(metrics.samplesOf(id)).toEqual(samples);
    metrics.packSamples(id);
    metrics.packSamples(id);
    expect(metrics.samplesOf(id)).toEqual(samples);
    expect(metrics.sizeOf(id)).toBeLessThan(1_500 * 10);
  });

  it('go when their capture is deleted', () => {
    const { metrics, id, test } = setUp();
    metrics.addSample([id], { at: 1, counters: { Questions: 1 } });
    metrics.saveFetch({ captureId: id, fetched: null, nextAt: 3, failures: 1, failure: 'no' }, [
      { label: 'a', statistic: 'b', times: [1], values: [1] },
    ]);
    test.store.captures.delete(id, ['RUNNING']);
    expect(metrics.findFetch(id)).toBeNull();
    expect(metrics.sizeOf(id)).toBe(0);
  });

  it('are due from the moment a capture of an instance ends, whoever ends it', async () => {
    const { clock, test, alice } = setUp();
    const environment = test.environment({ admin: [alice] }, { instance: 'shop-db' });
    const running = test.capture(alice, environment);
    expect(test.store.metrics.findFetch(running.id)).toBeNull();
    await clock.advance(MINUTE);
    test.captures.requestStop(alice, String(running.id));
    expect(test.store.metrics.findFetch(running.id)?.nextAt).toBe(clock.now());

    const timed = test.capture(alice, environment, { duration: MINUTE });
    await clock.advance(5 * MINUTE);
    test.captures.settle();
    const past = test.capture(alice, environment, {
      start: clock.now() - 60 * MINUTE,
      duration: MINUTE,
    });
    expect(test.store.metrics.listDue(clock.now(), 10)).toEqual([past.id, running.id, timed.id]);
  });

  it('are not due where there is no instance, or the capture never began', () => {
    const { test, alice, id } = setUp();
    test.captures.requestStop(alice, String(id));
    expect(test.store.metrics.listDue(1e15, 10)).toEqual([]);
  });
});
