import {
  AuditTrail,
  captureSubject,
  PROGRAM,
  type Author,
  UNKNOWN_ORIGIN,
  type AuditDetails,
  type Origin,
} from '../audit/audit-trail.ts';
import { walkCaptures } from './capture-pages.ts';
import { decide, viewerOf, type Actor, type Operation, type Viewer } from '../access.ts';
import {
  ACTIVE_STATUSES,
  checkTime,
  MESSAGES,
  whyNotStoppable,
  type Capture,
  type CaptureStatus,
} from './capture.ts';
import {
  timingChanges,
  timingOf,
  type CaptureEdit,
  type CaptureRequest,
} from './capture-timing.ts';
import type { Clock } from '../clock.ts';
import { isLive } from '../daemon/lease.ts';
import { getEnvironment } from '../environments/environment-service.ts';
import { AppError, isAppError } from '../errors.ts';
import { checkName } from '../names.ts';
import { nearNames } from '../near-names.ts';
import { checkRecordingOptions, RECORD_EVERYTHING } from './recording-options.ts';
import { getOwned } from '../owner-access.ts';
import { withUnreadRest } from '../recovery/unread-rest.ts';
import {
  CAPTURE_ORDERS,
  type CaptureChanges,
  type CaptureFilter,
  type ListedCapture,
  type NewCapture,
  type Store,
} from '../store.ts';
import { requireLoggedIn } from '../users/standing.ts';

/** What `list` is asked for: every capture the actor may see, but for what is set here. */
export interface CaptureListRequest extends Omit<CaptureFilter, 'environmentIds' | 'ownerId'> {
  /** An id or a name; null for all. */
  readonly environment: string | null;
  /** A user's name, or `me`; null for all. */
  readonly owner: string | null;
}

/** Every capture, newest first. */
export const ALL_CAPTURES: CaptureListRequest = {
  environment: null,
  owner: null,
  statuses: null,
  name: null,
  since: null,
  until: null,
  order: 'created',
  descending: true,
  limit: null,
};

/** What a request would store. */
export type PlannedCapture = Required<NewCapture>;

const WITHOUT_TIMES = { start: null, scheduledStart: null, duration: null, status: null };

/** Why a capture ended that nobody stopped. */
export const REACHED_ITS_END = 'reached its scheduled end';

/** The rules of captures over the store: those of the reference API. */
export class CaptureRules {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #audit: AuditTrail;
  readonly #isFromElsewhere: boolean;

  /** @param origin to who comes over the network, a capture they may not see is one that never was. */
  constructor(store: Store, clock: Clock, origin: Origin = UNKNOWN_ORIGIN) {
    this.#isFromElsewhere = origin.address !== undefined;
    this.#store = store;
    this.#clock = clock;
    this.#audit = new AuditTrail(store, clock, origin);
  }

  /** As `CaptureService.list`. */
  list(actor: Actor, request: CaptureListRequest): ListedCapture[] {
    this.settle();
    return this.#store.captures.list({ ...this.#filterOf(actor, request), limit: request.limit });
  }

  /** As `CaptureService.walk`. */
  walk(actor: Actor, request: CaptureListRequest): Iterable<ListedCapture> {
    this.settle();
    return walkCaptures(this.#store.captures, this.#filterOf(actor, request));
  }

  #filterOf(actor: Actor, request: CaptureListRequest): Omit<CaptureFilter, 'limit'> {
    const { environment, owner, statuses, name, since, until, order, descending } = request;
    checkTime('beginning of a list', since);
    checkTime('end of a list', until);
    if (!CAPTURE_ORDERS.includes(order)) {
      throw new AppError('invalid', `A list is ordered by one of ${CAPTURE_ORDERS.join(', ')}`);
    }
    const environmentIds =
      environment === null
        ? this.#store.members.listFor(actor).map((member) => member.environmentId)
        : [getEnvironment(this.#store, actor, 'capture.list', environment).id];
    return {
      statuses,
      name,
      since,
      until,
      order,
      descending,
      environmentIds,
      ownerId: owner === null ? null : this.#ownerId(actor, owner),
    };
  }

  #ownerId(actor: Actor, owner: string): number {
    if (owner === 'me') return actor.userId;
    const id = this.#store.users.findByName(owner)?.id ?? NOBODY;
    // Of who does not exist the same is asked of the store: it takes as long to learn nothing.
    if (!this.#canSee(actor, id) || id === NOBODY) {
      throw new AppError('not_found', `There is no user named "${owner}" in your environments`);
    }
    return id;
  }

  /** Whether the actor may know of a user: from an environment of theirs, or as an administrator. */
  #canSee(actor: Actor, userId: number): boolean {
    if (userId === actor.userId || actor.isStoreAdmin) return true;
    const { members, captures } = this.#store;
    const environmentIds = members.listFor(actor).map(({ environmentId }) => environmentId);
    if (environmentIds.some((id) => members.roleOf(id, viewerOf(userId)) !== null)) return true;
    // Who has left an environment is still named there as the owner of captures.
    const owned = { ...ALL_CAPTURES, environmentIds, ownerId: userId, limit: 1 };
    return captures.list(owned).length > 0;
  }

