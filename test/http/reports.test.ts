import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApi } from '../../src/core/api.ts';
import type { Outside } from '../../src/core/outside.ts';
import { resultOf, type Progress } from '../../src/core/progress.ts';
import type { LiveReport, ReportRequest } from '../../src/core/reports/report.ts';
import type { AuthenticatedActor } from '../../src/core/users/user-service.ts';
import type { RemoteApi } from '../../src/http/client/remote-api.ts';
import { compareCounters } from '../../src/source/mysql/counters/comparison.ts';
import { measuresExecutes } from '../../src/source/mysql/counters/measured-executes.ts';
import { serverDigestKey } from '../../src/sql/server-digest.ts';
import { workloadFiles } from '../../src/workload/stored-workloads.ts';
import { serveStore, type TestServer } from '../support/api-server.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { recordedCapture } from '../support/recorded-captures.ts';
import { statements } from '../workload/recorded.ts';
import { outsideOf, SERVER, TestStore } from '../support/stores.ts';

const clock = new ManualClock(Date.parse('2026-11-22T02:00:00Z'));
const test = new TestStore(clock);
const { store } = test;
const outside: Partial<Outside> = {
  workloads: () => Promise.resolve(workloadFiles(store)),
  compareCounters: () => Promise.resolve(compareCounters),
  serverDigestKey: () => Promise.resolve(serverDigestKey),
  measuresExecutes: () => Promise.resolve(measuresExecutes),
};
const local = createApi({ ...outsideOf(store, clock), ...outside });
const EVERYTHING: ReportRequest = {
  by: 'digest',
  sort: null,
  limit: null,
  since: null,
  until: null,
  digest: null,
};
let server: TestServer;
let remote: RemoteApi;
let ada: AuthenticatedActor;
let secret: string;
const { signal } = new AbortController();

beforeAll(async () => {
  server = await serveStore(store, clock, outside);
  ({ secret } = await local.users.createToken(test.user('ada'), 'script'));
  remote = server.client();
  ada = await remote.users.authenticate(secret);
  const shop = test.environment({ admin: [ada] }, { name: 'shop', server: SERVER });
  await recordedCapture(test, ada, shop, { name: 'friday' });
  await recordedCapture(test, ada, shop, { name: 'goes on', status: 'RUNNING' });
  await recordedCapture(test, ada, shop, { name: 'failed', status: 'FAILED' });
  const { folder } = await recordedCapture(test, ada, shop, { name: 'damaged' });
  await rm(folder, { recursive: true });
});
afterAll(() => server.close());

/** What a use case comes to, with what happened meanwhile. */
async function told<Event, Result>(
  run: Progress<Event, Result>,
): Promise<{ readonly events: readonly Event[]; readonly result?: Result }> {
  const events: Event[] = [];
  try {
    const result = await resultOf(run, (event) => void events.push(event));
    return { events, result };
  } catch (error) {
    const { code, message, hint } = error as Record<string, unknown>;
    return { events, ...{ code, message, hint } };
  }
}

/** The server's clock goes on until something has come. */
async function whileTimeGoesOn<Result>(asked: Promise<Result>): Promise<Result> {
  const there = new AbortController();
  const waits = asked.finally(() => there.abort());
  while (!there.signal.aborted) await clock.advance(100);
  return waits;
}

/** How far counting came at the end: what is in between depends on what was counted before. */
function lastOf({ events, ...rest }: { events: readonly unknown[] }): object {
  return { ...rest, last: events.at(-1) };
}

