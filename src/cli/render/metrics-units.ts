import type { MetricUnit } from '../../core/metric-catalogue.ts';

/** A unit as people read it, and what a value is divided by to be shown in it. */
export interface Scale {
  readonly unit: string;
  readonly divisor: number;
}

const KIB = 1_024;
const BYTES: readonly Scale[] = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'].map((unit, power) => ({
  unit,
  divisor: KIB ** power,
}));
const TIMES: readonly Scale[] = [
  { unit: 'µs', divisor: 1e-6 },
  { unit: 'ms', divisor: 1e-3 },
  { unit: 's', divisor: 1 },
];
const COUNTS: readonly Scale[] = ['', 'k', 'M', 'G', 'T'].map((unit, power) => ({
  unit,
  divisor: 1_000 ** power,
}));
/** Up to here a plain number is as short as one with a prefix. */
const LARGEST_PLAIN = 9_999.5;

/**
 * The scale in which values up to `largest` (in size) of a metric are shown; one for all numbers of a
 * row or a chart, so that they can be compared.
 */
export function scaleFor(unit: MetricUnit | null, largest: number): Scale {
  const size = Math.abs(largest);
  switch (unit) {
    case 'Percent':
      return { unit: '%', divisor: 1 };
    case 'Bytes':
      return fitting(BYTES, size);
    case 'Bytes/Second': {
      const scale = fitting(BYTES, size);
      return { ...scale, unit: `${scale.unit}/s` };
    }
    case 'Seconds':
      return size === 0 ? { unit: 's', divisor: 1 } : fitting(TIMES, size);
    case 'Count/Second': {
      const scale = size <= LARGEST_PLAIN ? { unit: '', divisor: 1 } : fitting(COUNTS, size);
      return { ...scale, unit: `${scale.unit}/s` };
    }
    case 'Count':
    case 'None':
    case null:
      return size <= LARGEST_PLAIN ? { unit: '', divisor: 1 } : fitting(COUNTS, size);
  }
}

/** The largest scale in which the value is at least 1. */
function fitting(scales: readonly Scale[], size: number): Scale {
  const found = scales.filter(({ divisor }) => size >= divisor * 0.9995).at(-1) ?? scales[0];
  return found ?? { unit: '', divisor: 1 };
}

/**
 * A number with three digits that count, never more than seven characters: `0`, `0.067`, `3.14`,
 * `42.5`, `1234`, `1.2e-6`.
 */
function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (size < 99_999.5 && Number.isInteger(value)) return String(value + 0);
  if (size < 0.0005) return shortExponent(value);
  if (size >= 99_999.5) return shortExponent(value);
  const digits = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
  return value.toFixed(digits);
}

function shortExponent(value: number): string {
  return value.toExponential(1).replace('e+', 'e').replace('.0e', 'e');
}

/** A value in a scale, with so many decimals (for axes, whose labels all have the same). */
export function formatScaled(value: number, scale: Scale, decimals: number | null = null): string {
  const scaled = value / scale.divisor;
  if (decimals === null) return formatNumber(scaled);
  // No axis has a "-0".
  return scaled.toFixed(decimals).replace(/^-(0(\.0*)?)$/, '$1');
}
