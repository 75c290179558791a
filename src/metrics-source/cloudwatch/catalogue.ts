import type { MetricDescription, MetricUnit } from '../../core/metrics/metric.ts';

function cloudWatch(
  label: string,
  type: string,
  unit: MetricUnit,
  direction: 'high' | 'low' = 'high',
): MetricDescription {
  return {
    origin: 'provider',
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
    origin: 'provider',
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
