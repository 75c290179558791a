import {
  CHANGES,
  type CommonChange,
  type Comparison,
  type ReportHead,
} from '../../../core/reports/report-comparison.ts';
import { counted, formatCount } from '../../../core/units.ts';
import { escapeText } from '../escape.ts';
import { SHOWN_DIGITS, UNNAMED } from '../report/report-rows.ts';
import { rateText, type ReportView } from '../report/report-view.ts';
import { fillLines, truncate } from '../width.ts';
import { changeText, percentChange } from './change-text.ts';
import { rowsOfKind } from './diff-noun.ts';

const LONGEST_NAME = 40;

/** What holds for all statements comes before what is different beside it. */
export function overallLines(comparison: Comparison, view: ReportView): string[] {
  const { a, b, per, change, common, commonTime } = comparison;
  const value = (head: ReportHead, tests: number | undefined): string =>
    tests === undefined
      ? `${rateText(head.perSecond)}/s`
      : `${rateText(head.statements / tests)} a test (${counted(tests, 'test')})`;
  const how = change === null ? '' : `: ${changeText(change)}`;
  const text = `All statements: A ${value(a, per?.a)}, B ${value(b, per?.b)}${how}.`;
  const lines = fillLines(text.split(' '), view.width);
  for (const shared of [common, commonTime]) {
    if (shared === null) continue;
    const sentences = commonText(comparison, shared).flatMap((sentence) => sentence.split(' '));
    lines.push(
      ...fillLines(sentences, view.width).map((line) =>
        shared.isChange ? view.paint('busy', line) : line,
      ),
    );
  }
  return lines;
}

/**
 * Sentences on what the rows have in common: how much, which rows, and what it means. None where there is
 * nothing. Escaped for a terminal.
 */
export function commonText(comparison: Comparison, shared: CommonChange): readonly string[] {
  const { by, common, threshold } = comparison;
  const { factor, rows, together, isChange, names } = shared;
  if (factor === 1) return [];
  const isRate = shared === common;
  const isUp = factor > 1;
  const how = isRate ? (isUp ? 'more' : 'fewer') : isUp ? 'slower' : 'faster';
  const shown = names.map((name) =>
    name === null
      ? UNNAMED[by]
      : truncate(escapeText(by === 'digest' ? name.slice(0, SHOWN_DIGITS) : name), LONGEST_NAME),
  );
  const more = together - shown.length;
  const inLine = isRate ? rowsOfKind(comparison, 'together').length - together : 0;
  const which = [...shown, ...(more > 0 ? [`${formatCount(more)} more`] : [])].join(', ');
  return [
    `${formatCount(together)} of ${counted(rows, 'row')} changed together, ${percentChange(factor)} ${how} in B: ${which}.`,
    ...(inLine > 0
      ? [`${counted(inLine, 'rarer row')} did the same, as far as one can tell.`]
      : []),
    isChange
      ? `This is one change: ${isRate ? CAUSES_OF_RATE[isUp ? 'up' : 'down'] : CAUSES_OF_TIME[isUp ? 'up' : 'down']}.`
      : `This is less than the ${Math.round(threshold * 100)} % that count.`,
    'Below is what changed besides.',
  ];
}

const CAUSES_OF_RATE = {
  up: 'their client sends more, or waits less for the server',
  down: 'their client sends less, or waits longer for the server',
};
const CAUSES_OF_TIME = {
  up: 'the server is busier, or slower, for all of them',
  down: 'the server is less busy, or faster, for all of them',
};

/** What is not among the changes, and why. */
export function restLines(
  comparison: Comparison,
  { all }: { readonly all: boolean },
  view: ReportView,
): string[] {
  const { unjudged, threshold, per, common } = comparison;
  const together = rowsOfKind(comparison, 'together').length;
  const unchanged = rowsOfKind(comparison, 'unchanged');
  const least = Math.log1p(threshold);
  const large = unchanged.filter(
    ({ change }) =>
      change !== null &&
      [1, common.factor].every((factor) => Math.abs(Math.log(change / factor)) >= least),
  ).length;
  const percent = `${Math.round(threshold * 100)} %`;
  const hint = all || unchanged.length + together === 0 ? '' : '; --all lists them';
  const parts = [
    `${counted(unchanged.length, 'row')} unchanged (by less than ${percent}, or no more than chance${hint})`,
    ...(together === 0 ? [] : [`${counted(together, 'row')} changed only as the others did`]),
    ...(unjudged.rows === 0
      ? []
      : [
          `${counted(unjudged.rows, 'row')} with too few statements to judge (${formatCount(unjudged.statements)})`,
        ]),
  ];
  const notes = [`${parts.join(', ')}.`];
  if (large > 0) {
    notes.push(
      `${formatCount(large)} of the unchanged differ${large === 1 ? 's' : ''} by ${percent} or more, but chance may have made that.`,
    );
  }
  if (CHANGES.some((kind) => comparison[kind].some(({ mayBeChance }) => mayBeChance))) {
    notes.push('new? and gone?: too few statements to rule out chance.');
  }
  if (per !== null) notes.push('Counts are per test.');
  return notes.flatMap((note) =>
    fillLines(note.split(' '), view.width).map((line) => view.paint('dim', line)),
  );
}