describe('reports over HTTP', () => {
  it.each<[string, string, Partial<ReportRequest>]>([
    ['all of it', 'friday', {}],
    ['some rows by table', 'friday', { by: 'table', limit: 1, sort: 'count' }],
    ['a part of the time', 'friday', { since: Date.parse('2026-11-22T01:00:00.100Z') }],
    ['a digest that nothing has', 'friday', { digest: 'ffff' }],
    ['a time outside of its window', 'friday', { until: Date.parse('2025-01-01') }],
    ['what goes on', 'shop/goes on', {}],
    ['what failed', 'failed', { by: 'session' }],
    ['what is damaged', 'damaged', {}],
    ['what is not there', 'none', {}],
  ])('are those of the same process: %s', async (_, ref, part) => {
    const request = { ...EVERYTHING, ...part };
    const here = lastOf(await told(local.reports.report(ada, ref, request)));
    const there = lastOf(await told(remote.reports.report(ada, ref, request)));
    expect(there).toEqual(here);
    // Also to the order of the fields, which files of reports have.
    expect(JSON.stringify(there)).toBe(JSON.stringify(here));
  });

  it('come with their rows some at a time, and once for several', async () => {
    const shop = await local.environments.get(ada, 'shop');
    const different = statements(600).map((statement, index) => ({
      ...statement,
      sql: `SELECT ${index} FROM table_${index}`,
    }));
    await recordedCapture(test, ada, shop, { name: 'different', statements: different });
    const whole = await resultOf(local.reports.report(ada, 'different', EVERYTHING));
    expect(whole.rows).toHaveLength(600);
    const inRows = await resultOf(remote.reports.reportInRows(ada, 'different', EVERYTHING));
    for (let time = 0; time < 2; time += 1) {
      expect({ ...inRows, rows: [...inRows.rows] }).toEqual(whole);
    }
    const others = [
      { by: 'table' as const, limit: 2 },
      { by: 'user' as const, limit: null },
    ];
    const request = { ...EVERYTHING, limit: 1 };
    expect(lastOf(await told(remote.reports.reports(ada, 'friday', request, others)))).toEqual(
      lastOf(await told(local.reports.reports(ada, 'friday', request, others))),
    );
    expect(lastOf(await told(remote.reports.reportInRows(ada, 'damaged', EVERYTHING)))).toEqual(
      lastOf(await told(local.reports.reportInRows(ada, 'damaged', EVERYTHING))),
    );
  });

  it('of very many kinds at once are refused', async () => {
    const ask = async (count: number): Promise<{ status: number; body: unknown }> => {
      const answer = await fetch(`${server.url}/api/captures/friday/reports`, {
        method: 'POST',
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
        body: JSON.stringify({ others: Array(count).fill({ by: 'user', limit: 1 }) }),
      });
      return { status: answer.status, body: await answer.json() };
    };
    expect((await ask(16)).status).toBe(200);
    expect(await ask(17)).toEqual({
      status: 400,
      body: { code: 400, message: '"others" in the body must have at most 16 elements' },
    });
  });

  it('are JSON for everybody', async () => {
    const headers = { authorization: `Bearer ${secret}` };
    const query = 'by=table&limit=1&since=2026-11-22%2001:00:00&unknown=1';
    const url = `${server.url}/api/captures/friday/report?${query}`;
    const answer = await fetch(url, { headers });
    const request = {
      ...EVERYTHING,
      by: 'table' as const,
      limit: 1,
      since: Date.parse('2026-11-22T01:00:00Z'),
    };
    expect(await answer.json()).toEqual(
      await resultOf(local.reports.report(ada, 'friday', request)),
    );
    for (const wrong of ['by=colour', 'sort=up', 'limit=-1', 'since=friday']) {
      const refused = await fetch(`${server.url}/api/captures/friday/report?${wrong}`, { headers });
      expect({ wrong, status: refused.status }).toEqual({ wrong, status: 400 });
    }
  });

  it('are watched until the capture is over, in another order as soon as it is asked for', async () => {
    const shop = await local.environments.get(ada, 'shop');
    const { id } = await recordedCapture(test, ada, shop, { name: 'live', status: 'RUNNING' });
    let sort: ReportRequest['sort'] = 'count';
    const watching = { request: () => ({ ...EVERYTHING, sort }), interval: 1_000 };
    const looks: LiveReport[] = [];
    const run = remote.reports.watch(ada, 'live', watching, signal);
    for (;;) {
      const step = await whileTimeGoesOn(run.next());
      if (step.done === true) break;
      if (step.value.type === 'counted') continue;
      looks.push(step.value);
      if (looks.length === 1) sort = 'name';
      if (looks.length !== 2) continue;
      store.captures.move(id, 'RUNNING', 'STOPPING', {});
      const end = Date.parse('2026-11-22T01:00:00.600Z');
      store.captures.move(id, 'STOPPING', 'DONE', { end });
    }
    expect(looks.map(({ report }) => [report.sort, report.capture.status])).toEqual([
      ['count', 'RUNNING'],
      ['name', 'RUNNING'],
      ['name', 'DONE'],
    ]);
  });

  it('end with the signal, and with who watches', async () => {
    const ended = new AbortController();
    const watching = { request: () => EVERYTHING, interval: 1_000 };
    const seen: string[] = [];
    for await (const { type } of remote.reports.watch(ada, 'goes on', watching, ended.signal)) {
      seen.push(type);
      if (type === 'reported') ended.abort();
    }
    expect(seen.at(-1)).toBe('reported');
    for await (const { type } of remote.reports.watch(ada, 'goes on', watching, signal)) {
      if (type === 'reported') break;
    }
    const short = { ...watching, interval: 10 };
    await expect(remote.reports.watch(ada, 'goes on', short, signal).next()).rejects.toMatchObject({
      code: 'invalid',
      message: 'An interval is at least 1 s',
    });
  });
});

describe('verification over HTTP', () => {
  it.each([
    ['friday', null],
    ['friday', 0.95],
    ['friday', 1e-9],
    ['shop/goes on', 1],
    ['failed', null],
    ['damaged', null],
    ['none', null],
  ])('of %s says what it says in the same process', async (ref, minValues) => {
    const here = await told(local.verification.verify(ada, ref, minValues));
    expect(await told(remote.verification.verify(ada, ref, minValues))).toEqual(here);
  });

  it('refuses a share that is none', async () => {
    for (const wrong of ['2', '-1', '', 'x', 'NaN']) {
      const answer = await fetch(
        `${server.url}/api/captures/friday/verification?minValues=${wrong}`,
        { headers: { authorization: `Bearer ${secret}` } },
      );
      expect({ wrong, answer: await answer.json() }).toEqual({
        wrong,
        answer: { code: 400, message: '"minValues" in the query must be a number from 0 to 1' },
      });
    }
  });
});
