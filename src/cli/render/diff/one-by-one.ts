import type { ComparedRow, Comparison } from '../../../core/reports/report-comparison.ts';

/** A list of values, and one value, as digests have them. */
const LIST = /\bIN ?\(\?\+\)/i;
const SINGLE = /(?:^|[^<>!=])= ?\?(?!\+)/;

/** A statement for each value where one was for many. */
export interface OneByOne {
  /** What had the list, in A. */
  readonly before: ComparedRow;
  /** What has one value, in B. */
  readonly now: ComparedRow;
}

/**
 * Statements that B sends one by one on a table whose statement with a list of values is gone or fewer: N+1, as
 * a change of an ORM makes it. The list is a hint, not a finding: the two may have nothing to do with each other.
 */
export function oneByOne({ gone, fewer, new: added, more }: Comparison): OneByOne[] {
  const lists = [...gone, ...fewer].filter(({ text }) => text !== null && LIST.test(text));
  const singles = [...added, ...more].filter(
    ({ text, mayBeChance }) =>
      text !== null && SINGLE.test(text) && !LIST.test(text) && !mayBeChance,
  );
  return singles.flatMap((now) => {
    const before = lists.find((row) => isLike(row, now));
    return before === undefined ? [] : [{ before, now }];
  });
}

/** Of the same class, database and tables, and in B at least as often as what it stands for was in A. */
function isLike(before: ComparedRow, now: ComparedRow): boolean {
  const tablesOf = ({ tables }: ComparedRow): string =>
    JSON.stringify(tables.map(({ name }) => name).toSorted());
  return (
    before.class === now.class &&
    before.db === now.db &&
    now.tables.length > 0 &&
    tablesOf(before) === tablesOf(now) &&
    (now.b?.perSecond ?? 0) >= (before.a?.perSecond ?? 0)
  );
}
