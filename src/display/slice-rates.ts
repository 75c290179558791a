import type { Report } from '../core/reports/report.ts';
import type { SliceAxis } from '../core/reports/tally.ts';

/** A window on an axis of slices; milliseconds since the epoch. */
export interface DrawnWindow {
  readonly axis: SliceAxis;
  readonly from: number;
  readonly to: number;
}

/** The window of a report, on its axis; null where there is nothing to draw. */
export function drawnWindow({ axis, window }: Pick<Report, 'axis' | 'window'>): DrawnWindow | null {
  if (window.from === null || window.to === null || axis.count === 0) return null;
  const from = Date.parse(window.from);
  const to = Date.parse(window.to);
  return to > from ? { axis, from, to } : null;
}

/**
 * Slices brought to so many columns of equal length, as statements/s. What lies in a slice is spread evenly
 * over the part of it that is in the window.
 */
export function columnRates(
  slices: readonly number[],
  { axis, from, to }: DrawnWindow,
  columns: number,
): number[] {
  const length = (to - from) / columns;
  const sums = new Array<number>(columns).fill(0);
  for (const [index, count] of slices.entries()) {
    if (count === 0) continue;
    const begin = axis.from + index * axis.width;
    // Times may be a little outside of the window: those count in the column at its edge.
    const left = Math.min(Math.max(begin, from), to - length / 2);
    const right = Math.max(Math.min(begin + axis.width, to), left + 1e-3);
    const first = Math.min(Math.floor((left - from) / length), columns - 1);
    const last = Math.min(Math.max(Math.ceil((right - from) / length) - 1, first), columns - 1);
    for (let column = first; column <= last; column++) {
      const overlap =
        Math.min(right, from + (column + 1) * length) - Math.max(left, from + column * length);
      const share = first === last ? 1 : Math.max(overlap, 0) / (right - left);
      sums[column] = (sums[column] ?? 0) + count * share;
    }
  }
  return sums.map((sum) => (sum * 1_000) / length);
}