  /** As `CaptureService.get`. */
  get(actor: Actor, ref: string, operation: Operation = 'capture.get'): ListedCapture {
    this.settle();
    return this.#resolve(actor, ref, operation);
  }

  /**
   * Refuses who looked at a capture before and may not do so any more: for each round of what goes on for long.
   * @throws AppError as `get` does by now; `unauthenticated` for who is not logged in any more.
   */
  requireStill(
    actor: Actor,
    { id, environmentId, ownerId }: Pick<Capture, 'id' | 'environmentId' | 'ownerId'>,
    operation: Operation,
  ): void {
    requireLoggedIn(this.#store, actor, this.#clock.now());
    const role = this.#store.members.roleOf(environmentId, actor);
    if (decide(operation, actor, role, ownerId) === 'allowed') return;
    this.#resolve(actor, String(id), operation);
  }

  /** Checks everything `create` checks, and returns what it would store. @throws AppError as `create`. */
  check(actor: Actor, request: CaptureRequest): PlannedCapture {
    const { planned, refusals } = this.review(actor, request);
    const [first] = refusals;
    if (first !== undefined) throw first;
    return planned;
  }

  /**
   * Everything that `create` would refuse of a request, not the first of it alone: the name, the times and
   * the options are each looked at with the others left out.
   * @throws AppError `not_found`, `forbidden` for its environment.
   */
  review(
    actor: Actor,
    request: CaptureRequest,
  ): { readonly planned: PlannedCapture; readonly refusals: AppError[] } {
    requireLoggedIn(this.#store, actor, this.#clock.now());
    const { id, name, server } = getEnvironment(
      this.#store,
      actor,
      'capture.create',
      request.environment,
    );
    const options = request.options ?? RECORD_EVERYTHING;
    const now = this.#clock.now();
    const refusals: AppError[] = [];
    const attempt = <Result>(rule: () => Result): Result | null => {
      try {
        return rule();
      } catch (error) {
        if (!isAppError(error)) throw error;
        refusals.push(error);
        return null;
      }
    };
    attempt(() => {
      checkName('capture', request.name);
      const isTaken = this.#store.captures
        .findByName(request.name, actor)
        .some(({ environmentId }) => environmentId === id);
      if (isTaken) {
        throw new AppError('invalid', MESSAGES.nameTaken, {
          hint: { code: 'other_name', capture: { environmentName: name, name: request.name } },
        });
      }
    });
    const asked = attempt(() => timingOf(request, server !== null, now));
    const timing = asked ?? timingOf(WITHOUT_TIMES, server !== null, now);
    attempt(() => {
      const nothing = server === null ? 'metrics_only' : 'registered';
      checkRecordingOptions(options, timing.recordsStatements ? null : nothing, name);
      if (options.warmUp === null || asked === null || asked.scheduledStart !== null) return;
      throw new AppError('invalid', 'A warm-up goes before a scheduled start', {
        hint: { code: 'start_or_warm_up_first', environment: name },
      });
    });
    const planned = {
      name: request.name,
      environmentId: id,
      ownerId: actor.userId,
      duration: request.duration,
      reason: null,
      options,
      ...timing,
    };
    return { planned, refusals };
  }

  /** Stores a new capture, as `CaptureService.create`, without a look at its server. */
  create(actor: Actor, request: CaptureRequest): ListedCapture {
    return this.#store.transaction(() => {
      const created = this.#store.captures.insert(this.check(actor, request), this.#clock.now());
      this.#audit.record(actor, 'capture.create', captureSubject(created), {
        details: timesOf(created),
      });
      return this.#listed(created.id);
    });
  }

  /**
   * Asks for the end of a RUNNING capture: it becomes STOPPING and the daemon does the rest; on a
   * metrics-only environment it is DONE at once.
   * @param reason why, in the actor's words; kept in the audit trail.
   * @throws AppError `conflict` with the reference API's sentence when it cannot be stopped.
   */
  requestStop(actor: Actor, ref: string, reason: string | null = null): ListedCapture {
    this.settle();
    return this.#store.transaction(() => {
      const capture = this.#resolve(actor, ref, 'capture.stop');
      const refusal = whyNotStoppable(capture.status, ref);
      if (refusal !== null) throw refusal;
      if (capture.recordsStatements) {
        this.#store.captures.move(capture.id, 'RUNNING', 'STOPPING');
      } else {
        this.#store.captures.move(capture.id, 'RUNNING', 'DONE', { end: this.#clock.now() });
      }
      this.#audit.record(actor, 'capture.stop', captureSubject(capture), { reason });
      return this.#listed(capture.id);
    });
  }

  /**
   * Ends a capture that waits for its server without what is still there: it is FAILED, with a gap for the
   * rest of its window, and the server is restored when it can be reached.
   * @throws AppError `conflict` with the reference API's sentence when it cannot be stopped.
   */
  giveUp(actor: Actor, ref: string, reason: string | null = null): ListedCapture {
    return this.#store.transaction(() => {
      const { captures, recordings } = this.#store;
      const capture = this.#resolve(actor, ref, 'capture.stop');
      const refusal = capture.status === 'STOPPING' ? null : whyNotStoppable(capture.status, ref);
      if (refusal !== null) throw refusal;
      const now = this.#clock.now();
      const { trouble } = this.#listed(capture.id);
      const waitedFor = trouble === null ? '' : `, which could not be read: ${trouble.reason}`;
      const why = `Given up: what was still on the server is not recorded${waitedFor}`;
      const changes = { reason: why, end: capture.end ?? now };
      if (captures.move(capture.id, capture.status, 'FAILED', changes) === null) {
        throw new AppError('conflict', MESSAGES.alreadyStopped);
      }
      const recording = recordings.find(capture.id);
      if (recording !== null) {
        const until = new Date(now).toISOString().replace('Z', '000Z');
        const facts = withUnreadRest(recording, { reason: why, until, cause: 'not_read' });
        if (facts !== null) recordings.saveFacts(capture.id, facts);
        recordings.detach(capture.id);
      }
      this.#audit.record(actor, 'capture.stop', captureSubject(capture), { reason: reason ?? why });
      return this.#listed(capture.id);
    });
  }

  /** As `CaptureService.edit`. */
  edit(actor: Actor, ref: string, edit: CaptureEdit): ListedCapture {
    this.settle();
    return this.#store.transaction(() => {
      const capture = this.#resolve(actor, ref, 'capture.edit');
      if (edit.name !== null) checkName('capture', edit.name);
      const changes: CaptureChanges = {
        ...(edit.name === null ? {} : { name: edit.name }),
        ...timingChanges(capture, edit, ref, this.#clock.now()),
      };
      const edited = this.#store.captures.update(capture.id, [capture.status], changes);
      if (edited === null) {
        throw new AppError('conflict', 'The status of the capture changed meanwhile', {
          hint: { code: 'look_again', capture: ref },
        });
      }
      this.#audit.record(actor, 'capture.edit', captureSubject(edited), {
        details: differences(capture, edited),
      });
      return this.#listed(capture.id);
    });
  }

  /**
   * Deletes the row of a capture that is not being recorded: SCHEDULED, over, or STARTED and not yet
   * taken. For any other the answer is null: stop it first, then call again.
   * Its workload is noted as one to be removed, or as one that stays: see `RemovalTable`.
   * @param reason why, in the actor's words; kept in the audit trail.
   */
  delete(
    actor: Actor,
    ref: string,
    reason: string | null = null,
    options: { keepsWorkload: boolean } = { keepsWorkload: false },
  ): ListedCapture | null {
    this.settle();
    return this.#store.transaction(() => {
      const capture = this.#resolve(actor, ref, 'capture.delete');
      const isGone =
        this.#store.captures.delete(capture.id, DELETABLE) ||
        (!capture.recordsStatements && this.#store.captures.delete(capture.id, ['RUNNING']));
      if (!isGone) return null;
      const { removals } = this.#store;
      if (capture.recordsStatements) {
        if (!options.keepsWorkload) removals.insert(capture.id);
        else if (capture.records !== null) removals.keep(capture.id);
      }
      this.#audit.record(actor, 'capture.delete', captureSubject(capture), {
        details: { status: capture.status, records: capture.records },
        reason,
      });
      return capture;
    });
  }

  /**
   * Deletes a capture that was to begin now, unless a daemon has taken it.
   * @param created as it was stored: of one that was stored as STARTING nobody can tell while a daemon lives.
   * @returns whether it is deleted.
   */
  withdraw({ userId, userName }: Actor, created: ListedCapture): boolean {
    const { captures, lease } = this.#store;
    // It is no wish of theirs: also where they are not logged in any more.
    const author = { userId, userName };
    const { id, status } = created;
    return this.#store.transaction(() => {
      if (status !== 'STARTED' && isLive(lease.find(), this.#clock.now())) return false;
      if (!captures.delete(id, [status])) return false;
      this.#audit.record(author, 'capture.delete', captureSubject(created), {
        details: { status },
        reason: 'no daemon took it',
      });
      return true;
    });
  }

  /**
   * Settles metrics-only captures whose end has passed: they need no process, so the next command
   * moves them to DONE, with the end they were to have.
   * @param author who looks: any command, unless it is the daemon.
   */
  settle(author: Author = PROGRAM): void {
    const now = this.#clock.now();
    const due = this.#store.captures.nextEnd();
    if (due === null || due > now) return;
    this.#store.transaction(() => {
      for (const capture of this.#store.captures.listEnding(now)) {
        if (capture.recordsStatements) continue;
        this.#audit.moveCapture(author, capture.id, 'RUNNING', 'DONE', {
          end: capture.scheduledEnd,
          reason: REACHED_ITS_END,
        });
      }
    });
  }

  /** Whether a daemon has work at once: captures that are STARTED, STARTING, RUNNING or STOPPING and record. */
  listActive(): Capture[] {
    return this.#store.captures
      .listByStatus(ACTIVE_STATUSES)
      .filter((capture) => capture.recordsStatements);
  }

  #listed(id: number): ListedCapture {
    const capture = this.#store.captures.find(id);
    if (capture === null) throw new AppError('not_found', MESSAGES.captureMissing);
    return capture;
  }

  #resolve(actor: Actor, ref: string, operation: Operation): ListedCapture {
    requireLoggedIn(this.#store, actor, this.#clock.now());
    return getOwned(this.#store, actor, operation, ref, {
      noun: 'capture',
      table: this.#store.captures,
      missing: (isHidden) =>
        new AppError(
          'not_found',
          isHidden && !this.#isFromElsewhere && TOLD.has(operation)
            ? MESSAGES.captureEnvironmentMissing
            : MESSAGES.captureMissing,
          { hint: { code: 'list_captures', near: this.#near(actor, ref) } },
        ),
    });
  }

  /** Names of recent captures that the actor can see and may have meant. */
  #near(viewer: Viewer, ref: string): string[] {
    const environmentIds = this.#store.members
      .listFor(viewer)
      .map(({ environmentId }) => environmentId);
    const recent = { ...ALL_CAPTURES, environmentIds, ownerId: null, limit: RECENT };
    const names = this.#store.captures
      .list(recent)
      .map(({ name, environmentName }) =>
        ref.includes('/') ? `${environmentName}/${name}` : name,
      );
    return nearNames(ref, [...new Set(names)]);
  }
}

