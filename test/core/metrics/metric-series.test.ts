import fc from '../../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { describeCloudWatchMetric } from '../../../src/metrics-source/cloudwatch/catalogue.ts';
import {
  aggregate,
  aggregateSeries,
  cutTrack,
  dataPoints,
  resample,
  summarise,
  type Cell,
} from '../../../src/core/metrics/metric-series.ts';
import type { MetricSeries, MetricTrack } from '../../../src/core/metrics/metric-source.ts';

const MINUTE = 60_000;

function track(points: readonly (readonly [number, number])[], statistic = 'Maximum'): MetricTrack {
  return {
    label: 'CPUUtilization',
    statistic,
    times: points.map(([at]) => at),
    values: points.map(([, value]) => value),
  };
}

function series(...tracks: MetricTrack[]): MetricSeries {
  const metric = describeCloudWatchMetric('CPUUtilization');
  return { metric, period: MINUTE, reach: MINUTE, end: null, tracks };
}

/** Points on minutes, some of them missing. */
const anyPoints = fc
  .array(fc.option(fc.double({ noNaN: true, min: -1e12, max: 1e12 })), { maxLength: 600 })
  .map((values) =>
    values.flatMap((value, index) => (value === null ? [] : [[index * MINUTE, value] as const])),
  );

const extremes = (cells: readonly (Cell | null)[]): [number, number] => {
  const there = cells.filter((cell) => cell !== null);
  return [Math.min(...there.map(({ min }) => min)), Math.max(...there.map(({ max }) => max))];
};

describe('downsampling', () => {
  it('keeps the highest and the lowest value, whatever the points and the cells', () => {
    fc.assert(
      fc.property(anyPoints, fc.integer({ min: 1, max: 300 }), (points, count) => {
        fc.pre(points.length > 0);
        const window = { from: 0, to: 600 * MINUTE };
        const cells = resample(track(points), MINUTE, window, count);
        const values = points.map(([, value]) => value);
        expect(cells).toHaveLength(count);
        expect(extremes(cells)).toEqual([Math.min(...values), Math.max(...values)]);
      }),
    );
  });

  it('draws nothing where nothing was measured, and something wherever something was', () => {
    fc.assert(
      fc.property(anyPoints, fc.integer({ min: 1, max: 1_200 }), (points, count) => {
        const window = { from: 0, to: 600 * MINUTE };
        const cells = resample(track(points), MINUTE, window, count);
        const span = (600 * MINUTE) / count;
        for (const [index, cell] of cells.entries()) {
          const [from, to] = [index * span, (index + 1) * span];
          const touching = points.some(([at]) => at < to - 1e-3 && at + MINUTE > from + 1e-3);
          if (cell !== null) expect(touching).toBe(true);
          if (points.some(([at]) => at >= from && at < to)) expect(cell).not.toBeNull();
        }
      }),
    );
  });

  it('puts as many points as cells one into each', () => {
    for (const count of [1, 3, 7, 59, 60, 77, 1_440]) {
      const points = Array.from({ length: count }, (_, i) => [i * MINUTE, i] as const);
      const cells = resample(track(points), MINUTE, { from: 0, to: count * MINUTE }, count);
      expect(cells).toEqual(points.map(([, value]) => ({ min: value, max: value })));
    }
  });

  it('shows one spike among 100,000 points, wherever it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 99_999 }), (where) => {
        const points = Array.from(
          { length: 100_000 },
          (_, i) => [i, i === where ? 99 : 1] as const,
        );
        const cells = resample(track(points), 1, { from: 0, to: 100_000 }, 60);
        expect(cells.filter((cell) => cell?.max === 99)).toHaveLength(1);
      }),
      { numRuns: 20 },
    );
  });

  it('fills the cells that a point stands for, and leaves a gap where the next is missing', () => {
    const points = [
      [0, 1],
      [MINUTE, 2],
      [3 * MINUTE, 4],
    ] as const;
    const cells = resample(track(points), MINUTE, { from: 0, to: 4 * MINUTE }, 8);
    expect(cells.map((cell) => cell?.max ?? null)).toEqual([1, 1, 2, 2, null, null, 4, 4]);
  });

  it('bridges what a late sample leaves, but not a hole', () => {
    const points = [
      [0, 1],
      [7_000, 2],
      [40_000, 3],
    ] as const;
    const cells = resample(track(points), 15_000, { from: 0, to: 50_000 }, 10);
    expect(cells.map((cell) => cell?.max ?? null)).toEqual([1, 2, 2, 2, 2, null, null, null, 3, 3]);
  });

  it('knows nothing of an empty window', () => {
    expect(resample(track([[0, 1]]), MINUTE, { from: 5, to: 5 }, 3)).toEqual([null, null, null]);
  });
});

