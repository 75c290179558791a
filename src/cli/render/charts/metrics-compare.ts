import {
  drawnCells,
  drawnTrack,
  summarise,
  type Summary,
} from '../../../core/metrics/metric-series.ts';
import type { MetricReport } from '../../../core/metrics/metric-service.ts';
import type { MetricSeries, TimeWindow } from '../../../core/metrics/metric-source.ts';
import { elapsedLabel } from '../../../display/time-labels.ts';
import { timeTicks, valueAxis } from './chart-axes.ts';
import { lineValues, type Chart } from './chart.ts';
import { escapeText } from '../../../display/escape.ts';
import { chartHeight, drawAligned, plotColumns, rangeOf } from './metrics-charts.ts';
import {
  listed,
  notPublished,
  plainUnit,
  renderHeading,
  truncated,
  type MetricView,
} from './metrics-overview.ts';
import { formatScaled, scaleFor } from '../../../display/metrics-units.ts';
import { sparkline, sparklineRange } from './sparkline.ts';
import { pad } from '../width.ts';

/** A metric that both captures have, each with its own window; both begin at t = 0. */
interface Pair {
  readonly a: MetricSeries;
  readonly b: MetricSeries;
}

interface Aligned {
  readonly pairs: readonly Pair[];
  readonly absent: readonly MetricSeries[];
  /** The same span before and after the start of each capture. */
  readonly windows: readonly [TimeWindow, TimeWindow];
  readonly counted: readonly [TimeWindow, TimeWindow];
  /** Milliseconds from the start of the captures. */
  readonly from: number;
  readonly to: number;
}

/** Two captures one below the other, metric by metric, and how the average of A differs from that of B. */
export function renderComparison(a: MetricReport, b: MetricReport, view: MetricView): string {
  const aligned = align(a, b, view);
  const lines = headings(a, b, view);
  if (aligned === null) return notStarted(lines);
  const { windows, counted, pairs } = aligned;
  const all = pairs.map((pair) => {
    const summaries = [
      summarise(pair.a, counted[0], view.statistic),
      summarise(pair.b, counted[1], view.statistic),
    ] as const;
    const sizes = summaries.flatMap((s) => (s === null ? [] : [s.max, s.min]));
    const scale = scaleFor(pair.a.metric.unit, ...sizes);
    return { pair, summaries, scale };
  });
  const idle = all.filter(({ summaries }) => summaries.every((s) => s?.max === 0 && s.min === 0));
  const rows = all
    .filter((row) => !idle.includes(row))
    .map((row) => ({ ...row, size: sizeOfChange(row.summaries) }))
    .sort((a, b) => b.size - a.size);
  const text = (
    summary: Summary | null,
    name: 'avg' | 'max',
    scale: (typeof rows)[number]['scale'],
  ) => (summary === null ? '-' : plainUnit(formatScaled(summary[name], scale), view));
  const widthOf = (name: 'avg' | 'max'): number =>
    Math.max(
      3,
      ...rows.flatMap((row) => row.summaries.map((s) => text(s, name, row.scale).length)),
    );
  const nameWidth = Math.min(
    Math.max(6, ...pairs.map(({ a: { metric } }) => metric.type.length)),
    view.width < 60 ? 12 : 24,
  );
  const numbers = view.width < 50 ? (['avg'] as const) : (['avg', 'max'] as const);
  const unitWidth = Math.max(4, ...rows.map(({ scale }) => scale.unit.length));
  const numberWidth = numbers.reduce((sum, name) => sum + widthOf(name) + 1, 0);
  const columns = Math.max(view.width - nameWidth - 3 - numberWidth - unitWidth - 1 - 8, 4);
  const header = [
    pad('METRIC', nameWidth),
    ' ',
    pad(`t=0 is the start`.slice(0, columns), columns),
    ...numbers.map((name) => name.toUpperCase().padStart(widthOf(name))),
    pad('UNIT', unitWidth),
    'CHANGE'.padStart(7),
  ];
  lines.push('', view.paint('strong', header.join(' ').trimEnd()));
  for (const { pair, summaries, scale } of rows) {
    const { metric } = pair.a;
    const both = [pair.a, pair.b].map((series, index) =>
      drawnCells(series, view.statistic, windows[index] ?? windows[0], columns),
    );
    const [before, after] = summaries;
    // One scale for both: that is what they are compared by.
    const range = sparklineRange(both.flat());
    for (const [index, cells] of both.entries()) {
      const isFirst = index === 0;
      const bars = sparkline(cells, { ...range, lowIsBad: metric.lowIsBad, ascii: view.ascii });
      const unit = plainUnit(scale.unit, view);
      const line = [
        pad(isFirst ? truncated(escapeText(metric.type), nameWidth, view.ascii) : '', nameWidth),
        isFirst ? 'A' : 'B',
        bars,
        ...numbers.map((name) =>
          text(summaries[index] ?? null, name, scale).padStart(widthOf(name)),
        ),
        view.paint('dim', pad(unit, unitWidth)),
        isFirst ? '' : change(before?.avg ?? null, after?.avg ?? null).padStart(7),
      ];
      lines.push(line.join(' ').trimEnd());
    }
  }
  if (idle.length > 0) {
    const series = idle.map(({ pair }) => pair.a);
    lines.push(...listed('Zero in both:', series, view));
  }
  lines.push(...absentLines(aligned, a, view));
  return `${lines.join('\n')}\n`;
}

