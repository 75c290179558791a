import { binomialTail } from './rate-statistics.ts';
import type { RateJudgement } from './rate-judgement.ts';
import type { RowPair } from './rate-tests.ts';

/** Tests do the same each time: far less is left to chance than this level would let through. */
const LEVEL = 0.05;
/** Counts are whole, and those of 418 tests are hardly ever 1.2 times those of 412. */
const SLACK = 0.01;

/**
 * Judges how many statements each test sends, by the counts alone: what chance would make of as many statements
 * that are spread over both sides as their tests are (a binomial test). What is on one side alone is no chance.
 */
export function judgeCounts(
  pairs: readonly RowPair[],
  per: { readonly a: number; readonly b: number },
  threshold: number,
): RateJudgement[] {
  const least = Math.log1p(threshold) - SLACK;
  return pairs.map(({ a, b }): RateJudgement => {
    if (a === null || b === null) {
      return {
        verdict: 'unjudged',
        mayBeChance: false,
        interval: null,
        together: false,
        beside: 1,
      };
    }
    const size = Math.log(b.count / per.b / (a.count / per.a));
    const all = a.count + b.count;
    const share = per.b / (per.a + per.b);
    const chance =
      2 * (size > 0 ? binomialTail(b.count, all, share) : binomialTail(a.count, all, 1 - share));
    const isChange = chance <= LEVEL && Math.abs(size) >= least;
    return {
      verdict: !isChange ? 'unchanged' : size > 0 ? 'more' : 'fewer',
      mayBeChance: false,
      interval: null,
      together: false,
      beside: 1,
    };
  });
}
