import { WORKLOAD_METRICS, type MetricDescription, type MetricUnit } from './metric-catalogue.ts';
import type { MetricSeries } from './metric-source.ts';

/** How often the tap asks the server for its counters. */
export const SAMPLE_INTERVAL_MS = 5_000;

/** The server's counters at one instant, by the names that it gives them. */
export interface CounterSample {
  /** Milliseconds since the epoch, by the server's clock. */
  readonly at: number;
  readonly counters: Readonly<Record<string, number>>;
}

/**
 * In a sample beside the counters: the recorder's own share is left out of two samples in the same way
 * where this number is the same, and only then do the counters of `SESSION_COUNTERS` compare.
 */
export const OWN_SHARE_SINCE = 'Own_share_since';

/** How a series is made of counters. A gauge is read; a rate is a counter's growth per second. */
type Recipe =
  | { readonly kind: 'gauge'; readonly counter: string }
  | {
      readonly kind: 'rate';
      readonly counter: string;
      /** Whether the server also counts it for each session, so that our own are left out. */
      readonly isOfSessions: boolean;
    }
  /** The share of `requests` that was not a `misses`, in percent, over the time between two samples. */
  | { readonly kind: 'hits'; readonly requests: string; readonly misses: string };

interface ServerMetric {
  readonly metric: MetricDescription;
  readonly recipe: Recipe;
}

function server(
  type: string,
  recipe: Recipe,
  unit: MetricUnit,
  label = recipe.kind === 'hits' ? '' : recipe.counter,
): ServerMetric {
  const lowIsBad = recipe.kind === 'hits';
  return {
    metric: { origin: 'server', label, type, displayName: type, unit, lowIsBad },
    recipe,
  };
}

const rate = (counter: string, type: string, unit: MetricUnit = 'Count/Second'): ServerMetric =>
  server(type, { kind: 'rate', counter, isOfSessions: true }, unit);
const engineRate = (counter: string, type: string): ServerMetric =>
  server(type, { kind: 'rate', counter, isOfSessions: false }, 'Count/Second');
const gauge = (counter: string, type: string): ServerMetric =>
  server(type, { kind: 'gauge', counter }, 'Count');

/**
 * The engine's own metrics, in the order in which they are shown. A counter that a server does not
 * have is not published by it: MariaDB from 10.6 on has no Innodb_rows_*, MySQL no Rows_read and
 * Rows_sent (tried on MariaDB 10.5.23, 10.11.19, 11.8.9 and MySQL 9.7.4; all have the others).
 *
 * Handler_write is not among them: the server adds each row of its log to the session that sent the
 * statement (1,000 point selects: 0 without the log, 1,011 with it, on each of the four), and on MySQL
 * 439 rows for each SHOW STATUS. Nothing tells them from rows of tables.
 */
export const SERVER_METRICS: readonly ServerMetric[] = [
  rate('Questions', 'STATEMENTS'),
  rate('Com_select', 'SELECTS'),
  rate('Com_insert', 'INSERTS'),
  rate('Com_update', 'UPDATES'),
  rate('Com_delete', 'DELETES'),
  rate('Com_replace', 'REPLACES'),
  rate('Com_commit', 'COMMITS'),
  rate('Com_rollback', 'ROLLBACKS'),
  rate('Com_stmt_execute', 'PREPARED EXECUTES'),
  gauge('Threads_running', 'THREADS RUNNING'),
  gauge('Threads_connected', 'THREADS CONNECTED'),
  rate('Slow_queries', 'SLOW QUERIES'),
  rate('Rows_read', 'ROWS READ'),
  rate('Rows_sent', 'ROWS SENT'),
  engineRate('Innodb_rows_read', 'INNODB ROWS READ'),
  engineRate('Innodb_rows_inserted', 'INNODB ROWS INSERTED'),
  engineRate('Innodb_rows_updated', 'INNODB ROWS UPDATED'),
  engineRate('Innodb_rows_deleted', 'INNODB ROWS DELETED'),
  rate('Handler_update', 'ROWS UPDATED'),
  rate('Handler_delete', 'ROWS DELETED'),
  engineRate('Innodb_data_reads', 'INNODB READS'),
  engineRate('Innodb_data_writes', 'INNODB WRITES'),
  engineRate('Innodb_log_writes', 'INNODB LOG WRITES'),
  server(
    'BUFFER POOL HIT RATE',
    {
      kind: 'hits',
      requests: 'Innodb_buffer_pool_read_requests',
      misses: 'Innodb_buffer_pool_reads',
    },
    'Percent',
    'Innodb_buffer_pool_hit_rate',
  ),
  rate('Bytes_received', 'BYTES IN', 'Bytes/Second'),
  rate('Bytes_sent', 'BYTES OUT', 'Bytes/Second'),
];

/** Of the sampled counters, those that a server also keeps for each session. */
export const SESSION_COUNTERS: readonly string[] = SERVER_METRICS.flatMap(({ recipe }) =>
  recipe.kind === 'rate' && recipe.isOfSessions ? [recipe.counter] : [],
);

/** What a sample has to hold, with `Uptime`, which tells a restart. */
export const SAMPLED_COUNTERS: readonly string[] = [
  'Uptime',
  ...SERVER_METRICS.flatMap(({ recipe }) =>
    recipe.kind === 'hits' ? [recipe.requests, recipe.misses] : [recipe.counter],
  ),
];

/**
 * Whether the server was restarted between two samples, so that its counters began again: its uptime
 * grew by less than the time that passed (five seconds are left for rounding and clock steps), or
 * went back.
 */
