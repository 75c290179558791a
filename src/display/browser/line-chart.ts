import uPlot from 'uplot';
import { clockLabel, elapsedLabel } from '../time-labels.ts';
import type { ChartData } from '../chart-data.ts';
import { valueText } from '../value-text.ts';
import { viewerTime } from './viewer-times.ts';

const HEIGHT = { first: 220, other: 150 };

/** A chart that was drawn. */
export interface DrawnChart {
  /** Draws it anew: colours and width are fixed when it is drawn. */
  readonly redraw: () => void;
  readonly remove: () => void;
}

/** Draws every chart below its still picture. @returns what draws them anew. */
export function drawCharts(charts: readonly ChartData[]): { redraw: () => void } {
  const drawn = charts.flatMap((chart, index) => {
    const figure = document.getElementById(`chart-${index}`);
    return figure === null ? [] : [drawChart(chart, figure, index === 0 ? 'first' : 'other')];
  });
  const redraw = (): void => {
    for (const chart of drawn) chart.redraw();
  };
  let width = innerWidth;
  addEventListener('resize', () => {
    if (innerWidth === width) return;
    width = innerWidth;
    redraw();
  });
  return { redraw };
}

/** Draws a chart at the end of a figure. It does not follow the window's width by itself. */
export function drawChart(
  chart: ChartData,
  figure: Element,
  size: keyof typeof HEIGHT,
): DrawnChart {
  const place = document.createElement('div');
  place.className = 'plot';
  figure.append(place);
  let plot: uPlot | null = null;
  const redraw = (): void => {
    plot?.destroy();
    const room = { width: Math.max(place.clientWidth, 200), height: HEIGHT[size] };
    plot = new uPlot(optionsFor(chart, room, readColours()), dataOf(chart), place);
    // It says what is pointed at, in cells, and is no table.
    plot.root.querySelector('.u-legend')?.setAttribute('role', 'presentation');
  };
  redraw();
  return {
    redraw,
    remove: () => {
      plot?.destroy();
      place.remove();
    },
  };
}

interface Colours {
  readonly text: string;
  readonly grid: string;
  readonly gap: string;
  readonly fill: string;
  readonly lines: readonly string[];
}

/** The page's colours as a canvas needs them: it knows no variables. */
function readColours(): Colours {
  const probe = document.createElement('i');
  document.body.append(probe);
  const resolve = (variable: string): string => {
    probe.style.color = `var(${variable})`;
    return getComputedStyle(probe).color;
  };
  const colours = {
    text: resolve('--soft'),
    grid: resolve('--line'),
    gap: resolve('--gap'),
    fill: resolve('--fill'),
    lines: [resolve('--chart-0'), resolve('--chart-1')],
  };
  probe.remove();
  return colours;
}

function dataOf({ from, step, times: known, lines }: ChartData): uPlot.AlignedData {
  if (known !== undefined) return [[...known], ...lines.map(({ values }) => [...values])];
  const count = Math.max(0, ...lines.map(({ values }) => values.length));
  const times = Array.from({ length: count }, (_, index) => from + index * step);
  return [times, ...lines.map(({ values }) => [...values])];
}

const FONT = '12px system-ui, sans-serif';
const ELAPSED_STEPS = [
  0.001, 0.01, 0.1, 1, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400,
  172_800, 604_800,
];

/** Round in KiB, MiB and so on. */
const BYTE_STEPS = Array.from({ length: 60 }, (_, power) => 2 ** power);

