import { weightedMedian } from './rate-statistics.ts';
import type { SharedChange } from './report-comparison.ts';
import { FEWEST_STATEMENTS, type RowPair } from './rate-tests.ts';
import type { ReportRow, ReportTimes } from './report.ts';

/**
 * Servers add up times and do not say how they spread. Times of single statements spread by about so many times
 * their average (waits for locks and disks are rare and long).
 */
const SPREAD = 3;
/** What the average times of two runs of one load differ by at least, as a share. */
const RUN_TO_RUN = 0.1;
const REACH = 4;
/** Of the statements of a row this share has to have a time. */
const LEAST_COVERAGE = 0.5;

export interface TimeJudgement {
  readonly verdict: 'slower' | 'faster' | 'unchanged';
  /** Average time of B ÷ that of A. */
  readonly change: number;
  readonly interval: readonly [number, number];
  /** It changed as the others did, by what is in common. */
  readonly together: boolean;
  /** B ÷ A of what its change was judged beside; 1 where it was judged by itself. */
  readonly beside: number;
}

/**
 * Judges the average times of rows that have enough of them on both sides, beside what all rows have in common.
 * @returns null for a row that cannot be judged, and for `common` where no row can.
 */
export function judgeTimes(
  pairs: readonly RowPair[],
  threshold: number,
): { readonly rows: readonly (TimeJudgement | null)[]; readonly common: SharedChange | null } {
  const least = Math.log1p(threshold);
  const measured = pairs.map(({ a, b }) => {
    const [before, after] = [timesOf(a), timesOf(b)];
    if (before === null || after === null) return null;
    const variance = SPREAD ** 2 * (1 / before.count + 1 / after.count) + RUN_TO_RUN ** 2;
    return { value: Math.log(after.averageMs / before.averageMs), weight: 1 / variance };
  });
  const known = measured.filter((one) => one !== null);
  if (known.length === 0) return { rows: measured.map(() => null), common: null };
  const common = commonTime(known, least);
  const rows = measured.map((one): TimeJudgement | null => {
    if (one === null) return null;
    // A machine that is busier slows some down and others not: a change is one by itself and beside the rest.
    const besides = one.value - Math.log(common.factor);
    const isBoth = one.value * besides > 0;
    const size = isBoth ? Math.sign(besides) * Math.min(Math.abs(one.value), Math.abs(besides)) : 0;
    const error = 1 / Math.sqrt(one.weight);
    const isChange = Math.abs(size) >= least && Math.abs(size) > REACH * error;
    const change = Math.exp(one.value);
    return {
      verdict: !isChange ? 'unchanged' : size > 0 ? 'slower' : 'faster',
      change,
      interval: [change * Math.exp(-1.96 * error), change * Math.exp(1.96 * error)],
      together: common.together > 0 && Math.abs(besides) <= REACH * error,
      beside: Math.abs(besides) < Math.abs(one.value) ? common.factor : 1,
    };
  });
  return { rows, common };
}

function timesOf(row: ReportRow | null): ReportTimes | null {
  const times = row?.times ?? null;
  if (row === null || times === null) return null;
  const isEnough =
    times.count >= FEWEST_STATEMENTS &&
    times.count >= LEAST_COVERAGE * row.count &&
    // The server counts several digests as one: whose time it is nobody knows.
    times.sharedBy === 1 &&
    times.averageMs > 0;
  return isEnough ? times : null;
}

function commonTime(
  known: readonly { readonly value: number; readonly weight: number }[],
  least: number,
): SharedChange {
  const middle = weightedMedian(known);
  const error = 1.25 / Math.sqrt(known.reduce((sum, { weight }) => sum + weight, 0));
  const together = known.filter(
    ({ value, weight }) => Math.abs(value - middle) <= REACH / Math.sqrt(weight),
  ).length;
  const rows = known.length;
  const isCommon =
    rows >= 3 && together >= Math.min(rows - 1, 0.75 * rows) && Math.abs(middle) > REACH * error;
  if (!isCommon) return { factor: 1, rows, together: 0, isChange: false };
  return { factor: Math.exp(middle), rows, together, isChange: Math.abs(middle) >= least };
}
