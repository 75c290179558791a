import { isJudgedBesideOthers } from '../../../core/reports/comparison-rules.ts';
import {
  CHANGES,
  type ComparedRow,
  type Comparison,
  type ReportHead,
} from '../../../core/reports/report-comparison.ts';
import type { ReportRow } from '../../../core/reports/report.ts';
import { counted, formatCount, roundedDuration } from '../../../core/units.ts';
import { escapeText } from '../../../display/escape.ts';
import { hanging } from '../messages.ts';
import { localTime } from '../moments.ts';
import type { Tone } from '../paint.ts';
import { SHOWN_DIGITS } from '../report/report-rows.ts';
import { layoutRows, type RowColumn } from '../report/row-layout.ts';
import { cut, type ReportView } from '../report/report-view.ts';
import { columnRates, drawnWindow } from '../../../display/slice-rates.ts';
import { millisecondsText, rateText } from '../../../display/report-numbers.ts';
import { sparkline } from '../charts/sparkline.ts';
import { fillLines, wordsOf } from '../width.ts';
import { changedRows, rowsOfKind, type ChangedRow, type RowKind } from './diff-noun.ts';
import { signedChange } from './change-text.ts';
import { overallLines, partText, restLines } from './diff-summary.ts';
import { UNNAMED } from '../../../display/unnamed-rows.ts';

const TITLES: Readonly<Record<RowKind, readonly [title: string, what: string, tone: Tone]>> = {
  new: ['NEW', 'in B alone', 'busy'],
  gone: ['GONE', 'in A alone', 'dim'],
  more: ['MORE', 'in B', 'busy'],
  fewer: ['FEWER', 'in B', 'dim'],
  slower: ['SLOWER', 'in B, by average time', 'bad'],
  faster: ['FASTER', 'in B, by average time', 'good'],
  together: ['TOGETHER', 'in B, as the others did', 'dim'],
  unchanged: ['UNCHANGED', 'by rate', 'dim'],
};

/** What is on the screen besides the changes. */
export interface DiffParts {
  /** Rows of one kind; null: as many as fit the terminal. */
  readonly limit: number | null;
  /** Unchanged rows too. */
  readonly all: boolean;
  /** What the metrics of both did; drawn already. */
  readonly metrics: readonly string[];
}

/** Rows of one kind where the terminal sets no limit. */
const MOST_ROWS = 20;
/** Rows of a kind before its heading is drawn without blank line and columns, and at the very least. */
const FEW_ROWS = 3;
const LEAST_ROWS = 1;

/**
 * Cautions, what all statements did, and then row by row.
 * @param height lines of the terminal, which the comparison fits if that leaves a row of each kind; null:
 *   everything.
 */
export function renderDiff(
  comparison: Comparison,
  parts: DiffParts,
  view: ReportView,
  height: number | null = null,
): string {
  const draw = (rows: Rows): string[] => [
    ...headLines(comparison, view),
    ...parts.metrics,
    ...changeLines(comparison, { ...rows, all: parts.all }, view),
    '',
    ...restLines(comparison, parts, view),
  ];
  let lines = draw({ limit: parts.limit ?? MOST_ROWS, isDense: false });
  if (parts.limit === null && height !== null) {
    for (const rows of narrower()) {
      // The prompt has a line, too.
      if (lines.length < height) break;
      lines = draw(rows);
    }
  }
  return `${lines.join('\n')}\n`;
}

interface Rows {
  readonly limit: number;
  /** Kinds follow each other without a blank line, and the columns are named once. */
  readonly isDense: boolean;
}

function* narrower(): Generator<Rows, void, void> {
  for (const [isDense, least] of [
    [false, FEW_ROWS],
    [true, LEAST_ROWS],
  ] as const) {
    for (let limit = MOST_ROWS; limit >= least; limit--) yield { limit, isDense };
  }
}

function headLines(comparison: Comparison, view: ReportView): string[] {
  const { a, b, cautions } = comparison;
  const lines = [...sideLines('A', a, view), ...sideLines('B', b, view)];
  const label = 'caution  ';
  for (const caution of cautions) {
    lines.push(
      ...hanging(label, caution, view.width, { label: (shown) => view.paint('busy', shown) }),
    );
  }
  const part = partText(comparison);
  if (part !== null) lines.push(...hanging(' '.repeat(label.length), part, view.width));
  return [...lines, '', ...overallLines(comparison, view)];
}

