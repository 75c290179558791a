import { DEFAULT_REPLAY } from '../../src/core/replays/replay-request.ts';
import { LatencyHistogram } from '../../src/core/replays/latency-histogram.ts';
import type { ReplayReport } from '../../src/core/replays/replay-report.ts';
import {
  REPLAY_SLICES,
  type ReplayOptions,
  type ReplayResult,
  type ReplayRow,
} from '../../src/core/replays/replay.ts';

type Random = () => number;

const REPLAY_OPTIONS: ReplayOptions = DEFAULT_REPLAY;

const EMPTY_RESULT: Omit<ReplayResult, 'rows'> = {
  ended: { why: 'complete' },
  records: 0,
  sent: 0,
  skipped: {},
  failed: {},
  statements: { records: 0, sent: 0, skipped: {}, failed: {} },
  tookMs: 60_000,
  recordedMs: 60_000,
  lateMs: null,
  latency: null,
  perSecond: 0,
  sessions: { recorded: 8, opened: 8, mostAtOnce: 8, lost: 0 },
  brokenOff: 0,
  deadlocks: 0,
  executes: { binary: 0, text: 0 },
  errors: [],
  unlisted: 0,
  checksums: [],
  warnings: [],
  divergence: [],
};

/** A replay's report with these rows, whose sums are right. */
export function replayOf(
  rows: readonly ReplayRow[],
  more: Partial<Omit<ReplayResult, 'rows'>> = {},
  options: Partial<ReplayOptions> = {},
): ReplayReport {
  const sum = (
    of: (row: ReplayRow) => Readonly<Record<string, number>>,
  ): Record<string, number> => {
    const sums: Record<string, number> = {};
    for (const row of rows) {
      for (const [key, count] of Object.entries(of(row))) sums[key] = (sums[key] ?? 0) + count;
    }
    return sums;
  };
  const failed = sum((row) => row.failed);
  const accounting = {
    records: rows.reduce((all, { recorded }) => all + recorded, 0),
    sent: rows.reduce((all, { sent }) => all + sent, 0),
    skipped: sum((row) => row.skipped),
    failed,
  };
  const all = new LatencyHistogram();
  const count = rows.reduce((every, row) => every + row.count, 0);
  const totalMs = rows.reduce((every, row) => every + row.totalMs, 0);
  if (count > 0) all.add(Math.round((totalMs / count) * 1_000), count);
  return {
    format: 'captures-replay',
    formatVersion: 1,
    id: 2,
    name: 'friday-again',
    environment: 'next',
    status: 'DONE',
    start: '2026-11-22T02:00:00.000Z',
    end: '2026-11-22T02:01:00.000Z',
    reason: null,
    type: 'REPLAY',
    replay: {
      source: {
        captureId: 1,
        captureName: 'friday',
        environmentName: 'shop',
        server: { flavor: 'MariaDB', version: '10.11.6' },
      },
      options: { ...REPLAY_OPTIONS, ...options },
      target: { flavor: 'MariaDB', version: '10.11.6', hostname: 'db2', port: 3306 },
    },
    result: {
      ...EMPTY_RESULT,
      ...accounting,
      statements: accounting,
      latency: all.spread(),
      perSecond: count / 60,
      errors: Object.entries(failed).map(([code, times]) => ({
        code,
        count: times,
        message: `error ${code}`,
      })),
      ...more,
      rows,
    },
  };
}

/** The row of a digest whose answers took so many microseconds, slice by slice. */
export function replayRow(
  digest: number,
  micros: readonly (readonly number[])[],
  more: Partial<ReplayRow> = {},
): ReplayRow {
  const histogram = new LatencyHistogram();
  for (const slice of micros) for (const one of slice) histogram.add(Math.round(one));
  const spread = histogram.spread() ?? {
    count: 0,
    averageMs: 0,
    p50Ms: 0,
    p95Ms: 0,
    p99Ms: 0,
    maxMs: 0,
  };
  return {
    digest: digest.toString(16).padStart(16, '0'),
    text: `SELECT * FROM t${digest} WHERE id = ?`,
    db: 'shop',
    class: 'reads',
    recorded: spread.count,
    sent: spread.count,
    skipped: {},
    failed: {},
    rowsReturned: spread.count,
    rowsChanged: 0,
    recordedPerSecond: spread.count / 60,
    perSecond: spread.count / 60,
    totalMs: histogram.sum / 1_000,
    histogram: histogram.packed(),
    slices: {
      count: micros.map(({ length }) => length),
      totalMs: micros.map((slice) => slice.reduce((sum, one) => sum + Math.round(one), 0) / 1_000),
    },
    ...spread,
    ...more,
  };
}

export interface SimulatedServer {
  readonly random: Random;
  /** So many times as slow, by digest. */
  readonly slowness?: (digest: number) => number;
  /** How much the machine's pace goes up and down, and how long that lasts: 0 for not, 1 for ever. */
  readonly unrest?: number;
  readonly memory?: number;
  /** Seldom an execution waits for a lock or a disk: so many times as long as usual. */
  readonly stalls?: boolean;
}

/** How often and how slow the statements of a record are, by slice: the same for each of its replays. */
export interface SimulatedRecord {
  readonly counts: readonly (readonly number[])[];
  /** Microseconds of one execution; some parts of a record have longer ones than others. */
  readonly micros: readonly (readonly number[])[];
}

export function simulatedRecord(
  digests: number,
  statements: number,
  random: Random,
): SimulatedRecord {
  const shares = Array.from({ length: digests }, (_, index) => 1 / (index + 1));
  const sum = shares.reduce((one, other) => one + other, 0);
  const counts = shares.map((share) => {
    const mean = ((share / sum) * statements) / REPLAY_SLICES;
    return Array.from({ length: REPLAY_SLICES }, () =>
      Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random))),
    );
  });
  const micros = counts.map((slices) => {
    const usual = Math.exp(Math.log(200) + 2 * normal(random) ** 2 * 0.5 + random());
    return slices.map(() => usual * Math.exp(0.3 * normal(random)));
  });
  return { counts, micros };
}

/** One replay of it: the pace of the machine and that of each digest go up and down, slowly. */
export function simulatedReplay(
  { counts, micros }: SimulatedRecord,
  { random, slowness = () => 1, unrest = 0.1, memory = 0.7, stalls = true }: SimulatedServer,
): ReplayReport {
  const pace = slowNoise(unrest, memory, random);
  const rows = counts.map((slices, digest) => {
    const own = slowNoise(unrest / 2, memory, random);
    // Caches and the placement of memory are not the same in any two runs.
    const run = Math.exp(0.03 * normal(random));
    return replayRow(
      digest,
      slices.map((count, slice) => {
        const usual =
          (micros[digest]?.[slice] ?? 1) *
          slowness(digest) *
          run *
          Math.exp((pace[slice] ?? 0) + (own[slice] ?? 0));
        return Array.from({ length: count }, () => {
          const stall = stalls && random() < 0.000_5 ? 50 * random() : 1;
          return 60 + usual * Math.exp(0.5 * normal(random)) * Math.max(stall, 1);
        });
      }),
    );
  });
  return replayOf(rows);
}

function slowNoise(size: number, memory: number, random: Random): number[] {
  const fresh = size * Math.sqrt(1 - memory ** 2);
  let at = size * normal(random);
  return Array.from({ length: REPLAY_SLICES }, () => (at = memory * at + fresh * normal(random)));
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
