import { formatScaled, type Scale } from '../../../display/metrics-units.ts';

/** A value axis: the rows of a chart from `low` at the bottom to `high` at the top. */
export interface ValueAxis {
  readonly low: number;
  readonly high: number;
  /** Label of each row from the bottom; null for a row without one. */
  readonly labels: readonly (string | null)[];
}

const ROUND_STEPS = [1, 2, 2.5, 5, 10];

/**
 * An axis whose labelled rows are round numbers in the scale, and true: a label stands at the row that
 * its value would be drawn in. It begins at zero unless the values are all far away from it.
 * @param rows at least 3; every `every`th one has a label, so `(rows - 1) % every` must be 0.
 */
export function valueAxis(
  min: number,
  max: number,
  scale: Scale,
  rows: number,
  every: number,
): ValueAxis {
  const intervals = (rows - 1) / every;
  const top = unlessTiny(max / scale.divisor);
  const bottom = unlessTiny(min / scale.divisor);
  const isFarFromZero = min < max && bottom > top / 2;
  const from = isFarFromZero ? bottom : Math.min(bottom, 0);
  const to = Math.max(top, 0);
  const range = to - from || Math.abs(to) || 1;
  // What differs by less than the doubles can hold is a constant.
  const least = Math.max(Math.abs(to), Math.abs(from)) * 1e-12;
  let step = roundUp(Math.max(range / intervals, least));
  let low = Math.floor(from / step + 1e-9) * step;
  while (low + step * intervals < to - step * 1e-9) {
    step = roundUp(step * 1.0001);
    low = Math.floor(from / step + 1e-9) * step;
  }
  const decimals = decimalsOf(step);
  const labels = Array.from({ length: rows }, (_, row) =>
    row % every === 0
      ? formatScaled(low + (row / every) * step, { ...scale, divisor: 1 }, decimals)
      : null,
  );
  return {
    low: low * scale.divisor,
    high: (low + step * intervals) * scale.divisor,
    labels,
  };
}

/** Smaller values are drawn as zero: a double cannot divide steps of them. */
function unlessTiny(value: number): number {
  return Math.abs(value) < 1e-9 ? 0 : value;
}

/** The next of 1, 2, 2.5, 5 times a power of ten that is not smaller. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = ROUND_STEPS.find((step) => step * power >= value * (1 - 1e-9)) ?? 10;
  return factor * power;
}

function decimalsOf(step: number): number {
  for (let decimals = 0; decimals < 12; decimals += 1) {
    const scaled = step * 10 ** decimals;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * Math.max(scaled, 1)) return decimals;
  }
  return 12;
}

export interface TimeTick {
  /** From 0, in columns of the plot. */
  readonly column: number;
  readonly label: string;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TIME_STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 28, 91, 182, 364].map((n) => n * DAY),
];

/**
 * Ticks at round times of the wall clock, as many as have room.
 * @param wallClock what the clock shows at an instant, as if that were UTC; identity shows elapsed
 *   time where `from` is negative or 0.
 */
export function timeTicks(
  from: number,
  to: number,
  columns: number,
  wallClock: (at: number) => number,
  label: (wall: number, step: number) => string,
): TimeTick[] {
  const length = to - from;
  if (length <= 0) return [];
  for (const step of TIME_STEPS) {
    const widest = label(wallClock(from), step).length;
    if ((step / length) * columns < widest + 2) continue;
    const ticks: TimeTick[] = [];
    // The offset of the zone may change on the way: each tick is looked up by itself.
    const first = Math.ceil(wallClock(from) / step) * step;
    for (let wall = first; wall <= wallClock(to); wall += step) {
      const at = from + (wall - wallClock(from));
      const actual = at - (wallClock(at) - wall);
      const column = Math.floor(((actual - from) / length) * columns);
      if (column < 0 || column >= columns) continue;
      if (wallClock(actual) !== wall || ticks.at(-1)?.column === column) continue;
      ticks.push({ column, label: label(wall, step) });
    }
    return ticks;
  }
  return [];
}
