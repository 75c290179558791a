import { dataPoints, type DataPoint } from '../../../core/metrics/metric-series.ts';
import type { MetricSeries, TimeWindow } from '../../../core/metrics/metric-source.ts';
import { referenceMetric, referencePoint } from '../../../core/metrics/reference-metrics.ts';
import type { Noun } from '../column.ts';

/** One metric of a report, with the window that data covers: the capture's own, exactly. */
export interface MetricData {
  readonly series: MetricSeries;
  readonly window: TimeWindow;
}

/** One data point of a metric, for spreadsheets: a row each. */
interface MetricPointRow {
  readonly series: MetricSeries;
  readonly point: DataPoint;
}

/** A metric as the reference API has it: `{label, type, displayName, dataPoints}`. */
export const metricNoun: Noun<MetricData> = {
  fields: ['label', 'type', 'displayName', 'dataPoints'],
  toJson: ({ series, window }) => ({ ...referenceMetric(series, window) }),
  reference: ({ series }) => series.metric.label,
  none: 'No metrics.',
};

/** Long form: one row a data point, ready for a pivot table. */
export function metricPointNoun(statistics: readonly string[]): Noun<MetricPointRow> {
  return {
    fields: ['label', 'type', 'displayName', 'Timestamp', 'Maximum', 'Unit', ...statistics],
    toJson: ({ series, point }) => ({
      label: series.metric.label,
      type: series.metric.type,
      displayName: series.metric.displayName,
      ...referencePoint(series, point),
    }),
    reference: ({ series }) => series.metric.label,
    none: 'No metrics.',
  };
}

/** The rows of the long form, metric by metric, ascending in time. */
export function pointRows(data: readonly MetricData[]): MetricPointRow[] {
  return data.flatMap(({ series, window }) =>
    dataPoints(series, window).map((point) => ({ series, point })),
  );
}
