import { DAEMON } from '../core/audit/audit-trail.ts';
import { REACHED_ITS_END } from '../core/captures/capture-service.ts';
import type { Capture } from '../core/captures/capture.ts';
import type { EdgeReadings } from '../core/verification/edge-counters.ts';
import type { OpenTransaction, ServerLog, Swap } from '../core/source.ts';
import type { RecordingProgress } from '../core/store.ts';
import type { ManifestSession } from '../workload/manifest.ts';
import type { Recorder } from './recorder.ts';
import type { TapContext } from './tap-context.ts';

/** Who is on the server at the edge of a window, for the manifest. */
export interface SessionsNow {
  readonly sessions: readonly ManifestSession[];
  readonly transactions: readonly OpenTransaction[];
}

/** The swap at which windows open or close. */
export interface WindowMoment {
  /** The first one of a window that opens, the last one of a window that closes. */
  readonly generation: number;
  readonly swap: Swap;
  /** null where nobody asked. */
  readonly now: SessionsNow | null;
  /** The server's counters on both sides of the swap; null where nobody asked or it failed. */
  readonly counters: EdgeReadings;
}

export async function sessionsNow(server: ServerLog): Promise<SessionsNow> {
  const sessions = await server.sessions();
  return {
    sessions: sessions.map(({ session, user, host, db }) => ({ session, user, host, db })),
    transactions: await server.openTransactions(),
  };
}

/**
 * Opens a capture's window at a swap: it is RUNNING, and the statements of `generation` and later are
 * its. Call it in the transaction that belongs to the swap.
 * @returns false when the capture is not STARTING any more.
 */
export function openWindow(
  { store, audit }: TapContext,
  recorder: Recorder,
  capture: Capture,
  edge: WindowMoment,
): boolean {
  const { generation, swap, now } = edge;
  // Rounded inwards: from `start` to `end`, every statement is recorded.
  const start = Math.ceil(milliseconds(swap.after));
  const scheduledEnd = capture.duration === null ? null : start + capture.duration;
  const changes = { start, scheduledEnd };
  if (audit.moveCapture(DAEMON, capture.id, 'STARTING', 'RUNNING', changes) === null) return false;
  recorder.facts = {
    ...recorder.facts,
    start: {
      time: swap.after,
      generation,
      gtid: swap.gtid,
      counters: edge.counters,
    },
    sessionsAtStart: now?.sessions ?? [],
    transactionsAtStart: now?.transactions ?? [],
  };
  recorder.firstGeneration = generation;
  store.recordings.open(capture.id, generation, JSON.stringify(recorder.facts));
  return true;
}

/**
 * Closes a capture's window at a swap: it is STOPPING, and the statements of `generation` are its last.
 * Call it in the transaction that belongs to the swap.
 * @param guard why a guard ends it; null when none does.
 */
export function closeWindow(
  { store, audit }: TapContext,
  recorder: Recorder,
  edge: WindowMoment,
  guard: string | null,
): void {
  const { generation, swap, now } = edge;
  const { captureId } = recorder;
  const changes = guard === null ? {} : { reason: guard };
  const isEndOfItsOwn =
    audit.moveCapture(DAEMON, captureId, 'RUNNING', 'STOPPING', changes) !== null;
  recorder.facts = {
    ...recorder.facts,
    end: {
      time: swap.before,
      generation,
      gtid: swap.gtid,
      counters: edge.counters,
    },
    sessionsAtEnd: now?.sessions ?? null,
    transactionsAtEnd: now?.transactions ?? null,
    endReason: isEndOfItsOwn ? (guard ?? REACHED_ITS_END) : null,
  };
  recorder.lastGeneration = generation;
  store.recordings.end(captureId, generation, JSON.stringify(recorder.facts));
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
      // Who stopped it may have said why.
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
