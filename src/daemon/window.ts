import { DAEMON } from '../core/audit/audit-trail.ts';
import { REACHED_ITS_END } from '../core/captures/capture-rules.ts';
import type { Capture } from '../core/captures/capture.ts';
import type { Cut, SessionState } from '../core/source.ts';
import type { RecordingProgress } from '../core/store.ts';
import type { Recorder } from './recorder.ts';
import type { ManifestSession } from '../core/workloads/workload.ts';
import type { TapContext } from './tap-context.ts';

const NO_COUNTERS = { before: null, after: null };

/**
 * Opens a capture's window at a cut: it is RUNNING, and the statements of the next batch and later are
 * its. Call it in the transaction that belongs to the cut.
 * @returns false when the capture is not STARTING any more.
 */
export function openWindow(
  { store, audit }: TapContext,
  recorder: Recorder,
  capture: Capture,
  cut: Cut,
): boolean {
  const batch = cut.batch + 1;
  // Rounded inwards: from `start` to `end`, every statement is recorded.
  const start = Math.ceil(milliseconds(cut.after));
  const scheduledEnd = capture.duration === null ? null : start + capture.duration;
  const changes = { start, scheduledEnd };
  if (audit.moveCapture(DAEMON, capture.id, 'STARTING', 'RUNNING', changes) === null) return false;
  recorder.facts = {
    ...recorder.facts,
    start: {
      time: cut.after,
      generation: batch,
      gtid: cut.replicaPosition,
      counters: cut.edge?.counters ?? NO_COUNTERS,
    },
    sessionsAtStart: sessionsOf(cut) ?? [],
    transactionsAtStart: cut.edge?.transactions ?? [],
  };
  recorder.firstBatch = batch;
  store.recordings.open(capture.id, batch, JSON.stringify(recorder.facts));
  return true;
}

/**
 * Closes a capture's window at a cut: it is STOPPING, and the statements of the batch that ended are its
 * last. Call it in the transaction that belongs to the cut.
 * @param guard why a guard ends it; null when none does.
 */
export function closeWindow(
  { store, audit }: TapContext,
  recorder: Recorder,
  cut: Cut,
  guard: string | null,
): void {
  const { batch } = cut;
  const { captureId } = recorder;
  const changes = guard === null ? {} : { reason: guard };
  const isEndOfItsOwn =
    audit.moveCapture(DAEMON, captureId, 'RUNNING', 'STOPPING', changes) !== null;
  recorder.facts = {
    ...recorder.facts,
    end: {
      time: cut.before,
      generation: batch,
      gtid: cut.replicaPosition,
      counters: cut.edge?.counters ?? NO_COUNTERS,
    },
    sessionsAtEnd: sessionsOf(cut),
    transactionsAtEnd: cut.edge?.transactions ?? null,
    endReason: isEndOfItsOwn ? (guard ?? REACHED_ITS_END) : null,
  };
  recorder.lastBatch = batch;
  store.recordings.end(captureId, batch, JSON.stringify(recorder.facts));
}

/** Who was on the server at the edge of a window, for the manifest; null where nobody asked. */
function sessionsOf({ edge }: Cut): ManifestSession[] | null {
  const plain = ({ session, user, host, db }: SessionState): ManifestSession => {
    return { session, user, host, db };
  };
  return edge === null ? null : edge.sessions.map(plain);
}

/** Makes a capture DONE whose window is drained and whose files are whole. */
export function finishCapture(
  { store, audit, commit, log }: TapContext,
  { facts, captureId }: Recorder,
  progress: RecordingProgress,
): void {
  commit(() => {
    const changes = {
      end: facts.end === null ? null : Math.floor(milliseconds(facts.end.time)),
      // A stop may have given a reason.
      reason: facts.endReason ?? store.captures.find(captureId)?.reason ?? null,
    };
    // Somebody may have given it up meanwhile.
    if (audit.moveCapture(DAEMON, captureId, 'STOPPING', 'DONE', changes) === null) return;
    store.recordings.finish(progress, JSON.stringify(facts));
    store.metrics.packSamples(captureId);
  });
  log('info', 'capture done', { capture: captureId, records: progress.records });
}

/** Whether a capture whose window is open is to end at `now`, by the server's clock. */
export function isDue(capture: Capture, now: number): boolean {
  if (capture.status !== 'RUNNING') return true;
  return capture.scheduledEnd !== null && capture.scheduledEnd <= now;
}

/** Milliseconds since the epoch, with the microseconds as a fraction, of `2026-11-22T01:00:00.123456Z`. */
export function milliseconds(time: string): number {
  return Date.parse(`${time.slice(0, 23)}Z`) + Number(time.slice(23, 26)) / 1_000;
}
