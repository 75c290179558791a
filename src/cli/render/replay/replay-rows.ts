import type { Replay, ReplayResult, ReplayRow } from '../../../core/replays/replay.ts';
import {
  errorsOf,
  sortedReplayRows,
  type ReplaySortKey,
} from '../../../core/replays/replay-row-order.ts';
import { counted, formatCount } from '../../../core/units.ts';
import { escapeText } from '../../../display/escape.ts';
import { lengthText, millisecondsText, rateText } from '../../../display/report-numbers.ts';
import { messageLines } from '../messages.ts';
import { captureWord } from '../shell-quoting.ts';
import { SHOWN_DIGITS } from '../report/report-rows.ts';
import { layoutRows, type RowColumn } from '../report/row-layout.ts';
import { cut, type ReportView } from '../report/report-view.ts';

/** What a row of statements beyond the digests that are told apart is called. */
const OTHER = '(other)';

/** The digests of a replay, the numbers of each in a line and its text below; notes on what is left out. */
export function replayRowLines(
  { capture }: Replay,
  result: ReplayResult,
  { limit, sort }: { readonly limit: number; readonly sort: ReplaySortKey },
  view: ReportView,
): string[] {
  const sent = result.rows.filter(({ count }) => count > 0);
  if (sent.length === 0) return [];
  const rows = sortedReplayRows(sent, sort).slice(0, limit);
  const dbs = new Set(sent.map(({ db }) => db));
  const { header, lines } = layoutRows(columnsOf(rows, sort, view), view.width, view);
  const name = captureWord(capture);
  const left = sent.length - rows.length;
  const digest = rows[0]?.digest.slice(0, SHOWN_DIGITS) ?? '';
  const notes = [
    ...(left > 0 ? [`${counted(left, 'more digest')}: captures report ${name} --limit N`] : []),
    ...(digest === '' ? [] : [`One in full: captures report ${name} --digest ${digest}`]),
  ];
  return [
    '',
    view.paint('strong', header),
    ...rows.flatMap((row, index) => [lines[index] ?? '', statementLine(row, dbs.size > 1, view)]),
    ...notes
      .flatMap((note) => messageLines(escapeText(note), view.width, 2))
      .map((line) => view.paint('dim', line)),
  ];
}

function statementLine({ digest, text, db }: ReplayRow, hasDbs: boolean, view: ReportView): string {
  const id = digest === '' ? OTHER : digest.slice(0, SHOWN_DIGITS);
  const where = hasDbs && db !== null ? `${db}: ` : '';
  const room = Math.max(view.width - 4 - id.length - 2, 10);
  const words = cut(escapeText(`${where}${text}`), room, view);
  return `    ${view.paint('dim', id)}  ${words}`.trimEnd();
}

function columnsOf(rows: readonly ReplayRow[], sort: ReplaySortKey, view: ReportView): RowColumn[] {
  const right = (
    header: string,
    key: ReplaySortKey | null,
    weight: number,
    of: (row: ReplayRow, index: number) => string,
  ): RowColumn => ({
    header: sort === key ? `${view.ascii ? 'v' : '↓'}${header}` : header,
    cells: rows.map(of),
    align: 'right',
    least: null,
    // What the rows are sorted by is seen.
    weight: sort === key ? 100 : weight,
  });
  const ms = (value: number): string => millisecondsText(value, view);
  return [
    right('#', null, 70, (_row, index) => String(index + 1)),
    right('COUNT', 'count', 99, ({ count }) => formatCount(count)),
    right('ERRORS', 'errors', 98, (row) => formatCount(errorsOf(row))),
    right('TOTAL', 'time', 95, ({ totalMs }) => lengthText(totalMs, view)),
    right('AVERAGE', 'average', 60, ({ averageMs }) => ms(averageMs)),
    right('P50', 'p50', 90, ({ p50Ms }) => ms(p50Ms)),
    right('P95', 'p95', 91, ({ p95Ms }) => ms(p95Ms)),
    right('P99', 'p99', 92, ({ p99Ms }) => ms(p99Ms)),
    right('MOST', 'max', 50, ({ maxMs }) => ms(maxMs)),
    right('RETURNED', 'returned', 80, ({ rowsReturned }) => formatCount(rowsReturned)),
    right('CHANGED', 'changed', 79, ({ rowsChanged }) => formatCount(rowsChanged)),
    right('PER S', 'rate', 40, ({ perSecond }) => rateText(perSecond)),
    right('RECORDED', null, 39, ({ recordedPerSecond }) => rateText(recordedPerSecond)),
  ];
}
