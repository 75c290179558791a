import type { Report, ReportRow } from '../../../core/reports/report.ts';
import { counted, formatCount } from '../../../core/units.ts';
import { escapeLines, escapeText } from '../../../display/escape.ts';
import { localTime } from '../moments.ts';
import { displayWidth, fillLines } from '../width.ts';
import { ALL_OF_IT, partLines, titleLines, type AskedPart } from './report-head.ts';
import { percentText } from './report-rows.ts';
import { cut, labelled, namesWords, rateLine, type ReportView } from './report-view.ts';
import { columnRates, drawnWindow } from '../../../display/slice-rates.ts';
import { lengthText, millisecondsText, rateText } from '../../../display/report-numbers.ts';
import { UNNAMED } from '../../../display/unnamed-rows.ts';

/** One digest with everything that is known of it: the whole text, who sent it, when, and an example. */
export function renderDigest(
  row: ReportRow,
  report: Report,
  view: ReportView,
  part: AskedPart = ALL_OF_IT,
): string {
  const { paint } = view;
  const lines = [...titleLines(report, view), ...partLines(report, part, view)];
  const add = (label: string, words: readonly string[]): void => {
    lines.push(...labelled(label, words, view));
  };
  add('digest', [
    `${row.digest ?? ''},`,
    `${row.class ?? UNNAMED.class}${row.db === null ? '' : `, database ${escapeText(row.db)}`}`,
  ]);
  add('statements', [
    `${formatCount(row.count)},`,
    `${percentText(row.share)} of all,`,
    `${rateText(row.perSecond)}/s`,
  ]);
  if (row.times !== null) add('times', timesWords(row.times, view));
  else if (report.coverage.times !== null) add('times', unknownTimesText(report).split(' '));
  const window = drawnWindow(report);
  if (window !== null) {
    const columns = Math.max(Math.min(view.width - 14, 100), 10);
    const bars = rateLine(columnRates(row.slices, window, columns), view);
    add('when', [view.ascii ? `|${bars}|` : bars]);
  }
  add('', [`first ${momentText(row.first, view)},`, `last ${momentText(row.last, view)}`]);
  add('users', namesWords(row.users, row.count, 16, UNNAMED.user));
  add('hosts', namesWords(row.hosts, row.count, 16, UNNAMED.host));
  const tables = row.tables.map(({ name, reads, writes }, index) => {
    const how = reads > 0 && writes > 0 ? 'read and written' : writes > 0 ? 'written' : 'read';
    const end = index < row.tables.length - 1 ? ',' : '';
    return `${escapeText(name ?? UNNAMED.table)} (${how})${end}`;
  });
  if (tables.length > 0) add('tables', tables);
  if (row.withoutValues !== null && row.withoutValues > 0) {
    add('values', [`unknown in ${counted(row.withoutValues, 'execute')}:`, 'captures help values']);
  }
  lines.push('', paint('strong', 'Statement'), ...textLines(row.text ?? '', view));
  const { example } = row;
  if (example !== null) {
    const { seq, time, session, user, flags, isCut } = example;
    const who = `session ${session}, ${user === null ? UNNAMED.user : escapeText(user)}`;
    const marks = [...flags, ...(isCut ? ['cut here, whole in the workload'] : [])];
    const title = [`Example: seq ${seq}`, momentText(time, view), who, ...marks].join(', ');
    const words = title.split(' ').map((word) => cut(word, view.width, view));
    const heading = fillLines(words, view.width).map((line) => paint('strong', line));
    lines.push('', ...heading, ...textLines(example.sql, view));
  }
  return `${lines.join('\n')}\n`;
}

function timesWords(times: NonNullable<ReportRow['times']>, view: ReportView): string[] {
  const { count, totalMs, averageMs, rowsSent, rowsExamined, errors, sharedBy } = times;
  const each = (rows: number): string => rateText(count === 0 ? 0 : rows / count);
  return [
    `${millisecondsText(averageMs, view)} on average,`,
    `${lengthText(totalMs, view)} in all,`,
    `${each(rowsExamined)} ${each(rowsExamined) === '1' ? 'row' : 'rows'} examined,`,
    `${each(rowsSent)} sent each,`,
    counted(errors, 'error'),
    `(by the server's count of ${counted(count, 'execution')}${sharedBy > 1 ? `, of ${sharedBy} digests together` : ''})`,
  ];
}

function unknownTimesText({ coverage }: Report): string {
  const none = 'unknown: the server counted none of these';
  if (coverage.unmeasured === 0) return none;
  return `${none}; it does not measure executes of prepared statements`;
}

function momentText(time: string, view: ReportView): string {
  return `${localTime(Date.parse(time), view.zone)}${time.slice(19, 26)}`;
}

/** Text of any length in lines of the terminal's width, broken at spaces where there are some. */
export function textLines(text: string, { width }: ReportView): string[] {
  const room = Math.max(width - 2, 20);
  return escapeLines(text)
    .replaceAll('\t', '    ')
    .split('\n')
    .flatMap((line) => broken(line, room))
    .map((line) => `  ${line}`.trimEnd());
}

function broken(text: string, room: number): string[] {
  const lines: string[] = [];
  let line = '';
  let width = 0;
  // Words with the spaces behind them, and words that are wider than a line character by character.
  for (const word of text.match(/\S+\s*|\s+/g) ?? ['']) {
    for (const part of displayWidth(word.trimEnd()) > room ? word : [word]) {
      const more = displayWidth(part);
      if (width > 0 && width + displayWidth(part.trimEnd()) > room) {
        lines.push(line);
        line = '';
        width = 0;
      }
      line += part;
      width += more;
    }
  }
  return [...lines, line];
}