/** No user has this id. */
const NOBODY = 0;
/** Comparing a name with so many others takes a few milliseconds. */
const RECENT = 1_000;
/** The reference's words for these tell an outsider that there is such a capture. */
const TOLD: ReadonlySet<Operation> = new Set([
  'capture.get',
  'capture.metrics',
  'capture.workload',
  'capture.verify',
  'capture.report',
  'capture.export',
]);
const DELETABLE: readonly CaptureStatus[] = ['SCHEDULED', 'STARTED', 'DONE', 'FAILED'];

/** What a capture was made with, for the audit trail. */
function timesOf({ status, scheduledStart, duration }: Capture): AuditDetails {
  const at = scheduledStart === null ? {} : { scheduledStart: isoTime(scheduledStart) };
  return { status, ...at, ...(duration === null ? {} : { seconds: duration / 1_000 }) };
}

/** What an edit changed, for the audit trail: the new value, and the old name. */
function differences(before: Capture, after: Capture): AuditDetails {
  return {
    ...(before.name === after.name ? {} : { from: before.name, to: after.name }),
    ...(before.scheduledStart === after.scheduledStart
      ? {}
      : { scheduledStart: isoTime(after.scheduledStart) }),
    ...(before.duration === after.duration ? {} : { seconds: (after.duration ?? 0) / 1_000 }),
  };
}

function isoTime(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
