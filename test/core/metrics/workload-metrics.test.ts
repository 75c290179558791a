import fc from '../../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { WORKLOAD_BUCKET_MS, workloadSeries } from '../../../src/core/metrics/workload-metrics.ts';

const START = Date.parse('2026-11-22T12:00:00Z');

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
