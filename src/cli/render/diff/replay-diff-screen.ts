import type { DiffParts } from './diff-screen.ts';
import type {
  ComparedLatency,
  ReplayComparison,
  ReplayedDigest,
  ReplayHead,
} from '../../../core/reports/replay-comparison.ts';
import { counted, formatCount } from '../../../core/units.ts';
import { escapeText } from '../../../display/escape.ts';
import { lengthText, millisecondsText } from '../../../display/report-numbers.ts';
import { hanging } from '../messages.ts';
import { localTime } from '../moments.ts';
import type { Tone } from '../paint.ts';
import { speedText } from '../replay/replay-words.ts';
import { shortMessage } from '../replay/replay-accounting.ts';
import { SKIP_TEXTS } from '../replay/skip-texts.ts';
import { SHOWN_DIGITS } from '../report/report-rows.ts';
import { layoutRows, type RowColumn } from '../report/row-layout.ts';
import { cut, type ReportView } from '../report/report-view.ts';
import { fillLines, pad, wordsOf } from '../width.ts';
import { signedChange } from './change-text.ts';
import {
  answersOf,
  commonTexts,
  otherCautions,
  restTexts,
  sideBySide,
  verdictText,
  verdictTone,
} from './replay-verdict.ts';

const MOST_ROWS = 20;
const FEW_ROWS = 3;
const LEAST_ROWS = 1;
/** Columns of the names of numbers that are side by side. */
const NAME_WIDTH = 42;

/**
 * The verdict, both replays side by side, and then finding by finding.
 * @param height lines of the terminal, which the comparison fits if that leaves a row of each kind; null:
 *   everything.
 */
export function renderReplayDiff(
  comparison: ReplayComparison,
  parts: DiffParts,
  view: ReportView,
  height: number | null = null,
): string {
  const draw = (limit: number): string[] => [
    ...headLines(comparison, view),
    ...(parts.metrics.length === 0 ? [] : ['', ...parts.metrics]),
    ...sectionsOf(comparison, parts.all, view).flatMap((section) =>
      sectionLines(section, limit, view),
    ),
    '',
    ...restTexts(comparison).flatMap((note) =>
      fillLines(wordsOf(note), view.width).map((line) => view.paint('dim', line)),
    ),
  ];
  let lines = draw(parts.limit ?? MOST_ROWS);
  if (parts.limit === null && height !== null && lines.length >= height) {
    for (
      let limit = MOST_ROWS;
      limit >= LEAST_ROWS;
      limit = limit > FEW_ROWS ? FEW_ROWS : limit - 1
    ) {
      lines = draw(limit);
      if (lines.length < height) break;
    }
  }
  while (lines.at(-1) === '') lines.pop();
  return `${lines.join('\n')}\n`;
}

function headLines(comparison: ReplayComparison, view: ReportView): string[] {
  const { a, b } = comparison;
  const tone = verdictTone(comparison);
  const wrapped = (text: string): string[] => fillLines(wordsOf(text), view.width);
  const lines = wrapped(verdictText(comparison)).map((line) => view.paint(tone, line));
  lines.push('', ...sideLines('A', a, view), ...sideLines('B', b, view));
  for (const caution of otherCautions(comparison)) {
    lines.push(
      ...hanging('caution  ', caution, view.width, { label: (shown) => view.paint('busy', shown) }),
    );
  }
  for (const text of commonTexts(comparison)) {
    lines.push(
      ...wrapped(text).map((line) =>
        comparison.common?.isChange === true ? view.paint('busy', line) : line,
      ),
    );
  }
  return [...lines, '', ...numberLines(comparison, view)];
}

/** `A  next/friday-again · MariaDB 11.8.2 · 2026-11-22 02:00:00 (1m) · of shop/friday`. */
function sideLines(side: string, head: ReplayHead, view: ReportView): string[] {
  const { name, environment, start, replay, result } = head;
  const { source, target, options } = replay;
  const when =
    start === null
      ? []
      : [`${localTime(Date.parse(start), view.zone)} (${lengthText(result.tookMs, view)})`];
  const parts = [
    escapeText(`${environment}/${name}`),
    ...(target === null ? [] : [escapeText(`${target.flavor} ${target.version}`)]),
    ...when,
    escapeText(`of ${source.environmentName}/${source.captureName}`),
    `${speedText(options)}, ${options.writes ? 'with writes' : 'read-only'}`,
  ];
  const room = view.width - 3;
  return fillLines(
    parts.map((part) => cut(part, room, view)),
    room,
    { separator: view.ascii ? ' | ' : ' · ' },
  ).map((line, index) => view.paint('strong', `${index === 0 ? side : ' '}  ${line}`));
}

