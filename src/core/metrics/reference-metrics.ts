import type { MetricUnit } from './metric.ts';
import { dataPoints, type DataPoint } from './metric-series.ts';
import type { MetricSeries, TimeWindow } from './metric-source.ts';

/** A metric as the reference API has it. */
export interface ReferenceMetric {
  readonly label: string;
  readonly type: string;
  readonly displayName: string;
  readonly dataPoints: readonly ReferencePoint[];
}

/** Its data point first, then every other statistic there is, by its name. */
export interface ReferencePoint {
  readonly Timestamp: string;
  readonly Maximum: number | null;
  readonly Unit: MetricUnit | null;
  readonly [statistic: string]: number | string | null;
}

/** @param window what its points are taken of. */
export function referenceMetric(series: MetricSeries, window: TimeWindow): ReferenceMetric {
  const { label, type, displayName } = series.metric;
  const points = dataPoints(series, window).map((point) => referencePoint(series, point));
  return { label, type, displayName, dataPoints: points };
}

export function referencePoint(
  { metric }: MetricSeries,
  { at, values }: DataPoint,
): ReferencePoint {
  const others = [...values].filter(([statistic]) => statistic !== 'Maximum');
  return {
    Timestamp: new Date(at).toISOString(),
    Maximum: values.get('Maximum') ?? null,
    Unit: metric.unit,
    ...Object.fromEntries(others),
  };
}
