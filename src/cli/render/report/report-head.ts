import type { Coverage, Report, ReportRequest } from '../../../core/reports/report.ts';
import { counted, formatCount, formatDuration } from '../../../core/units.ts';
import { shareText } from '../../../core/verification/value-counts.ts';
import { RECORD_EVERYTHING } from '../../../core/captures/recording-options.ts';
import { escapeText } from '../../../display/escape.ts';
import { hanging, wrapMessage } from '../messages.ts';
import { localTime } from '../moments.ts';
import { recordedText } from '../options-text.ts';
import type { Tone } from '../paint.ts';
import { displayWidth, fillLines } from '../width.ts';
import { cut, labelled, namesWords, rateLine, type ReportView } from './report-view.ts';
import { columnRates, drawnWindow, type DrawnWindow } from '../../../display/slice-rates.ts';
import { lengthText, rateText } from '../../../display/report-numbers.ts';
import { digestsText, sessionsSeen, unlistedTexts } from './report-unlisted.ts';

/** Problems that are shown one by one: a verification shows them all. */
const MOST_PROBLEMS = 4;
const LABEL_WIDTH = 12;
/** Where the numbers would leave less for the rate over time, they get a line of their own. */
const SHORTEST_RATE_LINE = 20;

const TONES: Readonly<Record<Report['verdict']['verdict'], Tone>> = {
  whole: 'good',
  not_whole: 'bad',
  damaged: 'bad',
  recording: 'busy',
};

/** Why times of statements are unknown, or not known for all of the window. */
export const ABSENCES: Readonly<Record<Coverage['timesAbsence'][number]['why'], string>> = {
  off: "the server's performance_schema does not count statements",
  not_permitted: 'the account may not read performance_schema',
  not_supported: 'the server has no digests of statements',
  failed: 'they could not be read',
  not_recorded: 'none were recorded',
  restarted: 'the server was restarted',
  truncated: "somebody emptied the server's table of digests",
  full: "the server's table of digests is full",
  not_counted:
    'the server counts none that it cannot parse, and none that setup_actors and setup_consumers leave out',
  between_readings:
    "the server's counts are read once a minute, and no two readings lie in this time",
};

/** The part of the window that was asked for, in milliseconds since the epoch; null for no bound. */
export type AskedPart = Pick<ReportRequest, 'since' | 'until'>;
export const ALL_OF_IT: AskedPart = { since: null, until: null };

/** That a server has no times of prepared statements, where it may be so; null elsewhere. */
export function unmeasuredText({ coverage }: Pick<Report, 'coverage'>): string | null {
  const { unmeasured, times, timesAbsence } = coverage;
  // Where there is no time of any statement, that has a reason of its own.
  if (unmeasured === 0 || (times === null && timesAbsence.length > 0)) return null;
  return `this server does not measure executes of prepared statements (${formatCount(unmeasured)})`;
}

/**
 * What has to be known before the numbers: the window, the verdict, what the numbers cover, the rate over
 * time, and what kind of statements they are.
 */
export function renderReportHead(report: Report, view: ReportView, part: AskedPart): string[] {
  const lines = [
    ...titleLines(report, view),
    ...partLines(report, part, view),
    ...verdictLines(report, view),
  ];
  lines.push(...coverLines(report, view));
  if (report.statements === 0) {
    const what = report.window.isOpen ? 'recorded yet' : 'recorded';
    return [...lines, `No statement was ${what}.`];
  }
  return [...lines, ...rateLines(report, view), ...summaryLines(report, view)];
}

/** Which capture it is of, and which time. */
export function titleLines({ capture, window }: Report, view: ReportView): string[] {
  const { server } = capture;
  const parts = [escapeText(`${capture.environment}/${capture.name}`), capture.status];
  if (window.from !== null && window.to !== null) {
    const from = localTime(Date.parse(window.from), view.zone);
    const to = localTime(Date.parse(window.to), view.zone);
    const isSameDay = to.slice(0, 10) === from.slice(0, 10);
    const end = window.isOpen ? 'now' : isSameDay ? to.slice(11) : to;
    const span = `${from} to ${end}`;
    const length = `(${lengthText(window.seconds * 1_000, view)})`;
    // Two parts, if one line is too short for it.
    if (displayWidth(`${span} ${length}`) <= view.width) parts.push(`${span} ${length}`);
    else parts.push(span, length);
    parts.push(view.zone);
  }
  if (server !== null) parts.push(escapeText(`${server.flavor} ${server.version}`));
  return fillLines(
    parts.map((part) => cut(part, view.width, view)),
    view.width,
    { separator: view.ascii ? ' | ' : ' · ' },
  ).map((line) => view.paint('strong', line));
}