function isRestart(before: CounterSample, after: CounterSample): boolean {
  const [a, b] = [before.counters['Uptime'], after.counters['Uptime']];
  if (a === undefined || b === undefined) return false;
  return b < a || (b - a) * 1_000 < after.at - before.at - SAMPLE_INTERVAL_MS - 1_000;
}

/**
 * The server's metrics out of samples of its counters. A rate stands at the beginning of the time it
 * was measured over, as CloudWatch's points do. Over a restart, and where a counter went back by
 * itself (FLUSH STATUS), there is no rate: a gap, never a negative number. So it is where the recorder
 * lost a connection, for counters that its own work is left out of. Where samples are missing for a
 * while a rate holds for all that time.
 * @param all ascending in time.
 */
export function serverSeries(all: readonly CounterSample[]): MetricSeries[] {
  const samples = farEnoughApart(all);
  return SERVER_METRICS.map(({ metric, recipe }) => {
    const times: number[] = [];
    const values: number[] = [];
    for (const [index, sample] of samples.entries()) {
      const next = samples[index + 1];
      const value =
        recipe.kind === 'gauge' ? sample.counters[recipe.counter] : between(recipe, sample, next);
      if (value === undefined || value === null) continue;
      times.push(sample.at);
      values.push(value);
    }
    return {
      metric,
      period: SAMPLE_INTERVAL_MS,
      // A busy server is asked late now and then.
      reach: 3 * SAMPLE_INTERVAL_MS,
      end: samples.at(-1)?.at ?? null,
      tracks: ['Maximum', 'Average'].map((statistic) => ({
        label: metric.label,
        statistic,
        times,
        values,
      })),
    };
  });
}

const SHORTEST_INTERVAL_MS = 1_000;

/**
 * Leaves out samples that follow one another within a second, but never the first and the last: the
 * two at the edges of a capture come out of turn, and a rate over some milliseconds is noise.
 */
function farEnoughApart(samples: readonly CounterSample[]): CounterSample[] {
  const kept: CounterSample[] = [];
  for (const sample of samples) {
    const before = kept.at(-1);
    if (before !== undefined && sample.at - before.at < SHORTEST_INTERVAL_MS) {
      if (kept.length === 1 || isRestart(before, sample)) continue;
      kept.pop();
    }
    kept.push(sample);
  }
  const last = samples.at(-1);
  if (last !== undefined && kept.length === 1 && kept[0] !== last) kept.push(last);
  return kept;
}

function between(
  recipe: Exclude<Recipe, { kind: 'gauge' }>,
  before: CounterSample,
  after: CounterSample | undefined,
): number | null {
  if (after === undefined || after.at <= before.at || isRestart(before, after)) return null;
  const growth = (counter: string): number | null => {
    const [a, b] = [before.counters[counter], after.counters[counter]];
    return a === undefined || b === undefined || b < a ? null : b - a;
  };
  if (recipe.kind === 'rate') {
    const [a, b] = [before.counters[OWN_SHARE_SINCE], after.counters[OWN_SHARE_SINCE]];
    if (recipe.isOfSessions && a !== b) return null;
    const grown = growth(recipe.counter);
    return grown === null ? null : (grown * 1_000) / (after.at - before.at);
  }
  const requests = growth(recipe.requests);
  const misses = growth(recipe.misses);
  if (requests === null || misses === null || requests === 0) return null;
  return Math.max(100 * (1 - misses / requests), 0);
}

/** What a capture recorded in one bucket of time, by the server's time of the statements. */
export interface WorkloadRate {
  /** Start of the bucket: milliseconds since the epoch, a multiple of `WORKLOAD_BUCKET_MS`. */
  readonly at: number;
  readonly statements: number;
  /** Distinct sessions that said something. */
  readonly sessions: number;
}

/** Ten seconds: the tens digit of a timestamp's seconds, which is why counting costs next to nothing. */
export const WORKLOAD_BUCKET_MS = 10_000;

/**
 * The capture's workload as series. A bucket in which nothing was recorded is a true 0 from the start
 * of the window until `until`; the first and the last bucket count only for the part that is in it.
 * @param until the end of the window, or how far the record has come.
 */
export function workloadSeries(
  rates: readonly WorkloadRate[],
  start: number,
  until: number,
): MetricSeries[] {
  const byTime = new Map(rates.map((entry) => [entry.at, entry]));
  const times: number[] = [];
  const statements: number[] = [];
  const sessions: number[] = [];
  const first = Math.floor(start / WORKLOAD_BUCKET_MS) * WORKLOAD_BUCKET_MS;
  for (let at = first; at < until; at += WORKLOAD_BUCKET_MS) {
    const from = Math.max(at, start);
    const seconds = (Math.min(at + WORKLOAD_BUCKET_MS, until) - from) / 1_000;
    // Too short a piece says nothing: ten statements in its 5 ms are not 2,000 a second.
    if (seconds < Math.min(1, (until - start) / 2_000)) continue;
    const entry = byTime.get(at);
    times.push(from);
    statements.push((entry?.statements ?? 0) / seconds);
    sessions.push(entry?.sessions ?? 0);
  }
  return WORKLOAD_METRICS.map((metric, index) => ({
    metric,
    period: WORKLOAD_BUCKET_MS,
    reach: WORKLOAD_BUCKET_MS,
    end: until,
    tracks: ['Maximum', 'Average'].map((statistic) => ({
      label: metric.label,
      statistic,
      times,
      values: index === 0 ? statements : sessions,
    })),
  }));
}
