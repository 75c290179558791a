import type { MetricUnit } from '../core/metrics/metric.ts';
import { formatScaled, scaleFor } from './metrics-units.ts';

/** A value in its unit, as charts of metrics have it: `41.2/s`, `1.8ms`, `3.2 GiB`. */
export function valueText(value: number, unit: MetricUnit | null): string {
  const scale = scaleFor(unit, value);
  const gap = unit === 'Percent' || unit?.startsWith('Bytes') === true ? ' ' : '';
  return `${formatScaled(value, scale)}${gap}${scale.unit}`;
}
