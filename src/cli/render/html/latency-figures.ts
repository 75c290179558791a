import type { ReplayRow } from '../../../core/replays/replay.ts';
import type { ChartData } from '../../../display/chart-data.ts';
import { latencyScale, latencyShape, type LatencyScale } from '../../../display/latency-shape.ts';
import { rounded } from '../../../display/rate-chart.ts';
import { markup, type Markup, NOTHING } from './markup.ts';
import { timeText } from './row-columns.ts';

/** A replay's rows, and what it is called; empty where it is alone. */
export interface NamedRows {
  readonly name: string;
  readonly rows: readonly ReplayRow[];
}

const BINS = 60;
const HEIGHT = 100;
/** Parts of the small picture of one digest. */
const SPARK_BINS = 24;

/** The scale of the small pictures of digests: all latencies of a page lie on it. */
export function sparkScale(sides: readonly NamedRows[]): LatencyScale | null {
  return latencyScale(
    sides.flatMap(({ rows }) => rows.map(({ histogram }) => histogram)),
    SPARK_BINS,
  );
}

/** `50µs to 3.2s`: what a scale reaches from and to. */
export function scaleText({ from, to }: LatencyScale): string {
  return `${timeText(from / 1_000)} to ${timeText(to / 1_000)}`;
}

/** How all latencies of each replay are spread, as a picture with the shares of answers over a scale of latencies. */
export function spreadFigure(sides: readonly NamedRows[]): Markup {
  const histograms = sides.map(({ rows }) => rows.map(({ histogram }) => histogram));
  const scale = latencyScale(histograms.flat(), BINS);
  if (scale === null) return NOTHING;
  const shapes = histograms.map((all) => {
    const counts = latencyShape(all, scale);
    const sum = counts.reduce((one, other) => one + other, 0);
    return counts.map((count) => count / Math.max(sum, 1));
  });
  const highest = Math.max(...shapes.flat());
  const lines = shapes.map(
    (shape, index) => markup`<path class="line-${index}" d="${outline(shape, highest)}" />`,
  );
  const middle = Math.sqrt(scale.from * scale.to);
  return markup`<figure class="shape">
    <figcaption><b>How long answers took</b> <span>on a logarithmic scale; higher is more answers</span>
    ${sides.map(({ name }, index) => (name === '' ? NOTHING : markup` <span class="key-${index}">${name}</span>`))}</figcaption>
    <svg viewBox="0 0 ${BINS} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="How long answers took">${lines}</svg>
    <p class="scale"><span>${timeText(scale.from / 1_000)}</span><span>${timeText(middle / 1_000)}</span><span>${timeText(scale.to / 1_000)}</span></p>
  </figure>`;
}

/** A line over steps, each as wide as its part of the scale. */
function outline(shape: readonly number[], highest: number): string {
  let path = `M0 ${HEIGHT}`;
  for (const [bin, share] of shape.entries()) {
    const y = Math.round(HEIGHT - (highest > 0 ? (share / highest) * (HEIGHT - 2) : 0));
    path += `L${bin} ${y}H${bin + 1}`;
  }
  return `${path}V${HEIGHT}`;
}

/**
 * Average latencies over the record, by its time; null where there are none.
 * @param recordedMs how long the replayed part of the record is.
 */
export function latencyChart(sides: readonly NamedRows[], recordedMs: number): ChartData | null {
  const lines = sides.map(({ name, rows }) => ({ name, values: averages(rows) }));
  const steps = Math.max(0, ...lines.map(({ values }) => values.length));
  if (steps === 0 || recordedMs <= 0) return null;
  if (lines.every(({ values }) => values.every((value) => value === null))) return null;
  return {
    title: 'Average latency, by the time of the record',
    axis: 'elapsed',
    unit: 'Seconds',
    from: 0,
    step: recordedMs / steps / 1_000,
    lines,
    gaps: [],
  };
}

/** Seconds. */
function averages(rows: readonly ReplayRow[]): (number | null)[] {
  const slices = Math.max(0, ...rows.map(({ slices: { count } }) => count.length));
  return Array.from({ length: slices }, (_, slice) => {
    let [count, totalMs] = [0, 0];
    for (const row of rows) {
      count += row.slices.count[slice] ?? 0;
      totalMs += row.slices.totalMs[slice] ?? 0;
    }
    return count === 0 ? null : rounded(totalMs / count / 1_000);
  });
}
