import {
  beside,
  holm,
  inBlocks,
  spreadOf,
  studentTail,
  weightedMedian,
  type Blocks,
  type Spread,
} from './rate-statistics.ts';
import type { CommonChange } from './report-comparison.ts';
import type { ReportRow } from './report.ts';

/** Of rows with fewer statements than this on both sides nothing is said. */
export const FEWEST_STATEMENTS = 30;
/** How probable it is, at most, that chance alone makes one change or more of all rows of a pair. */
const LEVEL = 0.003;
/** What two runs of one load differ by at least, as a share: clocks, warm caches, the edges of a window. */
const RUN_TO_RUN = 0.02;
/** A row that is within so many standard errors of what was asked for is taken to reach it. */
const REACH = 3;
const LONGER = 2;
const MOST_PASSES = 4;

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

export interface RateJudgement {
  readonly verdict: 'more' | 'fewer' | 'unchanged' | 'unjudged';
  /** Of what is on one side alone: chance cannot be ruled out. */
  readonly mayBeChance: boolean;
  readonly interval: readonly [number, number] | null;
}

interface Side {
  readonly length: number;
  /** Statements in a second, by the whole window. */
  readonly rate: number;
  readonly values: Float64Array;
  readonly spread: Spread;
  /** The variance of the rate ÷ its square. */
  readonly relative: number;
}

interface Measured {
  readonly index: number;
  readonly a: Side;
  readonly b: Side;
  /** log of B ÷ A. */
  readonly change: number;
}

interface Test {
  readonly index: number;
  readonly probability: number;
  /** Of what is on both sides: the change beside what all have in common, and its standard error, as logs. */
  readonly effect: { readonly size: number; readonly error: number } | null;
}

/**
 * Judges the rate of every row by how much it varies between the blocks of both windows, beside what all rows
 * have in common.
 * @param threshold 0.2 for a fifth more on one side than on the other.
 */
export function judgeRates(
  pairs: readonly RowPair[],
  windows: { readonly a: RatedWindow; readonly b: RatedWindow },
  threshold: number,
): { readonly rows: readonly RateJudgement[]; readonly common: CommonChange } {
  const { a, b } = windows;
  const least = Math.log1p(threshold);
  const nothing: RateJudgement = { verdict: 'unjudged', mayBeChance: true, interval: null };
  const rows = pairs.map(() => nothing);
  const measured = pairs.flatMap((pair, index) => measuredOf(pair, index, windows) ?? []);
  const { common, isStable, variance } = commonChange(measured, least);
  const { factor } = common;
  const alone = pairs.flatMap((pair, index) => {
    const probability = chanceOfAlone(pair, { a, b, factor });
    return probability === null ? [] : [{ index, probability, effect: null }];
  });
  // What changed is no yardstick for the rest: it is left out of it, and the rest judged again.
  let stable = isStable;
  for (let pass = 1; ; pass += 1) {
    const tests = [...alone, ...testsOf(measured, factor, variance, stable)];
    const holds = holm(
      tests.map(({ probability }) => probability),
      LEVEL,
    );
    for (const [rank, test] of tests.entries()) {
      rows[test.index] = judgementOf(test, holds[rank] === true, least);
    }
    const before = stable;
    stable = measured.map(
      ({ index }, place) => isStable[place] === true && rows[index]?.verdict === 'unchanged',
    );
    if (pass === MOST_PASSES || stable.every((is, place) => is === before[place])) break;
  }
  for (const { index, change } of measured) {
    const { interval, ...rest } = rows[index] ?? nothing;
    const raw = Math.exp(change);
    rows[index] = {
      ...rest,
      interval: interval === null ? null : [raw * interval[0], raw * interval[1]],
    };
  }
  return { rows, common };
}

/** null for a row that is not on both sides, or has too few statements. */
function measuredOf(
  pair: RowPair,
  index: number,
  windows: { readonly a: RatedWindow; readonly b: RatedWindow },
): Measured | null {
  const [a, b] = [sideOf(pair.a, windows.a), sideOf(pair.b, windows.b)];
  if (a === null || b === null) return null;
  const most = Math.max(pair.a?.count ?? 0, pair.b?.count ?? 0);
  return most < FEWEST_STATEMENTS ? null : { index, a, b, change: Math.log(b.rate / a.rate) };
}

/**
 * How probable it is that a row of one side alone was missed on the other by chance, if it is as frequent there;
 * null for a row of both sides.
 */
function chanceOfAlone(
  pair: RowPair,
  { a, b, factor }: { a: RatedWindow; b: RatedWindow; factor: number },
): number | null {
  if (pair.a !== null && pair.b !== null) return null;
  const [here, there] = [a.length, b.length * factor];
  const [own, other] = pair.a === null ? [there, here] : [here, there];
  if (own <= 0 || other <= 0) return 1;
  const count = pair.a?.count ?? pair.b?.count ?? 0;
  const relative = (sideOf(pair.a, a) ?? sideOf(pair.b, b))?.relative ?? 0;
  // A burst is one event, however many statements it has.
  const events = relative === 0 ? count : Math.min(count, 1 / relative);
  return Math.min(2 * (own / (own + other)) ** events, 1);
}

