import type { MetricUnit } from '../../core/metrics/metric.ts';
import { drawChart, type DrawnChart } from '../../display/browser/line-chart.ts';
import type { ChartData } from '../../display/chart-data.ts';
import { valueText } from '../../display/value-text.ts';
import { isActive } from './capture-words.ts';
import { el, setText } from './elements.ts';
import { isAbort, messageOf } from './page-api.ts';
import type { PageContext } from './page-view.ts';
import type { CaptureAnswer, MetricAnswer } from './wire-data.ts';

/** Metrics of a capture that goes on are asked for again after so long. */
const EVERY_MS = 15_000;

/** The metrics of a capture as charts. */
export function metricsPart({ api }: PageContext, path: string) {
  const message = el('p', { class: 'soft', role: 'status' }, 'Reading the metrics …');
  const charts = el('div', { class: 'charts' });
  const controller = new AbortController();
  let drawn: DrawnChart[] = [];
  let askedAt: number | null = null;
  let wasActive = false;

  const draw = (metrics: readonly MetricAnswer[], capture: CaptureAnswer): void => {
    for (const chart of drawn) chart.remove();
    const shown = metrics.filter(({ dataPoints }) =>
      dataPoints.some(({ Maximum }) => Maximum !== null),
    );
    const figures = shown.map((metric) =>
      el('figure', {}, el('figcaption', {}, el('b', {}, metric.displayName), rangeNote(metric))),
    );
    charts.replaceChildren(...figures);
    drawn = shown.flatMap((metric, index) => {
      const figure = figures[index];
      return figure === undefined ? [] : [drawChart(metricChart(metric, capture), figure, 'other')];
    });
    setText(
      message,
      shown.length === 0
        ? 'There are no points of metrics.'
        : 'The highest of each period. Dotted: start and end; a line breaks where points are missing.',
    );
  };
  const read = async (capture: CaptureAnswer): Promise<void> => {
    try {
      const { signal } = controller;
      const query = { source: 'provider,server,workload' };
      draw(await api.ask<MetricAnswer[]>('GET', `${path}/metrics`, { query, signal }), capture);
    } catch (error) {
      if (isAbort(error)) return;
      setText(message, messageOf(error));
    }
  };
  return {
    element: el(
      'section',
      { 'aria-labelledby': 'metrics' },
      el('h2', { id: 'metrics' }, 'Metrics'),
      message,
      charts,
    ),
    show: (capture: CaptureAnswer): void => {
      if (capture.start === null) {
        setText(message, 'There are metrics when it has started.');
        return;
      }
      const active = isActive(capture);
      const isDue = askedAt === null || (active && Date.now() - askedAt >= EVERY_MS);
      if (isDue || wasActive !== active) {
        askedAt = Date.now();
        void read(capture);
      }
      wasActive = active;
    },
    redraw: (): void => {
      for (const chart of drawn) chart.redraw();
    },
    leave: (): void => {
      controller.abort();
      for (const chart of drawn) chart.remove();
    },
  };
}

/** `between 3 and 5`: what the line says, for who does not see it. */
function rangeNote({ dataPoints }: MetricAnswer): HTMLElement {
  const values = dataPoints.flatMap(({ Maximum }) => (Maximum === null ? [] : [Maximum]));
  const unit = unitOf(dataPoints);
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) =>
    valueText(value, unit),
  );
  return el('span', {}, low === high ? (low ?? '') : `${low ?? ''} to ${high ?? ''}`);
}

function unitOf(dataPoints: MetricAnswer['dataPoints']): MetricUnit {
  return (dataPoints[0]?.Unit ?? 'None') as MetricUnit;
}

function metricChart({ displayName, dataPoints }: MetricAnswer, capture: CaptureAnswer): ChartData {
  const points = dataPoints.map(({ Timestamp, Maximum }) => ({
    at: Date.parse(Timestamp) / 1_000,
    value: Maximum,
  }));
  points.sort((a, b) => a.at - b.at);
  const { times, values } = withGaps(points);
  const marks = [capture.start, capture.end].flatMap((time) =>
    time === null ? [] : [Date.parse(time) / 1_000],
  );
  return {
    title: displayName,
    axis: 'clock',
    clock: 'viewer',
    unit: unitOf(dataPoints),
    from: times[0] ?? 0,
    step: 1,
    times,
    lines: [{ name: '', values }],
    gaps: [],
    marks,
  };
}

interface Point {
  readonly at: number;
  readonly value: number | null;
}

/** A line breaks where points are missing: where two are further from one another than is usual. */
function withGaps(points: readonly Point[]): {
  times: number[];
  values: (number | null)[];
} {
  const steps = points.slice(1).map(({ at }, index) => at - (points[index]?.at ?? at));
  const usual = [...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
  const times: number[] = [];
  const values: (number | null)[] = [];
  for (const { at, value } of points) {
    const last = times.at(-1);
    if (last !== undefined && at - last > usual * 2.5) {
      times.push(last + usual);
      values.push(null);
    }
    times.push(at);
    values.push(value);
  }
  return { times, values };
}
