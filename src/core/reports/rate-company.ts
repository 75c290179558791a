import type { SharedChange } from './report-comparison.ts';
import { beside, spreadOf, weightedMedian } from './rate-statistics.ts';
import {
  FEWEST_STATEMENTS,
  REACH,
  RUN_TO_RUN,
  testOf,
  type Measured,
  type Side,
  type Test,
  type Yardstick,
} from './rate-tests.ts';

/** A row goes up and down with others if at most this share of its variance is left beside them. */
const MOVES_ALONG = 0.75;
/** It does not if beside them it varies by this much more: theirs is no part of its own. */
const MOVES_ALONE = 1.33;
const FEWEST_TOGETHER = 3;

/**
 * What rows have in common: a client that waits for the server sends all of its statements faster, or all of
 * them more slowly, and what it does from second to second shows which statements are its own.
 */
export interface Company {
  readonly common: SharedChange;
  /**
   * What the rows most probably have in common, also where that is too little to be said: no row is taken to
   * have changed because of it.
   */
  readonly factor: number;
  /** The variance of its log. */
  readonly variance: number;
  /** Rows that did as the others did: the others are measured by them. */
  readonly isStable: readonly boolean[];
}

/** @param least the log of what a change has to come to. */
export function companyOf(measured: readonly Measured[], least: number): Company {
  const all = measured.map(() => true);
  const along = (base: readonly boolean[]): boolean[] =>
    sharesLeft(measured, base).map((share) => share !== null && share <= MOVES_ALONG);
  const enough = (those: readonly boolean[]): boolean =>
    those.filter(Boolean).length >= FEWEST_TOGETHER;
  let members = along(all);
  // The others' noise is not in the way of those that do move along.
  if (enough(members)) members = along(members);
  if (!enough(members)) {
    members = sharesLeft(measured, all).map((share) => share === null || share < MOVES_ALONE);
  }
  return commonChange(measured, members, least);
}

/** How much of its variance each row has left beside the sum of those; null where that is not known. */
function sharesLeft(measured: readonly Measured[], base: readonly boolean[]): (number | null)[] {
  const total = totalOf(measured, base);
  return measured.map((one, place) => {
    const others = othersOf(one, total, base[place] === true);
    return others === null ? null : (others.a + others.b) / (one.a.relative + one.b.relative);
  });
}

/**
 * By how much rows moved together: the middle one of their changes, the surer the heavier. It counts only
 * where nearly all of them are as near to it as their own noise lets one say.
 */
function commonChange(
  measured: readonly Measured[],
  members: readonly boolean[],
  least: number,
): Company {
  const weighed = measured.map(({ a, b, change }) => ({
    value: change,
    weight: 1 / (a.relative + b.relative + RUN_TO_RUN ** 2),
  }));
  const near = (middle: number): boolean[] =>
    weighed.map(
      ({ value, weight }, place) =>
        members[place] === true && Math.abs(value - middle) <= REACH / Math.sqrt(weight),
    );
  const those = weighed.filter((_, place) => members[place] === true);
  const middle = weightedMedian(those);
  const error = 1.25 / Math.sqrt(those.reduce((sum, { weight }) => sum + weight, 0));
  const isNear = near(middle);
  const together = isNear.filter(Boolean).length;
  const rows = those.length;
  const enough = rows <= 5 ? rows - 1 : 0.75 * rows;
  const isShared = rows >= FEWEST_TOGETHER && together >= enough;
  const isSaid = isShared && Math.abs(middle) > REACH * error;
  return {
    common: {
      factor: isSaid ? Math.exp(middle) : 1,
      rows,
      together: isSaid ? together : 0,
      isChange: isSaid && Math.abs(middle) + REACH * error >= least,
    },
    factor: isShared && Math.abs(middle) > error ? Math.exp(middle) : 1,
    variance: error ** 2,
    isStable: isSaid ? isNear : near(0),
  };
}

/**
 * Tests each row: one that goes up and down with the others beside them, one that does not by itself, and one
 * with too few statements to tell by both.
 * @param isStable rows that are a yardstick.
 */
export function testsOf(
  measured: readonly Measured[],
  { factor, variance }: Company,
  isStable: readonly boolean[],
): Test[] {
  const total = totalOf(measured, isStable);
  return measured.map((one, place) => {
    const own: Yardstick = {
      factor: 1,
      a: one.a.relative,
      b: one.b.relative,
      freedom: [one.a.spread.freedom, one.b.spread.freedom],
    };
    const others = othersOf(one, total, isStable[place] === true);
    const left = others === null ? 1 : (others.a + others.b) / (own.a + own.b);
    if (others !== null && left <= MOVES_ALONG) return testOf(one, others);
    const plain = testOf(one, own);
    if (factor === 1 || left >= MOVES_ALONE) return plain;
    return weaker(plain, testOf(one, { ...own, factor, a: own.a + variance }));
  });
}

/** What is found only if both tests find it. */
function weaker(one: Test, other: Test): Test {
  const [first, second] = [one.effect?.size ?? 0, other.effect?.size ?? 0];
  if (first * second <= 0) return { ...one, probability: 1 };
  const smaller = Math.abs(first) <= Math.abs(second) ? one : other;
  return { ...smaller, probability: Math.max(one.probability, other.probability) };
}

/** The rates of a row beside those of others; null where the others have too few statements. */
function othersOf(
  { a, b }: Measured,
  total: { readonly a: Summed; readonly b: Summed },
  isPart: boolean,
): Yardstick | null {
  const base = {
    a: isPart ? without(total.a, a) : total.a,
    b: isPart ? without(total.b, b) : total.b,
  };
  if (Math.min(countOf(base.a.values), countOf(base.b.values)) < FEWEST_STATEMENTS) return null;
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

interface Summed {
  readonly rate: number;
  readonly values: Float64Array;
}

function totalOf(
  measured: readonly Measured[],
  isPart: readonly boolean[],
): { readonly a: Summed; readonly b: Summed } {
  const parts = measured.filter((_, place) => isPart[place] === true);
  return { a: sumOf(parts.map(({ a }) => a)), b: sumOf(parts.map(({ b }) => b)) };
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