/** @param isReal whether chance is ruled out. */
function judgementOf({ effect }: Test, isReal: boolean, least: number): RateJudgement {
  if (effect === null) return { verdict: 'unjudged', mayBeChance: !isReal, interval: null };
  const { size, error } = effect;
  const isLarge = Math.abs(size) + REACH * error >= least;
  return {
    verdict: !isReal || !isLarge ? 'unchanged' : size > 0 ? 'more' : 'fewer',
    mayBeChance: false,
    interval: [Math.exp(-1.96 * error), Math.exp(1.96 * error)],
  };
}

function sideOf(row: ReportRow | null, { length, blocks }: RatedWindow): Side | null {
  if (row === null || blocks === null || row.count === 0) return null;
  const values = inBlocks(row.slices, blocks);
  const spread = spreadOf(values);
  // All of it in slices that the window begins or ends in: one event.
  const relative = spread.mean === 0 ? 1 : spread.variance / spread.mean ** 2;
  return { length, rate: row.count / length, values, spread, relative };
}

/**
 * By how much the rows moved together: the middle one of their changes, the surer the heavier. It counts only
 * where nearly all of them are as near to it as their own noise lets one say.
 */
function commonChange(
  measured: readonly Measured[],
  least: number,
): { common: CommonChange; isStable: boolean[]; variance: number } {
  const weighed = measured.map(({ a, b, change }) => ({
    value: change,
    weight: 1 / (a.relative + b.relative + RUN_TO_RUN ** 2),
  }));
  const near = (middle: number): boolean[] =>
    weighed.map(({ value, weight }) => Math.abs(value - middle) <= REACH / Math.sqrt(weight));
  const middle = weightedMedian(weighed);
  const error = 1.25 / Math.sqrt(weighed.reduce((sum, { weight }) => sum + weight, 0));
  const isNear = near(middle);
  const together = isNear.filter(Boolean).length;
  const rows = measured.length;
  const enough = rows <= 5 ? rows - 1 : 0.75 * rows;
  const isCommon = rows >= 3 && together >= enough && Math.abs(middle) > REACH * error;
  if (!isCommon) {
    const common = { factor: 1, rows, together: 0, isChange: false };
    return { common, isStable: near(0), variance: 0 };
  }
  const common = {
    factor: Math.exp(middle),
    rows,
    together,
    isChange: Math.abs(middle) + REACH * error >= least,
  };
  return { common, isStable: isNear, variance: error ** 2 };
}

function testsOf(
  measured: readonly Measured[],
  factor: number,
  variance: number,
  isStable: readonly boolean[],
): Test[] {
  const stable = measured.filter((_, place) => isStable[place] === true);
  const total = {
    a: sumOf(stable.map(({ a }) => a)),
    b: sumOf(stable.map(({ b }) => b)),
  };
  return measured.map((one, place) => {
    const plain = {
      factor,
      a: one.a.relative + variance,
      b: one.b.relative,
      freedom: [one.a.spread.freedom, one.b.spread.freedom] as const,
    };
    const others = othersOf(one, total, isStable[place] === true);
    const best = others !== null && others.a + others.b < plain.a + plain.b ? others : plain;
    return testOf(one, best);
  });
}

interface Yardstick {
  readonly factor: number;
  /** Relative variances of the two rates. */
  readonly a: number;
  readonly b: number;
  readonly freedom: readonly [number, number];
}

/**
 * The rates beside those of all rows that stayed: what a client that waits for the server does to all of its
 * statements at once is no noise then. null where there are too few others.
 */
function othersOf(
  { a, b }: Measured,
  total: { a: Summed; b: Summed },
  isStable: boolean,
): Yardstick | null {
  const base = {
    a: isStable ? without(total.a, a) : total.a,
    b: isStable ? without(total.b, b) : total.b,
  };
  if (Math.min(countOf(base.a.values), countOf(base.b.values)) < FEWEST_STATEMENTS) return null;
  if (a.spread.mean === 0 || b.spread.mean === 0) return null;
  const spreads = {
    a: spreadOf(beside(a.values, base.a.values)),
    b: spreadOf(beside(b.values, base.b.values)),
  };
  return {
    factor: base.b.rate / base.a.rate,
    a: spreads.a.variance / a.spread.mean ** 2,
    b: spreads.b.variance / b.spread.mean ** 2,
    freedom: [spreads.a.freedom, spreads.b.freedom],
  };
}

/** Welch's t of two rates, the first of them brought to what all rows have in common. */
function testOf({ index, a, b }: Measured, { factor, ...relative }: Yardstick): Test {
  const before = a.rate * factor;
  const parts = withLongerWindow(
    [relative.a * before ** 2, relative.b * b.rate ** 2],
    a.length / b.length,
  );
  const floor = (RUN_TO_RUN * (before + b.rate)) ** 2 / 4;
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
      error: Math.sqrt(relative.a + relative.b + RUN_TO_RUN ** 2),
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

interface Summed {
  readonly rate: number;
  readonly values: Float64Array;
}

function sumOf(sides: readonly Side[]): Summed {
  const values = new Float64Array(sides[0]?.values.length ?? 0);
  let rate = 0;
  for (const side of sides) {
    rate += side.rate;
    for (const [index, value] of side.values.entries())
      values[index] = (values[index] ?? 0) + value;
  }
  return { rate, values };
}

function without(total: Summed, side: Side): Summed {
  return {
    rate: total.rate - side.rate,
    values: total.values.map((value, index) => value - (side.values[index] ?? 0)),
  };
}

function countOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
