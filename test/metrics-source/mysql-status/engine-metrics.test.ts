import fc from '../../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { OWN_SHARE_SINCE, type CounterSample } from '../../../src/core/metrics/metric-source.ts';
import { engineMetrics } from '../../../src/metrics-source/mysql-status/engine-metrics.ts';
import {
  SAMPLED_COUNTERS,
  SESSION_COUNTERS,
} from '../../../src/source/mysql/connection/status-counters.ts';

const START = Date.parse('2026-11-22T12:00:00Z');

function sample(second: number, counters: Record<string, number>): CounterSample {
  return { at: START + second * 1_000, counters: { Uptime: 1_000 + second, ...counters } };
}

function values(samples: readonly CounterSample[], label: string): number[] {
  const found = engineMetrics.series(samples).find(({ metric }) => metric.label === label);
  return [...(found?.tracks[0]?.values ?? [])];
}

describe("the server's own metrics", () => {
  it('are rates of counters, standing at the beginning of the time they were measured over', () => {
    const samples = [
      sample(0, { Questions: 100 }),
      sample(5, { Questions: 600 }),
      sample(15, { Questions: 601 }),
    ];
    const questions = engineMetrics
      .series(samples)
      .find(({ metric }) => metric.label === 'Questions');
    expect(questions?.metric.type).toBe('STATEMENTS');
    expect(questions?.tracks[0]).toMatchObject({
      statistic: 'Maximum',
      times: [START, START + 5_000],
      values: [100, 0.1],
    });
  });

  it('are gauges as they were read', () => {
    expect(
      values(
        [sample(0, { Threads_running: 3 }), sample(5, { Threads_running: 9 })],
        'Threads_running',
      ),
    ).toEqual([3, 9]);
  });

  it('have a gap, never a negative rate, over a restart of the server', () => {
    const samples = [
      sample(0, { Questions: 1_000_000 }),
      { at: START + 5_000, counters: { Uptime: 2, Questions: 1_000_500 } },
      { at: START + 10_000, counters: { Uptime: 7, Questions: 1_001_000 } },
    ];
    expect(values(samples, 'Questions')).toEqual([100]);
  });

  it('notice a restart that was long ago by an uptime that grew too little', () => {
    const samples = [
      { at: START, counters: { Uptime: 60, Questions: 5 } },
      { at: START + 600_000, counters: { Uptime: 300, Questions: 5_000 } },
    ];
    expect(values(samples, 'Questions')).toEqual([]);
  });

  it('have a gap where a counter alone went back', () => {
    const samples = [
      sample(0, { Questions: 9 }),
      sample(5, { Questions: 1 }),
      sample(10, { Questions: 6 }),
    ];
    expect(values(samples, 'Questions')).toEqual([1]);
  });

  it('have a gap where our own share was lost with a connection, if it was left out of them', () => {
    const of = (second: number, since: number) =>
      sample(second, { [OWN_SHARE_SINCE]: since, Questions: second, Innodb_data_writes: second });
    const samples = [of(0, 7), of(5, 7), of(10, 9), of(15, 9)];
    expect(values(samples, 'Questions')).toEqual([1, 1]);
    expect(values(samples, 'Innodb_data_writes')).toEqual([1, 1, 1]);
  });

  it('are all made of counters that the tap samples', () => {
    const all = (at: number) =>
      sample(at, Object.fromEntries(SAMPLED_COUNTERS.map((name) => [name, 1_000 + at])));
    const empty = engineMetrics
      .series([all(0), all(5)])
      .filter(({ tracks }) => tracks[0]?.values.length === 0);
    expect(empty).toEqual([]);
  });

  it('leave our own share out of the counters that the tap leaves it out of', () => {
    const all = (at: number) =>
      sample(at, {
        ...Object.fromEntries(SAMPLED_COUNTERS.map((name) => [name, 1_000 + at])),
        [OWN_SHARE_SINCE]: at,
      });
    const empty = engineMetrics
      .series([all(0), all(5)])
      .filter(({ tracks }) => tracks[0]?.values.length === 0);
    expect(empty.map(({ metric }) => metric.label).sort()).toEqual([...SESSION_COUNTERS].sort());
  });

  it('leave out the counter that the rows of the log are in', () => {
    expect(SAMPLED_COUNTERS).not.toContain('Handler_write');
  });

  it('count hits only where there were requests', () => {
    const hits = (requests: number, misses: number) => ({
      Innodb_buffer_pool_read_requests: requests,
      Innodb_buffer_pool_reads: misses,
    });
    const samples = [sample(0, hits(0, 0)), sample(5, hits(0, 0)), sample(10, hits(200, 10))];
    expect(values(samples, 'Innodb_buffer_pool_hit_rate')).toEqual([95]);
  });

  it('are empty for a counter that the server does not have', () => {
    expect(values([sample(0, {}), sample(5, {})], 'Innodb_rows_read')).toEqual([]);
  });

  it('are never negative and never infinite, whatever the samples', () => {
    const counters = fc.dictionary(fc.constantFrom(...SAMPLED_COUNTERS), fc.nat());
    const anySamples = fc
      .array(fc.tuple(fc.nat(1_000_000), counters))
      .map((list) =>
        list.sort(([a], [b]) => a - b).map(([at, c]) => ({ at: START + at, counters: c })),
      );
    fc.assert(
      fc.property(anySamples, (samples) => {
        for (const { tracks } of engineMetrics.series(samples)) {
          for (const value of tracks[0]?.values ?? []) {
            expect(Number.isFinite(value) && value >= 0).toBe(true);
          }
        }
      }),
    );
  });
});