function numberLines(comparison: ReplayComparison, view: ReportView): string[] {
  const rows = sideBySide(comparison, view);
  const width = (cells: readonly string[]): number =>
    Math.max(...cells.map(({ length }) => length));
  const columns = [
    width(['A', ...rows.map(({ a }) => a)]),
    width(['B', ...rows.map(({ b }) => b)]),
    width(['CHANGE', ...rows.map(({ change }) => change)]),
  ] as const;
  const name = Math.min(
    NAME_WIDTH,
    Math.max(...rows.map((row) => row.name.length)),
    Math.max(view.width - columns[0] - columns[1] - columns[2] - 6, 12),
  );
  const line = (first: string, cells: readonly [string, string, string]): string =>
    [
      pad(cut(first, name, view), name, 'left'),
      ...cells.map((cell, index) => pad(cell, columns[index] ?? 0, 'right')),
    ]
      .join('  ')
      .trimEnd();
  return [
    view.paint('strong', line('', ['A', 'B', 'CHANGE'])),
    ...rows.map(({ name: first, a, b, change }) => line(escapeText(first), [a, b, change])),
  ];
}

/** Findings of one kind. */
interface Section {
  readonly title: string;
  readonly what: string;
  readonly tone: Tone;
  readonly columns: (most: number) => readonly RowColumn[];
  /** Lines below those of the columns, one or none a row. */
  readonly rows: readonly { readonly below: string | null; readonly isDim: boolean }[];
}

function sectionLines(section: Section, limit: number, view: ReportView): string[] {
  const { title, what, tone, rows } = section;
  if (rows.length === 0) return [];
  const shown = Math.min(rows.length, limit);
  const first = shown < rows.length ? `, the first ${formatCount(shown)} (--limit N for more)` : '';
  const { header, lines } = layoutRows(section.columns(shown), view.width, view);
  return [
    '',
    `${view.paint(tone, `${title} ${formatCount(rows.length)}`)} ${what}${first}`,
    view.paint('strong', header),
    ...lines.flatMap((line, index) => {
      const row = rows[index];
      const drawn = row?.isDim === true ? view.paint('dim', line) : line;
      return row?.below == null ? [drawn] : [drawn, row.below];
    }),
  ];
}

