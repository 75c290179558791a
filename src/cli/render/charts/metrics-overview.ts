import { isOver } from '../../../core/captures/capture.ts';
import type { MetricOrigin } from '../../../core/metrics/metric.ts';
import {
  cutTrack,
  drawnCells,
  drawnTrack,
  summarise,
} from '../../../core/metrics/metric-series.ts';
import type { MetricReport } from '../../../core/metrics/metric-service.ts';
import type { MetricSeries, TimeWindow } from '../../../core/metrics/metric-source.ts';
import { clockLabel } from '../../../display/time-labels.ts';
import { placed } from './chart.ts';
import { escapeText } from '../../../display/escape.ts';
import { formatScaled, scaleFor } from '../../../display/metrics-units.ts';
import { localTime } from '../moments.ts';
import { fullName } from '../full-name.ts';
import type { Paint } from '../paint.ts';
import { sparkline, sparklineRange } from './sparkline.ts';
import { formatDuration } from '../../../core/units.ts';
import { displayWidth, fillLines, pad, truncate } from '../width.ts';

/** How metrics are drawn, as the terminal and the options decide. */
export interface MetricView {
  readonly width: number;
  /** The wall-clock time of an instant, as if it were UTC. */
  readonly wallClock: (at: number) => number;
  /** IANA name, shown as it is. */
  readonly zone: string;
  readonly ascii: boolean;
  readonly paint: Paint;
  readonly statistic: string | null;
}

const NUMBERS = ['min', 'avg', 'p95', 'max', 'last'] as const;
/** Columns that a narrow terminal drops, in this order. */
const GIVEN_UP: readonly (typeof NUMBERS)[number][] = ['min', 'p95', 'avg', 'last'];
const SHORTEST_SPARKLINE = 10;
const LONGEST_NAME = 24;
const NARROW = 60;

const HEADINGS: Readonly<Record<MetricOrigin, string>> = {
  workload: 'WORKLOAD',
  provider: 'CLOUDWATCH',
  server: 'SERVER',
};

interface Row {
  readonly series: MetricSeries;
  readonly unit: string;
  readonly numbers: Readonly<Record<(typeof NUMBERS)[number], string>>;
}

const NO_NUMBERS: Row['numbers'] = { min: '-', avg: '-', p95: '-', max: '-', last: '-' };

/** A line that says what is shown: the capture, its status, its window. */
export function renderHeading(report: MetricReport, view: MetricView): string {
  const { capture, captureWindow } = report;
  const parts = [escapeText(fullName(capture)), capture.status];
  if (captureWindow !== null) {
    const { from, to } = captureWindow;
    const end = capture.end === null ? 'now' : localTime(to, view.zone);
    const sameDay = end.slice(0, 10) === localTime(from, view.zone).slice(0, 10);
    const span = `${localTime(from, view.zone)} to ${sameDay ? end.slice(11) : end}`;
    const length = `(${formatDuration(to - from)})`;
    // Two parts, if one line is too short for it.
    if (displayWidth(`${span} ${length}`) <= view.width) parts.push(`${span} ${length}`);
    else parts.push(span, length);
    parts.push(view.zone);
  }
  return fillLines(
    parts.map((part) => truncate(part, view.width)),
    view.width,
    { separator: view.ascii ? ' | ' : ' · ' },
  )
    .map((line) => view.paint('strong', line))
    .join('\n');
}

/** One row a metric: sparkline, min, avg, 95th percentile, max, last and unit, on one time axis. */
export function renderOverview(report: MetricReport, view: MetricView): string {
  const { captureWindow, counted, window } = report;
  const heading = renderHeading(report, view);
  if (captureWindow === null) {
    return `${heading}\nThe capture has not started: no metrics yet.\n`;
  }
  const all = report.series.flatMap((series) => rowOf(series, window, counted, view));
  // A server has many counters that stay zero: those lines would hide the others.
  const idle = all.filter(({ series, numbers }) => {
    return series.metric.origin === 'server' && numbers.min === '0' && numbers.max === '0';
  });
  const rows = all.filter((row) => !idle.includes(row));
  const absent = report.series.filter((series) => !all.some((row) => row.series === series));
  const lines = [heading, ''];
  if (rows.length > 0) lines.push(...drawRows(rows, window, captureWindow, view));
  if (idle.length > 0) {
    const series = idle.map((row) => row.series);
    lines.push(...listed('Zero throughout:', series, view));
  }
  if (absent.length > 0) lines.push(...notPublished(absent, report, view));
  return `${lines.join('\n')}\n`;
}

