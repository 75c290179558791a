import {
  CHANGES,
  type CommonChange,
  type ComparedRow,
  type Comparison,
  type ReportHead,
} from '../../../core/reports/report-comparison.ts';
import { moreIdleSide } from '../../../core/reports/idle-time.ts';
import { counted, formatCount } from '../../../core/units.ts';
import { escapeText } from '../../../display/escape.ts';
import { SHOWN_DIGITS } from '../report/report-rows.ts';
import { type ReportView } from '../report/report-view.ts';
import { rateText } from '../../../display/report-numbers.ts';
import { captureWord } from '../shell-quoting.ts';
import { fillLines, truncate, wordsOf } from '../width.ts';
import { changeText, percentChange } from './change-text.ts';
import { oneByOne } from './one-by-one.ts';
import { rowsOfKind } from './diff-noun.ts';
import { UNNAMED } from '../../../display/unnamed-rows.ts';

const LONGEST_NAME = 40;
/** Of rows that changed together so many are named, each with so much of its statement. */
const MOST_STATEMENTS = 3;
const LONGEST_STATEMENT = 32;

/** What holds for all statements comes before what is different beside it. */
export function overallLines(comparison: Comparison, view: ReportView): string[] {
  const { a, b, per, change, common, commonTime } = comparison;
  const value = (head: ReportHead, tests: number | undefined): string =>
    tests === undefined
      ? `${rateText(head.perSecond)}/s`
      : `${rateText(head.statements / tests)} a test (${counted(tests, 'test')})`;
  const how = change === null ? '' : `: ${changeText(change)}`;
  const text = `All statements: A ${value(a, per?.a)}, B ${value(b, per?.b)}${how}.`;
  const lines = fillLines(wordsOf(text), view.width);
  for (const hint of oneByOneTexts(comparison)) {
    lines.push(...fillLines(wordsOf(hint), view.width).map((line) => view.paint('busy', line)));
  }
  for (const shared of [common, commonTime]) {
    if (shared === null) continue;
    const sentences = commonText(comparison, shared).flatMap(wordsOf);
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
  const { common, threshold } = comparison;
  const { factor, rows, together, isChange } = shared;
  if (factor === 1 || together === 0) return [];
  const isRate = shared === common;
  const isUp = factor > 1;
  const how = isRate ? (isUp ? 'more' : 'fewer') : isUp ? 'slower' : 'faster';
  const shown = namesOf(comparison, shared);
  const more = together - shown.length;
  const inLine = isRate ? rowsOfKind(comparison, 'together').length - together : 0;
  const which = [...shown, ...(more > 0 ? [`${formatCount(more)} more`] : [])].join(', ');
  return [
    `${formatCount(together)} of ${counted(rows, 'row')} changed together, ${percentChange(factor)} ${how} in B: ${which}.`,
    ...(inLine > 0
      ? [`${counted(inLine, 'rarer row')} did the same, as far as one can tell.`]
      : []),
    isChange
      ? `This is one change: ${isRate ? causeOfRate(comparison, isUp) : CAUSES_OF_TIME[isUp ? 'up' : 'down']}.`
      : `This is less than the ${Math.round(threshold * 100)} % that count.`,
    'Below is what changed besides.',
  ];
}

/** A digest's id says nothing to a reader: the beginning of its statement is beside it. */
function namesOf(comparison: Comparison, { names }: CommonChange): string[] {
  const { by, unchangedRows } = comparison;
  if (by !== 'digest') {
    return names.map((name) => truncate(escapeText(name ?? UNNAMED[by]), LONGEST_NAME));
  }
  const rows = [...unchangedRows, ...CHANGES.flatMap((kind) => comparison[kind])];
  return names.slice(0, MOST_STATEMENTS).map((name) => {
    const id = escapeText((name ?? UNNAMED[by]).slice(0, SHOWN_DIGITS));
    const text = rows.find((row) => row.name === name)?.text ?? null;
    return text === null ? id : `${id} "${truncate(escapeText(text), LONGEST_STATEMENT)}"`;
  });
}

/** What is wrong with a record is a cause before any other. */
function causeOfRate({ a, b, per }: Comparison, isUp: boolean): string {
  const unread = [a, b].findIndex(({ coverage: { records } }) => records.read < records.committed);
  if (unread !== -1)
    return `${'AB'.charAt(unread)} could not be read as a whole, which may be all of it`;
  const more = per === null ? moreIdleSide(a, b) : null;
  if (more !== null) {
    return `${more.side} was idle for ${Math.round(more.idle.share * 100)} % of its time, which may be all of it`;
  }
  return isUp
    ? 'their client sends more, or waits less for the server'
    : 'their client sends less, or waits longer for the server';
}

const CAUSES_OF_TIME = {
  up: 'the server is busier, or slower, for all of them',
  down: 'the server is less busy, or faster, for all of them',
};

/** How to leave out the time in which one side was idle; null where there is none, or where it is in the middle. */
export function partText({ a, b, per, by }: Comparison): string | null {
  const more = per === null ? moreIdleSide(a, b) : null;
  if (more === null || more.idle.isFirst === more.idle.isLast) return null;
  const [{ capture }, file] = more.side === 'A' ? [a, 'a.json'] : [b, 'b.json'];
  const name = captureWord({ environmentName: capture.environment, name: capture.name });
  const bound = more.idle.isLast ? `--until ${more.idle.from}` : `--since ${more.idle.to}`;
  const dimension = by === 'digest' ? '' : ` --by ${by}`;
  return `The rest of it by itself, as ${more.side}: captures report ${name}${dimension} ${bound} --json > ${file}`;
}

/** Where B may send one statement for each value of a list. Escaped for a terminal. */
export function oneByOneTexts(comparison: Comparison): string[] {
  const found = oneByOne(comparison);
  const named = ({ digest, tables }: ComparedRow): string =>
    `${(digest ?? '').slice(0, SHOWN_DIGITS)} on ${tables.map(({ name }) => escapeText(name ?? UNNAMED.table)).join(', ')}`;
  return found
    .slice(0, MOST_STATEMENTS)
    .map(
      ({ before, now }) =>
        `N+1? ${named(now)} has one value where ${(before.digest ?? '').slice(0, SHOWN_DIGITS)} had a list, IN (…), which B sends ${before.b === null ? 'no more' : 'less often'}.`,
    );
}

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
  const hint = all ? '' : '; --all lists them';
  const parts = [
    ...(unchanged.length === 0
      ? []
      : [
          `${counted(unchanged.length, 'row')} unchanged (by less than ${percent}, or no more than chance${hint})`,
        ]),
    ...(together === 0
      ? []
      : [
          `${counted(together, 'row')} changed only as the others did${unchanged.length === 0 && !all ? ' (--all lists them)' : ''}`,
        ]),
    ...(unjudged.rows === 0
      ? []
      : [
          `${counted(unjudged.rows, 'row')} with too few statements to judge (${formatCount(unjudged.statements)})`,
        ]),
  ];
  const notes = parts.length === 0 ? [] : [`${parts.join(', ')}.`];
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
    fillLines(wordsOf(note), view.width).map((line) => view.paint('dim', line)),
  );
}
