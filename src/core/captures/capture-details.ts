import type { Outside } from '../outside.ts';
import type { Recycled } from '../warm-ups/source-sessions.ts';
import type { ListedCapture, Recording } from '../store.ts';
import type { ValueCounts } from '../verification/value-counts.ts';
import type { WarmUp } from '../warm-ups/warm-up.ts';
import type { Gap } from '../workloads/gaps.ts';
import type { ImportOrigin } from '../workloads/transfer.ts';
import type { WorkloadFile, WorkloadFiles } from '../workloads/workload-files.ts';
import { committedCounters, committedFacts } from '../workloads/committed.ts';

/** What is known of a recording besides its size. */
export interface RecordedFacts {
  readonly statements: number;
  readonly sessions: number;
  readonly byKind: Readonly<Record<string, number>>;
  readonly byFlag: Readonly<Record<string, number>>;
  /** Rows of the server's log that are no record of this capture, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  /** How many of those rows are statements to run, and how many sessions a sample left out. */
  readonly leftOut: { readonly statements: number; readonly sessions: number };
  /** Executes with and without values; null where an older version counted some of them. */
  readonly values: ValueCounts | null;
  readonly server: {
    readonly flavor: string;
    readonly version: string;
    readonly hostname: string;
    readonly port: number;
  } | null;
  readonly gaps: readonly Gap[];
  readonly warnings: readonly string[];
  /** Why the server could not have switched its log off by itself; null where it could. */
  readonly deadManObstacle: string | null;
  /** Sessions that were ended at its start; null where that was not asked for, or has not begun. */
  readonly recycled: Recycled | null;
  /** Where it was recorded; null where this store did. */
  readonly imported: ImportOrigin | null;
  readonly folder: string;
  readonly files: readonly WorkloadFile[];
}

/** A capture with everything that is known of it. */
export interface DetailedCapture extends ListedCapture {
  /** null before anything is recorded, and where nothing is. */
  readonly recorded: RecordedFacts | null;
  /** Of before its start; null where none was asked for, or it has not begun. */
  readonly warmUp: WarmUp | null;
  /** How far the fetching of its metrics has come; null where nothing is to be fetched. */
  readonly metrics: {
    readonly fetchedAt: number | null;
    readonly nextAt: number | null;
    readonly failure: string | null;
  } | null;
}

/** Everything known of one capture: its row, what was counted while recording, its files, its metrics. */
export async function readDetails(
  { store, workloads }: Pick<Outside, 'store' | 'workloads'>,
  capture: ListedCapture,
): Promise<DetailedCapture> {
  const fetch = store.metrics.findFetch(capture.id);
  const recording = store.recordings.find(capture.id);
  return {
    ...capture,
    recorded: recording === null ? null : await recordedFacts(await workloads(), recording),
    warmUp:
      capture.options.warmUp === null
        ? null
        : (store.warmUps
            .listOf(capture.environmentId)
            .find(({ captureId }) => captureId === capture.id) ?? null),
    metrics:
      fetch === null
        ? null
        : { fetchedAt: fetch.fetched?.at ?? null, nextAt: fetch.nextAt, failure: fetch.failure },
  };
}

async function recordedFacts(
  workloads: WorkloadFiles,
  recording: Recording,
): Promise<RecordedFacts> {
  const counters = committedCounters(recording);
  const facts = committedFacts(recording);
  return {
    statements: counters?.statements ?? 0,
    sessions: counters?.sessions ?? 0,
    byKind: counters?.byKind ?? {},
    byFlag: counters?.byFlag ?? {},
    skipped: counters?.skipped ?? {},
    leftOut: counters?.leftOut ?? { statements: 0, sessions: 0 },
    values: counters?.values ?? null,
    server: facts?.server ?? null,
    gaps: facts?.gaps ?? [],
    warnings: facts?.warnings ?? [],
    deadManObstacle: facts?.deadManObstacle ?? null,
    recycled: facts?.recycled ?? null,
    imported: facts?.imported ?? null,
    folder: workloads.folderOf(recording.captureId),
    files: await workloads.list(recording.captureId),
  };
}
