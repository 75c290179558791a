import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import type { MetricRequest } from '../../src/core/metrics/metric-service.ts';
import { cloudWatchProvider } from '../../src/metrics-source/cloudwatch/provider.ts';
import { engineMetrics } from '../../src/metrics-source/mysql-status/engine-metrics.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { recordedCapture } from '../support/recorded-captures.ts';
import { bothWays, type BothWays } from '../support/same-over-http.ts';
import { SERVER, TestStore } from '../support/stores.ts';

const test = new TestStore(new ManualClock(Date.parse('2026-11-22T01:10:00Z')));
const ada = test.user('ada');
const rds = test.environment({ admin: [ada] }, { name: 'rds', server: SERVER, instance: 'db1' });
const plain = test.environment({ admin: [ada] }, { name: 'plain' });
let both: BothWays;

beforeAll(async () => {
  both = await bothWays(test, ada, {
    metricSources: () =>
      Promise.resolve({
        provider: cloudWatchProvider(() =>
          Promise.resolve({
            fetch: (queries, window, period) =>
              Promise.resolve({
                incomplete: [],
                tracks: queries.map((query) => {
                  const times: number[] = [];
                  for (let at = window.from; at < window.to; at += period) times.push(at);
                  return { ...query, times, values: times.map((_, index) => index / 7) };
                }),
              }),
            close: () => undefined,
          }),
        ),
        counters: engineMetrics,
      }),
  });
  await recordedCapture(test, ada, rds, { name: 'friday' });
  test.capture(ada, plain, { name: 'bare' });
});
afterAll(() => both.server.close());

const request: MetricRequest = {
  origins: null,
  names: [],
  statistic: null,
  period: null,
  from: null,
  to: null,
  margin: null,
  refresh: false,
};

async function raw(path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${both.server.url}/api/captures/${path}`, {
    headers: { authorization: `Bearer ${both.secret}` },
  });
  return { status: response.status, body: await response.json() };
}

describe('metrics over HTTP', () => {
  it.each<Partial<MetricRequest>>([
    {},
    { names: ['CPUUtilization', 'ReadIOPS'], statistic: 'p95', margin: 0 },
    { origins: ['provider', 'workload'], period: 300_000, margin: 60_000, refresh: true },
    {
      from: Date.parse('2026-11-22T01:00:00Z'),
      to: Date.parse('2026-11-22T01:05:00Z'),
      statistic: 'max',
    },
  ])('report what they report in the same process: %j', async (changes) => {
    const asked = { ...request, ...changes };
    // What is kept comes in another order than what was fetched just now.
    await both.local.metrics.report(ada, 'friday', asked);
    const there = await both.remote.metrics.report(ada, 'friday', asked);
    expect(there.series.length).toBeGreaterThan(0);
    expect(there).toEqual(await both.local.metrics.report(ada, 'friday', asked));
  });

  it.each([
    { names: ['no such'] },
    { statistic: 'median' },
    { period: 1 },
    { from: 5, to: 4 },
    { origins: ['workload' as const] },
  ])('refuse what they refuse: %j', async (changes) => {
    const asked = { ...request, ...changes };
    const of = (api: BothWays['local']): Promise<unknown> =>
      api.metrics.report(ada, 'origins' in changes ? 'bare' : 'friday', asked).then(
        () => 'nothing',
        (error: unknown) => error,
      );
    const there = await of(both.remote);
    expect(there).toBeInstanceOf(AppError);
    expect(there).toEqual(await of(both.local));
  });

  it("are the reference's array of exactly the window of the capture", async () => {
    const { status, body } = await raw('friday/metrics?metric=CPUUtilization&metric=ReadIOPS');
    expect(status).toBe(200);
    const [first, second] = body as Record<string, unknown>[];
    expect(Object.keys(first ?? {})).toEqual(['label', 'type', 'displayName', 'dataPoints']);
    expect(second).toMatchObject({ label: 'ReadIOPS', type: 'READ IOPS' });
    const [point] = first?.['dataPoints'] as Record<string, unknown>[];
    expect(Object.keys(point ?? {}).slice(0, 3)).toEqual(['Timestamp', 'Maximum', 'Unit']);
    expect(point).toMatchObject({ Timestamp: '2026-11-22T01:00:00.000Z', Unit: 'Percent' });
    const all = (await raw('friday/metrics')).body as { label: string }[];
    expect(all.map(({ label }) => label)).toContain('CPUUtilization');
  });

  it('are refused as captures are', async () => {
    expect(await raw('none/metrics')).toEqual({
      status: 404,
      body: { code: 404, message: 'Capture not found' },
    });
    expect((await raw('friday/metrics?stat=median')).body).toEqual({
      code: 400,
      message: 'There is no statistic "median"',
    });
    expect((await raw('friday/metrics?period=-1')).body).toEqual({
      code: 400,
      message: '"period" in the query must be a number of seconds',
    });
  });
});