/** `A  shop/monday · 2026-11-22 02:00:00 to 02:30:00 (30m) · 12,345 statements, 6.9/s`. */
function sideLines(side: string, head: ReportHead, view: ReportView): string[] {
  const { capture, window, statements, perSecond } = head;
  const parts = [escapeText(`${capture.environment}/${capture.name}`)];
  if (window.from !== null && window.to !== null) {
    const from = localTime(Date.parse(window.from), view.zone);
    const to = localTime(Date.parse(window.to), view.zone);
    const end = to.slice(0, 10) === from.slice(0, 10) ? to.slice(11) : to;
    parts.push(`${from} to ${window.isOpen ? 'now' : end} (${roundedDuration(window.seconds)})`);
  }
  parts.push(`${counted(statements, 'statement')}, ${rateText(perSecond)}/s`);
  const room = view.width - 3;
  return fillLines(
    parts.map((part) => cut(part, room, view)),
    room,
    { separator: view.ascii ? ' | ' : ' · ' },
  ).map((line, index) => view.paint('strong', `${index === 0 ? side : ' '}  ${line}`));
}

function changeLines(
  comparison: Comparison,
  parts: Rows & Pick<DiffParts, 'all'>,
  view: ReportView,
): string[] {
  const { limit, isDense } = parts;
  const rows = changedRows(comparison, parts);
  const isAsBefore = CHANGES.every((change) => comparison[change].length === 0);
  const drawn = isAsBefore
    ? ['', ...fillLines(wordsOf(noDifferences(comparison)), view.width)]
    : [];
  if (rows.length === 0) return drawn;
  const { header, lines } = layoutRows(columnsOf(rows, comparison, view), view.width, view);
  let kind: RowKind | null = null;
  for (const [index, changed] of rows.entries()) {
    if (changed.kind !== kind) {
      kind = changed.kind;
      const all = rowsOfKind(comparison, kind).length;
      const [title, what, tone] = TITLES[kind];
      const shown = all > limit ? `, the first ${formatCount(limit)} (--limit N for more)` : '';
      if (!isDense || index === 0) drawn.push('');
      drawn.push(`${view.paint(tone, `${title} ${formatCount(all)}`)} ${what}${shown}`);
      if (!isDense || index === 0) drawn.push(view.paint('strong', header));
    }
    const line = lines[index] ?? '';
    drawn.push(changed.row.mayBeChance ? view.paint('dim', line) : line);
    if (changed.row.text !== null) drawn.push(statementLine(changed.row, view));
  }
  return drawn;
}

/** What all have in common is a difference, and was said. */
function noDifferences(comparison: Comparison): string {
  const { common, commonTime, change, threshold, by, unchanged, unjudged } = comparison;
  const isSaid = common.together > 0 || (commonTime?.together ?? 0) > 0;
  if (isSaid) return 'No other differences.';
  if (unchanged === 0 && unjudged.rows > 0) return 'Nothing could be judged.';
  const isLarge = change !== null && Math.abs(Math.log(change)) >= Math.log1p(threshold);
  const row = by === 'digest' ? 'statement' : by === 'db' ? 'database' : by;
  return isLarge
    ? `No ${row} differs by more than chance may have made: rates vary as much within A and B.`
    : 'No differences.';
}

function statementLine({ digest, text, db }: ComparedRow, view: ReportView): string {
  const id = (digest ?? '').slice(0, SHOWN_DIGITS);
  const where = db === null ? '' : `${escapeText(db)}: `;
  const room = Math.max(view.width - 4 - id.length - 2, 10);
  return `    ${view.paint('dim', id)}  ${cut(`${where}${escapeText(text ?? '')}`, room, view)}`.trimEnd();
}

