import fc from '../../support/properties.ts';
import { describe, expect, it } from 'vitest';
import {
  CLOUDWATCH_METRICS,
  describeCloudWatchMetric,
} from '../../../src/metrics-source/cloudwatch/catalogue.ts';
import {
  batchQueries,
  choosePeriod,
  finestPeriod,
  mergePages,
} from '../../../src/metrics-source/cloudwatch/limits.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const NOW = Date.parse('2026-11-22T12:00:00Z');

describe('the period', () => {
  it.each([
    [1, 1],
    [14.9, 1],
    [15.1, 5],
    [62.9, 5],
    [63.1, 60],
    [454, 60],
  ])('of a window that began %d days ago is %d minutes at least', (days, minutes) => {
    expect(finestPeriod(NOW - days * DAY, NOW)).toBe(minutes * MINUTE);
  });

  it('does not exist for what is older than CloudWatch remembers', () => {
    expect(finestPeriod(NOW - 456 * DAY, NOW)).toBeNull();
    const window = { from: NOW - 500 * DAY, to: NOW - 499 * DAY };
    expect(() => choosePeriod(window, NOW, null)).toThrow('455 days');
  });

  it('is the finest one, unless that were too many points', () => {
    expect(choosePeriod({ from: NOW - DAY, to: NOW }, NOW, null)).toBe(MINUTE);
    expect(choosePeriod({ from: NOW - 7 * DAY, to: NOW }, NOW, null)).toBe(MINUTE);
    expect(choosePeriod({ from: NOW - 14 * DAY, to: NOW }, NOW, null)).toBe(5 * MINUTE);
    expect(choosePeriod({ from: NOW - 400 * DAY, to: NOW }, NOW, null)).toBe(60 * MINUTE);
  });

  it('may be any multiple of that, and nothing else', () => {
    const old = { from: NOW - 20 * DAY, to: NOW - 19 * DAY };
    expect(choosePeriod(old, NOW, 15 * MINUTE)).toBe(15 * MINUTE);
    expect(() => choosePeriod(old, NOW, MINUTE)).toThrow('CloudWatch has no period of 60 s here');
    expect(() => choosePeriod(old, NOW, 0)).toThrow('no period of 0 s');
  });
});

describe('batches', () => {
  it('never exceed a limit, and are as few as that allows', () => {
    fc.assert(
      fc.property(fc.nat(2_000), fc.integer({ min: 1, max: 30_000 }), (count, points) => {
        const queries = Array.from({ length: count }, (_, i) => i);
        const batches = batchQueries(queries, points);
        expect(batches.flat()).toEqual(queries);
        const most = Math.min(500, Math.floor(100_800 / points));
        expect(batches).toHaveLength(Math.ceil(count / most));
        for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(most);
      }),
    );
  });
});

describe('pages', () => {
  it('join to the same points in whatever order and pieces they come', () => {
    const anyPages = fc.array(
      fc.record({
        id: fc.constantFrom('m0', 'm1'),
        points: fc.array(fc.tuple(fc.nat(50), fc.double({ noNaN: true }))),
      }),
    );
    fc.assert(
      fc.property(anyPages, (pages) => {
        const merged = mergePages(
          pages.map(({ id, points }) => ({
            id,
            times: points.map(([at]) => at),
            values: points.map(([, value]) => value),
          })),
        );
        for (const [id, { times, values }] of merged) {
          const expected = new Map(
            pages
              .filter((page) => page.id === id)
              .flatMap(({ points }) => points.filter(([, value]) => Number.isFinite(value))),
          );
          expect(times).toEqual([...expected.keys()].sort((x, y) => x - y));
          expect(values).toEqual(times.map((at) => expected.get(at)));
        }
      }),
    );
  });
});

describe('the catalogue', () => {
  it('begins with the seven types of the reference API, in its words', () => {
    expect(CLOUDWATCH_METRICS.slice(0, 7).map(({ label, type }) => [type, label])).toEqual([
      ['CPU UTILIZATION', 'CPUUtilization'],
      ['READ IOPS', 'ReadIOPS'],
      ['WRITE IOPS', 'WriteIOPS'],
      ['FREEABLE MEMORY', 'FreeableMemory'],
      ['READ THROUGHPUT', 'ReadThroughput'],
      ['WRITE THROUGHPUT', 'WriteThroughput'],
      ['FREE STORAGE', 'FreeStorageSpace'],
    ]);
    expect(new Set(CLOUDWATCH_METRICS.map(({ type }) => type)).size).toBe(
      CLOUDWATCH_METRICS.length,
    );
  });

  it('has words for any other metric of AWS/RDS', () => {
    expect(describeCloudWatchMetric('AuroraReplicaLag').type).toBe('AURORA REPLICA LAG');
    expect(describeCloudWatchMetric('EBSIOBalance%')).toMatchObject({
      unit: 'Percent',
      lowIsBad: true,
    });
    expect(describeCloudWatchMetric('NeverHeardOf').unit).toBeNull();
  });
});
