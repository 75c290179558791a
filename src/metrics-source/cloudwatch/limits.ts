import { AppError } from '../../core/errors.ts';
import { joinPoints, type Points, type TimeWindow } from '../../core/metrics/metric-source.ts';

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
export interface MetricPage extends Points {
  readonly id: string;
}

/** Joins the pages of each id as `joinPoints` does. */
export function mergePages(pages: readonly MetricPage[]): Map<string, Points> {
  const byId = new Map<string, MetricPage[]>();
  for (const page of pages) {
    const before = byId.get(page.id);
    if (before === undefined) byId.set(page.id, [page]);
    else before.push(page);
  }
  return new Map(Array.from(byId, ([id, ofId]) => [id, joinPoints(ofId)]));
}
