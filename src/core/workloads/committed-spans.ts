import { isOver, MESSAGES } from '../captures/capture.ts';
import { liveFactsOf } from '../captures/live-facts.ts';
import { AppError, isAppError } from '../errors.ts';
import type { Outside } from '../outside.ts';
import type { ListedCapture } from '../store.ts';
import { committedPosition } from './committed.ts';
import type { ReadablePosition } from './workload.ts';

/** A part of a workload: whole frames, from one committed position to another. */
export interface WorkloadSpan {
  /** null for the beginning of the workload. */
  readonly from: ReadablePosition | null;
  readonly until: ReadablePosition;
}

/** What happens while the statements of a capture are followed. */
export type FollowEvent =
  /** It has not begun. Said once. */
  | { readonly type: 'waits_for_start'; readonly capture: ListedCapture }
  /** Nobody records it just now, and that somebody does so again. */
  | { readonly type: 'daemon_left' | 'daemon_returned'; readonly capture: ListedCapture }
  | { readonly type: 'over'; readonly capture: ListedCapture };

/** How a capture is followed to its end. */
export interface Following {
  /** Ends it: its reason is thrown. */
  readonly signal: AbortSignal;
  readonly tell: (event: FollowEvent) => Promise<void> | void;
}

const POLL_MS = 100;
/** The server's clock may be this far from ours. */
const CLOCKS_APART_MS = 2_000;

/** What is committed of a capture by now, as one span; none where nothing is. */
export function* committedSpan(
  { store }: Pick<Outside, 'store'>,
  id: number,
): Generator<WorkloadSpan> {
  const until = committedPosition(store.recordings.find(id));
  if (until !== null) yield { from: null, until };
}

/**
 * What is committed of a capture, and then what comes, as it is committed; ends when the capture is over, or
 * everything up to `end` is recorded.
 * @param requireStill throws where who follows it may not do so any more.
 * @param end in milliseconds; null for no end.
 * @throws AppError `not_found` when somebody deletes it meanwhile; what `requireStill` throws.
 */
export async function* followSpans(
  { store, clock }: Outside,
  id: number,
  requireStill: (capture: ListedCapture) => void,
  end: number | null,
  { signal, tell }: Following,
): AsyncGenerator<WorkloadSpan> {
  let from: ReadablePosition | null = null;
  let isWaiting = false;
  let isAlone = false;
  for (;;) {
    // Looked at before the position: what was committed until it was over is read as well.
    const capture = store.captures.find(id);
    if (capture === null) throw captureGone();
    requireStill(capture);
    const { hasDaemon, lagMs } = liveFactsOf(store, id, clock.now());
    const isRecorded = end !== null && isPast(end, clock.now(), lagMs);
    const until = committedPosition(store.recordings.find(id));
    if (until !== null && isFurther(until, from)) {
      yield { from, until };
      from = until;
    }
    if (isOver(capture.status)) {
      await tell({ type: 'over', capture });
      return;
    }
    if (isRecorded) return;
    signal.throwIfAborted();
    const hasBegun = capture.status === 'RUNNING' || capture.status === 'STOPPING';
    if (!hasBegun && !isWaiting) await tell({ type: 'waits_for_start', capture });
    isWaiting = true;
    if (hasBegun && isAlone === hasDaemon) {
      isAlone = !hasDaemon;
      await tell({ type: isAlone ? 'daemon_left' : 'daemon_returned', capture });
    }
    await clock.sleep(POLL_MS, signal);
  }
}

/** That a capture was deleted while it was read. */
export function captureGone(cause?: unknown): AppError {
  const hint = 'It was deleted while its statements were read.';
  return new AppError('not_found', MESSAGES.captureMissing, { hint, cause });
}

/** A failure to read the files of a capture: they go when somebody deletes it, and that is no damage. */
export function deletedOr(error: unknown, { store }: Pick<Outside, 'store'>, id: number): unknown {
  if (!isAppError(error, 'store_unusable')) return error;
  try {
    return store.captures.find(id) === null ? captureGone(error) : error;
  } catch {
    return error;
  }
}

function isPast(end: number, now: number, lagMs: number | null): boolean {
  return lagMs !== null && now - lagMs > end + CLOCKS_APART_MS;
}

function isFurther(until: ReadablePosition, from: ReadablePosition | null): boolean {
  if (from === null) return true;
  return until.segment > from.segment || until.offset > from.offset;
}
