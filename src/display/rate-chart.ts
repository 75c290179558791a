import type { ReportHead } from '../core/reports/report-comparison.ts';
import type { ChartData } from './chart-data.ts';
import { columnRates, drawnWindow } from './slice-rates.ts';

/** Points of a chart. */
const STEPS = 240;

/** The rate of all statements over the window, with the gaps of the record; null where nothing was recorded. */
export function rateChart(report: ReportHead): ChartData | null {
  const window = drawnWindow(report);
  if (window === null) return null;
  const from = window.from / 1_000;
  const to = window.to / 1_000;
  const gaps = report.gaps
    .map((gap): [number, number] => [
      gap.from === null ? from : Math.max(Date.parse(gap.from) / 1_000, from),
      gap.to === null ? to : Math.min(Date.parse(gap.to) / 1_000, to),
    ])
    .filter(([start, end]) => end >= start);
  const steps = Math.min(STEPS, report.axis.count);
  const step = (to - from) / steps;
  const isInGap = (start: number): boolean =>
    gaps.some(([begin, end]) => begin <= start && start + step <= end);
  const values = columnRates(report.slices, window, steps).map((rate, index) =>
    // Nothing recorded is not nothing received.
    rate === 0 && isInGap(from + index * step) ? null : rounded(rate),
  );
  return {
    title: 'Statements a second',
    axis: 'clock',
    unit: 'Count/Second',
    from,
    step,
    lines: [{ name: '', values }],
    gaps,
  };
}

/** Three digits are shown; more would only make the page larger. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
