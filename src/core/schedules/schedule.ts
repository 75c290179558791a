import type { Viewer } from '../access.ts';
import type { Recurrence } from './cron.ts';
import type { Capture } from '../captures/capture.ts';
import type { RecordingOptions } from '../captures/recording-options.ts';

export const OVERLAPS = ['skip', 'allow'] as const;
export type Overlap = (typeof OVERLAPS)[number];

/**
 * - active: one capture is made ahead for the next occurrence.
 * - paused: none is, until it is resumed; occurrences meanwhile are not missed, they are not wanted.
 * - over: its count or its last instant is reached, or the expression has no further occurrence.
 */
export type ScheduleState = 'active' | 'paused' | 'over';

/** A recurring capture. Times are milliseconds since the epoch, lengths milliseconds. */
export interface Schedule extends Recurrence {
  readonly id: number;
  readonly name: string;
  readonly environmentId: number;
  readonly ownerId: number;
  readonly duration: number;
  /** What becomes of an occurrence while the one before it still runs. */
  readonly overlap: Overlap;
  /** Occurrences in all, whatever became of them; null for no end. */
  readonly count: number | null;
  /** No occurrence after this; null for no end. */
  readonly until: number | null;
  /** Captures of this schedule are deleted so long after their end; null to keep them. */
  readonly retain: number | null;
  readonly state: ScheduleState;
  /** Occurrences that have passed: run, missed, skipped or cancelled. */
  readonly passed: number;
  readonly missed: number;
  readonly skipped: number;
  /** Occurrences up to this instant have been dealt with, or were before the schedule. */
  readonly cursor: number;
  /** The capture made ahead; null where there is none, or where somebody deleted it. */
  readonly pendingCaptureId: number | null;
  /** The occurrence it was made for; null where nothing is pending. */
  readonly pendingAt: number | null;
  readonly createdAt: number;
  /** Of each of its captures. */
  readonly options: RecordingOptions;
  /** Why the daemon paused it by itself: it could not go on with it. null where nothing is wrong. */
  readonly trouble: string | null;
}

/** Schedules as lists show them: with the names of what they refer to. */
export interface ListedSchedule extends Schedule {
  readonly environmentName: string;
  readonly ownerName: string;
}

type NewSchedule = Pick<
  Schedule,
  | 'name'
  | 'environmentId'
  | 'ownerId'
  | 'cron'
  | 'timeZone'
  | 'duration'
  | 'overlap'
  | 'count'
  | 'until'
  | 'retain'
  | 'cursor'
  | 'options'
>;

export type ScheduleChanges = Partial<Omit<Schedule, 'id' | 'environmentId' | 'createdAt'>>;

export interface ScheduleTable {
  /** @throws AppError `invalid` where the name is taken in its environment. */
  insert(schedule: NewSchedule, now: number): Schedule;
  find(id: number): ListedSchedule | null;
  /** Schedules of that name in the environments the viewer has a role in. */
  findByName(name: string, viewer: Viewer): ListedSchedule[];
  /** Ordered by environment and name. */
  list(environmentIds: readonly number[]): ListedSchedule[];
  /** Active schedules whose capture made ahead is not waiting any more, was moved, or never made. */
  listToTend(): Schedule[];
  /** The schedule that a capture was made for; null for a capture of its own. */
  findOfCapture(captureId: number): Schedule | null;
  /** Changes what `changes` names. @throws AppError `invalid` where the name is taken. */
  update(id: number, changes: ScheduleChanges): void;
  delete(id: number): void;
  /** Notes that a capture is the occurrence of a schedule at an instant. */
  addOccurrence(captureId: number, scheduleId: number, at: number): void;
  /** Captures of a schedule that are STARTED, STARTING or RUNNING. */
  listUnderWay(scheduleId: number): Capture[];
  /**
   * Those whose last step was taken, by the clock of then, after this instant: the capture made ahead was
   * made then, or they were found to be over.
   */
  listFromAfter(instant: number): Schedule[];
  /** The last occurrence at or before an instant whose capture has started; null when none has. */
  lastStarted(scheduleId: number, until: number): number | null;
  /** Ids of captures that are over and were kept as long as their schedule wants. */
  listExpired(now: number): number[];
  /** Gives every schedule of one owner in an environment to another. */
  handOn(environmentId: number, from: number, to: number): number;
  environmentsOwnedIn(ownerId: number): number[];
}

const LONGEST_NAME = 64;

/**
 * Names for the capture of an occurrence, the best one first: `nightly 2026-11-22 09:00`, with the
 * offset where that local time occurs twice, then with a number where the name is taken. The schedule's
 * name is cut so that each fits.
 * @param local the wall clock's time of the occurrence, `2026-11-22 09:00`.
 * @param offset `+01:00`, where the local time occurs twice; null elsewhere.
 */
export function* occurrenceNames(
  schedule: string,
  local: string,
  offset: string | null,
): Generator<string> {
  const time = offset === null ? local : `${local} ${offset}`;
  yield capped(schedule, ` ${time}`);
  for (let number = 2; ; number++) yield capped(schedule, ` ${time} (${number})`);
}

function capped(name: string, suffix: string): string {
  const room = LONGEST_NAME - Array.from(suffix).length;
  return `${Array.from(name).slice(0, room).join('').trimEnd()}${suffix}`;
}
