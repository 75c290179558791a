import type { MetricUnit } from '../core/metrics/metric.ts';

/** One line of a chart. */
interface ChartLine {
  /** Safe to show; empty where the chart has one line alone. */
  readonly name: string;
  /** One a step; null for a gap. */
  readonly values: readonly (number | null)[];
}

/** A chart as the page draws it. */
export interface ChartData {
  readonly title: string;
  /** Instants in UTC, or time since the start of each window. */
  readonly axis: 'clock' | 'elapsed';
  /** Whose clock the axis shows; absent: UTC. */
  readonly clock?: 'viewer';
  readonly unit: MetricUnit;
  /** Seconds since the epoch, or 0, at which the first step begins. */
  readonly from: number;
  /** Seconds. */
  readonly step: number;
  /** When each value is, in the axis' seconds; absent where they are at even steps. */
  readonly times?: readonly number[];
  readonly lines: readonly ChartLine[];
  /** Parts of the axis in which something may be missing, in its seconds. */
  readonly gaps: readonly (readonly [from: number, to: number])[];
  /** Instants that a line marks, in its seconds; absent where there are none. */
  readonly marks?: readonly number[];
}
