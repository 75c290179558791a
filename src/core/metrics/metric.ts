/**
 * Where a metric comes from: the provider of the server publishes it, the tap samples the server's own
 * counters, or the capture counts what it records.
 */
export type MetricOrigin = 'provider' | 'server' | 'workload';

/** Units as the reference API spells them; `None` is a plain number. */
export type MetricUnit =
  'Percent' | 'Count' | 'Count/Second' | 'Bytes' | 'Bytes/Second' | 'Seconds' | 'None';

/** What is known of a metric without asking anybody. */
export interface MetricDescription {
  readonly origin: MetricOrigin;
  /** The name that its publisher gives it. */
  readonly label: string;
  /** Our words for it, in capitals; unique within an origin. */
  readonly type: string;
  readonly displayName: string;
  /** null for a metric that is known by name only. */
  readonly unit: MetricUnit | null;
  /** Whether it is the low values that are bad news: free memory, hit rates. */
  readonly lowIsBad: boolean;
}

/**
 * Whether `asked`, as somebody typed it, means this metric: its label or its type, in any case, with
 * or without the spaces.
 */
export function isMetricNamed(metric: MetricDescription, asked: string): boolean {
  const key = nameKey(asked);
  return nameKey(metric.label) === key || nameKey(metric.type) === key;
}

function nameKey(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]/g, '');
}