/** How the part that was asked for was understood: a time of day may be of another day than was meant. */
export function partLines(
  { window }: Report,
  { since, until }: AskedPart,
  view: ReportView,
): string[] {
  if (window.from === null || window.to === null || (since === null && until === null)) return [];
  const words: string[] = [];
  if (since !== null) {
    const isEarlier = since < Date.parse(window.from);
    words.push(`since ${momentText(since, view)}${isEarlier ? ', before the capture began' : ''}`);
  }
  if (until !== null) {
    const isLater = !window.isOpen && until > Date.parse(window.to);
    words.push(`until ${momentText(until, view)}${isLater ? ', after the capture ended' : ''}`);
  }
  return labelled('part', words.join('; ').split(' '), view);
}

function momentText(at: number, { zone }: ReportView): string {
  const fraction = at % 1_000;
  return `${localTime(at, zone)}${fraction === 0 ? '' : `.${String(fraction).padStart(3, '0')}`}`;
}

function verdictLines({ verdict, capture }: Report, view: ReportView): string[] {
  const { paint, width } = view;
  const tone = TONES[verdict.verdict];
  const lines = wrapMessage(escapeText(verdict.line), width)
    .split('\n')
    .map((line) => paint(tone, line));
  // The line says what damage there is first.
  const others = verdict.verdict === 'damaged' ? verdict.problems.slice(1) : verdict.problems;
  for (const { kind, what } of others.slice(0, MOST_PROBLEMS)) {
    lines.push(
      ...hanging(kind.replace('_', ' ').padEnd(LABEL_WIDTH), what, width, {
        label: (label) => paint('dim', label),
        text: (line) => paint('bad', line),
      }),
    );
  }
  const more = others.length - MOST_PROBLEMS;
  if (more > 0) {
    const name = escapeText(`${capture.environment}/${capture.name}`);
    lines.push(paint('dim', `${counted(more, 'problem')} more: captures verify ${name}`));
  }
  return lines;
}

/** What the numbers are of, a line each where there is something to say. */
function coverLines(report: Report, view: ReportView): string[] {
  const { coverage, byFlag, statements } = report;
  const { records, filters, sample, isRedacted, leftOut } = coverage;
  const lines: string[] = [];
  const add = (label: string, text: string): void => {
    lines.push(...labelled(label, escapeText(text).split(' '), view));
  };
  if (records.read < records.committed) {
    const share = shareText(records.read / records.committed);
    add(
      'covers',
      `${formatCount(records.read)} of ${counted(records.committed, 'record')} (${share}): the rest cannot be read, so counts and rates are at least these`,
    );
  }
  if (coverage.isFiltered || (sample !== null && sample > 1) || isRedacted || leftOut > 0) {
    const redact = isRedacted ? ('literals' as const) : null;
    const text = recordedText({ ...RECORD_EVERYTHING, ...filters, sample, redact });
    const rows =
      leftOut === 0 ? '' : `; ${counted(leftOut, 'row')} of the log left out as requested`;
    add('only', `${text}${rows}`);
  }
  if (statements === 0) return lines;
  add('times', timesText(report, view));
  const flags = Object.entries(byFlag).filter(([, count]) => count > 0);
  if (flags.length > 0) {
    const what = flags.map(([flag, count]) => `${flag} ${formatCount(count)}`).join(', ');
    add('flags', byFlag.unreplayable > 0 ? `${what}: captures help values` : what);
  }
  for (const text of unlistedTexts(report)) add('not listed', text);
  return lines;
}

/** What is lost of a record is not lost of the server's counts. */
export function knownTimesText({ records }: Pick<Coverage, 'records'>, times: number): string {
  const also =
    records.read < records.committed ? ', which has those that cannot be read as well' : '';
  return `known for ${shareText(Math.min(times, 1))} of the statements, by the server's own count${also}`;
}

