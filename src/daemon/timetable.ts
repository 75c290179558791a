import { DAEMON, type AuditTrail } from '../core/audit/audit-trail.ts';
import type { Capture } from '../core/captures/capture.ts';
import type { Clock } from '../core/clock.ts';
import { checkRecurrence, lastOccurrence, type Occurrences } from '../core/schedules/cron.ts';
import { isAppError, messageOf } from '../core/errors.ts';
import {
  comeBack,
  makeAhead,
  movedByClockAhead,
  moveOn,
  occurrencesDue,
  subjectOf,
} from '../core/schedules/occurrences.ts';
import type { Schedule } from '../core/schedules/schedule.ts';
import { localTimeOf } from '../core/time-zones.ts';
import type { Store } from '../core/store.ts';
import type { DaemonLog } from './daemon-log.ts';
import { LeaseLost } from './tap-context.ts';

/** A tap is opened this long before a scheduled start, so that the first cut can be the start. */
export const LEAD_MS = 5_000;

/**
 * One that ends this soon after the next is due is no overlap: a capture that follows on its own
 * predecessor would be left out every other time, because that began some milliseconds late.
 */
const NO_OVERLAP_MS = 5_000;

export const MISSED_START = 'missed its start: no daemon was running';
const NO_DAEMON = 'no daemon was running';
const NOT_STARTED = 'could not be started';
const JUMPED = 'the machine was asleep or its clock was set forward';

interface TimetableContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: DaemonLog;
  readonly audit: AuditTrail;
  readonly graceMs: number;
  /** Runs `work` in one store transaction that also proves the lease. @throws LeaseLost. */
  readonly commit: <T>(work: () => T) => T;
}

/** Starts what is due, and makes the captures of recurring schedules ahead, by one. */
export class Timetable {
  readonly #context: TimetableContext;
  /** Since when this daemon has had the lease: what is due after that was not missed for want of one. */
  readonly #leadingSince: number;
  /** What is wrong with rows, as it was logged. */
  readonly #said = new Set<string>();

  constructor(context: TimetableContext) {
    this.#context = context;
    this.#leadingSince = context.store.lease.find()?.acquiredAt ?? context.clock.now();
  }