describe('a summary', () => {
  const window = { from: 0, to: 100 * MINUTE };
  const average = track(
    Array.from({ length: 100 }, (_, i) => [i * MINUTE, i + 1] as const),
    'Average',
  );
  const maximum = track([[50 * MINUTE, 900]]);

  it('takes the highest from the maxima and the rest from the averages', () => {
    expect(summarise(series(maximum, average), window, null)).toEqual({
      min: 1,
      avg: 50.5,
      p95: 95,
      max: 900,
      last: 100,
      points: 100,
    });
  });

  it('weighs a point in the average by the time that it stands for', () => {
    const points = [
      [0, 10],
      [5_000, 100],
      [65_000, 10],
    ] as const;
    const rates = { ...track(points, 'Average'), ends: [5_000, 65_000, 75_000] };
    const of = (one: MetricTrack, to: number) =>
      summarise({ ...series(one), reach: 15_000, end: 80_000 }, { from: 0, to }, null)?.avg;
    expect(of(rates, 75_000)).toBeCloseTo((5 * 10 + 60 * 100 + 10 * 10) / 75, 9);
    // Nobody said how long they are: 5 s, 15 s and 15 s.
    expect(of(track(points, 'Average'), 90_000)).toBeCloseTo((5 * 10 + 15 * 100 + 15 * 10) / 35, 9);
    expect(of(track([[80_000, 7]], 'Average'), 90_000)).toBe(7);
  });

  it('is of one statistic when that was asked for, and of the window alone', () => {
    expect(summarise(series(maximum, average), window, 'Maximum')?.min).toBe(900);
    expect(summarise(series(average), { from: 0, to: MINUTE }, null)).toMatchObject({
      min: 1,
      max: 1,
      last: 1,
      points: 1,
    });
    expect(summarise(series(average), { from: -2 * MINUTE, to: 0 }, null)).toBeNull();
    expect(summarise(series(average), window, 'p99')).toBeNull();
  });
});

describe('a longer period', () => {
  it('keeps maxima, minima and sums, and averages averages', () => {
    const points = [
      [0, 1],
      [MINUTE, 5],
      [5 * MINUTE, 7],
    ] as const;
    const of = (statistic: string) => aggregate(track(points, statistic), 5 * MINUTE)?.values;
    expect(of('Maximum')).toEqual([5, 7]);
    expect(of('Minimum')).toEqual([1, 7]);
    expect(of('Sum')).toEqual([6, 7]);
    expect(of('Average')).toEqual([3, 7]);
    expect(of('p95')).toBeUndefined();
  });

  it('weighs in an average by the time that each stands for', () => {
    const points = [
      [0, 10],
      [5_000, 100],
      [20_000, 10],
    ] as const;
    const one = { ...series(track(points, 'Average')), reach: 15_000, end: 25_000 };
    const { tracks } = aggregateSeries(one, MINUTE);
    expect(tracks[0]?.values[0]).toBeCloseTo((5 * 10 + 15 * 100 + 5 * 10) / 25, 9);
  });

  it('begins anew where what is counted begins, so that nothing of it is dropped or mixed', () => {
    const start = MINUTE - 23_000;
    const points = [
      [start - 5_000, 99],
      [start, 12],
      [start + 5_000, 4],
      [MINUTE, 20],
    ] as const;
    const longer = aggregate(track(points, 'Average'), MINUTE, start);
    expect(longer).toMatchObject({ times: [0, start, MINUTE], values: [99, 8, 20] });
    expect(cutTrack(track(points), { from: start, to: 2 * MINUTE }).times[0]).toBe(start);
  });
});

describe('the points of a window', () => {
  it('are those from its start until before its end', () => {
    fc.assert(
      fc.property(anyPoints, fc.nat(40_000_000), fc.nat(40_000_000), (points, from, length) => {
        const window = { from, to: from + length };
        const expected = points.filter(([at]) => at >= window.from && at < window.to);
        expect(cutTrack(track(points), window).times).toEqual(expected.map(([at]) => at));
      }),
    );
  });

  it('have the statistics of all tracks, joined by their time', () => {
    const both = series(
      track([[MINUTE, 2]]),
      track(
        [
          [0, 1],
          [MINUTE, 1],
        ],
        'Average',
      ),
    );
    const points = dataPoints(both, { from: 0, to: 5 * MINUTE });
    expect(points.map(({ at, values }) => [at, Object.fromEntries(values)])).toEqual([
      [0, { Average: 1 }],
      [MINUTE, { Maximum: 2, Average: 1 }],
    ]);
  });
});
