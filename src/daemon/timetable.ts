import { DAEMON, type AuditTrail } from '../core/audit.ts';
import type { Capture } from '../core/captures.ts';
import type { Clock } from '../core/clock.ts';
import { lastOccurrence, type Occurrences } from '../core/cron.ts';
import { makeAhead, moveOn, occurrencesDue, subjectOf } from '../core/occurrences.ts';
import { localTimeOf, type Schedule } from '../core/schedules.ts';
import type { Store } from '../core/store.ts';
import type { DaemonLog } from './log.ts';

/** A tap is opened this long before a scheduled start, so that the first swap can be the start. */
export const LEAD_MS = 5_000;

/**
 * One that ends this soon after the next is due is no overlap: a capture that follows on its own
 * predecessor would be left out every other time, because that began some milliseconds late.
 */
const NO_OVERLAP_MS = 5_000;

export const MISSED_START = 'missed its start: no daemon was running';
const NO_DAEMON = 'no daemon was running';
const JUMPED = 'the machine was asleep or its clock was set forward';

export interface TimetableContext {
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

  constructor(context: TimetableContext) {
    this.#context = context;
    this.#leadingSince = context.clock.now();
  }

  /** Makes the next capture of every schedule whose last one has started, failed or was deleted. */
  tend(): void {
    const { store, clock, audit, commit } = this.#context;
    if (store.schedules.listToTend().length === 0) return;
    commit(() => {
      for (const schedule of store.schedules.listToTend()) {
        this.#sayMade(schedule, moveOn(store, audit, DAEMON, schedule, clock.now()));
      }
    });
  }

  /** Starts captures whose instant has come, or is so near that the server's log is to be opened. */
  startDue(): void {
    const { store, clock, commit } = this.#context;
    const soon = store.captures.listDue(clock.now() + LEAD_MS, -1);
    if (soon.length === 0) return;
    commit(() => {
      // What was missed makes way for a capture that may be due as well.
      const queue: Capture[] = soon;
      for (const capture of queue) {
        const instead = this.#startOne(capture);
        if (instead !== null) queue.push(instead);
      }
    });
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
