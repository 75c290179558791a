import { plot } from 'asciichart';
import type { Cell } from '../../../core/metrics/metric-series.ts';
import type { TimeTick, ValueAxis } from './chart-axes.ts';
import type { Paint, Tone } from '../paint.ts';
import { truncate } from '../width.ts';

/** One line of a chart: a value a column, null for a gap. */
interface ChartLine {
  readonly values: readonly (number | null)[];
  readonly tone: Tone | null;
}

export interface Chart {
  readonly title: string;
  /** Drawn in this order; each has glyphs of its own, so that colour is never needed. */
  readonly lines: readonly ChartLine[];
  readonly axis: ValueAxis;
  readonly ticks: readonly TimeTick[];
  /** Columns at which something happened: drawn as a dotted line behind the data, with a word. */
  readonly marks: readonly { readonly column: number; readonly label: string }[];
  readonly columns: number;
  /** Columns of the value labels; the same for all charts of a screen. */
  readonly labelWidth: number;
}

type Symbols = [string, string, string, string, string, string, string, string, string, string];
// What asciichart draws with: axis twice, ends twice, then ─ ╰ ╭ ╮ ╯ │.
const GLYPHS: readonly Symbols[] = [
  ['─', '─', '─', '─', '─', '╰', '╭', '╮', '╯', '│'],
  ['═', '═', '═', '═', '═', '╚', '╔', '╗', '╝', '║'],
];
const ASCII_GLYPHS: readonly Symbols[] = [
  ['-', '-', '-', '-', '-', '`', '.', '.', "'", '|'],
  ['*', '*', '*', '*', '*', '*', '*', '*', '*', '*'],
];
const FRAME = { axis: '│', tick: '┤', corner: '└', floor: '─', timeTick: '┬', mark: '┊' };
const ASCII_FRAME = { axis: '|', tick: '+', corner: '+', floor: '-', timeTick: '+', mark: ':' };

/** The value to draw in each column: the worst of the cell, so that every spike is seen. */
export function lineValues(cells: readonly (Cell | null)[], lowIsBad: boolean): (number | null)[] {
  return cells.map((cell) => (cell === null ? null : lowIsBad ? cell.min : cell.max));
}

/** Draws a chart: title, plot with value labels, time axis, and what the marks are. */
export function renderChart(chart: Chart, options: { ascii: boolean; paint: Paint }): string {
  const { ascii, paint } = options;
  const frame = ascii ? ASCII_FRAME : FRAME;
  const { axis, columns, labelWidth } = chart;
  const rows = axis.labels.length;
  const canvas = Array.from({ length: rows }, () => new Array<string>(columns).fill(' '));
  for (const { column } of chart.marks) {
    for (const row of canvas)
      if (column >= 0 && column < columns) row[column] = paint('dim', frame.mark);
  }
  for (const [index, line] of chart.lines.entries()) {
    const symbols = (ascii ? ASCII_GLYPHS : GLYPHS)[index] ?? GLYPHS[0];
    if (symbols !== undefined) drawLine(canvas, line, axis, symbols, paint);
  }
  const body = canvas.map((row, fromTop) => {
    const label = axis.labels[rows - 1 - fromTop] ?? null;
    const left = (label ?? '').padStart(labelWidth);
    const edge = label === null ? frame.axis : frame.tick;
    return `${paint('dim', `${left} ${edge}`)}${row.join('')}`.trimEnd();
  });
  const floor = Array.from({ length: columns }, (_, column) =>
    chart.ticks.some((tick) => tick.column === column) ? frame.timeTick : frame.floor,
  );
  const indent = ' '.repeat(labelWidth + 1);
  const foot = [
    paint('dim', `${indent}${frame.corner}${floor.join('')}`),
    paint('dim', `${indent} ${placed(chart.ticks, columns)}`.trimEnd()),
  ];
  const marks = placed(chart.marks, columns, ascii ? '^' : '↑').trimEnd();
  if (marks !== '') foot.push(paint('dim', `${indent} ${marks}`));
  const title = paint('strong', truncate(chart.title, labelWidth + 2 + columns));
  return `${[title, ...body, ...foot].join('\n')}\n`;
}

/**
 * asciichart draws the line, a run between two gaps at a time: it knows no gaps, counts null as 0 and
 * leaves out the last value of a run. Its values are rows, so that its own scale has nothing to round.
 */
function drawLine(
  canvas: string[][],
  line: ChartLine,
  axis: ValueAxis,
  symbols: Symbols,
  paint: Paint,
): void {
  const top = canvas.length - 1;
  const range = axis.high - axis.low;
  const rowOf = (value: number): number =>
    Math.min(Math.max(Math.round(((value - axis.low) / range) * top), 0), top);
  for (const { start, values } of runs(line.values)) {
    const heights = values.map(rowOf);
    const text = plot([...heights, heights.at(-1) ?? 0], {
      min: 0,
      max: top,
      height: top,
      offset: 1,
      format: () => ' ',
      symbols,
    });
    for (const [fromTop, row] of text.split('\n').entries()) {
      // The first column is asciichart's axis.
      for (const [index, character] of Array.from(row).slice(1).entries()) {
        const target = canvas[fromTop];
        if (character === ' ' || target === undefined || start + index >= target.length) continue;
        target[start + index] = line.tone === null ? character : paint(line.tone, character);
      }
    }
  }
}

function runs(values: readonly (number | null)[]): { start: number; values: number[] }[] {
  const found: { start: number; values: number[] }[] = [];
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    if (index > 0 && values[index - 1] !== null) found.at(-1)?.values.push(value);
    else found.push({ start: index, values: [value] });
  }
  return found;
}

/** Labels at their columns in one line; one that would touch the one before it is left out. */
export function placed(
  labels: readonly { readonly column: number; readonly label: string }[],
  columns: number,
  pointer = '',
): string {
  let line = '';
  const sorted = [...labels].sort((a, b) => a.column - b.column);
  for (const { column, label } of sorted) {
    if (column < 0 || column >= columns) continue;
    const text = pointer === '' ? label : `${pointer}${label}`;
    // One that would stick out goes to the left of its place.
    const isOut = column + text.length > columns;
    const start = isOut && pointer !== '' ? column - label.length : column;
    const shown = isOut && pointer !== '' ? `${label}${pointer}` : text;
    if (start < 0 || start + shown.length > columns) continue;
    if (line !== '' && start < line.length + 1) continue;
    line = line.padEnd(start) + shown;
  }
  return line;
}
