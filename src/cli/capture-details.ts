import type { ListedCapture, Recording } from '../core/store.ts';
import type { RecordingFacts } from '../daemon/recorder.ts';
import type { CountersState } from '../workload/counters.ts';
import type { Context } from './runtime/context.ts';
import type { DetailedCapture, RecordedFacts } from './render/capture-details.ts';

/** Everything known of one capture: its row, what was counted while recording, its files, its metrics. */
export async function readDetails(
  context: Context,
  capture: ListedCapture,
): Promise<DetailedCapture> {
  const { store } = context;
  const fetch = store.metrics.findFetch(capture.id);
  const recording = store.recordings.find(capture.id);
  return {
    ...capture,
    recorded: recording === null ? null : await recordedFacts(context, recording),
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

async function recordedFacts(context: Context, recording: Recording): Promise<RecordedFacts> {
  const [{ listWorkloadFiles }, { workloadFolder }] = await Promise.all([
    import('../workload/workload-folder.ts'),
    import('./workloads.ts'),
  ]);
  const folder = workloadFolder(context.store, recording.captureId);
  const counters =
    recording.counters === null ? null : (JSON.parse(recording.counters) as CountersState);
  const facts = recording.facts === null ? null : (JSON.parse(recording.facts) as RecordingFacts);
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
    folder,
    files: await listWorkloadFiles(folder),
  };
}