/** Metrics without a point: not published, or, while the capture runs, not there yet. */
export function notPublished(
  series: readonly MetricSeries[],
  report: MetricReport,
  view: MetricView,
): string[] {
  const published = new Set(
    report.series.filter((one) => !series.includes(one)).map(({ metric }) => metric.origin),
  );
  const isComing = ({ metric }: MetricSeries): boolean =>
    !isOver(report.capture.status) && !published.has(metric.origin);
  const coming = series.filter((one) => isComing(one) && !hasNone(one));
  // Only a provider makes percentiles: of a counter there is one value an instant.
  const hasNone = ({ metric }: MetricSeries): boolean =>
    metric.origin !== 'provider' && view.statistic?.startsWith('p') === true;
  const absent = series.filter((one) => !isComing(one) && !hasNone(one));
  const atServer = absent.filter(({ metric }) => metric.origin === 'server');
  const elsewhere = absent.filter(({ metric }) => metric.origin !== 'server');
  return [
    ...(coming.length > 0 ? listed('No points yet:', coming, view) : []),
    ...(series.some(hasNone)
      ? fillLines(
          `There is no ${view.statistic ?? ''} of the server's own counters: only CloudWatch has percentiles`.split(
            ' ',
          ),
          view.width,
        ).map((line) => view.paint('dim', line))
      : []),
    ...(atServer.length > 0 ? listed('This server does not report:', atServer, view) : []),
    ...(elsewhere.length > 0 ? listed('Not published:', elsewhere, view) : []),
  ];
}

export function listed(what: string, series: readonly MetricSeries[], view: MetricView): string[] {
  const names = series.map(({ metric }) => escapeText(metric.type));
  const words = names.map((name, index) =>
    truncate(index < names.length - 1 ? `${name},` : name, view.width),
  );
  return fillLines([what, ...words], view.width).map((line) => view.paint('dim', line));
}

function rowOf(
  series: MetricSeries,
  window: TimeWindow,
  counted: TimeWindow,
  view: MetricView,
): Row[] {
  const summary = summarise(series, counted, view.statistic);
  if (summary === null) {
    // No point in the capture's window, but some before or after it.
    const track = drawnTrack(series, view.statistic);
    if (track === null || cutTrack(track, window).times.length === 0) return [];
    return [{ series, unit: '', numbers: NO_NUMBERS }];
  }
  const scale = scaleFor(series.metric.unit, summary.max, summary.min);
  const numbers = Object.fromEntries(
    NUMBERS.map((name) => [name, plainUnit(formatScaled(summary[name], scale), view)]),
  ) as Row['numbers'];
  return [{ series, unit: plainUnit(scale.unit, view), numbers }];
}

/** The text with `u` for µ where only ASCII can be shown. */
export function plainUnit(text: string, { ascii }: Pick<MetricView, 'ascii'>): string {
  return ascii ? text.replace('µ', 'u') : text;
}