function optionsFor(
  chart: ChartData,
  size: { width: number; height: number },
  colours: Colours,
): uPlot.Options {
  const isClock = chart.axis === 'clock';
  const label = isClock ? clockLabel : elapsedLabel;
  const axis = {
    stroke: colours.text,
    font: FONT,
    grid: { stroke: colours.grid, width: 1 },
    ticks: { stroke: colours.grid, width: 1 },
  };
  return {
    ...size,
    tzDate: (seconds) => {
      const date = new Date(seconds * 1_000);
      return chart.clock === 'viewer' ? date : uPlot.tzDate(date, 'Etc/UTC');
    },
    scales: {
      x: { time: isClock, range: (_, low, high) => rangeOf(chart, low, high) },
      y: { range: (_, low, high) => [Math.min(low, 0), high > 0 ? high * 1.05 : 1] },
    },
    cursor: { sync: { key: chart.axis }, y: false, drag: { x: true, y: false } },
    axes: [
      {
        ...axis,
        ...(isClock ? {} : { incrs: ELAPSED_STEPS }),
        values: (_, splits, __, ___, step) =>
          splits.map((seconds) => label(shownClock(chart, seconds), step * 1_000)),
      },
      {
        ...axis,
        size: 88,
        ...(chart.unit.startsWith('Bytes') ? { incrs: BYTE_STEPS } : {}),
        values: (_, splits) => splits.map((value) => valueText(value, chart.unit)),
      },
    ],
    series: [
      {
        label: isClock ? 'Time' : 'After',
        value: (_: uPlot, seconds: number | null) =>
          seconds === null ? '–' : instant(chart, seconds),
      },
      ...chart.lines.map(({ name }, index) => ({
        label: name === '' ? chart.title : name,
        stroke: colours.lines[index] ?? colours.text,
        width: 1.5,
        // Colour is not the only difference.
        ...(index === 0 ? {} : { dash: [6, 3] }),
        ...(chart.lines.length === 1 ? { fill: colours.fill } : {}),
        // A point between two gaps has no line that could be seen.
        points: chart.times === undefined ? { show: false } : { size: 5, filter: lonePoints },
        spanGaps: false,
        value: (_: uPlot, value: number | null) =>
          value === null ? '–' : valueText(value, chart.unit),
      })),
    ],
    hooks: {
      drawClear: [
        (plot) => {
          shadeGaps(plot, chart, colours.gap);
          drawMarks(plot, chart, colours.text);
        },
      ],
    },
  };
}

/** What the axis' clock shows at an instant, as if that were UTC. */
function shownClock({ clock }: ChartData, seconds: number): number {
  const at = seconds * 1_000;
  return clock === 'viewer' ? at - new Date(at).getTimezoneOffset() * 60_000 : at;
}

function instant({ axis, step }: ChartData, seconds: number): string {
  if (axis === 'elapsed') return elapsedLabel(seconds * 1_000, step * 1_000);
  const utc = new Date(seconds * 1_000).toISOString().slice(0, 19).replace('T', ' ');
  const local = viewerTime(seconds * 1_000);
  return `${utc} UTC${local === '' ? '' : ` (${local})`}`;
}

function shadeGaps(plot: uPlot, { gaps }: ChartData, colour: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = colour;
  for (const [from, to] of gaps) {
    const [left, right] = [plot.valToPos(from, 'x', true), plot.valToPos(to, 'x', true)];
    const start = Math.max(left, bbox.left);
    const width = Math.min(right, bbox.left + bbox.width) - start;
    // A short gap is seen as well.
    if (width >= 0) ctx.fillRect(start, bbox.top, Math.max(width, 2), bbox.height);
  }
  ctx.restore();
}

function drawMarks(plot: uPlot, { marks = [] }: ChartData, colour: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.setLineDash([2, 3]);
  for (const at of marks) {
    const x = Math.round(plot.valToPos(at, 'x', true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

/** The axis with its marks, and a little room beside them; as it is zoomed to where there are none. */
function rangeOf(chart: ChartData, low: number, high: number): [number, number] {
  const { times, marks = [] } = chart;
  const isWhole = low === times?.[0] && high === times.at(-1);
  if (marks.length === 0 || !isWhole) return [low, high];
  const [first, last] = [Math.min(low, ...marks), Math.max(high, ...marks)];
  const room = Math.max((last - first) * 0.02, 1);
  return [first - room, last + room];
}

/** Where a value stands that has none beside it. */
const lonePoints: uPlot.Series.Points.Filter = (plot, series) => {
  const values = plot.data[series] ?? [];
  return [...values.keys()].filter(
    (index) => values[index] != null && values[index - 1] == null && values[index + 1] == null,
  );
};
