import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  MetricService,
  type MetricReport,
  type MetricRequest,
} from '../../src/core/metric-service.ts';
import { SAMPLED_COUNTERS } from '../../src/core/server-metrics.ts';
import { systemClock } from '../../src/core/clock.ts';
import { runDaemon } from '../../src/daemon/daemon.ts';
import { mysqlServerLogs } from '../../src/mysql/server-logs.ts';
import { openStore } from '../../src/store/store.ts';
import { TestStore } from '../support/stores.ts';
import { startRecorderServer, type RecorderServer } from './recorder-server.ts';

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

/** A capture of the server, its daemon, and what its metrics say. */
class Recording {
  readonly test = new TestStore(systemClock);
  readonly alice = this.test.user('alice');
  readonly events: string[] = [];
  readonly #leaving = new AbortController();
  readonly #done: Promise<void>;
  readonly id: number;

  constructor() {
    const environment = this.test.environment({ admin: [this.alice] }, { server: server.address });
    this.id = this.test.capture(this.alice, environment).id;
    const store = openStore(this.test.store.directory);
    this.#done = runDaemon(
      {
        store,
        clock: systemClock,
        serverLogs: mysqlServerLogs,
        log: (_level, event, fields) =>
          this.events.push(`${event} ${JSON.stringify(fields ?? {})}`),
        hostname: 'here',
        pid: process.pid,
        programVersion: '0',
      },
      { background: false, graceMs: 600_000, signal: this.#leaving.signal },
    ).finally(() => store.close());
  }

  async until(status: string): Promise<void> {
    await vi.waitUntil(
      () => {
        const capture = this.test.store.captures.find(this.id);
        if (capture?.status === 'FAILED')
          throw new Error(`${capture.reason} ${this.events.join()}`);
        return capture?.status === status;
      },
      { timeout: 30_000, interval: 20 },
    );
  }

  report(): Promise<MetricReport> {
    const none = () => Promise.reject(new Error('there is no CloudWatch here'));
    return new MetricService(this.test.store, systemClock, none).report(
      this.alice,
      String(this.id),
      EVERYTHING,
    );
  }

  async stop(): Promise<void> {
    this.test.captures.requestStop(this.alice, String(this.id));
    await this.until('DONE');
  }

  async leave(): Promise<void> {
    this.#leaving.abort();
    await this.#done;
  }
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
    const recording = new Recording();
    const admin = await server.admin();
    try {
      await recording.until('RUNNING');
      await vi.waitUntil(() => recording.test.store.metrics.samplesOf(recording.id).length > 0);
      const sent = 3_000;
      for (let i = 0; i < sent; i++) await admin.query(`SELECT ${i}`);
      await recording.stop();
      const report = await recording.report();

      const questions = track(report, 'Questions');
      const samples = recording.test.store.metrics.samplesOf(recording.id);
      const ends = samples.slice(1).map(({ at }) => at);
      const counted = questions.values.reduce(
        (sum, value, i) => sum + (value * ((ends[i] ?? 0) - (questions.times[i] ?? 0))) / 1_000,
        0,
      );
      expect(counted).toBeGreaterThanOrEqual(sent);
      expect(counted).toBeLessThan(sent + 500);
      expect(Math.max(...track(report, 'Threads_connected').values)).toBeGreaterThanOrEqual(2);
      expect(track(report, 'Bytes_sent').values.some((value) => value > 0)).toBe(true);

      const rates = recording.test.store.metrics.ratesOf(recording.id);
      expect(rates.reduce((sum, { statements }) => sum + statements, 0)).toBe(sent);
      expect(track(report, 'Statements').values.some((value) => value > 0)).toBe(true);
    } finally {
      await admin.end();
      await recording.leave();
    }
  });

  it('have a gap where it was restarted, and no negative number', async () => {
    const recording = new Recording();
    try {
      await recording.until('RUNNING');
      const samplesAre = (count: number) =>
        vi.waitUntil(() => recording.test.store.metrics.samplesOf(recording.id).length >= count, {
          timeout: 30_000,
          interval: 20,
        });
      await samplesAre(1);
      await server.restart();
      await samplesAre(2);
      await recording.stop();
      const report = await recording.report();
      const all = report.series.flatMap(({ tracks }) => tracks.flatMap(({ values }) => values));
      expect(Math.min(...all)).toBeGreaterThanOrEqual(0);
      const samples = recording.test.store.metrics.samplesOf(recording.id);
      expect(track(report, 'Questions').values.length).toBeLessThan(samples.length - 1);
    } finally {
      await recording.leave();
    }
  });

  it('are those that this server has', async () => {
    const log = await server.open();
    const counters = await log.sampleCounters();
    await log.close();
    const absent = SAMPLED_COUNTERS.filter((name) => counters[name] === undefined);
    // MariaDB counts rows by handler; only MySQL has these.
    expect(absent.filter((name) => !name.startsWith('Innodb_rows_'))).toEqual([]);
  });
});