function columnsOf(
  rows: readonly ChangedRow[],
  comparison: Comparison,
  view: ReportView,
): RowColumn[] {
  const { by } = comparison;
  const right = (header: string, weight: number, cells: string[]): RowColumn => ({
    header,
    cells,
    align: 'right',
    least: null,
    weight,
  });
  const left = (header: string, weight: number, cells: string[]): RowColumn => ({
    header,
    cells,
    align: 'left',
    least: 8,
    weight,
  });
  const names = (of: (row: ComparedRow) => ComparedRow['users'], unnamed: string): string[] =>
    rows.map(({ row }) => shortList(of(row).map(({ name }) => name ?? unnamed)));
  return [
    right(
      'CHANGE',
      100,
      rows.map(({ kind, row }) => changeCell(kind, row)),
    ),
    ...judgedColumn(rows),
    ...(by === 'digest'
      ? []
      : [
          left(
            by.toUpperCase(),
            99,
            rows.map(({ row }) => escapeText(row.name ?? UNNAMED[by])),
          ),
        ]),
    ...(['a', 'b'] as const).map((side) =>
      right(
        side.toUpperCase(),
        95,
        rows.map(({ kind, row }) => valueCell(kind, row[side], comparison.per?.[side], view)),
      ),
    ),
    ...(['a', 'b'] as const).map((side) =>
      right(
        `${side.toUpperCase()} COUNT`,
        60,
        rows.map(({ row }) => formatCount(row[side]?.count ?? 0)),
      ),
    ),
    ...timeColumns(rows, view),
    whenColumn(rows, comparison, view),
    right(
      'BETWEEN',
      40,
      rows.map(({ row: { interval } }) =>
        interval === null ? '' : `${signedChange(interval[0])} to ${signedChange(interval[1])}`,
      ),
    ),
    left(
      'USERS',
      30,
      names((row) => row.users, UNNAMED.user),
    ),
    left(
      'TABLES',
      25,
      names((row) => row.tables, UNNAMED.table),
    ),
  ].filter(({ cells, drawn }) => drawn !== undefined || cells.some((cell) => cell !== ''));
}

/** What was judged of a row, where that is not the change as measured: beside what changed together. */
function judgedColumn(rows: readonly ChangedRow[]): RowColumn[] {
  if (!rows.some(({ row }) => isJudgedBesideOthers(row))) return [];
  const cells = rows.map(({ row: { judged } }) => (judged === null ? '' : signedChange(judged)));
  return [{ header: 'JUDGED', cells, align: 'right', least: null, weight: 98 }];
}

/** Average times of rows that are listed though their rate did not change: what is in common may be the time. */
function timeColumns(rows: readonly ChangedRow[], view: ReportView): RowColumn[] {
  if (!rows.some(({ kind }) => kind === 'together' || kind === 'unchanged')) return [];
  return (['a', 'b'] as const).map((side) => ({
    header: `${side.toUpperCase()} AVERAGE`,
    cells: rows.map(({ row }) => {
      const times = row[side]?.times ?? null;
      return times === null ? '' : millisecondsText(times.averageMs, view);
    }),
    align: 'right',
    least: null,
    // How well a change is known comes first.
    weight: 35,
  }));
}

function changeCell(kind: RowKind, { change, mayBeChance }: ComparedRow): string {
  if (kind === 'new' || kind === 'gone') return mayBeChance ? `${kind}?` : kind;
  return change === null ? '-' : signedChange(change);
}

function valueCell(
  kind: RowKind,
  side: ReportRow | null,
  tests: number | undefined,
  view: ReportView,
): string {
  if (side === null) return '-';
  if (kind === 'slower' || kind === 'faster') {
    return side.times === null ? '-' : millisecondsText(side.times.averageMs, view);
  }
  return tests === undefined
    ? `${rateText(side.perSecond)}/s`
    : `${rateText(side.count / tests)}/test`;
}

/** When, on both sides: as high for as many statements a second. */
function whenColumn(
  rows: readonly ChangedRow[],
  { a, b }: Comparison,
  view: ReportView,
): RowColumn {
  const windows = { a: drawnWindow(a), b: drawnWindow(b) };
  const middle = view.ascii ? '|' : '│';
  const draw = (width: number): string[] => {
    const columns = Math.max(Math.floor((width - 1) / 2), 1);
    return rows.map(({ row }) => {
      const [before, after] = (['a', 'b'] as const).map((side) => {
        const window = windows[side];
        const slices = row[side]?.slices;
        return window === null || slices === undefined ? [] : columnRates(slices, window, columns);
      });
      const high = Math.max(0, ...(before ?? []), ...(after ?? []));
      const line = (rates: readonly number[]): string =>
        sparkline(
          rates.map((rate) => (rate > 0 ? { min: rate, max: rate } : null)),
          { low: 0, high, lowIsBad: false, ascii: view.ascii },
        ).padEnd(columns);
      return `${line(before ?? [])}${middle}${line(after ?? [])}`;
    });
  };
  return {
    header: `WHEN A ${middle} B`,
    cells: rows.map(() => ''),
    align: 'left',
    least: 13,
    weight: 50,
    drawn: { most: view.width >= 110 ? 33 : 21, draw },
  };
}

function shortList(names: readonly string[]): string {
  const [first] = names;
  if (first === undefined) return '';
  return names.length === 1 ? escapeText(first) : `${escapeText(first)} +${names.length - 1}`;
}
