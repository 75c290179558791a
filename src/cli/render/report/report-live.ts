import type { LiveReport, Report, ReportRow, SortKey } from '../../../core/reports/report.ts';
import { counted, formatCount, formatDuration } from '../../../core/units.ts';
import { escapeText } from '../../../display/escape.ts';
import { isoTime, localTime } from '../moments.ts';
import { partLines, timesText, type AskedPart } from './report-head.ts';
import { percentText, SHOWN_DIGITS } from './report-rows.ts';
import { timeColumns } from './row-times.ts';
import { digestsText, OTHER, otherRow, sessionsSeen } from './report-unlisted.ts';
import { cut, rateLine, type ReportView } from './report-view.ts';
import { rateText } from '../../../display/report-numbers.ts';
import { layoutRows, type RowColumn } from './row-layout.ts';
import { hasTimes, isMeasured, MEASURED, shownOrder, sorted } from './row-order.ts';
import { fillLines } from '../width.ts';
import { UNNAMED } from '../../../display/unnamed-rows.ts';

/** What a watched report is ordered by, by the key that asks for it. */
export const LIVE_KEYS: Readonly<Record<string, SortKey>> = {
  r: 'rate',
  c: 'count',
  t: 'time',
  a: 'average',
  e: 'examined',
};

export interface LiveView extends ReportView {
  /** Lines of the terminal. */
  readonly rows: number;
  readonly now: number;
  /** Milliseconds between two looks. */
  readonly interval: number;
  /** Statements/s of the last looks, oldest first. */
  readonly recent: readonly number[];
  readonly part: AskedPart;
  /** What is to be said instead of the keys; null for nothing. */
  readonly notice: string | null;
}

/** Why rows cannot be in an order; null where they can. */
export function whyNotSorted(key: SortKey, report: Report, view: ReportView): string | null {
  if (!MEASURED.includes(key) || hasTimes(report)) return null;
  return isMeasured(report.by)
    ? `times ${timesText(report, view)}`
    : `times unknown: the server does not measure by ${report.by}`;
}

/** A screen of a report that is watched: rates of the last interval beside the totals, one row a line. */
export function renderLive({ report: asked, interval }: LiveReport, view: LiveView): string[] {
  const report = { ...asked, sort: shownOrder(asked) };
  const head = headLines(report, interval, view);
  const room = Math.max(view.rows - head.length - 2, 1);
  const rows = report.rows.slice(0, room);
  const shown = { ...report, rows };
  const { header, lines } = layoutRows(columnsOf(shown, interval, view), view.width, view);
  const body = rows.length === 0 ? ['Nothing yet.'] : [view.paint('strong', header), ...lines];
  const fill = Array.from(
    { length: Math.max(view.rows - head.length - body.length - 1, 0) },
    () => '',
  );
  return [...head, ...body, ...fill, keyLine(report, view)];
}

function headLines(report: Report, interval: LiveReport['interval'], view: LiveView): string[] {
  const { capture, window, statements, verdict } = report;
  const separator = view.ascii ? ' | ' : ' · ';
  const cutTo = (text: string): string => cut(text, view.width, view);
  const lasted = formatDuration(window.seconds * 1_000);
  const clock = `${localTime(view.now, view.zone).slice(11)} ${view.zone}`;
  const title = [
    `${escapeText(`${capture.environment}/${capture.name}`)} ${capture.status} ${lasted}`,
    clock,
    `every ${formatDuration(view.interval)}`,
  ];
  const numbers = [
    interval === null ? 'now -' : `now ${rateText(interval.perSecond)}/s`,
    `average ${rateText(report.perSecond)}/s`,
    `${counted(statements, 'statement')} of ${digestsText(report)}`,
    `${sessionsSeen(report)} ${report.sessions.seen === 1 ? 'session' : 'sessions'}`,
    ...(report.unlisted === null ? [] : [`${percentText(report.unlisted.share)} ${OTHER}`]),
    // Counts are of now, times of the last reading.
    ...(report.coverage.times === null ? [] : ['times are read once a minute']),
  ];
  const recent = view.recent.slice(-(view.width - 20));
  const line = rateLine(recent, view);
  const drawn = view.ascii ? `|${line}|` : line;
  const lines = [
    view.paint('strong', cutTo(title.join(separator))),
    ...partLines(report, view.part, view),
    ...fillLines(numbers.map(cutTo), view.width, { separator }),
    recent.length === 0
      ? ''
      : view.paint('dim', cutTo(`${drawn} last ${formatDuration(recent.length * view.interval)}`)),
  ];
  const [problem] = verdict.problems;
  if (problem !== undefined) lines.push(view.paint('bad', cutTo(escapeText(problem.what))));
  return lines;
}