function drawRows(
  rows: readonly Row[],
  window: TimeWindow,
  captureWindow: TimeWindow,
  view: MetricView,
): string[] {
  const { paint, ascii } = view;
  const longest = Math.max(...rows.map(({ series }) => displayWidth(series.metric.type)));
  const nameWidth = Math.min(longest, view.width < NARROW ? 14 : LONGEST_NAME);
  const unitWidth = Math.max(4, ...rows.map(({ unit }) => unit.length));
  let shown: readonly (typeof NUMBERS)[number][] = NUMBERS;
  // For free memory the minimum matters: on a narrow screen the column of the maximum shows it.
  const hasLows = rows.some(({ series }) => series.metric.lowIsBad);
  const isWorst = (name: (typeof NUMBERS)[number]): boolean =>
    hasLows && name === 'max' && !shown.includes('min');
  const headed = (name: (typeof NUMBERS)[number]): string =>
    isWorst(name) ? 'WORST' : name.toUpperCase();
  const numberOf = ({ series, numbers }: Row, name: (typeof NUMBERS)[number]): string =>
    numbers[isWorst(name) && series.metric.lowIsBad ? 'min' : name];
  const widthOf = (name: (typeof NUMBERS)[number]): number =>
    Math.max(headed(name).length, ...rows.map((row) => numberOf(row, name).length));
  const room = (): number =>
    view.width -
    nameWidth -
    unitWidth -
    shown.reduce((sum, name) => sum + widthOf(name) + 1, 0) -
    (ascii ? 4 : 2);
  for (const name of GIVEN_UP) {
    if (room() >= SHORTEST_SPARKLINE) break;
    shown = shown.filter((other) => other !== name);
  }
  const columns = Math.max(room(), 1);
  // ASCII's lowest bar and a gap look alike at the edges: brackets say where the axis ends.
  const framed = (bars: string): string => (ascii ? `|${bars}|` : bars);
  const indent = ' '.repeat(nameWidth + 1 + (ascii ? 1 : 0));
  const header = [
    pad('METRIC', nameWidth),
    pad('', columns + (ascii ? 2 : 0)),
    ...shown.map((name) => headed(name).padStart(widthOf(name))),
    'UNIT',
  ].join(' ');
  const lines = [
    `${indent}${paint('dim', timeLine(window, captureWindow, columns, view))}`.trimEnd(),
    `${indent}${paint('dim', ruler(window, captureWindow, columns, ascii))}`.trimEnd(),
    paint('strong', header),
  ];
  let origin: MetricOrigin | null = null;
  const hasSeveral = new Set(rows.map(({ series }) => series.metric.origin)).size > 1;
  for (const row of rows) {
    const { series, unit } = row;
    if (hasSeveral && series.metric.origin !== origin) {
      origin = series.metric.origin;
      lines.push(paint('dim', HEADINGS[origin]));
    }
    const cells = drawnCells(series, view.statistic, window, columns);
    const { lowIsBad, type } = series.metric;
    const bars = sparkline(cells, { ...sparklineRange(cells), lowIsBad, ascii });
    const cell = [
      pad(truncated(escapeText(type), nameWidth, ascii), nameWidth),
      framed(bars),
      ...shown.map((name) => numberOf(row, name).padStart(widthOf(name))),
      paint('dim', unit),
    ];
    lines.push(cell.join(' ').trimEnd());
  }
  return lines;
}

function timeLine(
  window: TimeWindow,
  captureWindow: TimeWindow,
  columns: number,
  view: MetricView,
): string {
  const step = captureWindow.to - captureWindow.from < 5 * 60_000 ? 1_000 : 60_000;
  const label = (at: number): string => clockLabel(view.wallClock(at), step);
  const [start, end] = edges(window, captureWindow, columns);
  return placed(
    [
      { column: start, label: label(captureWindow.from) },
      {
        column: Math.max(end - label(captureWindow.to).length + 1, 0),
        label: label(captureWindow.to),
      },
    ],
    columns,
  );
}

function ruler(
  window: TimeWindow,
  captureWindow: TimeWindow,
  columns: number,
  ascii: boolean,
): string {
  const [start, end] = edges(window, captureWindow, columns);
  const [outside, first, inside, last] = ascii ? ['.', '[', '-', ']'] : ['·', '├', '─', '┤'];
  return Array.from({ length: columns }, (_, column) => {
    if (column < start || column > end) return outside;
    if (column === start) return first;
    return column === end ? last : inside;
  }).join('');
}

/** The first and last column of the capture. */
export function edges(
  window: TimeWindow,
  captureWindow: TimeWindow,
  columns: number,
): [number, number] {
  const columnOf = (at: number): number =>
    Math.floor(((at - window.from) / (window.to - window.from)) * columns);
  const start = columnOf(captureWindow.from);
  return [start, Math.max(Math.min(columnOf(captureWindow.to), columns) - 1, start)];
}

export function truncated(text: string, width: number, ascii: boolean): string {
  return truncate(text, width).replace('…', ascii ? '.' : '…');
}
