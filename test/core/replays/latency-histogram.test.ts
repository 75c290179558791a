import { describe, expect, it } from 'vitest';
import {
  LatencyHistogram,
  unpackedLatencies,
} from '../../../src/core/replays/latency-histogram.ts';

/** The same numbers each time, over many powers of two. */
function* durations(count: number): Generator<number> {
  let state = 7;
  for (let i = 0; i < count; i++) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    yield Math.floor(2 ** ((state % 3_000) / 100));
  }
}

describe('a histogram of latencies', () => {
  it.each([1, 10, 47, 48, 49, 200, 20_000])(
    'tells quantiles of %d durations to within 0.8 %%',
    (count) => {
      const all = [...durations(count)];
      const histogram = new LatencyHistogram();
      for (const one of all) histogram.add(one);
      all.sort((a, b) => a - b);
      for (const share of [0.01, 0.5, 0.95, 0.99, 1]) {
        const exact = all[Math.max(Math.ceil(share * count) - 1, 0)] ?? NaN;
        expect(Math.abs(histogram.quantile(share) - exact)).toBeLessThanOrEqual(
          exact * 0.008 + 0.5,
        );
      }
      const sum = all.reduce((total, one) => total + one, 0);
      expect(histogram.count).toBe(count);
      expect(histogram.sum).toBe(sum);
      expect(histogram.spread()).toMatchObject({ count, maxMs: (all.at(-1) ?? NaN) / 1_000 });
    },
  );

  it.each([0, 5, 60, 20_000])('of %d durations is the same when it was packed', (count) => {
    const histogram = new LatencyHistogram();
    for (const one of durations(count)) histogram.add(one);
    const unpacked = unpackedLatencies(histogram.packed()) ?? [];
    expect(unpacked.reduce((sum, { count: some }) => sum + some, 0)).toBe(count);
    const order = unpacked.map(({ micros }) => micros);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order.length).toBe([...histogram.buckets()].length);
  });

  it('counts millions in one bucket, and those in the others beside them', () => {
    const histogram = new LatencyHistogram();
    histogram.add(900, 3);
    for (let i = 0; i < 3; i++) histogram.add(70, 2 ** 20);
    histogram.add(70, 5_000_000);
    histogram.add(20);
    const found = [...histogram.buckets()].map(([, count]) => count);
    expect(found).toEqual([1, 3 * 2 ** 20 + 5_000_000, 3]);
    expect(histogram.quantile(0.5)).toBe(70);
    expect((unpackedLatencies(histogram.packed()) ?? []).map(({ count }) => count)).toEqual(found);
  });

  it('keeps what is longer than all as the longest, and no text that is none', () => {
    const histogram = new LatencyHistogram();
    histogram.add(2 ** 45);
    expect(histogram.spread()?.maxMs).toBe(2 ** 45 / 1_000);
    expect(new LatencyHistogram().spread()).toBeNull();
    expect(unpackedLatencies(Buffer.from([0xff, 0xff, 0x7f, 1]).toString('base64'))).toBeNull();
    expect(unpackedLatencies(Buffer.from([5]).toString('base64'))).toBeNull();
  });
});
