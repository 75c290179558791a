import {
  drawnCells,
  drawnTrack,
  summarise,
  type Cell,
} from '../../../core/metrics/metric-series.ts';
import type { MetricReport } from '../../../core/metrics/metric-service.ts';
import type { MetricSeries, TimeWindow } from '../../../core/metrics/metric-source.ts';
import { clockLabel } from '../../../display/time-labels.ts';
import { timeTicks, valueAxis } from './chart-axes.ts';
import { lineValues, renderChart, type Chart } from './chart.ts';
import { escapeText } from '../../../display/escape.ts';
import {
  edges,
  notPublished,
  plainUnit,
  renderHeading,
  type MetricView,
} from './metrics-overview.ts';
import { formatScaled, scaleFor } from '../../../display/metrics-units.ts';
import { localTime } from '../moments.ts';
import { formatDuration } from '../../../core/units.ts';

/** Rows of a chart: tall where there are few, so that several fit on a screen. */
const TALL = { rows: 13, every: 3 };
const LOW = { rows: 9, every: 2 };
/** The plot has at least this many columns, however wide the labels are. */
const NARROWEST_PLOT = 10;

/** Rows of each chart on a screen of this many charts, and which of them have a label. */
export function chartHeight(charts: number): { rows: number; every: number } {
  return charts <= 2 ? TALL : LOW;
}

/** One chart a metric, below one another, with one label width so that their time axes line up. */
export function renderCharts(report: MetricReport, view: MetricView): string {
  const { captureWindow, counted, window } = report;
  const heading = renderHeading(report, view);
  if (captureWindow === null) {
    return `${heading}\nThe capture has not started: no metrics yet.\n`;
  }
  const published = report.series.filter((series) => drawnTrack(series, view.statistic) !== null);
  const absent = report.series.filter((series) => !published.includes(series));
  const { rows, every } = chartHeight(published.length);
  const charts = drawAligned(view, (labelWidth) =>
    published.map((series) =>
      chartOf(series, { window, captureWindow, counted, view, labelWidth, rows, every }),
    ),
  );
  const tail = absent.length === 0 ? '' : `\n${notPublished(absent, report, view).join('\n')}\n`;
  return `${[heading, ...charts].join('\n')}${charts.length === 0 ? '\n' : ''}${tail}`;
}

/** Draws charts with one label width, the widest. @param draft the charts, for a label width. */
export function drawAligned(view: MetricView, draft: (labelWidth: number) => Chart[]): string[] {
  // The labels depend on what is drawn, and how much is drawn on the labels' width: once is enough.
  const labels = draft(6).flatMap(({ axis }) => axis.labels);
  return draft(Math.max(0, ...labels.map((label) => label?.length ?? 0))).map((chart) =>
    renderChart(chart, view),
  );
}

interface Layout {
  readonly window: TimeWindow;
  readonly captureWindow: TimeWindow;
  readonly counted: TimeWindow;
  readonly view: MetricView;
  readonly labelWidth: number;
  readonly rows: number;
  readonly every: number;
}

function chartOf(series: MetricSeries, layout: Layout): Chart {
  const { window, captureWindow, counted, view, labelWidth } = layout;
  const columns = plotColumns(view.width, labelWidth);
  const cells = drawnCells(series, view.statistic, window, columns);
  const [low, high] = rangeOf(cells);
  const scale = scaleFor(series.metric.unit, low, high);
  const [start, end] = edges(window, captureWindow, columns);
  const marks = [
    ...(window.from < captureWindow.from ? [{ column: start, label: 'start' }] : []),
    ...(window.to > captureWindow.to ? [{ column: end, label: 'end' }] : []),
  ];
  const perCell = Math.max(series.period, (window.to - window.from) / columns);
  const parts = [
    `${escapeText(series.metric.type)}${scale.unit === '' ? '' : `, ${scale.unit}`}`,
    ...numbersOf(series, counted, view),
    drawnAs(series, view, perCell),
  ];
  const title = parts.join(view.ascii ? ' | ' : ' · ');
  return {
    title: view.ascii ? title.replaceAll('µ', 'u') : title,
    lines: [{ values: lineValues(cells, series.metric.lowIsBad), tone: null }],
    axis: valueAxis(low, high, scale, layout.rows, layout.every),
    ticks: timeTicks(window.from, window.to, columns, view.wallClock, clockLabel),
    marks,
    columns,
    labelWidth,
  };
}

/** Columns for the plot, right of the labels and the axis. */
export function plotColumns(width: number, labelWidth: number): number {
  return Math.max(width - labelWidth - 2, NARROWEST_PLOT);
}

export function rangeOf(cells: readonly (Cell | null)[]): [low: number, high: number] {
  let low = Infinity;
  let high = -Infinity;
  for (const cell of cells) {
    if (cell === null) continue;
    low = Math.min(low, cell.min);
    high = Math.max(high, cell.max);
  }
  return low > high ? [0, 0] : [low, high];
}

function numbersOf(series: MetricSeries, window: TimeWindow, view: MetricView): string[] {
  const summary = summarise(series, window, view.statistic);
  if (summary === null) return [];
  const { lowIsBad, unit } = series.metric;
  const scale = scaleFor(unit, summary.max, summary.min);
  const worst = lowIsBad ? summary.min : summary.max;
  const at = timeOf(series, worst, window, view);
  const when = at === null ? '' : ` at ${localTime(at, view.zone).slice(11)}`;
  return [
    `avg ${plainUnit(formatScaled(summary.avg, scale), view)}`,
    `${lowIsBad ? 'min' : 'max'} ${plainUnit(formatScaled(worst, scale), view)}${when}`,
  ];
}

function timeOf(
  series: MetricSeries,
  value: number,
  window: TimeWindow,
  view: MetricView,
): number | null {
  const track = drawnTrack(series, view.statistic);
  const found = track?.times.find(
    (at, index) => at >= window.from && at < window.to && track.values[index] === value,
  );
  return found ?? null;
}

/** What one column shows: `max per 30s`. */
function drawnAs(series: MetricSeries, view: MetricView, length: number): string {
  const worst = series.metric.lowIsBad ? 'min' : 'max';
  const of = view.statistic === null ? '' : ` ${view.statistic}`;
  return `${worst}${of} per ${formatDuration(length)}`;
}
