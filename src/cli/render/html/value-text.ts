import type { MetricUnit } from '../../../core/metrics/metric.ts';
import { formatScaled, scaleFor } from '../charts/metrics-units.ts';

/** `1,234/s`-like text of a value in its unit: `41.2/s`, `1.8 ms`, `3.2 GiB`. */
export function valueText(value: number, unit: MetricUnit | null): string {
  const scale = scaleFor(unit, value);
  const gap = scale.unit === '' || scale.unit.startsWith('/') ? '' : ' ';
  return `${formatScaled(value, scale)}${gap}${scale.unit}`;
}

/** `41.2/s` */
export function rateText(perSecond: number): string {
  return valueText(perSecond, 'Count/Second');
}

/** `1.8 ms` */
export function timeText(ms: number): string {
  return valueText(ms / 1_000, 'Seconds');
}

/** `12.3 %` */
export function shareText(share: number): string {
  return share > 0 && share < 0.0005 ? '<0.1 %' : `${(share * 100).toFixed(1)} %`;
}