function columnsOf(report: Report, interval: LiveReport['interval'], view: LiveView): RowColumn[] {
  const { rows, by } = report;
  const ratesNow = interval?.rows ?? null;
  const number = (header: string, weight: number, cells: string[]): RowColumn => ({
    header,
    cells,
    align: 'right',
    least: null,
    weight,
  });
  const share = (index: number): string => {
    const now = ratesNow?.[index];
    return interval === null || now === undefined ? '-' : shareNow(now, interval);
  };
  const columns = [
    number(
      sorted('NOW/S', 'rate', report, view),
      100,
      rows.map((_row, index) => {
        const now = ratesNow?.[index];
        return now === undefined ? '-' : rateText(now);
      }),
    ),
    number(
      'NOW %',
      60,
      rows.map((_row, index) => share(index)),
    ),
    number(
      sorted('COUNT', 'count', report, view),
      95,
      rows.map(({ count }) => formatCount(count)),
    ),
    number(
      'PER S',
      50,
      rows.map(({ perSecond }) => rateText(perSecond)),
    ),
  ];
  if (rows.some(({ times }) => times !== null)) columns.push(...timeColumns(report, view));
  if (by === 'digest') {
    const id = { align: 'left', least: null, weight: 45 } as const;
    columns.push({
      ...id,
      header: 'DIGEST',
      cells: rows.map(({ digest }) => (digest ?? '').slice(0, SHOWN_DIGITS)),
    });
    if (report.dbs.length > 1) {
      const cells = rows.map(({ db }) => escapeText(db ?? UNNAMED.db));
      columns.push({ ...id, header: 'DATABASE', cells, least: 8, weight: 44 });
    }
  }
  columns.push({
    header: by === 'digest' ? 'STATEMENT' : by.toUpperCase(),
    cells: rows.map(({ name, text }) => escapeText(text ?? name ?? UNNAMED[by])),
    align: 'left',
    least: 24,
    weight: 99,
  });
  return columns;
}

function keyLine(report: Report, view: LiveView): string {
  const { sort } = report;
  if (view.notice !== null) return cut(escapeText(view.notice), view.width, view);
  const keys = Object.entries(LIVE_KEYS).filter(
    ([, key]) => hasTimes(report) || !MEASURED.includes(key),
  );
  const words = keys.map(([key, name]) => (name === sort ? `[${key} ${name}]` : `${key} ${name}`));
  const isKnown = Object.values(LIVE_KEYS).includes(sort);
  const other = isKnown ? '' : `  sorted by ${sort}`;
  return view.paint('dim', cut(`q quit   sort: ${words.join('  ')}${other}`, view.width, view));
}

/** What one look comes to where it is no screen: a line with the time, and a line for each row. */
export function liveLines({ report, interval }: LiveReport, now: number): string {
  const { capture, window, statements, rows, by } = report;
  const rate = interval?.perSecond ?? report.perSecond;
  const when = interval === null ? 'on average' : 'now';
  const head = `${isoTime(now) ?? ''} ${escapeText(`${capture.environment}/${capture.name}`)}: ${capture.status} ${formatDuration(window.seconds * 1_000)}, ${counted(statements, 'statement')}, ${rateText(rate)}/s ${when}`;
  const other = otherRow(report);
  const lines = [...rows, ...(other === null ? [] : [other])].map((row, index) => {
    const [own, share] = numbersOf(row, interval, index);
    const what =
      row.text === null
        ? escapeText(row.name ?? UNNAMED[by])
        : `${(row.digest ?? '').slice(0, SHOWN_DIGITS)}  ${escapeText(row.text)}`;
    return `  ${own.padStart(10)}  ${share.padStart(7)}  ${formatCount(row.count).padStart(11)}  ${what}`;
  });
  return `${[head, ...lines].join('\n')}\n`;
}

/** Rate and share of a row in the last interval; before there is one, over the window. */
function numbersOf(
  { perSecond, share }: ReportRow,
  interval: LiveReport['interval'],
  index: number,
): [rate: string, share: string] {
  if (interval === null) return [`${rateText(perSecond)}/s`, percentText(share)];
  const now = interval.rows[index];
  // Of what is in no row nobody knows how much of it is of now.
  if (now === undefined) return ['-', '-'];
  return [`${rateText(now)}/s`, shareNow(now, interval)];
}

function shareNow(now: number, { perSecond }: NonNullable<LiveReport['interval']>): string {
  return percentText(perSecond === 0 ? 0 : Math.min(now / perSecond, 1));
}
