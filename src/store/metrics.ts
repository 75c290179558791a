import type { Database } from 'better-sqlite3';
import { LONGEST_WAIT_MS } from '../core/metrics/metric-archive-rules.ts';
import type { MetricFetch, MetricTable } from '../core/metrics/metric-store.ts';
import type { CounterSample, MetricTrack } from '../core/metrics/metric-source.ts';
import type { WorkloadRate } from '../core/metrics/workload-metrics.ts';
import { orNull } from './database.ts';
import { packPoints, unpackPoints } from './packed-points.ts';

/** An hour of samples is packed at a time, while the capture runs. */
const SAMPLES_A_PIECE = 720;
/** The server's counters have no statistics: they are what was read. */
const COUNTER = 'Counter';

interface FetchRow {
  capture_id: number;
  from_at: number | null;
  to_at: number | null;
  period_ms: number | null;
  fetched_at: number | null;
  next_at: number | null;
  failures: number;
  failure: string | null;
}

interface PointsRow {
  label: string;
  statistic: string;
  packed: Buffer;
}

interface SampleRow {
  at: number;
  counters: string;
}

function toFetch(row: FetchRow): MetricFetch {
  const { from_at, to_at, period_ms, fetched_at } = row;
  const wasFetched =
    from_at !== null && to_at !== null && period_ms !== null && fetched_at !== null;
  return {
    captureId: row.capture_id,
    fetched: wasFetched
      ? { window: { from: from_at, to: to_at }, period: period_ms, at: fetched_at }
      : null,
    nextAt: row.next_at,
    failures: row.failures,
    failure: row.failure,
  };
}

function toSample(row: SampleRow): CounterSample {
  return { at: row.at, counters: JSON.parse(row.counters) as Record<string, number> };
}

/** Adds a recorder's counts to what is stored; for the transaction that commits its position. */
export function prepareRates(
  db: Database,
): (captureId: number, rates: readonly WorkloadRate[]) => void {
  const save = db.prepare(
    `INSERT INTO workload_rates (capture_id, at, statements, sessions) VALUES (?, ?, ?, ?)
     ON CONFLICT (capture_id, at) DO UPDATE SET
       statements = workload_rates.statements + excluded.statements,
       sessions = max(workload_rates.sessions, excluded.sessions)`,
  );
  return (captureId, rates) => {
    for (const { at, statements, sessions } of rates) save.run(captureId, at, statements, sessions);
  };
}

