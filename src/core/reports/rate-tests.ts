import { inBlocks, spreadOf, studentTail, type Blocks, type Spread } from './rate-statistics.ts';
import type { ReportRow } from './report.ts';

/** Of rows with fewer statements than this on both sides nothing is said. */
export const FEWEST_STATEMENTS = 30;
/** What the rows of two runs of one load differ by at least, as a share, though they move together. */
export const RUN_TO_RUN = 0.02;
/** What is within so many standard errors of something is taken to reach it. */
export const REACH = 3;
/** No rate is known better than to this share of it: a window has edges, and clocks have steps. */
const LEAST_ERROR = 0.01;
const LONGER = 2;

/** A window with the statements of its rows. */
export interface RatedWindow {
  /** Seconds, or tests. */
  readonly length: number;
  /** null where the window is too short to be cut into slices. */
  readonly blocks: Blocks | null;
}

/** A row with its two sides; null where it is in the other report alone. */
export interface RowPair {
  readonly a: ReportRow | null;
  readonly b: ReportRow | null;
}

export interface Side {
  /** Seconds of its blocks. */
  readonly length: number;
  /** Statements in a second of them. */
  readonly rate: number;
  readonly values: Float64Array;
  readonly spread: Spread;
  /** The variance of the rate ÷ its square. */
  readonly relative: number;
}

/** A row that is on both sides and has enough statements. */
export interface Measured {
  readonly index: number;
  readonly a: Side;
  readonly b: Side;
  /** log of B ÷ A. */
  readonly change: number;
}

export interface Test {
  readonly index: number;
  readonly probability: number;
  /**
   * Of what is on both sides: its change beside a yardstick, and the standard error of that, as logs; B ÷ A of the
   * yardstick.
   */
  readonly effect: {
    readonly size: number;
    readonly error: number;
    readonly beside: number;
  } | null;
}

/** null for a row that is not on both sides, or has too few statements. */
export function measuredOf(
  pair: RowPair,
  index: number,
  windows: { readonly a: RatedWindow; readonly b: RatedWindow },
): Measured | null {
  const [a, b] = [sideOf(pair.a, windows.a), sideOf(pair.b, windows.b)];
  if (a === null || b === null) return null;
  const most = Math.max(pair.a?.count ?? 0, pair.b?.count ?? 0);
  return most < FEWEST_STATEMENTS ? null : { index, a, b, change: Math.log(b.rate / a.rate) };
}

/** null where nothing lies in blocks. */
export function sideOf(row: ReportRow | null, { blocks }: RatedWindow): Side | null {
  if (row === null || blocks === null) return null;
  const values = inBlocks(row.slices, blocks);
  const spread = spreadOf(values);
  if (spread.mean === 0) return null;
  return {
    length: blocks.count * blocks.seconds,
    rate: spread.mean / blocks.seconds,
    values,
    spread,
    relative: spread.variance / spread.mean ** 2,
  };
}

/** What a row is measured against. */
export interface Yardstick {
  /** B ÷ A. */
  readonly factor: number;
  /** Relative variances of the two rates. */
  readonly a: number;
  readonly b: number;
  readonly freedom: readonly [number, number];
}

/** Welch's t of two rates, the first of them brought to what the yardstick did. */
export function testOf({ index, a, b }: Measured, { factor, ...relative }: Yardstick): Test {
  const before = a.rate * factor;
  const parts = withLongerWindow(
    [relative.a * before ** 2, relative.b * b.rate ** 2],
    a.length / b.length,
  );
  const floor = (LEAST_ERROR * (before + b.rate)) ** 2 / 4;
  const variance = parts[0] + parts[1] + floor;
  const freedom =
    variance ** 2 /
    (parts[0] ** 2 / relative.freedom[0] + parts[1] ** 2 / relative.freedom[1] + Number.MIN_VALUE);
  const t = (b.rate - before) / Math.sqrt(variance);
  return {
    index,
    probability: studentTail(t, Math.min(freedom, 1e6)),
    effect: {
      size: Math.log(b.rate / before),
      error: Math.sqrt(relative.a + relative.b + LEAST_ERROR ** 2),
      beside: factor,
    },
  };
}

/**
 * What a short window has seen too few bursts to tell, a window of twice its length or more tells: how much the
 * rate varies in a window as short.
 * @param variances of the rates of A and B. @param ratio of their lengths.
 */
function withLongerWindow(
  [a, b]: readonly [number, number],
  ratio: number,
): readonly [number, number] {
  if (ratio <= 1 / LONGER) return [Math.max(a, b / ratio), b];
  if (ratio >= LONGER) return [a, Math.max(b, a * ratio)];
  return [a, b];
}
