import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  MetricService,
  type MetricReport,
  type MetricRequest,
} from '../../src/core/metrics/metric-service.ts';
import { UNKNOWN_ORIGIN } from '../../src/core/audit/audit-trail.ts';
import { OWN_SHARE_SINCE } from '../../src/core/metrics/metric-source.ts';
import { cloudWatchProvider } from '../../src/metrics-source/cloudwatch/provider.ts';
import { engineMetrics } from '../../src/metrics-source/mysql-status/engine-metrics.ts';
import {
  SAMPLED_COUNTERS,
  SESSION_COUNTERS,
} from '../../src/source/mysql/connection/status-counters.ts';
import { systemClock } from '../../src/core/clock.ts';
import {
  readGeneration,
  rowsOf,
  startLogging,
  startRecorderServer,
  type RecorderServer,
} from '../support/recorder-server.ts';
import { endRecordings, Recording } from './recording.ts';
import { waitUntil } from '../support/waiting.ts';

let server: RecorderServer;
beforeAll(async () => {
  server = await startRecorderServer();
});
afterAll(async () => {
  await server.stop();
});

const EVERYTHING: MetricRequest = {
  origins: null,
  names: [],
  statistic: null,
  period: null,
  from: null,
  to: null,
  margin: 0,
  refresh: false,
};

afterEach(endRecordings);

/** What the metrics of a capture say. */
function reportOf({ test, alice, id }: Recording): Promise<MetricReport> {
  const provider = cloudWatchProvider(() => Promise.reject(new Error('no CloudWatch here')));
  const sources = { provider, counters: engineMetrics };
  return new MetricService(test.store, systemClock, UNKNOWN_ORIGIN, sources).report(
    alice,
    String(id),
    EVERYTHING,
  );
}

function track(
  report: MetricReport,
  label: string,
): { times: readonly number[]; values: readonly number[] } {
  const series = report.series.find(({ metric }) => metric.label === label);
  return series?.tracks[0] ?? { times: [], values: [] };
}

