import type { Actor, Operation } from '../access.ts';
import { AuditTrail, type AuditDetails } from '../audit/audit-trail.ts';
import { checkDuration, checkTime } from '../captures/capture.ts';
import type { Clock } from '../clock.ts';
import { hasLiveDaemon } from '../daemon/daemon-starter.ts';
import { checkRecurrence, type Recurrence } from './cron.ts';
import { getEnvironment } from '../environments/environment-service.ts';
import { AppError } from '../errors.ts';
import { checkName } from '../names.ts';
import { nearNames } from '../near-names.ts';
import type { Notice } from '../notices.ts';
import type { Outside } from '../outside.ts';
import { prepareRecording } from '../captures/preparation.ts';
import { resultOf } from '../progress.ts';
import { getOwned } from '../owner-access.ts';
import { makeAhead, nextOf, subjectOf, withoutPending } from './occurrences.ts';
import {
  checkRecordingOptions,
  RECORD_EVERYTHING,
  type RecordingOptions,
} from '../captures/recording-options.ts';
import type { ListedSchedule, Overlap, Schedule, ScheduleChanges } from './schedule.ts';
import type { Store } from '../store.ts';
import type { Approval } from '../warm-ups/approvals.ts';

/** What `schedule create` is asked for. Times are milliseconds since the epoch; null for "not said". */
export interface ScheduleRequest extends Recurrence {
  readonly name: string;
  /** An id or a name. */
  readonly environment: string;
  /** Milliseconds. */
  readonly duration: number;
  readonly overlap: Overlap;
  readonly count: number | null;
  readonly until: number | null;
  /** Milliseconds; null to keep captures for good. */
  readonly retain: number | null;
  /** Of each of its captures; absent: `RECORD_EVERYTHING`. */
  readonly options?: RecordingOptions;
}

/** What `schedule edit` changes; what is absent stays. */
export type ScheduleEdit = Partial<
  Pick<
    Schedule,
    'name' | 'cron' | 'timeZone' | 'duration' | 'overlap' | 'count' | 'until' | 'retain'
  >
>;

const MISSING = 'Schedule not found';
// What is kept a shorter time than this is hardly worth recording; a slip such as 30s for 30d costs it.
const SHORTEST_RETAIN_MS = 60_000;
const LONGEST_RETAIN_MS = 1_000 * 366 * 86_400_000;

/** A schedule that was stored, and what to know of it. */
export interface CreatedSchedule extends ListedSchedule {
  readonly notices: readonly Notice[];
}

/** The operations on recurring schedules, for an actor. */
export class ScheduleService {
  readonly #outside: Outside;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #audit: AuditTrail;

  constructor(outside: Outside) {
    const { store, clock, origin } = outside;
    this.#outside = outside;
    this.#store = store;
    this.#clock = clock;
    this.#audit = new AuditTrail(store, clock, origin);
  }