/** Two captures in one chart a metric: `─` is A, `═` is B (in ASCII: lines and `*`). */
export function renderComparedCharts(a: MetricReport, b: MetricReport, view: MetricView): string {
  const aligned = align(a, b, view);
  const lines = headings(a, b, view);
  if (aligned === null) return notStarted(lines);
  const { rows, every } = chartHeight(aligned.pairs.length);
  const charts = drawAligned(view, (labelWidth) =>
    aligned.pairs.map((pair) => comparedChart(pair, aligned, view, { labelWidth, rows, every })),
  );
  return `${[...lines, ...charts, ...absentLines(aligned, a, view)].join('\n')}${charts.length === 0 ? '\n' : ''}`;
}

function comparedChart(
  { a, b }: Pair,
  aligned: Aligned,
  view: MetricView,
  layout: { labelWidth: number; rows: number; every: number },
): Chart {
  const { labelWidth } = layout;
  const { windows, counted, from, to } = aligned;
  const columns = plotColumns(view.width, labelWidth);
  const cells = [a, b].map((series, index) =>
    drawnCells(series, view.statistic, windows[index] ?? windows[0], columns),
  );
  const [low, high] = rangeOf(cells.flat());
  const scale = scaleFor(a.metric.unit, low, high);
  const averages = [a, b].map(
    (series, index) => summarise(series, counted[index] ?? counted[0], view.statistic)?.avg ?? null,
  );
  const shown = averages.map((avg) =>
    avg === null ? '-' : plainUnit(formatScaled(avg, scale), view),
  );
  const separator = view.ascii ? ' | ' : ' · ';
  const unit = plainUnit(scale.unit, view);
  const title = [
    `${escapeText(a.metric.type)}${unit === '' ? '' : `, ${unit}`}`,
    `avg A ${shown[0] ?? '-'}, B ${shown[1] ?? '-'} (${change(averages[0] ?? null, averages[1] ?? null)})`,
  ];
  const lowIsBad = a.metric.lowIsBad;
  const columnOf = (elapsed: number): number =>
    Math.floor(((elapsed - from) / (to - from)) * columns);
  return {
    title: title.join(separator),
    lines: [
      { values: lineValues(cells[0] ?? [], lowIsBad), tone: null },
      { values: lineValues(cells[1] ?? [], lowIsBad), tone: 'busy' },
    ],
    axis: valueAxis(low, high, scale, layout.rows, layout.every),
    ticks: timeTicks(from, to, columns, (elapsed) => elapsed, elapsedLabel),
    marks: from < 0 ? [{ column: columnOf(0), label: 'start' }] : [],
    columns,
    labelWidth,
  };
}

/** What both have, each in its own window; null where one has not started. */
export function align(
  a: MetricReport,
  b: MetricReport,
  view: Pick<MetricView, 'statistic'>,
): Aligned | null {
  if (a.captureWindow === null || b.captureWindow === null) return null;
  const starts = [a.captureWindow.from, b.captureWindow.from] as const;
  const from = Math.min(a.window.from - starts[0], b.window.from - starts[1]);
  const to = Math.max(a.window.to - starts[0], b.window.to - starts[1]);
  const pairs: Pair[] = [];
  const absent: MetricSeries[] = [];
  for (const one of a.series) {
    const other = b.series.find(
      ({ metric }) => metric.label === one.metric.label && metric.origin === one.metric.origin,
    );
    const has = (series: MetricSeries | undefined): boolean =>
      series !== undefined && drawnTrack(series, view.statistic) !== null;
    if (other !== undefined && (has(one) || has(other))) pairs.push({ a: one, b: other });
    else if (other !== undefined) absent.push(one);
  }
  return {
    pairs,
    absent,
    windows: [
      { from: starts[0] + from, to: starts[0] + to },
      { from: starts[1] + from, to: starts[1] + to },
    ],
    counted: [a.counted, b.counted],
    from,
    to,
  };
}

function headings(a: MetricReport, b: MetricReport, view: MetricView): string[] {
  const narrower = { ...view, width: Math.max(view.width - 2, 10) };
  return [a, b].flatMap((report, index) =>
    renderHeading(report, narrower)
      .split('\n')
      .map((line, row) => `${row > 0 ? ' ' : index === 0 ? 'A' : 'B'} ${line}`),
  );
}

function notStarted(lines: readonly string[]): string {
  return `${[...lines, 'One capture has not started: nothing to compare yet.'].join('\n')}\n`;
}

function absentLines(aligned: Aligned, report: MetricReport, view: MetricView): string[] {
  return aligned.absent.length === 0 ? [] : notPublished(aligned.absent, report, view);
}

/** How much A differs from B, up or down; what is not in both comes last. */
export function sizeOfChange([a, b]: readonly [Summary | null, Summary | null]): number {
  if (a === null || b === null) return -1;
  if (a.avg === b.avg) return 0;
  const ratio = a.avg / b.avg;
  return ratio > 0 ? Math.abs(Math.log(ratio)) : Infinity;
}

/** `+23 %`, `-4.5 %`, `~0 %`, `=`, `x12`: from the first to the second. */
export function change(before: number | null, after: number | null): string {
  if (before === null || after === null) return '-';
  if (before === after) return '=';
  if (before === 0 || before < 0 !== after < 0) return '-';
  const ratio = after / before;
  if (ratio >= 10) return ratio >= 99_999.5 ? 'x>99999' : `x${Math.round(ratio)}`;
  const percent = (ratio - 1) * 100;
  if (Math.abs(percent) < 0.05) return '~0 %';
  const digits = Math.abs(percent) >= 9.95 ? 0 : 1;
  return `${percent >= 0 ? '+' : ''}${percent.toFixed(digits)} %`;
}