function sectionsOf(comparison: ReplayComparison, all: boolean, view: ReportView): Section[] {
  const { slower, faster, newErrors, goneErrors, errorsOnlyInA, errorsOnlyInB } = comparison;
  const { otherRows, onlyInA, onlyInB } = comparison;
  const { checksums, unchangedRows, common } = comparison;
  const isBeside = (common?.together ?? 0) > 0;
  const below = (row: ReplayedDigest): string => statementLine(row, view);
  const digests = (rows: readonly ReplayedDigest[]): Section['rows'] =>
    rows.map((row) => ({
      below: below(row),
      isDim: 'mayBeChance' in row && row.mayBeChance === true,
    }));
  const latencies = (
    title: string,
    what: string,
    tone: Tone,
    rows: readonly ComparedLatency[],
  ): Section => ({
    title,
    what,
    tone,
    columns: (most) => latencyColumns(rows.slice(0, most), isBeside, view),
    rows: digests(rows),
  });
  const errors = (
    title: string,
    what: string,
    tone: Tone,
    rows: ReplayComparison['newErrors'],
  ): Section => ({
    title,
    what,
    tone,
    columns: (most) => {
      const shown = rows.slice(0, most);
      return [
        right(
          'ERROR',
          100,
          shown,
          ({ code, mayBeChance }) => `${escapeText(code)}${mayBeChance ? '?' : ''}`,
        ),
        right('A', 95, shown, ({ failedInA }) => formatCount(failedInA)),
        right('B', 95, shown, ({ failedInB }) => formatCount(failedInB)),
        right('OF', 60, shown, (row) => formatCount(answersOf(row))),
        left('MESSAGE', 90, shown, ({ message }) => escapeText(shortMessage(message ?? ''))),
      ];
    },
    rows: digests(rows),
  });
  const oneSided = (side: string, rows: ReplayComparison['onlyInA']): Section => ({
    title: `ONLY IN ${side}`,
    what: 'was sent',
    tone: 'dim',
    columns: (most) => {
      const shown = rows.slice(0, most);
      return [
        right('COUNT', 100, shown, ({ statements }) => formatCount(statements)),
        left('WHY', 90, shown, ({ why }) => (why === null ? 'not listed' : SKIP_TEXTS[why])),
      ];
    },
    rows: digests(rows),
  });
  return [
    latencies('SLOWER', 'in B', 'bad', slower),
    errors('NEW ERRORS', 'in B', 'bad', newErrors),
    errors('ERRORS', 'of what only B sent', 'bad', errorsOnlyInB),
    {
      title: 'OTHER ROWS',
      what: 'though sent as often',
      tone: 'bad',
      columns: (most) => {
        const shown = otherRows.slice(0, most);
        return [
          right('A ROWS', 95, shown, ({ returned }) => formatCount(returned.a)),
          right(
            'B ROWS',
            95,
            shown,
            ({ returned, mayBeChance }) => `${formatCount(returned.b)}${mayBeChance ? '?' : ''}`,
          ),
          right('A CHANGED', 90, shown, ({ changed }) => formatCount(changed.a)),
          right('B CHANGED', 90, shown, ({ changed }) => formatCount(changed.b)),
          right('SENT', 60, shown, ({ b }) => formatCount(b?.sent ?? 0)),
        ];
      },
      rows: digests(otherRows),
    },
    {
      title: 'OTHER TABLES',
      what: 'by their sums',
      tone: 'bad',
      columns: (most) => {
        const shown = checksums.other.slice(0, most);
        return [
          left('TABLE', 100, shown, ({ table }) => escapeText(table)),
          right('A', 90, shown, ({ a }) => escapeText(a ?? '-')),
          right('B', 90, shown, ({ b }) => escapeText(b ?? '-')),
        ];
      },
      rows: checksums.other.map(() => ({ below: null, isDim: false })),
    },
    latencies('FASTER', 'in B', 'good', faster),
    errors('GONE ERRORS', 'in A, and not in B', 'good', goneErrors),
    errors('ERRORS', 'of what only A sent', 'dim', errorsOnlyInA),
    oneSided('A', onlyInA),
    oneSided('B', onlyInB),
    latencies('AS FAST', counted(unchangedRows.length, 'digest'), 'dim', all ? unchangedRows : []),
  ];
}

function latencyColumns(
  rows: readonly ComparedLatency[],
  isBeside: boolean,
  view: ReportView,
): RowColumn[] {
  const ms = (value: number | undefined): string =>
    value === undefined ? '-' : millisecondsText(value, view);
  return [
    right('CHANGE', 100, rows, ({ change }) => signedChange(change)),
    ...(isBeside ? [right('JUDGED', 98, rows, ({ judged }) => signedChange(judged))] : []),
    right('A AVG', 95, rows, ({ a }) => ms(a?.averageMs)),
    right('B AVG', 95, rows, ({ b }) => ms(b?.averageMs)),
    right('A 95 %', 80, rows, ({ a }) => ms(a?.p95Ms)),
    right('B 95 %', 80, rows, ({ b }) => ms(b?.p95Ms)),
    right('A 99 %', 70, rows, ({ a }) => ms(a?.p99Ms)),
    right('B 99 %', 70, rows, ({ b }) => ms(b?.p99Ms)),
    right('COUNT', 75, rows, ({ b }) => formatCount(b?.count ?? 0)),
    right(
      'BETWEEN',
      40,
      rows,
      ({ interval }) => `${signedChange(interval[0])} to ${signedChange(interval[1])}`,
    ),
  ];
}

function right<Row>(
  header: string,
  weight: number,
  rows: readonly Row[],
  of: (row: Row) => string,
): RowColumn {
  return { header, cells: rows.map(of), align: 'right', least: null, weight };
}

function left<Row>(
  header: string,
  weight: number,
  rows: readonly Row[],
  of: (row: Row) => string,
): RowColumn {
  return { header, cells: rows.map(of), align: 'left', least: 8, weight };
}

/** `    a1b2c3d4  shop: SELECT …` cut to the width. */
function statementLine({ digest, text, db }: ReplayedDigest, view: ReportView): string {
  const id = escapeText(digest.slice(0, SHOWN_DIGITS));
  const where = db === null ? '' : `${escapeText(db)}: `;
  const room = Math.max(view.width - 4 - id.length - 2, 10);
  return `    ${view.paint('dim', id)}  ${cut(`${where}${escapeText(text)}`, room, view)}`.trimEnd();
}
