import { AppError } from '../errors.ts';
import type { CaptureChanges, NewCapture } from '../store.ts';
import { checkDuration, checkTime, endAfter, isOver, MESSAGES, type Capture } from './capture.ts';
import type { RecordingOptions } from './recording-options.ts';

/** The statuses that can be asked for. */
const NEW_STATUSES = ['SCHEDULED', 'STARTED', 'STARTING'] as const;

/** What `create` is asked for. Times are milliseconds since the epoch; null for "not said". */
export interface CaptureRequest {
  readonly name: string;
  /** An id or a name. */
  readonly environment: string;
  readonly status: (typeof NEW_STATUSES)[number] | null;
  readonly start: number | null;
  readonly scheduledStart: number | null;
  /** Milliseconds. */
  readonly duration: number | null;
  /** Absent: `RECORD_EVERYTHING`. */
  readonly options?: RecordingOptions;
}

export interface CaptureEdit {
  readonly name: string | null;
  readonly scheduledStart: number | null;
  /** Milliseconds, from the start. */
  readonly duration: number | null;
}

type Timing = Pick<
  NewCapture,
  'status' | 'start' | 'scheduledStart' | 'scheduledEnd' | 'end' | 'recordsStatements'
>;

/**
 * The status and the times of a new capture.
 * @param hasServer whether its environment has one to record.
 * @throws AppError `invalid` where the reference API refuses them.
 */
export function timingOf(
  request: Pick<CaptureRequest, 'start' | 'scheduledStart' | 'duration' | 'status'>,
  hasServer: boolean,
  now: number,
): Timing {
  const { start, scheduledStart, duration, status } = request;
  checkDuration(duration);
  checkTime('start', start);
  if (status !== null && !NEW_STATUSES.includes(status)) {
    const allowed = NEW_STATUSES.join(', ');
    throw new AppError('invalid', `The status of a new capture is one of ${allowed}`);
  }
  if (status === 'SCHEDULED' && scheduledStart === null) {
    throw new AppError('invalid', MESSAGES.scheduleWithoutStart);
  }
  if (scheduledStart !== null) {
    if (start !== null || (status !== null && status !== 'SCHEDULED')) {
      throw new AppError(
        'invalid',
        'A capture with a scheduled start has not started: its status is SCHEDULED',
        {
          hint: { code: 'scheduled_or_started' },
        },
      );
    }
    checkScheduledStart(scheduledStart, now);
    return {
      status: 'SCHEDULED',
      start: null,
      scheduledStart,
      scheduledEnd: endAfter(scheduledStart, duration),
      end: null,
      recordsStatements: hasServer,
    };
  }
  const nothing = { scheduledStart: null, end: null, scheduledEnd: null };
  if (start !== null) return startedTiming(start, duration, hasServer, now);
  if (hasServer)
    return { ...nothing, status: status ?? 'STARTED', start: null, recordsStatements: true };
  return startedTiming(now, duration, false, now);
}

/** A window whose start is known: over, or open on a metrics-only environment. */
function startedTiming(
  start: number,
  duration: number | null,
  hasServer: boolean,
  now: number,
): Timing {
  if (start > now) {
    throw new AppError('invalid', 'The start of a capture cannot be in the future', {
      hint: { code: 'start_later' },
    });
  }
  const scheduledEnd = endAfter(start, duration);
  const isPast = scheduledEnd !== null && scheduledEnd <= now;
  if (hasServer && !isPast) {
    throw new AppError(
      'invalid',
      'A capture that records statements cannot have started before now',
      {
        hint: { code: 'from_now_on_or_finished' },
      },
    );
  }
  return {
    status: isPast ? 'DONE' : 'RUNNING',
    start,
    scheduledStart: null,
    scheduledEnd,
    end: isPast ? scheduledEnd : null,
    recordsStatements: false,
  };
}

function checkScheduledStart(scheduledStart: number, now: number): void {
  checkTime('scheduled start', scheduledStart);
  if (scheduledStart <= now) {
    throw new AppError('invalid', 'The scheduled start is in the past', {
      hint: 'Give a time in the future, or leave it out to start now.',
    });
  }
}

/**
 * What an edit changes of the times of a capture.
 * @param ref what the capture was called.
 * @throws AppError `invalid` for what its status does not allow.
 */
export function timingChanges(
  capture: Capture,
  edit: CaptureEdit,
  ref: string,
  now: number,
): CaptureChanges {
  if (edit.scheduledStart === null && edit.duration === null) return {};
  checkDuration(edit.duration);
  if (capture.status === 'SCHEDULED') {
    if (edit.scheduledStart !== null) checkScheduledStart(edit.scheduledStart, now);
    const scheduledStart = edit.scheduledStart ?? capture.scheduledStart ?? now;
    const duration = edit.duration ?? capture.duration;
    return {
      scheduledStart,
      duration,
      scheduledEnd: endAfter(scheduledStart, duration),
    };
  }
  if (edit.scheduledStart !== null) {
    throw new AppError(
      'invalid',
      `The start of a capture that is ${capture.status} cannot be moved`,
      {
        hint: 'Only a SCHEDULED capture can start at another time.',
      },
    );
  }
  if (capture.status !== 'RUNNING' || capture.start === null || edit.duration === null) {
    throw new AppError(
      'invalid',
      `The duration of a capture that is ${capture.status} cannot be changed`,
      isOver(capture.status) ? {} : { hint: 'Try again when it is RUNNING.' },
    );
  }
  const scheduledEnd = endAfter(capture.start, edit.duration);
  if (scheduledEnd !== null && scheduledEnd <= now) {
    throw new AppError('invalid', 'With this duration the capture would already have ended', {
      hint: { code: 'stop_now', capture: ref },
    });
  }
  return { duration: edit.duration, scheduledEnd };
}
