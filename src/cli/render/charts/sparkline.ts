import type { Cell } from '../../../core/metrics/metric-series.ts';

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
// Rising ink: what a terminal without Unicode can show of a height.
const ASCII_BARS = ['_', '.', '-', '=', 'o', 'O', '#', '@'];

interface SparklineOptions {
  /** What the lowest and the highest bar stand for. */
  readonly low: number;
  readonly high: number;
  readonly lowIsBad: boolean;
  readonly ascii: boolean;
}

/**
 * One character a cell: its height is the cell's worst value, the highest one or, where low is bad,
 * the lowest. A gap is a space.
 */
export function sparkline(cells: readonly (Cell | null)[], options: SparklineOptions): string {
  const bars = options.ascii ? ASCII_BARS : BARS;
  const { low, high, lowIsBad } = options;
  return cells
    .map((cell) => {
      if (cell === null) return ' ';
      const value = lowIsBad ? cell.min : cell.max;
      const share = high > low ? (value - low) / (high - low) : value > 0 ? 1 : 0;
      const step = Math.ceil(Math.min(Math.max(share, 0), 1) * (bars.length - 1) - 1e-9);
      return bars[step] ?? ' ';
    })
    .join('');
}

/**
 * What a sparkline's heights are measured from: zero, so that a flat line looks flat; the lowest value
 * only where there are negative ones.
 */
export function sparklineRange(cells: readonly (Cell | null)[]): { low: number; high: number } {
  let low = 0;
  let high = 0;
  for (const cell of cells) {
    if (cell === null) continue;
    low = Math.min(low, cell.min);
    high = Math.max(high, cell.max);
  }
  return { low, high };
}
