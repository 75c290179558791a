import {
  OWN_SHARE_SINCE,
  SAMPLE_INTERVAL_MS,
  type CounterMetrics,
  type CounterSample,
  type MetricSeries,
} from '../../core/metrics/metric-source.ts';
import type { MetricDescription, MetricUnit } from '../../core/metrics/metric.ts';

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
const SERVER_METRICS: readonly ServerMetric[] = [
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
function serverSeries(all: readonly CounterSample[]): MetricSeries[] {
  const samples = farEnoughApart(all);
  return SERVER_METRICS.map(({ metric, recipe }) => {
    const times: number[] = [];
    const values: number[] = [];
    const ends: number[] = [];
    for (const [index, sample] of samples.entries()) {
      const next = samples[index + 1];
      const value =
        recipe.kind === 'gauge' ? sample.counters[recipe.counter] : between(recipe, sample, next);
      if (value === undefined || value === null) continue;
      times.push(sample.at);
      values.push(value);
      if (next !== undefined) ends.push(next.at);
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
        ...(recipe.kind === 'gauge' ? {} : { ends }),
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

/** The metrics of MySQL and MariaDB that come from `SHOW GLOBAL STATUS`. */
export const engineMetrics: CounterMetrics = {
  metrics: SERVER_METRICS.map(({ metric }) => metric),
  series: serverSeries,
};