  /** Makes the next capture of every schedule whose last one has started, failed or was deleted. */
  tend(): void {
    const { store, clock, audit } = this.#context;
    this.#forEach(
      () => movedByClockAhead(store, clock.now()),
      (schedule) => {
        const made = comeBack(store, audit, DAEMON, schedule, clock.now());
        if (made !== null) this.#sayMade(schedule, made);
      },
      (schedule, error) => this.#pause(schedule, error),
    );
    this.#forEach(
      () => store.schedules.listToTend(),
      (schedule) => this.#sayMade(schedule, moveOn(store, audit, DAEMON, schedule, clock.now())),
      (schedule, error) => this.#pause(schedule, error),
    );
  }

  /** Starts captures whose instant has come, or is so near that the server's log is to be opened. */
  startDue(): void {
    const { store, clock } = this.#context;
    this.#forEach(
      () => store.captures.listDue(clock.now() + LEAD_MS, -1),
      (due) => {
        // What was missed makes way for a capture that may be due as well.
        for (let next: Capture | null = due; next !== null;) next = this.#startOne(next);
      },
      (capture, error) => {
        const schedule = this.#pendingOf(capture);
        if (schedule !== null) this.#pause(schedule, error);
        else this.#context.commit(() => this.#fail(capture, `${NOT_STARTED}: ${messageOf(error)}`));
      },
    );
  }

  /**
   * Does something for each, in one transaction. Where that throws, each has one of its own, and what
   * throws then is dealt with alone: what is wrong with one row keeps no other from its start.
   */
  #forEach<T>(
    list: () => T[],
    work: (item: T) => void,
    onBroken: (item: T, error: unknown) => void,
  ) {
    const { commit, log } = this.#context;
    const items = list();
    if (items.length === 0) return;
    try {
      commit(() => items.forEach((item) => work(item)));
      return;
    } catch (error) {
      if (!isOfOneRow(error)) throw error;
    }
    for (const item of list()) {
      try {
        commit(() => work(item));
      } catch (error) {
        if (!isOfOneRow(error)) throw error;
        try {
          onBroken(item, error);
        } catch (worse) {
          if (!isOfOneRow(worse)) throw worse;
          // It stays due, and is tried again at each look.
          const message = messageOf(worse);
          if (!this.#said.has(message)) log('error', 'row of the store not readable', { message });
          this.#said.add(message);
        }
      }
    }
  }

  /** Pauses a schedule that cannot be gone on with, and says why; its capture made ahead FAILS. */
  #pause(schedule: Schedule, error: unknown): void {
    const { store, audit, commit, log } = this.#context;
    const trouble = `paused by the daemon: ${whyBroken(schedule, error)}`;
    commit(() => {
      const { pendingCaptureId } = schedule;
      if (pendingCaptureId !== null) {
        const reason = `${NOT_STARTED}: its schedule was ${trouble}`;
        audit.moveCapture(DAEMON, pendingCaptureId, 'SCHEDULED', 'FAILED', { reason });
      }
      store.schedules.update(schedule.id, {
        state: 'paused',
        trouble,
        pendingCaptureId: null,
        pendingAt: null,
      });
      audit.record(DAEMON, 'schedule.pause', subjectOf(schedule), { reason: trouble });
    });
    log('error', 'schedule paused', { schedule: schedule.name, reason: trouble });
  }

  /** @returns the capture that takes its place, where it was missed or skipped. */
  #startOne(capture: Capture): Capture | null {
    const { clock, audit, graceMs, log } = this.#context;
    const now = clock.now();
    const due = capture.scheduledStart ?? now;
    const schedule = this.#pendingOf(capture);
    if (schedule !== null) {
      const all = occurrencesDue(schedule, now);
      if (all !== null && (all.count > 1 || all.last + graceMs < now)) {
        return this.#miss(capture, schedule, all, now);
      }
      const obstacle = this.#obstacleTo(capture, schedule, now);
      if (obstacle !== null) return due <= now ? this.#skip(capture, schedule, obstacle) : null;
    } else if (due + graceMs < now) {
      this.#fail(capture, `missed its start: ${this.#why(due)}`);
      return null;
    }
    if (capture.recordsStatements) {
      audit.moveCapture(DAEMON, capture.id, 'SCHEDULED', 'STARTING');
    } else if (due <= now) {
      const scheduledEnd = capture.duration === null ? null : now + capture.duration;
      audit.moveCapture(DAEMON, capture.id, 'SCHEDULED', 'RUNNING', { start: now, scheduledEnd });
      log('info', 'capture running', { capture: capture.id, late: now - due });
    }
    return null;
  }

  /** The schedule that made this capture ahead; null for one of its own, or one that was moved. */
  #pendingOf(capture: Capture): Schedule | null {
    const schedule = this.#context.store.schedules.findOfCapture(capture.id);
    const isPending =
      schedule?.pendingCaptureId === capture.id && schedule.pendingAt === capture.scheduledStart;
    return isPending ? schedule : null;
  }

  /**
   * Occurrences came due while nobody looked. The last one still starts when it is within the grace;
   * all before it are one FAILED capture, never a burst.
   */
  #miss(capture: Capture, schedule: Schedule, all: Occurrences, now: number): Capture | null {
    const { store, audit, graceMs } = this.#context;
    const startsLast = all.last + graceMs >= now;
    const count = startsLast ? all.count - 1 : all.count;
    const last = startsLast ? (lastOccurrence(schedule, all.last - 1) ?? all.first) : all.last;
    this.#fail(capture, this.#missedReason(schedule, { ...all, count, last }));
    store.schedules.update(schedule.id, {
      cursor: last,
      passed: schedule.passed + count,
      missed: schedule.missed + count,
      pendingCaptureId: null,
      pendingAt: null,
    });
    return this.#next(schedule.id, audit, now);
  }

  #missedReason(schedule: Schedule, { count, isMore, first, last }: Occurrences): string {
    if (count === 1) return `missed its start: ${this.#why(first)}`;
    const at = (instant: number): string => {
      const { local, offset } = localTimeOf(instant, schedule.timeZone);
      return `${local} ${offset}`;
    };
    const number = isMore ? `more than ${count}` : String(count);
    return `missed ${number} starts from ${at(first)} to ${at(last)} (${schedule.timeZone}): ${this.#why(first)}`;
  }

  #why(due: number): string {
    return due >= this.#leadingSince ? JUMPED : NO_DAEMON;
  }

  /** The occurrence before it that still runs at its start, where the schedule minds. */
  #obstacleTo(capture: Capture, schedule: Schedule, now: number): Capture | null {
    if (schedule.overlap === 'allow') return null;
    const start = Math.max(capture.scheduledStart ?? now, now) + NO_OVERLAP_MS;
    return (
      this.#context.store.schedules
        .listUnderWay(schedule.id)
        .find(
          ({ id, scheduledEnd }) =>
            id !== capture.id && (scheduledEnd === null || scheduledEnd > start),
        ) ?? null
    );
  }

  #skip(capture: Capture, schedule: Schedule, obstacle: Capture): Capture | null {
    const { store, clock, audit, log } = this.#context;
    store.captures.delete(capture.id, ['SCHEDULED']);
    store.schedules.update(schedule.id, {
      cursor: schedule.pendingAt ?? schedule.cursor,
      passed: schedule.passed + 1,
      skipped: schedule.skipped + 1,
      pendingCaptureId: null,
      pendingAt: null,
    });
    audit.record(DAEMON, 'schedule.skip', subjectOf(schedule), {
      details: { capture: capture.name },
      reason: `${obstacle.name} (id ${obstacle.id}) was still running`,
    });
    log('info', 'occurrence skipped', { schedule: schedule.name, running: obstacle.id });
    return this.#next(schedule.id, audit, clock.now());
  }

  #next(scheduleId: number, audit: AuditTrail, now: number): Capture | null {
    const { store } = this.#context;
    const schedule = store.schedules.find(scheduleId);
    if (schedule === null) return null;
    const made = makeAhead(store, audit, DAEMON, schedule, now);
    this.#sayMade(schedule, made);
    return made !== null && (made.scheduledStart ?? now) <= now + LEAD_MS ? made : null;
  }

  #sayMade(schedule: Schedule, made: Capture | null): void {
    const { log } = this.#context;
    if (made === null) {
      log('info', 'schedule over', { schedule: schedule.name });
      return;
    }
    const at = made.scheduledStart === null ? null : new Date(made.scheduledStart).toISOString();
    log('info', 'capture scheduled', { capture: made.id, schedule: schedule.name, at });
  }

  #fail(capture: Capture, reason: string): void {
    const { audit, log } = this.#context;
    audit.moveCapture(DAEMON, capture.id, 'SCHEDULED', 'FAILED', { reason });
    log('error', 'capture failed', { capture: capture.id, reason });
  }
}

/** Whether a failure may be that of the row in hand: not of the store, and not that the lease is lost. */
export function isOfOneRow(error: unknown): boolean {
  return !(error instanceof LeaseLost) && !isAppError(error, 'store_unusable');
}

/** What is wrong with a schedule, in the words in which `schedule create` refuses it. */
function whyBroken(schedule: Schedule, error: unknown): string {
  try {
    checkRecurrence(schedule);
  } catch (refusal) {
    return messageOf(refusal);
  }
  return messageOf(error);
}
