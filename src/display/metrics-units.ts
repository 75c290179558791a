import type { MetricUnit } from '../core/metrics/metric.ts';

/** A unit as shown, and the divisor that converts a value to it. */
export interface Scale {
  readonly unit: string;
  readonly divisor: number;
  /** All units of this kind, the smallest first: for a value that would be shown as 0 in this one. */
  readonly kind: readonly Unit[];
  /** What follows each of these units: `/s`. */
  readonly suffix: string;
}

type Unit = Pick<Scale, 'unit' | 'divisor'>;

const KIB = 1_024;
const BYTES: readonly Unit[] = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'].map((unit, power) => ({
  unit,
  divisor: KIB ** power,
}));
const TIMES: readonly Unit[] = [
  { unit: 'µs', divisor: 1e-6 },
  { unit: 'ms', divisor: 1e-3 },
  { unit: 's', divisor: 1 },
];
const COUNTS: readonly Unit[] = ['', 'k', 'M', 'G', 'T'].map((unit, power) => ({
  unit,
  divisor: 1_000 ** power,
}));
/** Up to here a plain number is as short as one with a prefix. */
const LARGEST_PLAIN = 9_999.5;

/**
 * The scale in which these values of a metric are shown; one for all numbers of a row or a chart, so that
 * they can be compared. A value that would be shown as 0 in it gets its own unit.
 */
export function scaleFor(unit: MetricUnit | null, ...values: number[]): Scale {
  const size = Math.max(0, ...values.map(Math.abs));
  switch (unit) {
    case 'Percent':
      return fitting([{ unit: '%', divisor: 1 }], size);
    case 'Bytes':
      return fitting(BYTES, size);
    case 'Bytes/Second':
      return fitting(BYTES, size, '/s');
    case 'Seconds':
      return fitting(TIMES, size === 0 ? 1 : size);
    case 'Count/Second':
      return fitting(COUNTS, size <= LARGEST_PLAIN ? 1 : size, '/s');
    case 'Count':
    case 'None':
    case null:
      return fitting(COUNTS, size <= LARGEST_PLAIN ? 1 : size);
  }
}

function fitting(kind: readonly Unit[], size: number, suffix = ''): Scale {
  const found = kind.filter(({ divisor }) => size >= divisor * 0.9995).at(-1) ?? kind[0];
  return { unit: `${found?.unit ?? ''}${suffix}`, divisor: found?.divisor ?? 1, kind, suffix };
}

/** Anything smaller is 0 with three decimals. */
const NOTHING = 0.0005;
const MOST = 999_999_999;

/** A number with three digits that count, and never with an exponent: `0`, `0.067`, `3.14`, `42.5`, `1234`. */
function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (size > MOST) return value < 0 ? `<-${MOST}` : `>${MOST}`;
  if (Number.isInteger(value)) return String(value + 0);
  if (size < NOTHING) return value < 0 ? '>-0.001' : '<0.001';
  const digits = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
  return value.toFixed(digits);
}

/** A value in a scale; axes pass `decimals`, because all their labels have the same number. */
export function formatScaled(value: number, scale: Scale, decimals: number | null = null): string {
  const scaled = value / scale.divisor;
  if (decimals === null) {
    const isNothing = value !== 0 && Math.abs(scaled) < NOTHING;
    const own = isNothing ? fitting(scale.kind, Math.abs(value), scale.suffix) : scale;
    if (own.divisor === scale.divisor) return formatNumber(scaled);
    return `${formatNumber(value / own.divisor)}${own.unit}`;
  }
  // No axis has a "-0".
  return scaled.toFixed(decimals).replace(/^-(0(\.0*)?)$/, '$1');
}
