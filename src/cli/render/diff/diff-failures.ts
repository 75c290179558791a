import { isJudgedBesideOthers, type failuresOf } from '../../../core/reports/comparison-rules.ts';
import type { Change, ComparedRow, Comparison } from '../../../core/reports/report-comparison.ts';
import { formatCount } from '../../../core/units.ts';
import { SHOWN_DIGITS } from '../report/report-rows.ts';
import { rateText } from '../../../display/report-numbers.ts';
import { truncate } from '../width.ts';
import { signedChange } from './change-text.ts';

/** Rows that are named one by one. */
const MOST_ROWS = 20;
const LONGEST_TEXT = 160;

/** What `--fail-on` says of what it found: a sentence, and a line for each row. */
export function failureTexts(
  comparison: Comparison,
  failures: ReturnType<typeof failuresOf>,
): { readonly message: string; readonly hint: string } {
  const kinds = failures.map(({ kind, rows }) => `${formatCount(rows.length)} ${kind}`);
  const lines = failures.flatMap(({ kind, rows }) =>
    rows.slice(0, MOST_ROWS + 1).map((row) => rowLine(comparison, kind, row)),
  );
  const all = failures.reduce((sum, { rows }) => sum + rows.length, 0);
  const more = all - MOST_ROWS;
  return {
    message: `B differs from A: ${kinds.join(', ')}`,
    hint: [
      ...lines.slice(0, MOST_ROWS),
      ...(more > 0 ? [`and ${formatCount(more)} more: all of them are in the output`] : []),
    ].join('\n'),
  };
}

function rowLine({ per }: Comparison, kind: Change, row: ComparedRow): string {
  const { name, digest, text, db, a, b, judged } = row;
  const value = (side: 'a' | 'b'): string => {
    const one = row[side];
    if (one === null) return '0';
    if (kind === 'slower' || kind === 'faster') {
      return one.times === null ? '?' : `${rateText(one.times.averageMs)} ms`;
    }
    return per === null
      ? `${rateText(one.perSecond)}/s`
      : `${rateText(one.count / per[side])}/test`;
  };
  const what =
    text === null
      ? (name ?? '-')
      : `${(digest ?? '').slice(0, SHOWN_DIGITS)} ${db === null ? '' : `${db}: `}${text}`;
  const counts = `${formatCount(a?.count ?? 0)}, then ${formatCount(b?.count ?? 0)}`;
  const beside =
    judged !== null && isJudgedBesideOthers(row)
      ? `, ${signedChange(judged)} beside the others`
      : '';
  return `${kind}: ${value('a')} to ${value('b')} (${counts})${beside}: ${truncate(what, LONGEST_TEXT)}`;
}
