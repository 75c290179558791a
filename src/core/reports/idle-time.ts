import { FEWEST_STATEMENTS } from './rate-tests.ts';
import type { Report } from './report.ts';

/** A stretch counts from this share of the window on, and all of them together from the second. */
const LEAST_STRETCH = 0.05;
const LEAST_SHARE = 0.1;
/** A shorter one is a pause between statements. It also has a whole second in it, which is how it is named. */
const LEAST_STRETCH_MS = 2_000;

/** Time of a window in which no statement came, though so many came in the rest that this is no chance. */
interface IdleTime {
  /** Of the window, from 0 to 1. */
  readonly share: number;
  readonly stretches: number;
  /** The longest stretch: ISO-8601 UTC, whole seconds, never longer than what was idle. */
  readonly from: string;
  readonly to: string;
  /** Whether it begins with the window, or ends with it. */
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

type Timeline = Pick<Report, 'window' | 'axis' | 'slices' | 'statements' | 'coverage' | 'gaps'>;

/** null where the window has no such time, or nothing but that, and where statements may only not be known. */
function idleTimeOf(report: Timeline): IdleTime | null {
  const { window, axis, slices, statements, coverage, gaps } = report;
  if (coverage.records.read < coverage.records.committed || gaps.length > 0) return null;
  if (window.from === null || window.to === null || statements === 0) return null;
  const [from, to] = [Date.parse(window.from), Date.parse(window.to)];
  const stretches: { readonly from: number; readonly to: number; readonly length: number }[] = [];
  let quietSince = from;
  const end = (at: number): void => {
    const length = at - quietSince;
    const least = Math.max(LEAST_STRETCH * (to - from), LEAST_STRETCH_MS);
    if (length >= least) stretches.push({ from: quietSince, to: at, length });
  };
  for (const [index, count] of slices.entries()) {
    if (count === 0) continue;
    end(axis.from + index * axis.width);
    quietSince = axis.from + (index + 1) * axis.width;
  }
  end(to);
  const idle = stretches.reduce((sum, { length }) => sum + length, 0);
  const rate = statements / (to - from - idle);
  const [longest] = stretches.toSorted((one, other) => other.length - one.length);
  const share = idle / (to - from);
  const isChance = stretches.some(({ length }) => !(rate * length >= FEWEST_STATEMENTS));
  if (longest === undefined || isChance || share < LEAST_SHARE) return null;
  return {
    share,
    stretches: stretches.length,
    from: wholeSecond(Math.ceil(longest.from / 1_000)),
    to: wholeSecond(Math.floor(longest.to / 1_000)),
    isFirst: longest.from === from,
    isLast: longest.to === to,
  };
}

/**
 * The side that is idle for more of its window than the other, by a tenth of it at least: its rates are lower
 * for that alone. null where the two are alike.
 */
export function moreIdleSide(
  a: Timeline,
  b: Timeline,
): { readonly side: 'A' | 'B'; readonly idle: IdleTime } | null {
  const [one, other] = [idleTimeOf(a), idleTimeOf(b)];
  const more = (one?.share ?? 0) - (other?.share ?? 0);
  const idle = more > 0 ? one : other;
  return idle === null || Math.abs(more) < LEAST_SHARE
    ? null
    : { side: more > 0 ? 'A' : 'B', idle };
}

function wholeSecond(seconds: number): string {
  return `${new Date(seconds * 1_000).toISOString().slice(0, 19)}Z`;
}