export function metricTable(db: Database): MetricTable {
  const findFetch = db.prepare<[number], FetchRow>(
    `SELECT capture_id, from_at, to_at, period_ms, fetched_at, next_at, failures, failure
     FROM metric_fetches WHERE capture_id = ?`,
  );
  const listDue = db
    .prepare<{ now: number; far: number; limit: number }, number>(
      `SELECT capture_id FROM metric_fetches
       WHERE next_at IS NOT NULL AND (next_at <= @now OR next_at > @far)
       ORDER BY next_at, capture_id LIMIT @limit`,
    )
    .pluck();
  const nextDue = db
    .prepare<[number, number], number | null>(
      `SELECT min(CASE WHEN next_at > ? THEN ? ELSE next_at END) FROM metric_fetches
       WHERE next_at IS NOT NULL`,
    )
    .pluck();
  const saveFetch = db.prepare<FetchRow>(
    `INSERT OR REPLACE INTO metric_fetches
       (capture_id, from_at, to_at, period_ms, fetched_at, next_at, failures, failure)
     VALUES (@capture_id, @from_at, @to_at, @period_ms, @fetched_at, @next_at, @failures, @failure)`,
  );
  const savePoints = db.prepare<[number, string, string, string, number, Buffer]>(
    `INSERT OR REPLACE INTO metric_points (capture_id, origin, label, statistic, first_at, packed)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const pointsOf = db.prepare<[number, string], PointsRow>(
    `SELECT label, statistic, packed FROM metric_points
     WHERE capture_id = ? AND origin = ? ORDER BY label, statistic, first_at`,
  );
  const addSample = db.prepare(
    'INSERT OR REPLACE INTO metric_samples (capture_id, at, counters) VALUES (?, ?, ?)',
  );
  const samplesOf = db.prepare<[number], SampleRow>(
    'SELECT at, counters FROM metric_samples WHERE capture_id = ? ORDER BY at',
  );
  const countSamples = db
    .prepare<[number], number>('SELECT count(*) FROM metric_samples WHERE capture_id = ?')
    .pluck();
  const forgetSamples = db.prepare('DELETE FROM metric_samples WHERE capture_id = ?');
  const ratesOf = db.prepare<[number], WorkloadRate>(
    'SELECT at, statements, sessions FROM workload_rates WHERE capture_id = ? ORDER BY at',
  );
  // Rows of whole numbers take about 20 bytes.
  const sizeOf = db
    .prepare<{ id: number }, number>(
      `SELECT (SELECT coalesce(sum(length(packed) + length(label) + length(statistic) + 20), 0)
                 FROM metric_points WHERE capture_id = @id)
            + (SELECT coalesce(sum(length(counters) + 20), 0) FROM metric_samples WHERE capture_id = @id)
            + (SELECT 20 * count(*) FROM workload_rates WHERE capture_id = @id)`,
    )
    .pluck();

  function pack(captureId: number): void {
    const samples = samplesOf.all(captureId).map(toSample);
    const [first] = samples;
    if (first === undefined) return;
    for (const label of new Set(samples.flatMap(({ counters }) => Object.keys(counters)))) {
      const there = samples.filter(({ counters }) => counters[label] !== undefined);
      const packed = packPoints({
        times: there.map(({ at }) => at),
        values: there.map(({ counters }) => counters[label] ?? 0),
      });
      savePoints.run(captureId, 'server', label, COUNTER, first.at, packed);
    }
    forgetSamples.run(captureId);
  }

  return {
    findFetch: (captureId) => orNull(findFetch.get(captureId), toFetch),
    listDue: (now, limit) => listDue.all({ now, far: now + LONGEST_WAIT_MS, limit }),
    nextDue: (now) => nextDue.get(now + LONGEST_WAIT_MS, now) ?? null,
    // One transaction: a commit each would be an fsync each.
    saveFetch: db.transaction((fetch: MetricFetch, tracks: readonly MetricTrack[]) => {
      const { captureId, fetched } = fetch;
      saveFetch.run({
        capture_id: captureId,
        from_at: fetched?.window.from ?? null,
        to_at: fetched?.window.to ?? null,
        period_ms: fetched?.period ?? null,
        fetched_at: fetched?.at ?? null,
        next_at: fetch.nextAt,
        failures: fetch.failures,
        failure: fetch.failure,
      });
      for (const track of tracks) {
        savePoints.run(captureId, 'cloudwatch', track.label, track.statistic, 0, packPoints(track));
      }
    }),
    tracksOf: (captureId) =>
      pointsOf.all(captureId, 'cloudwatch').map(({ label, statistic, packed }): MetricTrack => ({
        label,
        statistic,
        ...unpackPoints(packed),
      })),
    addSample(captureIds, { at, counters }) {
      const text = JSON.stringify(counters);
      for (const id of captureIds) {
        addSample.run(id, at, text);
        if ((countSamples.get(id) ?? 0) >= SAMPLES_A_PIECE) pack(id);
      }
    },
    samplesOf(captureId) {
      const byTime = new Map<number, Record<string, number>>();
      for (const { label, packed } of pointsOf.all(captureId, 'server')) {
        const { times, values } = unpackPoints(packed);
        for (const [index, at] of times.entries()) {
          let counters = byTime.get(at);
          if (counters === undefined) byTime.set(at, (counters = {}));
          counters[label] = values[index] ?? 0;
        }
      }
      const packed = Array.from(byTime, ([at, counters]) => ({ at, counters }));
      packed.sort((a, b) => a.at - b.at);
      return [...packed, ...samplesOf.all(captureId).map(toSample)];
    },
    packSamples: (captureId) => pack(captureId),
    ratesOf: (captureId) => ratesOf.all(captureId),
    sizeOf: (captureId) => sizeOf.get({ id: captureId }) ?? 0,
  };
}
