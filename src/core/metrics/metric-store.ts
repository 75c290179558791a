import type { CounterSample, MetricTrack, TimeWindow } from './metric-source.ts';
import type { WorkloadRate } from './workload-metrics.ts';

/** How far the fetching of one capture's metrics from their provider has come. */
export interface MetricFetch {
  readonly captureId: number;
  /** What was fetched last; null before the first success. */
  readonly fetched: {
    readonly window: TimeWindow;
    readonly period: number;
    readonly at: number;
  } | null;
  /** When to fetch (again); null when nothing more will come. */
  readonly nextAt: number | null;
  /** Failures in a row. */
  readonly failures: number;
  /** Why the last attempt failed; null when it did not. */
  readonly failure: string | null;
}

/** What the store keeps of metrics. Everything of a capture goes when the capture is deleted. */
export interface MetricTable {
  /** null for a capture that nobody has to fetch for, or that is not over. */
  findFetch(captureId: number): MetricFetch | null;
  /**
   * Captures whose metrics are to be fetched at or before `now`, the one due first first; also those that
   * were put off by a clock that was ahead.
   */
  listDue(now: number, limit: number): number[];
  /** When the next of them is due; null when none is. */
  nextDue(now: number): number | null;
  /** Replaces what is known of the fetching, and the tracks given; other tracks stay. */
  saveFetch(fetch: MetricFetch, tracks: readonly MetricTrack[]): void;
  /** Tracks of the provider; one that was asked for and had no points is there without points. */
  tracksOf(captureId: number): MetricTrack[];

  /** Adds one sample of the server's counters to each of these captures. */
  addSample(captureIds: readonly number[], sample: CounterSample): void;
  /** Ascending in time. */
  samplesOf(captureId: number): CounterSample[];
  /** Stores the samples of a capture that is over as compactly as can be. */
  packSamples(captureId: number): void;

  /** Ascending in time. */
  ratesOf(captureId: number): WorkloadRate[];

  sizeOf(captureId: number): number;
}
