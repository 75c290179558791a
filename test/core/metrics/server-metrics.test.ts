import fc from '../../support/properties.ts';
import { describe, expect, it } from 'vitest';
import {
  SAMPLED_COUNTERS,
  serverSeries,
  WORKLOAD_BUCKET_MS,
  workloadSeries,
  type CounterSample,
} from '../../../src/core/metrics/server-metrics.ts';

const START = Date.parse('2026-11-22T12:00:00Z');

function sample(second: number, counters: Record<string, number>): CounterSample {
  return { at: START + second * 1_000, counters: { Uptime: 1_000 + second, ...counters } };
}

function values(samples: readonly CounterSample[], label: string): number[] {
  const found = serverSeries(samples).find(({ metric }) => metric.label === label);
  return [...(found?.tracks[0]?.values ?? [])];
}

describe("the server's own metrics", () => {
  it('are rates of counters, standing at the beginning of the time they were measured over', () => {
    const samples = [
      sample(0, { Questions: 100 }),
      sample(5, { Questions: 600 }),
      sample(15, { Questions: 601 }),
    ];
    const questions = serverSeries(samples).find(({ metric }) => metric.label === 'Questions');
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
      sample(second, { Own_share_since: since, Questions: second, Innodb_data_writes: second });
    const samples = [of(0, 7), of(5, 7), of(10, 9), of(15, 9)];
    expect(values(samples, 'Questions')).toEqual([1, 1]);
    expect(values(samples, 'Innodb_data_writes')).toEqual([1, 1, 1]);
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
        for (const { tracks } of serverSeries(samples)) {
          for (const value of tracks[0]?.values ?? []) {
            expect(Number.isFinite(value) && value >= 0).toBe(true);
          }
        }
      }),
    );
  });
});

describe("the capture's workload as a series", () => {
  it('has a true zero where nothing was recorded, and rates of the part that is in the window', () => {
    const rates = [
      { at: START, statements: 500, sessions: 4 },
      { at: START + 20_000, statements: 100, sessions: 1 },
    ];
    const [statements, sessions] = workloadSeries(rates, START + 5_000, START + 25_000);
    expect(statements?.tracks[0]).toMatchObject({
      times: [START + 5_000, START + 10_000, START + 20_000],
      values: [100, 0, 20],
    });
    expect(sessions?.tracks[0]?.values).toEqual([4, 0, 1]);
  });

  it('adds up to the statements that were recorded', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { minLength: 1, maxLength: 50 }), (counts) => {
        const rates = counts.map((statements, i) => ({
          at: START + i * WORKLOAD_BUCKET_MS,
          statements,
          sessions: 1,
        }));
        const until = START + counts.length * WORKLOAD_BUCKET_MS;
        const total = (workloadSeries(rates, START, until)[0]?.tracks[0]?.values ?? []).reduce(
          (sum, value) => sum + value * 10,
          0,
        );
        expect(total).toBeCloseTo(
          counts.reduce((sum, value) => sum + value, 0),
          5,
        );
      }),
    );
  });
});
