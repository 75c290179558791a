/**
 * Where a metric comes from: AWS/RDS in CloudWatch, the engine's own counters sampled by the tap, or
 * the statements that the capture itself recorded.
 */
export type MetricOrigin = 'cloudwatch' | 'server' | 'workload';

/** Units as CloudWatch spells them; `None` is a plain number. */
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
  /** null for a metric that we know by name only: GetMetricData returns no units. */
  readonly unit: MetricUnit | null;
  /** Whether it is the low values that are bad news: free memory, hit rates. */
  readonly lowIsBad: boolean;
}

function cloudWatch(
  label: string,
  type: string,
  unit: MetricUnit,
  direction: 'high' | 'low' = 'high',
): MetricDescription {
  return {
    origin: 'cloudwatch',
    label,
    type,
    displayName: type,
    unit,
    lowIsBad: direction === 'low',
  };
}

/**
 * What is fetched unless somebody asks otherwise; names and units from
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html. The first seven are those
 * of the reference API, in its spelling.
 */
export const CLOUDWATCH_METRICS: readonly MetricDescription[] = [
  cloudWatch('CPUUtilization', 'CPU UTILIZATION', 'Percent'),
  cloudWatch('ReadIOPS', 'READ IOPS', 'Count/Second'),
  cloudWatch('WriteIOPS', 'WRITE IOPS', 'Count/Second'),
  cloudWatch('FreeableMemory', 'FREEABLE MEMORY', 'Bytes', 'low'),
  cloudWatch('ReadThroughput', 'READ THROUGHPUT', 'Bytes/Second'),
  cloudWatch('WriteThroughput', 'WRITE THROUGHPUT', 'Bytes/Second'),
  cloudWatch('FreeStorageSpace', 'FREE STORAGE', 'Bytes', 'low'),
  cloudWatch('DatabaseConnections', 'CONNECTIONS', 'Count'),
  cloudWatch('ReadLatency', 'READ LATENCY', 'Seconds'),
  cloudWatch('WriteLatency', 'WRITE LATENCY', 'Seconds'),
  cloudWatch('DiskQueueDepth', 'DISK QUEUE', 'Count'),
  cloudWatch('SwapUsage', 'SWAP USAGE', 'Bytes'),
  cloudWatch('ReplicaLag', 'REPLICA LAG', 'Seconds'),
  cloudWatch('DBLoad', 'DB LOAD', 'None'),
  cloudWatch('DBLoadCPU', 'DB LOAD CPU', 'None'),
  cloudWatch('DBLoadNonCPU', 'DB LOAD WAITING', 'None'),
  cloudWatch('NetworkReceiveThroughput', 'NETWORK IN', 'Bytes/Second'),
  cloudWatch('NetworkTransmitThroughput', 'NETWORK OUT', 'Bytes/Second'),
  cloudWatch('BinLogDiskUsage', 'BINLOG DISK USAGE', 'Bytes'),
  cloudWatch('BurstBalance', 'BURST BALANCE', 'Percent', 'low'),
];

/** Metrics that are asked for by name only, with the units that AWS documents. */
const FURTHER_UNITS: Readonly<Record<string, MetricUnit>> = {
  CPUCreditUsage: 'Count',
  CPUCreditBalance: 'Count',
  CPUSurplusCreditBalance: 'Count',
  'EBSIOBalance%': 'Percent',
  'EBSByteBalance%': 'Percent',
  DiskQueueDepthLogVolume: 'Count',
  FreeLocalStorage: 'Bytes',
  FreeStorageSpaceLogVolume: 'Bytes',
  ReadIOPSLocalStorage: 'Count/Second',
  WriteIOPSLocalStorage: 'Count/Second',
  ReadLatencyLocalStorage: 'Seconds',
  WriteLatencyLocalStorage: 'Seconds',
  ReadThroughputLocalStorage: 'Bytes/Second',
  WriteThroughputLocalStorage: 'Bytes/Second',
  DBLoadRelativeToNumVCPUs: 'None',
  ConnectionAttempts: 'Count',
};
const LOW_IS_BAD = /^Free|Balance(%|$)/;

/** Describes any metric of AWS/RDS by its name; one that nobody knows gets words from its name. */
export function describeCloudWatchMetric(label: string): MetricDescription {
  const known = CLOUDWATCH_METRICS.find((metric) => metric.label === label);
  if (known !== undefined) return known;
  const type = wordsOf(label);
  return {
    origin: 'cloudwatch',
    label,
    type,
    displayName: type,
    unit: FURTHER_UNITS[label] ?? null,
    lowIsBad: LOW_IS_BAD.test(label),
  };
}

/** `AuroraReplicaLag` → `AURORA REPLICA LAG`, `DBLoadCPU` → `DB LOAD CPU`. */
function wordsOf(label: string): string {
  return label
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toUpperCase();
}

/** The capture's own workload, counted while it is recorded: on the same axis as everything else. */
export const WORKLOAD_METRICS: readonly MetricDescription[] = [
  {
    origin: 'workload',
    label: 'Statements',
    type: 'RECORDED STATEMENTS',
    displayName: 'RECORDED STATEMENTS',
    unit: 'Count/Second',
    lowIsBad: false,
  },
  {
    origin: 'workload',
    label: 'Sessions',
    type: 'ACTIVE SESSIONS',
    displayName: 'ACTIVE SESSIONS',
    unit: 'Count',
    lowIsBad: false,
  },
];

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