/** For how many statements there are times, and why not for all. */
export function timesText(report: Report, view: ReportView): string {
  const { coverage, window } = report;
  const { times, timesAbsence } = coverage;
  if (window.isOpen && timesAbsence.every(({ why }) => why === 'not_recorded') && times === null) {
    return "not read yet: the server's counts are read once a minute";
  }
  const whys = timesAbsence.map(({ why, from, to }) => {
    const when = [from, to].map((at) =>
      at === null ? '?' : localTime(Date.parse(at), view.zone).slice(11),
    );
    const part = from === null && to === null ? '' : ` from ${when.join(' to ')}`;
    return `${ABSENCES[why]}${part}`;
  });
  const unmeasured = unmeasuredText(report);
  const all = new Set(unmeasured === null ? whys : [unmeasured, ...whys]);
  const why = [...all].slice(0, 3).join('; ');
  // Counts are read at the start, each minute and at the end: a part of a window may have no two of them.
  const unread = "the server's counts were not read at both ends of a part of this time";
  if (times === null) return `unknown: ${why === '' ? unread : why}`;
  return `${knownTimesText(report.coverage, times)}${why === '' ? '' : `: ${why}`}`;
}

/** The rate over time in one line, with the axis below it: gaps are marked there. */
function rateLines(report: Report, view: ReportView): string[] {
  const window = drawnWindow(report);
  const rate = `${rateText(report.perSecond)}/s`;
  if (window === null) return labelled('rate', [rate], view);
  const room = Math.max(view.width - LABEL_WIDTH - (view.ascii ? 2 : 0), 10);
  const most = (columns: number): string => {
    const highest = rateText(Math.max(...columnRates(report.slices, window, columns)));
    return `${rate}, most ${highest}/s in ${formatDuration((window.to - window.from) / columns)}`;
  };
  // What stands behind the line depends on how long the line is, by a few characters.
  const beside = room - most(room).length - 6;
  const columns = beside < SHORTEST_RATE_LINE ? room : beside;
  const rates = columnRates(report.slices, window, columns);
  const bars = view.ascii ? `|${rateLine(rates, view)}|` : rateLine(rates, view);
  const indent = ' '.repeat(LABEL_WIDTH + (view.ascii ? 1 : 0));
  const numbers = most(columns);
  return [
    `${view.paint('dim', 'rate'.padEnd(LABEL_WIDTH))}${bars}${columns === room ? '' : `  ${numbers}`}`,
    `${indent}${view.paint('dim', axisLine(report, window, columns, view))}`,
    ...(columns === room ? labelled('', numbers.split(' '), view) : []),
  ];
}

/** `02:00:00 ─────×× gap ──── 02:30:00`: the same columns as the line above. */
function axisLine(
  { gaps }: Report,
  window: DrawnWindow,
  columns: number,
  view: ReportView,
): string {
  const { line, mark } = view.ascii ? { line: '-', mark: 'x' } : { line: '─', mark: '×' };
  const columnOf = (at: number): number =>
    Math.floor(((at - window.from) / (window.to - window.from)) * columns);
  const cells = new Array<string>(columns).fill(line);
  let hasGap = false;
  for (const { from, to } of gaps) {
    const first =
      from === null ? (to === null ? null : columnOf(Date.parse(to))) : columnOf(Date.parse(from));
    if (first === null) continue;
    const last = to === null ? first : columnOf(Date.parse(to));
    for (let column = Math.max(first, 0); column <= Math.min(last, columns - 1); column++) {
      cells[column] = mark;
      hasGap = true;
    }
  }
  const [from, to] = [window.from, window.to].map((at) => localTime(at, view.zone).slice(11));
  const text = cells.join('');
  const room = view.width - LABEL_WIDTH - (view.ascii ? 1 : 0);
  if (hasGap) return columns + 7 <= room ? `${text}  ${mark} gap` : text;
  const labels = (from?.length ?? 0) + (to?.length ?? 0) + 2;
  if (columns < labels + 2) return text;
  return `${from ?? ''} ${text.slice(labels)} ${to ?? ''}`;
}

function summaryLines(report: Report, view: ReportView): string[] {
  const { statements, sessions, byClass } = report;
  const lines = labelled(
    'statements',
    [
      `${formatCount(statements)} of ${digestsText(report)}:`,
      ...namesWords(byClass, statements, byClass.length, 'other'),
    ],
    view,
  );
  const { opened, closed } = sessions;
  // Who logs in need not send anything: these are not a part of the first number.
  const came = [
    `${sessionsSeen(report)} sent statements;`,
    `${formatCount(opened)} logged in,`,
    `${formatCount(closed)} ended`,
  ];
  return [...lines, ...labelled('sessions', came, view)];
}
