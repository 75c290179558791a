import { AppError } from '../errors.ts';
import type { RecordingOptions } from './recording-options.ts';

/**
 * The life of a capture:
 * `SCHEDULED → STARTING → RUNNING → STOPPING → DONE`, `STARTED → STARTING` for one to begin now,
 * and `FAILED` from any that is not over.
 *
 * - SCHEDULED: waits for its `scheduledStart`; left by the daemon that claims it, or by `delete`.
 * - STARTED: accepted, to begin now, not yet taken by the daemon.
 * - STARTING: the daemon has it and the server's log is being switched on.
 * - RUNNING: every statement the server receives from `start` on is being recorded.
 * - STOPPING: takes no new statements; the tail is drained and the server's settings are restored.
 * - DONE: `end` is the end of the window and the workload is complete.
 * - FAILED: what was recorded is kept; `reason` says what went wrong and when.
 */
export const CAPTURE_STATUSES = [
  'SCHEDULED',
  'STARTED',
  'STARTING',
  'RUNNING',
  'STOPPING',
  'DONE',
  'FAILED',
] as const;
export type CaptureStatus = (typeof CAPTURE_STATUSES)[number];

/**
 * The one table of legal moves. A metrics-only capture has nothing to switch on or to drain: it
 * takes the same path in one step, which is why RUNNING and DONE can be reached directly.
 */
export const TRANSITIONS: Record<CaptureStatus, readonly CaptureStatus[]> = {
  SCHEDULED: ['STARTING', 'RUNNING', 'FAILED'],
  STARTED: ['STARTING', 'RUNNING', 'FAILED'],
  STARTING: ['RUNNING', 'FAILED'],
  RUNNING: ['STOPPING', 'DONE', 'FAILED'],
  STOPPING: ['DONE', 'FAILED'],
  DONE: [],
  FAILED: [],
};

/** Whether anything may have been recorded; also of one that failed. */
export function hasBegun(status: CaptureStatus): boolean {
  return status !== 'SCHEDULED' && status !== 'STARTED' && status !== 'STARTING';
}

/** Whether a capture in this status has reached its last one. */
export function isOver(status: CaptureStatus): boolean {
  return TRANSITIONS[status].length === 0;
}

/**
 * Why a capture is as it is, for users and for JSON: what it waits for while it is STOPPING, else why it
 * FAILED or ended other than by a stop; null otherwise.
 */
export function reasonOf(
  capture: Pick<Capture, 'status' | 'reason'> & { readonly trouble: { reason: string } | null },
): string | null {
  const { status, reason, trouble } = capture;
  return status === 'STOPPING' && trouble !== null
    ? `waits for its server: ${trouble.reason}`
    : reason;
}

/** Statuses in which a daemon has something to do at once. */
export const ACTIVE_STATUSES: readonly CaptureStatus[] = [
  'STARTED',
  'STARTING',
  'RUNNING',
  'STOPPING',
];

/** What a row among the captures is: a recording, or a recorded workload's replay on its environment. */
export const CAPTURE_TYPES = ['CAPTURE', 'REPLAY'] as const;
export type CaptureType = (typeof CAPTURE_TYPES)[number];

/** A named window over one environment. Times are milliseconds since the epoch, UTC. */
export interface Capture {
  readonly id: number;
  readonly name: string;
  readonly environmentId: number;
  readonly ownerId: number;
  readonly type: CaptureType;
  readonly status: CaptureStatus;
  /** When it really started, by the server's clock; null before. */
  readonly start: number | null;
  readonly scheduledStart: number | null;
  /** `start` (scheduled or real) plus the duration; null without a duration. */
  readonly scheduledEnd: number | null;
  /** The end of the window; null while it is open. */
  readonly end: number | null;
  /** Milliseconds; null for one that runs until it is stopped. */
  readonly duration: number | null;
  /** Why it FAILED or ended other than by a stop; null otherwise. */
  readonly reason: string | null;
  readonly createdAt: number;
  /** False on a metrics-only environment, where no process is needed, and of a replay: nothing is recorded. */
  readonly recordsStatements: boolean;
  /** What it records, and what ends it before its time. */
  readonly options: RecordingOptions;
}

const SHORTEST_DURATION_MS = 60_000;
/** Longer than any database lives, short enough that every sum of times stays a valid date. */
export const LONGEST_DURATION_MS = 10 * 366 * 86_400_000;
/** The end of the year 9999: the text of a later time has another form, which other programs do not read. */
export const LATEST_TIME_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

export const MESSAGES = {
  environmentMissing: 'Environment does not exist',
  captureMissing: 'Capture not found',
  captureEnvironmentMissing: "Capture's environment not found",
  nameTaken: 'Capture with the same name already exists in this environment',
  durationTooShort: 'Duration must be at least 60 seconds',
  scheduleWithoutStart: 'Cannot schedule without a schedule start time',
  alreadyStopped: 'This capture has already been stopped',
  alreadyFailed: 'This capture failed and is no longer running',
  notYetStarted: 'Cannot stop a capture until it has started completely. Try again soon.',
} as const;

/**
 * @param canBeLeftOut whether there is another way to a shorter recording: to give none.
 * @throws AppError `invalid` for a duration out of bounds.
 */
export function checkDuration(ms: number | null, canBeLeftOut = true): void {
  if (ms === null) return;
  if (!Number.isFinite(ms) || ms < SHORTEST_DURATION_MS) {
    const hint = canBeLeftOut ? ({ code: 'shorter_recording' } as const) : null;
    throw new AppError('invalid', MESSAGES.durationTooShort, { hint });
  }
  if (ms > LONGEST_DURATION_MS) throw new AppError('invalid', 'Duration must be at most 10 years');
  if (!Number.isInteger(ms)) throw new AppError('invalid', 'Duration must be whole milliseconds');
}

/** @throws AppError `invalid` unless it is whole milliseconds since the epoch, from 1970 to 9999. */
export function checkTime(what: string, ms: number | null): void {
  if (ms === null) return;
  if (ms < 0 || ms > LATEST_TIME_MS) {
    throw new AppError('invalid', `The ${what} must be between the years 1970 and 9999`);
  }
  if (!Number.isInteger(ms)) {
    throw new AppError('invalid', `The ${what} must be whole milliseconds since 1970`);
  }
}

/**
 * When a window ends that has a duration; null without one.
 * @throws AppError `invalid` for an end that no capture can have.
 */
export function endAfter(start: number, duration: number | null): number | null {
  const end = duration === null ? null : start + duration;
  checkTime('scheduled end', end);
  return end;
}

/**
 * Says why a capture in this status cannot be stopped; null when it can. `ref` is what it was called.
 * The messages are the reference API's, word for word.
 */
export function whyNotStoppable(status: CaptureStatus, ref: string): AppError | null {
  switch (status) {
    case 'RUNNING':
      return null;
    case 'STOPPING':
    case 'DONE':
      return new AppError('conflict', MESSAGES.alreadyStopped);
    case 'FAILED':
      return new AppError('conflict', MESSAGES.alreadyFailed, {
        hint: { code: 'see_failure', capture: ref },
      });
    case 'SCHEDULED':
      return new AppError('conflict', MESSAGES.notYetStarted, {
        hint: { code: 'cancel', capture: ref },
      });
    case 'STARTED':
    case 'STARTING':
      return new AppError('conflict', MESSAGES.notYetStarted);
  }
}