  /**
   * Stores a schedule and makes its first capture ahead.
   * @param approved what somebody has agreed to for each of its captures.
   * @throws AppError `not_found` for an environment that the actor is not a member of; `invalid` for what
   *   cannot be read, a taken name, a schedule that would never start anything, and for what nobody approved.
   */
  async create(
    actor: Actor,
    request: ScheduleRequest,
    approved: readonly Approval['for'][] = [],
  ): Promise<CreatedSchedule> {
    const { name, cron, timeZone, duration, overlap, count, until, retain } = request;
    const environment = getEnvironment(this.#store, actor, 'schedule.create', request.environment);
    checkName('schedule', name);
    check({ cron, timeZone, duration, count, until, retain });
    const options = request.options ?? RECORD_EVERYTHING;
    checkRecordingOptions(
      options,
      environment.server === null ? 'metrics_only' : null,
      environment.name,
    );
    const notices: Notice[] = [];
    const prepared = await resultOf(
      prepareRecording(
        this.#outside,
        environment,
        options,
        { isLater: true, waitsForLog: false, approved, requireStill: () => undefined },
        new AbortController().signal,
      ),
      (event) => {
        if (event.type === 'notice') notices.push(event.notice);
      },
    );
    const created = this.#store.transaction(() => {
      this.#audit.requireLoggedIn(actor);
      // The look at the server took its time.
      getEnvironment(this.#store, actor, 'schedule.create', String(environment.id));
      const now = this.#clock.now();
      const schedule = this.#store.schedules.insert(
        {
          name,
          environmentId: environment.id,
          ownerId: actor.userId,
          cron: cron.trim(),
          timeZone,
          duration,
          overlap,
          count,
          until,
          retain,
          cursor: now,
          options: prepared.options,
        },
        now,
      );
      this.#audit.record(actor, 'schedule.create', subjectOf(schedule), {
        details: { cron: schedule.cron, timeZone, seconds: duration / 1_000, overlap },
      });
      this.#makeAhead(actor, schedule);
      return this.#listed(schedule.id);
    });
    return { ...created, notices: [...notices, ...this.#startNotices(created)] };
  }

  /** When the first warm-up begins, that warm-ups leave no time between them, and that no daemon is alive. */
  #startNotices(schedule: ListedSchedule): Notice[] {
    const now = this.#clock.now();
    const { pendingAt, duration, options } = schedule;
    const { warmUp } = options;
    const notices: Notice[] = [];
    if (warmUp !== null && pendingAt !== null) {
      const from = Math.max(pendingAt - warmUp, now);
      notices.push({ code: 'warm_up_planned', from, until: pendingAt, wanted: pendingAt - from });
      const [first, second] = this.#next(schedule, 2);
      if (first !== undefined && second !== undefined && second - first <= warmUp + duration) {
        notices.push({ code: 'warm_ups_without_pause' });
      }
    }
    if (!hasLiveDaemon(this.#store, now)) notices.push({ code: 'no_daemon_for_schedule' });
    return notices;
  }

  /**
   * Schedules of the environments the actor is a member of, by environment and name.
   * @param environment an id or a name; null for all.
   * @throws AppError `not_found` for an environment that the actor is not a member of.
   */
  async list(actor: Actor, environment: string | null): Promise<ListedSchedule[]> {
    return this.#store.schedules.list(
      environment === null
        ? this.#store.members.listFor(actor).map((member) => member.environmentId)
        : [getEnvironment(this.#store, actor, 'schedule.list', environment).id],
    );
  }

  /**
   * @param ref an id, a name that is unique among what the actor can see, or `environment/name`.
   * @throws AppError `not_found`; `forbidden`; `invalid` for an ambiguous name, listing the candidates.
   */
  async get(
    actor: Actor,
    ref: string,
    operation: Operation = 'schedule.get',
  ): Promise<ListedSchedule> {
    return this.#get(actor, ref, operation);
  }

  #get(actor: Actor, ref: string, operation: Operation): ListedSchedule {
    return getOwned(this.#store, actor, operation, ref, {
      noun: 'schedule',
      table: this.#store.schedules,
      missing: () => missing(this.#near(actor, ref)),
    });
  }

  /** Names of schedules that the actor can see and may have meant. */
  #near(actor: Actor, ref: string): string[] {
    const environmentIds = this.#store.members.listFor(actor).map((member) => member.environmentId);
    const names = this.#store.schedules
      .list(environmentIds)
      .map(({ name, environmentName }) =>
        ref.includes('/') ? `${environmentName}/${name}` : name,
      );
    return nearNames(ref, [...new Set(names)]);
  }

  /**
   * Changes what `edit` names; the capture made ahead is made anew.
   * @throws AppError as `create` does; `forbidden`.
   */
  async edit(actor: Actor, ref: string, edit: ScheduleEdit): Promise<ListedSchedule> {
    return this.#store.transaction(() => {
      const before = this.#get(actor, ref, 'schedule.edit');
      const after = { ...before, ...edit };
      if (edit.name !== undefined) checkName('schedule', edit.name);
      check(after);
      const { cursor } = this.#withdraw(before);
      // One that the daemon paused goes on: what was wrong with it has just been checked.
      const isWaiting = before.state !== 'paused' || before.trouble !== null;
      const changes: ScheduleChanges = {
        ...edit,
        cron: after.cron.trim(),
        // One that was over may have been given more to do.
        state: isWaiting ? 'active' : 'paused',
        trouble: null,
        // Occurrences that are past stay past, whatever the new expression says of them.
        cursor: Math.max(cursor, this.#clock.now()),
      };
      this.#store.schedules.update(before.id, changes);
      this.#audit.record(actor, 'schedule.edit', subjectOf({ ...before, ...edit }), {
        details: detailsOf(edit, before),
      });
      if (isWaiting) this.#makeAhead(actor, this.#listed(before.id));
      return this.#listed(before.id);
    });
  }

  /**
   * Takes the capture made ahead back and makes no more until it is resumed; what runs goes on.
   * @throws AppError `conflict` unless it is active; `not_found`; `forbidden`.
   */
  async pause(actor: Actor, ref: string, reason: string | null = null): Promise<ListedSchedule> {
    return this.#store.transaction(() => {
      const schedule = this.#get(actor, ref, 'schedule.pause');
      if (schedule.state === 'paused')
        throw new AppError('conflict', 'This schedule is already paused');
      if (schedule.state === 'over') throw new AppError('conflict', OVER);
      this.#withdraw(schedule);
      this.#store.schedules.update(schedule.id, { state: 'paused' });
      this.#audit.record(actor, 'schedule.pause', subjectOf(schedule), { reason });
      return this.#listed(schedule.id);
    });
  }

  /**
   * Goes on with the next occurrence from now; those of the pause are not missed.
   * @throws AppError `conflict` unless it is paused; `not_found`; `forbidden`.
   */
  async resume(actor: Actor, ref: string): Promise<ListedSchedule> {
    return this.#store.transaction(() => {
      const schedule = this.#get(actor, ref, 'schedule.resume');
      if (schedule.state === 'active')
        throw new AppError('conflict', 'This schedule is not paused');
      if (schedule.state === 'over') throw new AppError('conflict', OVER);
      check(schedule);
      this.#store.schedules.update(schedule.id, {
        state: 'active',
        trouble: null,
        cursor: Math.max(schedule.cursor, this.#clock.now()),
      });
      this.#audit.record(actor, 'schedule.resume', subjectOf(schedule));
      this.#makeAhead(actor, this.#listed(schedule.id));
      return this.#listed(schedule.id);
    });
  }

  /**
   * Deletes the schedule and the capture made ahead; captures that started stay.
   * @throws AppError `not_found`; `forbidden`.
   */
  async delete(actor: Actor, ref: string, reason: string | null = null): Promise<ListedSchedule> {
    return this.#store.transaction(() => {
      const schedule = this.#get(actor, ref, 'schedule.delete');
      this.#withdraw(schedule);
      this.#store.schedules.delete(schedule.id);
      this.#audit.record(actor, 'schedule.delete', subjectOf(schedule), { reason });
      return schedule;
    });
  }

  /**
   * The next instants at which it starts a capture, at most `count`; none when it is paused or over.
   * @throws AppError as `get` does.
   */
  async next(
    actor: Actor,
    ref: string,
    count: number,
  ): Promise<{ schedule: ListedSchedule; instants: number[] }> {
    const schedule = this.#get(actor, ref, 'schedule.get');
    return { schedule, instants: this.#next(schedule, count) };
  }

  #next(schedule: Schedule, count: number): number[] {
    if (schedule.state !== 'active') return [];
    const left =
      schedule.count === null ? count : Math.min(count, schedule.count - schedule.passed);
    const first = schedule.pendingCaptureId === null ? null : schedule.pendingAt;
    const after = Math.max(schedule.cursor, this.#clock.now());
    const instants = first === null ? [] : [first];
    let last = first ?? after;
    while (instants.length < left) {
      const next = nextOf(schedule, last);
      if (next === null) break;
      instants.push(next);
      last = next;
    }
    return instants.slice(0, count);
  }

  /** Makes the next capture, or finds that there is nothing more to do: then the schedule is over. */
  #makeAhead(actor: Actor, schedule: Schedule): void {
    const made = makeAhead(this.#store, this.#audit, actor, schedule, this.#clock.now());
    if (made === null) {
      throw new AppError('invalid', 'This schedule would never start a capture', {
        hint: { code: 'schedule_over_at_once' },
      });
    }
  }

  /** Deletes the capture made ahead; where it has started already, that occurrence has passed. */
  #withdraw(schedule: Schedule): Pick<Schedule, 'cursor' | 'passed'> {
    const { pendingCaptureId } = schedule;
    const isTakenBack =
      pendingCaptureId === null || this.#store.captures.delete(pendingCaptureId, ['SCHEDULED']);
    const position = withoutPending(schedule, !isTakenBack);
    this.#store.schedules.update(schedule.id, position);
    return position;
  }

  #listed(id: number): ListedSchedule {
    const schedule = this.#store.schedules.find(id);
    if (schedule === null) throw missing([]);
    return schedule;
  }
}

function missing(near: readonly string[]): AppError {
  return new AppError('not_found', MISSING, { hint: { code: 'list_schedules', near } });
}

const OVER = 'This schedule is over: it has no runs left';

function check(
  schedule: Recurrence & Pick<Schedule, 'duration' | 'count' | 'until' | 'retain'>,
): void {
  checkRecurrence(schedule);
  checkDuration(schedule.duration, false);
  const { count, until, retain } = schedule;
  checkTime('end of a schedule', until);
  if (count !== null && !(Number.isSafeInteger(count) && count > 0)) {
    throw new AppError('invalid', 'The count must be a whole number from 1 on');
  }
  if (retain !== null && !(retain >= SHORTEST_RETAIN_MS)) {
    throw new AppError('invalid', 'Captures must be retained for at least 60 seconds');
  }
  if (retain !== null && !(retain <= LONGEST_RETAIN_MS)) {
    throw new AppError('invalid', 'Captures can be retained for at most 1,000 years');
  }
}

function detailsOf(edit: ScheduleEdit, before: Schedule): AuditDetails {
  return {
    ...Object.fromEntries(Object.entries(edit)),
    ...(edit.name === undefined ? {} : { from: before.name }),
  };
}
