import type { Environment } from '../environments/environment.ts';
import { AppError } from '../errors.ts';
import type { MetricDescription } from './metric.ts';

/** A span of time in milliseconds since the epoch: from inclusive, to exclusive. */
export interface TimeWindow {
  readonly from: number;
  readonly to: number;
}

/** What is asked of a source: one statistic of one metric. */
export interface MetricQuery {
  readonly label: string;
  /** `Average`, `Maximum`, `Minimum`, `Sum`, `SampleCount`, or a percentile such as `p95`. */
  readonly statistic: string;
}

/** Points of one track, or of a part of it. */
export interface Points {
  readonly times: readonly number[];
  readonly values: readonly number[];
}

/** One statistic of one metric: ascending in time, each time once. An absent point is absent, not 0. */
export interface MetricTrack extends MetricQuery, Points {
  /**
   * Where each point ends, when that was measured; absent where each stands until the next one, and for the
   * reach of its series at most.
   */
  readonly ends?: readonly number[];
}

/** One metric with every statistic that is known of it. */
export interface MetricSeries {
  readonly metric: MetricDescription;
  /** Milliseconds that one point stands for. */
  readonly period: number;
  /** Milliseconds that a point may stand for at most, when the next one is late; beyond it is a gap. */
  readonly reach: number;
  /** Where the last point ends, when that is known; null when each may stand for its whole reach. */
  readonly end: number | null;
  readonly tracks: readonly MetricTrack[];
  /** What was measured, where these points were made of it: numbers come from there, whatever the period. */
  readonly measured?: MetricSeries;
}

export interface MetricAnswer {
  /** One for every query, in the order of the queries; without points when there are none. */
  readonly tracks: readonly MetricTrack[];
  /** Labels of which the source itself says that points are missing, after asking again. */
  readonly incomplete: readonly string[];
}

/** A source of metrics for one environment. */
export interface MetricSource {
  /**
   * Fetches points whose time is in the window; both ends and the period are aligned already.
   * @throws AppError `remote_failed` with one sentence and a hint.
   */
  fetch(queries: readonly MetricQuery[], window: TimeWindow, period: number): Promise<MetricAnswer>;
  close(): void;
}

/** @param signal aborted: whatever is under way fails at once; absent for a caller who waits. */
export type OpenMetricSource = (
  environment: Environment,
  signal?: AbortSignal,
) => Promise<MetricSource>;

/** A service that publishes metrics of servers, such as that of the provider who hosts them. */
export interface MetricProvider {
  /** As its users call it. */
  readonly name: string;
  /** What is fetched unless somebody asks otherwise. */
  readonly metrics: readonly MetricDescription[];
  /** Milliseconds from one point to the next: to ask more often brings nothing. */
  readonly publishedEveryMs: number;
  /** Milliseconds after which the points of an instant are all there. */
  readonly settleMs: number;
  /** A metric by its name, also one that is not in `metrics`; null for what can be no name. */
  describe(label: string): MetricDescription | null;
  /** Why it has no metrics of an environment; null where it may have some. */
  whyNone(environment: Environment): AppError | null;
  /**
   * The period to ask for.
   * @param asked milliseconds; null for the finest that is kept and not too many points.
   * @throws AppError `invalid` for one that it does not have for a start of this age; `not_found` when
   *   the window is older than anything it keeps.
   */
  choosePeriod(window: TimeWindow, now: number, asked: number | null): number;
  readonly open: OpenMetricSource;
  /**
   * Looks at what it would be asked with for an environment, without asking it.
   * @returns a sentence that says so.
   * @throws AppError `remote_failed` that says what is missing and what to do.
   */
  checkAccess(environment: Environment): Promise<string>;
}

/** How often the tap samples a server's counters. */
export const SAMPLE_INTERVAL_MS = 5_000;

/** The server's counters at one instant, by the names that it gives them. */
export interface CounterSample {
  /** Milliseconds since the epoch, by the server's clock. */
  readonly at: number;
  readonly counters: Readonly<Record<string, number>>;
}

/**
 * In a sample beside the counters: the recorder's own share is left out of two samples in the same way
 * where this number is the same, and only then do counters compare that it is left out of.
 */
export const OWN_SHARE_SINCE = 'Own_share_since';

/** The metrics of a server that are made of samples of its own counters. */
export interface CounterMetrics {
  readonly metrics: readonly MetricDescription[];
  /**
   * One series for each of them, without points where the server does not have the counter.
   * @param samples ascending in time.
   */
  series(samples: readonly CounterSample[]): MetricSeries[];
}

/** Where the metrics of captures come from, besides their own workload. */
export interface MetricSources {
  readonly provider: MetricProvider;
  readonly counters: CounterMetrics;
}

/** The window with its start moved down and its end up to multiples of the period. */
export function alignWindow(window: TimeWindow, period: number): TimeWindow {
  return {
    from: Math.floor(window.from / period) * period,
    to: Math.ceil(window.to / period) * period,
  };
}

/**
 * Joins parts of one track: ascending, each time once (the part that came last is right), only numbers.
 * Parts may come in any order and overlap.
 */
export function joinPoints(parts: readonly Points[]): Points {
  const times = parts.flatMap((part) => part.times.slice(0, part.values.length));
  const values = parts.flatMap((part) => part.values.slice(0, part.times.length));
  // As most parts come; sorting costs twenty times as much.
  const isInOrder = times.every((time, index) => index === 0 || time > (times[index - 1] ?? time));
  if (isInOrder && values.every(Number.isFinite)) return { times, values };
  const points = new Map<number, number>();
  for (const [index, time] of times.entries()) {
    const value = values[index];
    if (value !== undefined && Number.isFinite(value)) points.set(time, value);
  }
  const sorted = [...points].sort(([a], [b]) => a - b);
  return { times: sorted.map(([time]) => time), values: sorted.map(([, value]) => value) };
}

/** The statistics that there are of every metric, besides percentiles. */
export const STATISTICS = ['Average', 'Maximum', 'Minimum', 'Sum', 'SampleCount'] as const;

/**
 * Reads a statistic's name in any case: one of `STATISTICS`, or a percentile `p0` to `p100`.
 * @throws AppError `invalid`.
 */
export function parseStatistic(text: string): string {
  const lower = text.trim().toLowerCase();
  const short: Record<string, string> = { avg: 'Average', max: 'Maximum', min: 'Minimum' };
  const known = STATISTICS.find((name) => name.toLowerCase() === lower) ?? short[lower];
  if (known !== undefined) return known;
  if (/^p(\d{1,2}(\.\d{1,10})?|100)$/.test(lower)) return lower;
  throw new AppError('invalid', `There is no statistic "${text}"`, {
    hint: `Choose from: ${STATISTICS.join(', ')}, or a percentile such as p95 or p99.9.`,
  });
}

/**
 * What is asked of a provider for a metric: Average **and** Maximum, so that a longer period hides no
 * spike; and Minimum where it is the low values that hurt.
 */
export function statisticsOf(metric: MetricDescription): string[] {
  return metric.lowIsBad ? ['Maximum', 'Average', 'Minimum'] : ['Maximum', 'Average'];
}
