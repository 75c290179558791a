import {
  captureSubject,
  type AuditSubject,
  type AuditTrail,
  type Author,
} from '../audit/audit-trail.ts';
import { LATEST_TIME_MS, type Capture } from '../captures/capture.ts';
import { nextOccurrence, occurrencesBetween, type Occurrences } from './cron.ts';
import { nameKey } from '../names.ts';
import { localTimeOf } from '../time-zones.ts';
import { occurrenceNames, type Schedule } from './schedule.ts';
import type { Store } from '../store.ts';

/**
 * Makes the capture of a schedule's next occurrence after its cursor: an ordinary SCHEDULED capture of
 * the schedule's owner, named after the schedule and its local time. Call it in a transaction, for a
 * schedule that has none pending.
 * @param notBefore occurrences before it are passed over.
 * @returns null when there is no occurrence left: the schedule is over then.
 */
export function makeAhead(
  store: Store,
  audit: AuditTrail,
  author: Author,
  schedule: Schedule,
  now: number,
  notBefore = 0,
): Capture | null {
  const at = nextOf(schedule, Math.max(schedule.cursor, notBefore - 1));
  if (at === null) {
    store.schedules.update(schedule.id, { state: 'over', ...NOTHING_PENDING });
    audit.record(author, 'schedule.over', subjectOf(schedule));
    return null;
  }
  const environment = store.environments.find(schedule.environmentId);
  const capture = store.captures.insert(
    {
      name: freeName(store, schedule, at),
      environmentId: schedule.environmentId,
      ownerId: schedule.ownerId,
      status: 'SCHEDULED',
      start: null,
      scheduledStart: at,
      scheduledEnd: at + schedule.duration,
      end: null,
      duration: schedule.duration,
      reason: null,
      recordsStatements: environment?.server != null,
      options: schedule.options,
    },
    now,
  );
  store.schedules.addOccurrence(capture.id, schedule.id, at);
  store.schedules.update(schedule.id, { pendingCaptureId: capture.id, pendingAt: at });
  audit.record(author, 'capture.create', captureSubject(capture), {
    details: {
      status: 'SCHEDULED',
      scheduledStart: new Date(at).toISOString(),
      schedule: schedule.name,
    },
  });
  return capture;
}

/**
 * Moves a schedule on when its capture made ahead has started, failed or was deleted: that occurrence
 * has passed, and the next one is made. Call it in a transaction.
 */
export function moveOn(
  store: Store,
  audit: AuditTrail,
  author: Author,
  schedule: Schedule,
  now: number,
): Capture | null {
  const after = withoutPending(schedule, true);
  store.schedules.update(schedule.id, after);
  return makeAhead(store, audit, author, { ...schedule, ...after }, now);
}

const NOTHING_PENDING = { pendingCaptureId: null, pendingAt: null } as const;

/**
 * Where a schedule is once nothing is made ahead any more.
 * @param hasPassed whether the occurrence that is pending has passed; else it is still to come.
 */
export function withoutPending(
  { cursor, passed, pendingAt }: Schedule,
  hasPassed: boolean,
): Pick<Schedule, 'cursor' | 'passed' | 'pendingCaptureId' | 'pendingAt'> {
  return hasPassed && pendingAt !== null
    ? { cursor: pendingAt, passed: passed + 1, ...NOTHING_PENDING }
    : { cursor, passed, ...NOTHING_PENDING };
}

/** What two machines' clocks may be apart. */
const CLOCKS_APART_MS = 60_000;
/** A tap's capture starts so long before its instant. */
const EARLY_MS = 5_000;
/** Starts further ahead than this were made by a clock that was wrong, not by one that was set back. */
const FARTHEST_BACK_MS = 86_400_000;

/** Schedules that a clock moved on which was ahead of `now`. */
export function movedByClockAhead(store: Store, now: number): Schedule[] {
  return store.schedules.listFromAfter(now + CLOCKS_APART_MS);
}

/**
 * Brings a schedule back that a clock moved on which was ahead: occurrences that it took for missed are
 * still to come. What has started is not started again. Call it in a transaction.
 * @returns the capture made ahead in the place of the one there was; null where that is the right one.
 */
export function comeBack(
  store: Store,
  audit: AuditTrail,
  author: Author,
  schedule: Schedule,
  now: number,
): Capture | null {
  const pending =
    schedule.pendingCaptureId === null ? null : store.captures.find(schedule.pendingCaptureId);
  // Somebody deleted the one before ahead of its time: that occurrence is not wanted.
  if (pending !== null && schedule.cursor > pending.createdAt + EARLY_MS) return null;
  const started = store.schedules.lastStarted(schedule.id, now + FARTHEST_BACK_MS);
  const cursor = Math.max(now, started ?? 0);
  const undone = Math.min(
    schedule.missed,
    occurrencesBetween(schedule, cursor + 1, schedule.cursor)?.count ?? 0,
  );
  const changes = {
    state: 'active',
    cursor: Math.min(cursor, schedule.cursor),
    passed: Math.max(schedule.passed - undone, 0),
    missed: schedule.missed - undone,
    ...NOTHING_PENDING,
  } as const;
  const back = { ...schedule, ...changes };
  const next = nextOf(back, back.cursor);
  if (next === schedule.pendingAt) return null;
  if (pending !== null && !store.captures.delete(pending.id, ['SCHEDULED'])) return null;
  store.schedules.update(schedule.id, changes);
  audit.record(author, 'schedule.resume', subjectOf(schedule), { reason: CLOCK_SET_BACK });
  return makeAhead(store, audit, author, back, now);
}

const CLOCK_SET_BACK = 'the clock was set back';

/**
 * The occurrences of a schedule that came due while nobody looked: from the pending one to `now`;
 * null when that is the pending one alone or it is still to come.
 */
export function occurrencesDue(schedule: Schedule, now: number): Occurrences | null {
  if (schedule.pendingAt === null || schedule.pendingAt > now) return null;
  const to = schedule.until === null ? now : Math.min(now, schedule.until);
  const due = occurrencesBetween(schedule, schedule.pendingAt, to);
  if (due === null) return null;
  const left = schedule.count === null ? Infinity : schedule.count - schedule.passed;
  if (due.count <= left) return due;
  // Its count ends it in the middle of what was missed.
  let last = schedule.pendingAt;
  for (let n = 1; n < left; n++) last = nextOf(schedule, last) ?? last;
  return { count: left, isMore: false, first: due.first, last };
}

/** The first occurrence after an instant that a schedule still has; null when there is none. */
export function nextOf(schedule: Schedule, after: number): number | null {
  if (schedule.count !== null && schedule.passed >= schedule.count) return null;
  const next = nextOccurrence(schedule, after);
  const latest = Math.min(schedule.until ?? Infinity, LATEST_TIME_MS - schedule.duration);
  return next === null || next > latest ? null : next;
}

/** The name that an occurrence's capture gets, where another capture may have it already. */
function freeName(store: Store, schedule: Schedule, at: number): string {
  const { local, offset, isTwice } = localTimeOf(at, schedule.timeZone);
  for (const name of occurrenceNames(schedule.name, local, isTwice ? offset : null)) {
    if (!store.captures.isNameTaken(schedule.environmentId, nameKey(name))) return name;
  }
  throw new Error('a generator without an end ended');
}

export function subjectOf({
  id,
  name,
  environmentId,
}: Pick<Schedule, 'id' | 'name' | 'environmentId'>): AuditSubject {
  return { kind: 'schedule', id, name, environmentId };
}