describe("a server's own metrics", () => {
  it('are sampled while it is recorded, and add up to what was sent', async () => {
    const recording = new Recording(server);
    const admin = await server.admin();
    try {
      await recording.until('RUNNING');
      await waitUntil(() => recording.test.store.metrics.samplesOf(recording.id).length > 0);
      const sent = 3_000;
      for (let i = 0; i < sent; i++) await admin.query(`SELECT ${i}`);
      await recording.stop();
      const report = await reportOf(recording);

      const questions = track(report, 'Questions');
      const samples = recording.test.store.metrics.samplesOf(recording.id);
      const ends = [...questions.times.slice(1), samples.at(-1)?.at ?? 0];
      const counted = questions.values.reduce(
        (sum, value, i) => sum + (value * ((ends[i] ?? 0) - (questions.times[i] ?? 0))) / 1_000,
        0,
      );
      expect(Math.round(counted)).toBeGreaterThanOrEqual(sent);
      expect(counted).toBeLessThan(sent + 100);
      // The one of the test: the recorder's own are left out.
      expect(Math.max(...track(report, 'Threads_connected').values)).toBe(1);
      expect(track(report, 'Bytes_sent').values.some((value) => value > 0)).toBe(true);

      const rates = recording.test.store.metrics.ratesOf(recording.id);
      expect(rates.reduce((sum, { statements }) => sum + statements, 0)).toBe(sent);
      expect(track(report, 'Statements').values.some((value) => value > 0)).toBe(true);
    } finally {
      await admin.end();
    }
  });

  it('have a gap where it was restarted, and no negative number', async () => {
    const recording = new Recording(server);
    await recording.until('RUNNING');
    const samplesAre = (count: number) =>
      waitUntil(() => recording.test.store.metrics.samplesOf(recording.id).length >= count);
    await samplesAre(1);
    await server.restart();
    await samplesAre(2);
    await recording.stop();
    const report = await reportOf(recording);
    const all = report.series.flatMap(({ tracks }) => tracks.flatMap(({ values }) => values));
    expect(Math.min(...all)).toBeGreaterThanOrEqual(0);
    const samples = recording.test.store.metrics.samplesOf(recording.id);
    expect(track(report, 'Questions').values.length).toBeLessThan(samples.length - 1);
  });

  it("are the clients' alone, whatever the recorder reads of the log", async () => {
    const client = await server.admin();
    await client.query('CREATE DATABASE counted');
    await client.query('CREATE TABLE counted.one (a INT)');
    await client.query('INSERT INTO counted.one VALUES (1)');
    const { log, settings } = await startLogging(server);
    const drain = async (generation: number): Promise<void> => {
      await log.swap(generation);
      await readGeneration(log, generation);
      await log.drop(generation);
    };
    // The reader's connection is there from now on.
    await drain(2);
    const before = await log.sampleCounters();
    const text = `SELECT '${'x'.repeat(1_000)}'`;
    for (let i = 0; i < 500; i++) await client.query(text);
    for (let i = 0; i < 100; i++) await client.query('SELECT a FROM counted.one');
    for (let generation = 3; generation < 10; generation++) await drain(generation);
    const after = await log.sampleCounters();
    await log.restore(settings, 10);
    await log.close();
    await client.query('DROP DATABASE counted');
    await client.end();

    const grown = (name: string): number => (after[name] ?? NaN) - (before[name] ?? NaN);
    expect(grown('Questions')).toBe(600);
    expect(grown('Com_select')).toBe(600);
    expect(grown('Com_insert')).toBe(0);
    // MySQL has neither.
    if (after['Rows_read'] !== undefined) {
      expect(grown('Rows_read')).toBe(100);
      // MariaDB counts the rows of a SHOW STATUS for the server alone, not for the session.
      expect(grown('Rows_sent') - 600).toBeGreaterThanOrEqual(0);
      expect(grown('Rows_sent') - 600).toBeLessThan(100);
    }
    // A command and its length are 5 bytes; on MySQL the client sends two more, for no attributes.
    const sent = 500 * (text.length + 5) + 100 * ('SELECT a FROM counted.one'.length + 5);
    expect(grown('Bytes_received') - sent).toBeGreaterThanOrEqual(0);
    expect(grown('Bytes_received') - sent).toBeLessThanOrEqual(600 * 2);
    // Its text comes back twice: as the column's name and as the row. Read from the log it would be
    // a third time.
    expect(grown('Bytes_sent')).toBeLessThan(500 * 2_200 + 100 * 200);
    expect(after[OWN_SHARE_SINCE]).toBe(before[OWN_SHARE_SINCE]);
  });

  it('do not compare with those from before the reader lost its connection', async () => {
    const admin = await server.admin();
    const { log, settings } = await startLogging(server);
    await log.swap(2);
    await readGeneration(log, 2);
    const before = await log.sampleCounters();
    const [reader] = await rowsOf(
      admin,
      `SELECT ID FROM information_schema.PROCESSLIST
        WHERE USER = 'recorder' AND ID <> ${log.connectionId}`,
    );
    await admin.query(`KILL ${String(reader?.['ID'])}`);
    await waitUntil(async () => {
      // Asked before it is noticed, the sample fails.
      const after = await log.sampleCounters().catch(() => before);
      return after[OWN_SHARE_SINCE] === reader?.['ID'];
    });
    expect(before[OWN_SHARE_SINCE]).toBe(log.connectionId);
    await log.restore(settings, 3);
    await log.close();
    await admin.end();
  });

  it('are those that this server has', async () => {
    const log = await server.open();
    const counters = await log.sampleCounters();
    await log.close();
    const { flavor, version } = log.server;
    const [major = 0, minor = 0] = version.split('.').map(Number);
    const absent = {
      mysql: ['Rows_read', 'Rows_sent'],
      mariadb:
        major > 10 || minor >= 6
          ? ['read', 'inserted', 'updated', 'deleted'].map((what) => `Innodb_rows_${what}`)
          : [],
    };
    expect(SAMPLED_COUNTERS.filter((name) => counters[name] === undefined)).toEqual(absent[flavor]);
  });

  it('are counted for each session where our own are left out, and begin there with nothing', async () => {
    const admin = await server.admin();
    const client = await server.admin();
    const names = SESSION_COUNTERS.map((name) => `'${name}'`).join(', ');
    const countersOf = async (scope: string): Promise<Record<string, number>> =>
      Object.fromEntries(
        (await rowsOf(client, `SHOW ${scope} STATUS WHERE Variable_name IN (${names})`)).map(
          (row) => [String(row['Variable_name']), Number(row['Value'])],
        ),
      );
    for (let i = 0; i < 200; i++) await admin.query('DO 1');
    const [share, all] = [await countersOf('SESSION'), await countersOf('GLOBAL')];
    expect(Object.keys(share)).toEqual(Object.keys(all));
    const { Bytes_sent, Bytes_received, ...counts } = share;
    expect(Math.max(...Object.values(counts))).toBeLessThan(10);
    expect((Bytes_sent ?? 0) + (Bytes_received ?? 0)).toBeLessThan(10_000);
    await Promise.all([admin.end(), client.end()]);
  });
});
