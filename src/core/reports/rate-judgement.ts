import { companyOf, testsOf } from './rate-company.ts';
import { holm } from './rate-statistics.ts';
import {
  measuredOf,
  REACH,
  sideOf,
  type RatedWindow,
  type RowPair,
  type Test,
} from './rate-tests.ts';
import type { SharedChange } from './report-comparison.ts';

/** How probable it is, at most, that chance alone makes one change or more of all rows of a pair. */
const LEVEL = 0.003;
const MOST_PASSES = 4;

export interface RateJudgement {
  readonly verdict: 'more' | 'fewer' | 'unchanged' | 'unjudged';
  /** Of what is on one side alone: chance cannot be ruled out. */
  readonly mayBeChance: boolean;
  readonly interval: readonly [number, number] | null;
  /** It changed as the others did, by what is in common. */
  readonly together: boolean;
  /** B ÷ A of what its change was judged beside; 1 where it was judged by itself. */
  readonly beside: number;
}

const UNJUDGED: RateJudgement = {
  verdict: 'unjudged',
  mayBeChance: true,
  interval: null,
  together: false,
  beside: 1,
};

/**
 * Judges the rate of every row by how much it varies between the blocks of both windows, beside what all rows
 * have in common.
 * @param threshold 0.2 for a fifth more on one side than on the other.
 */
export function judgeRates(
  pairs: readonly RowPair[],
  windows: { readonly a: RatedWindow; readonly b: RatedWindow },
  threshold: number,
): { readonly rows: readonly RateJudgement[]; readonly common: SharedChange } {
  const { a, b } = windows;
  const least = Math.log1p(threshold);
  const rows = pairs.map(() => UNJUDGED);
  const measured = pairs.flatMap((pair, index) => measuredOf(pair, index, windows) ?? []);
  const company = companyOf(measured, least);
  const { common, isStable } = company;
  const { factor } = common;
  const alone = pairs.flatMap((pair, index) => {
    const probability = chanceOfAlone(pair, { a, b, factor });
    return probability === null ? [] : [{ index, probability, effect: null }];
  });
  // What changed is no yardstick for the rest: it is left out of it, and the rest judged again.
  let stable: readonly boolean[] = isStable;
  for (let pass = 1; ; pass += 1) {
    const tests = [...alone, ...testsOf(measured, company, stable)];
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
  // Of those that were found to belong together, what changed besides is listed by itself.
  const together = common.together === 0 ? 0 : stable.filter(Boolean).length;
  for (const [place, { index, change }] of measured.entries()) {
    const { interval, ...rest } = rows[index] ?? UNJUDGED;
    const raw = Math.exp(change);
    rows[index] = {
      ...rest,
      interval: interval === null ? null : [raw * interval[0], raw * interval[1]],
      together: together > 0 && stable[place] === true,
    };
  }
  return { rows, common: { ...common, together, isChange: common.isChange && together > 0 } };
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
  const side = sideOf(pair.a, a) ?? sideOf(pair.b, b);
  // A burst is one event, however many statements it has; so is what lies at the edge of a window alone.
  const events =
    side === null ? 1 : side.relative === 0 ? count : Math.min(count, 1 / side.relative);
  return Math.min(2 * (own / (own + other)) ** events, 1);
}

/** @param isReal whether chance is ruled out. */
function judgementOf({ effect }: Test, isReal: boolean, least: number): RateJudgement {
  if (effect === null) {
    return { ...UNJUDGED, mayBeChance: !isReal };
  }
  const { size, error, beside } = effect;
  const isLarge = Math.abs(size) + REACH * error >= least;
  return {
    verdict: !isReal || !isLarge ? 'unchanged' : size > 0 ? 'more' : 'fewer',
    mayBeChance: false,
    interval: [Math.exp(-1.96 * error), Math.exp(1.96 * error)],
    together: false,
    beside,
  };
}
