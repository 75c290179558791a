import type { MetricDescription } from './metric.ts';
import type { MetricSeries } from './metric-source.ts';

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

/** What a capture recorded in one bucket of time, by the server's time of the statements. */
export interface WorkloadRate {
  /** Start of the bucket: milliseconds since the epoch, a multiple of `WORKLOAD_BUCKET_MS`. */
  readonly at: number;
  readonly statements: number;
  /** Distinct sessions that said something. */
  readonly sessions: number;
}

/** Ten seconds: the tens digit of a timestamp's seconds, which is why counting costs next to nothing. */
export const WORKLOAD_BUCKET_MS = 10_000;

/**
 * The capture's workload as series. A bucket in which nothing was recorded is a true 0 from the start
 * of the window until `until`; the first and the last bucket count only for the part that is in it.
 * @param until the end of the window, or how far the record has come.
 */
export function workloadSeries(
  rates: readonly WorkloadRate[],
  start: number,
  until: number,
): MetricSeries[] {
  const byTime = new Map(rates.map((entry) => [entry.at, entry]));
  const times: number[] = [];
  const statements: number[] = [];
  const sessions: number[] = [];
  const first = Math.floor(start / WORKLOAD_BUCKET_MS) * WORKLOAD_BUCKET_MS;
  for (let at = first; at < until; at += WORKLOAD_BUCKET_MS) {
    const from = Math.max(at, start);
    const seconds = (Math.min(at + WORKLOAD_BUCKET_MS, until) - from) / 1_000;
    // Too short a piece says nothing: ten statements in its 5 ms are not 2,000 a second.
    if (seconds < Math.min(1, (until - start) / 2_000)) continue;
    const entry = byTime.get(at);
    times.push(from);
    statements.push((entry?.statements ?? 0) / seconds);
    sessions.push(entry?.sessions ?? 0);
  }
  return WORKLOAD_METRICS.map((metric, index) => ({
    metric,
    period: WORKLOAD_BUCKET_MS,
    reach: WORKLOAD_BUCKET_MS,
    end: until,
    tracks: ['Maximum', 'Average'].map((statistic) => ({
      label: metric.label,
      statistic,
      times,
      values: index === 0 ? statements : sessions,
    })),
  }));
}
