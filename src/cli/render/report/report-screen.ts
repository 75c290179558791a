import type { Report } from '../../../core/reports/report.ts';
import { formatCount } from '../../../core/units.ts';
import { captureWord } from '../shell-quoting.ts';
import { escapeText } from '../../../display/escape.ts';
import { messageLines } from '../messages.ts';
import { ALL_OF_IT, renderReportHead, type AskedPart } from './report-head.ts';
import { layoutRows } from './row-layout.ts';
import { percentText, renderReportRows, SHOWN_DIGITS } from './report-rows.ts';
import { sharedNote } from './row-times.ts';
import { shownOrder } from './row-order.ts';
import { labelled, namesWords, type ReportView } from './report-view.ts';
import { UNNAMED } from '../../../display/unnamed-rows.ts';

const MOST_TABLES = 10;
const MOST_NAMES = 8;
/** Tables of digests that are not told apart. */
const NOT_KNOWN = '(not known)';

/** Rows that are shown however low the terminal is. */
const LEAST_ROWS = 5;

/**
 * A report for a terminal: what hits the database is on its first screen.
 * @param height lines of the terminal, which the report fits if that leaves 5 rows: it has as many rows as
 *   there is room for, and names below them where there is; null: everything.
 * @param part what was asked for.
 */
export function renderReport(
  report: Report,
  view: ReportView,
  height: number | null = null,
  part: AskedPart = ALL_OF_IT,
): string {
  const all = report.rows.length;
  const linesOf = (shown: Report, hasNames: boolean): string[] =>
    screenOf(shown, view, part, hasNames);
  if (height === null) return textOf(linesOf(report, true));
  const least = Math.min(LEAST_ROWS, all);
  for (const hasNames of [true, false]) {
    for (let rows = all; rows >= least; rows--) {
      const lines = linesOf(firstRows(report, rows), hasNames);
      // The prompt has a line, too.
      if (lines.length < height) return textOf(lines);
    }
  }
  return textOf(linesOf(firstRows(report, least), false));
}

function textOf(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}

function firstRows(report: Report, most: number): Report {
  const hidden = report.rows.slice(most);
  const statements = hidden.reduce((sum, { count }) => sum + count, report.otherRows.statements);
  const otherRows = { rows: report.otherRows.rows + hidden.length, statements };
  return { ...report, rows: report.rows.slice(0, most), otherRows };
}

function screenOf(asked: Report, view: ReportView, part: AskedPart, hasNames: boolean): string[] {
  const report = { ...asked, sort: shownOrder(asked) };
  const lines = renderReportHead(report, view, part);
  if (report.statements > 0) {
    lines.push(
      ...orderNote(asked, view),
      '',
      ...renderReportRows(report, view),
      ...rowNotes(report, view),
    );
    if (report.by === 'digest' && hasNames) {
      lines.push(...tableLines(report, view), ...nameLines(report, view));
    }
  }
  return lines;
}

/** Says so where the order that was asked for cannot be had. */
function orderNote(report: Report, view: ReportView): string[] {
  const { sort, by } = report;
  if (shownOrder(report) === sort) return [];
  return labelled('order', `by count: no ${by} has times to sort by ${sort}`.split(' '), view);
}

/** What is to be known of the rows, and how to see more. */
function rowNotes(report: Report, view: ReportView): string[] {
  const { rows, otherRows, statements, by, capture } = report;
  const notes: string[] = [];
  const shared = sharedNote(report);
  if (shared !== null) notes.push(shared);
  if (report.sort === 'errors') {
    notes.push(
      'Statements that the server cannot parse are not in its counts: these have no errors here',
    );
  }
  if (report.sort === 'time' && rows.some(({ times }) => times === null)) {
    notes.push('- not measured: ranked as if each took the average time of the others');
  }
  const name = captureWord({ environmentName: capture.environment, name: capture.name });
  if (otherRows.rows > 0) {
    const share = percentText(Math.min(otherRows.statements / statements, 1));
    const more = `${formatCount(otherRows.rows)} more ${otherRows.rows === 1 ? 'row' : 'rows'}`;
    const what = by === 'table' ? more : `${more}, ${share} of the statements`;
    const dimension = by === 'digest' ? '' : ` --by ${by}`;
    notes.push(`${what}: captures report ${name}${dimension} --limit N`);
  }
  const digest = rows[0]?.digest?.slice(0, SHOWN_DIGITS);
  if (digest !== undefined) {
    notes.push(`One in full, with an example: captures report ${name} --digest ${digest}`);
  }
  return notes
    .flatMap((note) => messageLines(escapeText(note), view.width, 2))
    .map((line) => view.paint('dim', line));
}

/** The tables with reads and writes; a statement that names two is counted for both. */
function tableLines({ tables, statements, coverage }: Report, view: ReportView): string[] {
  const { digests: unknown } = coverage.unlisted;
  const shown = [
    ...tables.slice(0, MOST_TABLES),
    ...(unknown > 0 ? [{ name: NOT_KNOWN, count: unknown, reads: null, writes: null }] : []),
  ];
  if (shown.length === 0) return [];
  const number = (header: string, cells: string[]) =>
    ({ header, cells, align: 'right', least: null, weight: 50 }) as const;
  const { header, lines } = layoutRows(
    [
      {
        header: 'TABLE',
        cells: shown.map(({ name }) => escapeText(name ?? UNNAMED.table)),
        align: 'left',
        least: 16,
        weight: 99,
      },
      number(
        'SHARE',
        shown.map(({ count }) => percentText(Math.min(count / statements, 1))),
      ),
      number(
        'STATEMENTS',
        shown.map(({ count }) => formatCount(count)),
      ),
      number(
        'READS',
        shown.map(({ reads }) => (reads === null ? '-' : formatCount(reads))),
      ),
      number(
        'WRITES',
        shown.map(({ writes }) => (writes === null ? '-' : formatCount(writes))),
      ),
    ],
    view.width,
    view,
  );
  return ['', view.paint('strong', header), ...lines];
}

function nameLines({ users, hosts, dbs, statements }: Report, view: ReportView): string[] {
  const lines = [
    ...labelled('users', namesWords(users, statements, MOST_NAMES, UNNAMED.user), view),
    ...labelled('hosts', namesWords(hosts, statements, MOST_NAMES, UNNAMED.host), view),
    ...labelled('databases', namesWords(dbs, statements, MOST_NAMES, UNNAMED.db), view),
  ];
  return ['', ...lines];
}
