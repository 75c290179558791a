import { DEFAULT_REPLAY } from '../../src/core/replays/replay-request.ts';
import { LatencyHistogram } from '../../src/core/replays/latency-histogram.ts';
import type {
  Replay,
  ReplayOptions,
  ReplayPlan,
  ReplayResult,
  ReplayRow,
} from '../../src/core/replays/replay.ts';
import { RECORD_EVERYTHING } from '../../src/core/captures/recording-options.ts';

export const REPLAY_AS_USUAL: ReplayOptions = DEFAULT_REPLAY;

const ACCOUNTING = {
  records: 80_312,
  sent: 78_201,
  skipped: { writes: 1_500, echo: 400, half_transaction: 100 },
  failed: { 1213: 100, 1146: 11 },
};

const STATEMENTS = {
  records: 71_711,
  sent: 70_000,
  skipped: { writes: 1_500, half_transaction: 100 },
  failed: { 1213: 100, 1146: 11 },
};

/** Some answers, around so many microseconds. */
function latenciesAround(micros: number, count: number): LatencyHistogram {
  const found = new LatencyHistogram();
  for (let index = 0; index < count; index++) {
    found.add(Math.round(micros * (0.5 + ((index * 37) % 100) / 80)));
  }
  return found;
}

export function replayRow(changes: Partial<ReplayRow> = {}, micros = 800): ReplayRow {
  const count = changes.count ?? 1_000;
  const histogram = latenciesAround(micros, count);
  const spread = histogram.spread() ?? {
    count,
    averageMs: 0,
    p50Ms: 0,
    p95Ms: 0,
    p99Ms: 0,
    maxMs: 0,
  };
  return {
    ...spread,
    digest: '3f2a9c1d00000001',
    text: 'SELECT * FROM orders WHERE id = ?',
    db: 'shop',
    class: 'reads',
    recorded: count,
    sent: count,
    skipped: {},
    failed: {},
    rowsReturned: count,
    rowsChanged: 0,
    recordedPerSecond: count / 1_800,
    perSecond: count / 1_802,
    totalMs: histogram.sum / 1_000,
    histogram: histogram.packed(),
    slices: {
      count: Array.from({ length: 24 }, () => Math.floor(count / 24)),
      totalMs: Array.from({ length: 24 }, (_, index) => ((index % 5) + 1) * 10),
    },
    ...changes,
  };
}

export const SOME_PLAN: ReplayPlan = {
  ...ACCOUNTING,
  sent: 78_312,
  failed: {},
  statements: { ...STATEMENTS, sent: 70_111, failed: {} },
  sessions: 120,
  sessionsAtOnce: 32,
  from: '2026-11-20T10:00:00.123456Z',
  to: '2026-11-20T10:30:00.000000Z',
  length: 1_799_877,
  position: null,
  warnings: [],
};

export function replayResult(changes: Partial<ReplayResult> = {}): ReplayResult {
  return {
    ...ACCOUNTING,
    ended: { why: 'complete' },
    statements: STATEMENTS,
    tookMs: 1_802_345,
    recordedMs: 1_799_877,
    lateMs: { count: 78_312, averageMs: 0.4, p50Ms: 0.2, p95Ms: 2.1, p99Ms: 4.2, maxMs: 31 },
    latency: { count: 70_111, averageMs: 1.2, p50Ms: 0.8, p95Ms: 3.1, p99Ms: 9.4, maxMs: 1_204 },
    perSecond: 38.9,
    sessions: { recorded: 120, opened: 120, mostAtOnce: 32, lost: 0 },
    brokenOff: 3,
    deadlocks: 100,
    executes: { binary: 12_000, text: 55 },
    errors: [
      {
        code: '1213',
        count: 100,
        message: 'Deadlock found when trying to get lock; try restarting transaction',
      },
      { code: '1146', count: 11, message: "Table 'shop.audit' doesn't exist" },
    ],
    rows: [
      replayRow({ count: 50_000, rowsReturned: 50_000 }, 600),
      replayRow({
        digest: 'a1b2c3d400000002',
        text: 'UPDATE stock SET n = n - ? WHERE id = ?',
        class: 'writes',
        count: 0,
        sent: 0,
        recorded: 1_500,
        skipped: { writes: 1_500 },
        rowsReturned: 0,
      }),
      replayRow(
        {
          digest: 'ffb2c3d400000003',
          text: 'SELECT o.* FROM orders o JOIN lines l ON l.order_id = o.id WHERE o.user_id = ? AND o.created > ? ORDER BY o.created DESC LIMIT ?',
          db: 'blog',
          count: 2_111,
          failed: { 1213: 100, 1146: 11 },
          sent: 2_000,
          rowsReturned: 41_000,
        },
        9_000,
      ),
    ],
    unlisted: 0,
    checksums: [],
    warnings: [],
    divergence: [],
    ...changes,
  };
}

export function replay(changes: Partial<Replay> = {}): Replay {
  return {
    capture: {
      id: 12,
      name: 'friday on copy',
      environmentId: 3,
      ownerId: 1,
      type: 'REPLAY',
      status: 'DONE',
      start: Date.UTC(2026, 10, 30, 20),
      scheduledStart: null,
      scheduledEnd: null,
      end: Date.UTC(2026, 10, 30, 20, 30, 2),
      duration: null,
      reason: null,
      createdAt: Date.UTC(2026, 10, 30, 19, 59, 50),
      recordsStatements: false,
      options: RECORD_EVERYTHING,
      environmentName: 'copy',
      ownerName: 'ada',
      records: null,
      textBytes: null,
      fileBytes: null,
      trouble: null,
      replayed: null,
    },
    stored: {
      captureId: 12,
      source: {
        captureId: 7,
        captureName: 'friday',
        environmentName: 'shop',
        server: { flavor: 'MariaDB', version: '10.11.8' },
      },
      options: REPLAY_AS_USUAL,
      target: { flavor: 'MariaDB', version: '11.8.3', hostname: 'db2', port: 3306 },
      plan: SOME_PLAN,
      progress: null,
      host: 'test-host',
      pid: 4711,
      heardAt: Date.UTC(2026, 10, 30, 20, 30, 2),
    },
    result: replayResult(),
    ...changes,
  };
}
