import type { Environment } from '../environments/environment.ts';
import { AppError } from '../errors.ts';
import type { MetricDescription } from './metric-catalogue.ts';

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

/** One statistic of one metric: ascending in time, each time once. An absent point is absent, not 0. */
export interface MetricTrack extends MetricQuery {
  readonly times: readonly number[];
  readonly values: readonly number[];
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
}

export interface MetricAnswer {
  /** One for every query, in the order of the queries; without points when there are none. */
  readonly tracks: readonly MetricTrack[];
  /** Labels of which the source itself says that points are missing, after asking again. */
  readonly incomplete: readonly string[];
}

/** Who publishes metrics of one environment. */
export interface MetricSource {
  /**
   * Fetches points whose time is in the window; both ends and the period are aligned already.
   * @throws AppError `remote_failed` with one sentence and a hint.
   */
  fetch(queries: readonly MetricQuery[], window: TimeWindow, period: number): Promise<MetricAnswer>;
  /** Lets go of connections. */
  close(): void;
}

/**
 * Makes sources: implemented by adapters, handed to whoever fetches.
 * @param signal aborted: whatever is under way fails at once; absent for a caller who waits.
 */
export type OpenMetricSource = (
  environment: Environment,
  signal?: AbortSignal,
) => Promise<MetricSource>;

const MINUTE = 60_000;
const DAY = 86_400_000;

/**
 * How long CloudWatch keeps points of which period
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html). A finer
 * period than the age of the window's start allows does not give fewer points, it gives none.
 */
const RETENTION: readonly { readonly period: number; readonly age: number }[] = [
  { period: MINUTE, age: 15 * DAY },
  { period: 5 * MINUTE, age: 63 * DAY },
  { period: 60 * MINUTE, age: 455 * DAY },
];
/** Clocks differ, and the start moves down to a multiple of the period. */
const RETENTION_MARGIN = 10 * MINUTE;

/** A week of minutes: more points than any screen, few enough for one call a few metrics. */
const MOST_POINTS = 10_080;
const ROUND_PERIODS = [1, 5, 15, 60, 360, 1_440].map((minutes) => minutes * MINUTE);

/** The finest period that CloudWatch still has for this start; null when it has none any more. */
export function finestPeriod(from: number, now: number): number | null {
  const age = now - from + RETENTION_MARGIN;
  return RETENTION.find((kept) => age <= kept.age)?.period ?? null;
}

/**
 * The period to ask for.
 * @param asked milliseconds; null for the finest that is kept and not too many points.
 * @throws AppError `invalid` for one that CloudWatch does not have for a start of this age;
 *   `not_found` when the window is older than anything it keeps.
 */
export function choosePeriod(window: TimeWindow, now: number, asked: number | null): number {
  const finest = finestPeriod(window.from, now) ?? finestPeriod(window.to, now);
  if (finest === null) {
    throw new AppError('not_found', 'CloudWatch keeps no metrics for longer than 455 days', {
      hint: 'Metrics that were fetched in time are kept in the store for as long as the capture is.',
    });
  }
  // A window that begins before everything that is kept has hours only.
  const least = finestPeriod(window.from, now) ?? 60 * MINUTE;
  if (asked !== null) {
    if (asked <= 0 || asked % least !== 0) {
      throw new AppError('invalid', `CloudWatch has no period of ${asked / 1_000} s here`, {
        hint: `For a window of this age give a multiple of ${least / 1_000} s.`,
      });
    }
    return asked;
  }
  const length = window.to - window.from;
  return (
    ROUND_PERIODS.find((period) => period >= least && length / period <= MOST_POINTS) ??
    1_440 * MINUTE
  );
}

/** The window with its start moved down and its end up to multiples of the period. */
export function alignWindow(window: TimeWindow, period: number): TimeWindow {
  return {
    from: Math.floor(window.from / period) * period,
    to: Math.ceil(window.to / period) * period,
  };
}

/** What one GetMetricData call may ask for and return at most (same page of AWS's reference). */
const CALL_LIMITS = { queries: 500, points: 100_800 } as const;

/** Divides queries into as few calls as the limits allow; a single query is never divided. */
export function batchQueries<T>(
  queries: readonly T[],
  pointsEach: number,
  limits: { readonly queries: number; readonly points: number } = CALL_LIMITS,
): T[][] {
  const fitting = Math.floor(limits.points / Math.max(pointsEach, 1));
  const size = Math.min(limits.queries, Math.max(fitting, 1));
  const batches: T[][] = [];
  for (let start = 0; start < queries.length; start += size) {
    batches.push(queries.slice(start, start + size));
  }
  return batches;
}

/** One result of one page: the same id comes again on the next page with more points. */
export interface MetricPage {
  readonly id: string;
  readonly times: readonly number[];
  readonly values: readonly number[];
}

/**
 * Joins the pages of each id: ascending, each time once (the page that came last is right), only
 * numbers. Pages may come in any order and overlap.
 */
export function mergePages(
  pages: readonly MetricPage[],
): Map<string, { times: number[]; values: number[] }> {
  const byId = new Map<string, MetricPage[]>();
  for (const page of pages) {
    const before = byId.get(page.id);
    if (before === undefined) byId.set(page.id, [page]);
    else before.push(page);
  }
  return new Map(Array.from(byId, ([id, ofId]) => [id, joined(ofId)]));
}

function joined(pages: readonly MetricPage[]): { times: number[]; values: number[] } {
  const times = pages.flatMap((page) => page.times.slice(0, page.values.length));
  const values = pages.flatMap((page) => page.values.slice(0, page.times.length));
  // As CloudWatch sends them when it is asked for ascending times; sorting costs twenty times as much.
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

/** The statistics that CloudWatch computes from every metric, besides percentiles. */
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
 * What is asked of CloudWatch for a metric: Average **and** Maximum, so that a longer period hides no
 * spike; and Minimum where it is the low values that hurt.
 */
export function statisticsOf(metric: MetricDescription): string[] {
  return metric.lowIsBad ? ['Maximum', 'Average', 'Minimum'] : ['Maximum', 'Average'];
}
