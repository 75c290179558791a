import { rounded } from '../../../display/rate-chart.ts';
import { drawnCells, drawnTrack } from '../../../core/metrics/metric-series.ts';
import type { MetricReport } from '../../../core/metrics/metric-service.ts';
import type { MetricSeries } from '../../../core/metrics/metric-source.ts';
import type { ReportHead } from '../../../core/reports/report-comparison.ts';
import { lineValues } from '../charts/chart.ts';
import { columnRates, type DrawnWindow, drawnWindow } from '../../../display/slice-rates.ts';
import { markup, type Markup, NOTHING } from './markup.ts';
import { valueText } from '../../../display/value-text.ts';
import type { ChartData } from '../../../display/chart-data.ts';

/** Points of a chart. */
const STEPS = 240;
const METRIC_STEPS = 160;

/** The same of two records, each from its own start, on one axis; null where one of them has nothing. */
export function comparedRates(
  [nameA, a]: readonly [string, ReportHead],
  [nameB, b]: readonly [string, ReportHead],
): ChartData | null {
  const windows = { a: drawnWindow(a), b: drawnWindow(b) };
  if (windows.a === null || windows.b === null) return null;
  const length = Math.max(windows.a.to - windows.a.from, windows.b.to - windows.b.from);
  const steps = Math.min(STEPS, Math.max(a.axis.count, b.axis.count));
  const valuesOf = ({ slices }: ReportHead, window: DrawnWindow): (number | null)[] => {
    const longer = { ...window, to: window.from + length };
    const lasts = ((window.to - window.from) / length) * steps;
    return columnRates(slices, longer, steps).map((rate, index) =>
      // A step that it covers in part would look like a drop.
      index + 1 > lasts + 1e-6 ? null : rounded(rate),
    );
  };
  return {
    title: 'Statements a second, from the start of each',
    axis: 'elapsed',
    unit: 'Count/Second',
    from: 0,
    step: length / steps / 1_000,
    lines: [
      { name: nameA, values: valuesOf(a, windows.a) },
      { name: nameB, values: valuesOf(b, windows.b) },
    ],
    gaps: [],
  };
}

const MOST_METRICS = 16;

/** Charts of the metrics that there are points of. */
export function metricCharts({ window, series }: MetricReport): ChartData[] {
  return published(series).map((one) => ({
    title: one.metric.displayName,
    axis: 'clock',
    unit: one.metric.unit ?? 'None',
    from: window.from / 1_000,
    step: (window.to - window.from) / METRIC_STEPS / 1_000,
    lines: [{ name: '', values: cellsOf(one, window) }],
    gaps: [],
  }));
}

/** The same of two captures, each from its own start. */
export function comparedMetrics(
  [nameA, a]: readonly [string, MetricReport],
  [nameB, b]: readonly [string, MetricReport],
): ChartData[] {
  const length = Math.max(a.window.to - a.window.from, b.window.to - b.window.from);
  const from = (report: MetricReport): { from: number; to: number } => ({
    from: report.window.from,
    to: report.window.from + length,
  });
  return published(a.series).flatMap((one): ChartData[] => {
    const other = b.series.find(
      ({ metric }) => metric.origin === one.metric.origin && metric.label === one.metric.label,
    );
    if (other === undefined || drawnTrack(other, null) === null) return [];
    return [
      {
        title: one.metric.displayName,
        axis: 'elapsed',
        unit: one.metric.unit ?? 'None',
        from: 0,
        step: length / METRIC_STEPS / 1_000,
        lines: [
          { name: nameA, values: cellsOf(one, from(a)) },
          { name: nameB, values: cellsOf(other, from(b)) },
        ],
        gaps: [],
      },
    ];
  });
}

/** The workload's own rate is drawn of the statements already, and a line at zero says nothing. */
function published(series: readonly MetricSeries[]): MetricSeries[] {
  return series
    .filter(
      (one) => one.metric.origin !== 'workload' && drawnTrack(one, null) !== null && !isAtZero(one),
    )
    .slice(0, MOST_METRICS);
}

/** Names of the metrics that have points, all of them zero. */
export function metricsAtZero({ series }: MetricReport): string[] {
  return series
    .filter((one) => drawnTrack(one, null) !== null && isAtZero(one))
    .map(({ metric }) => metric.displayName);
}

function isAtZero({ tracks }: MetricSeries): boolean {
  return tracks.every(({ values }) => values.every((value) => value === 0));
}

function cellsOf(series: MetricSeries, window: { from: number; to: number }): (number | null)[] {
  const cells = drawnCells(series, null, window, METRIC_STEPS);
  return lineValues(cells, series.metric.lowIsBad).map((value) =>
    value === null ? null : rounded(value),
  );
}
/** Where a chart is drawn, with a still picture of it for who prints it or runs no scripts. */
function chartFigure(chart: ChartData, index: number): Markup {
  const { title, unit, lines } = chart;
  const caption = lines.map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return markup``;
    const most = known.reduce((a, b) => Math.max(a, b));
    const mean = known.reduce((a, b) => a + b, 0) / known.length;
    const numbers = `at most ${valueText(most, unit)}, on average ${valueText(mean, unit)}`;
    return markup` <span>${name === '' ? numbers : `${name}: ${numbers}`}</span>`;
  });
  return markup`<figure class="chart" id="chart-${index}">
    <figcaption><b>${title}</b>${caption}</figcaption>
    ${stillPicture(chart)}
  </figure>`;
}

const HEIGHT = 100;

function stillPicture({ title, lines, gaps, from, step }: ChartData): Markup {
  const steps = Math.max(1, ...lines.map(({ values }) => values.length));
  const highest = lines
    .flatMap(({ values }) => values)
    .reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
  const shades = gaps.map(([start, end]) => {
    const x = (start - from) / step;
    // One that is shorter than a step is seen all the same.
    const width = Math.max((end - start) / step, 1);
    return markup`<rect
      class="gap"
      x="${x.toFixed(1)}"
      y="0"
      width="${width.toFixed(1)}"
      height="${HEIGHT}"
    />`;
  });
  const paths = lines.map(
    ({ values }, index) => markup`<path class="line-${index}" d="${pathOf(values, highest)}" />`,
  );
  return markup`<svg
    class="still"
    viewBox="0 0 ${steps} ${HEIGHT}"
    preserveAspectRatio="none"
    role="img"
    aria-label="${title}"
  >
    ${shades}${paths}
  </svg>`;
}

/** A line through the values, broken at gaps; heights are whole numbers, relative to the point before. */
function pathOf(values: readonly (number | null)[], highest: number): string {
  let path = '';
  let before: number | null = null;
  for (const [x, value] of values.entries()) {
    if (value === null) before = null;
    else {
      const y: number = Math.round(
        HEIGHT - 1 - (highest > 0 ? (value / highest) * (HEIGHT - 2) : 0),
      );
      path += before === null ? `M${x} ${y}h0` : `l1 ${y - before}`;
      before = y;
    }
  }
  return path;
}

/** A section of charts; nothing where there are none. @param first number of the first chart in the page. */
export function chartSection(
  id: string,
  heading: string,
  charts: readonly ChartData[],
  first: number,
): Markup {
  if (charts.length === 0) return NOTHING;
  return markup`<section aria-labelledby="${id}">
    <h2 id="${id}">${heading}</h2>
    <div class="charts">${charts.map((chart, index) => chartFigure(chart, first + index))}</div>
  </section>`;
}
