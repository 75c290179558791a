import { decide, type Actor, type Operation } from '../access.ts';
import {
  AuditTrail,
  captureSubject,
  PROGRAM,
  type Author,
  UNKNOWN_ORIGIN,
  type AuditDetails,
  type Origin,
} from '../audit/audit-trail.ts';
import type { Clock } from '../clock.ts';
import { isLive } from '../daemon/lease.ts';
import { AppError } from '../errors.ts';
import { checkName } from '../names.ts';
import { getOwned } from '../owner-access.ts';
import { withUnreadRest } from '../recovery/unread-rest.ts';
import type { CaptureChanges, ListedCapture, Store } from '../store.ts';
import { settleAbandoned } from '../replays/abandoned-replays.ts';
import { requireLoggedIn } from '../users/standing.ts';
import {
  ACTIVE_STATUSES,
  MESSAGES,
  whyNotStoppable,
  type Capture,
  type CaptureStatus,
} from './capture.ts';
import { filterOf, nearCaptures, type CaptureListRequest } from './capture-list.ts';
import { walkCaptures } from './capture-pages.ts';
import { reviewRequest, type PlannedCapture, type Review } from './capture-review.ts';
import { timingChanges, type CaptureEdit, type CaptureRequest } from './capture-timing.ts';

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
    return this.#store.captures.list({
      ...filterOf(this.#store, actor, request),
      limit: request.limit,
    });
  }

  /** As `CaptureService.walk`. */
  walk(actor: Actor, request: CaptureListRequest): Iterable<ListedCapture> {
    this.settle();
    return walkCaptures(this.#store.captures, filterOf(this.#store, actor, request));
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
  review(actor: Actor, request: CaptureRequest): Review {
    return reviewRequest(this.#store, actor, request, this.#clock.now());
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
   * Asks for the end of a RUNNING capture: it becomes STOPPING and the daemon, or who replays, does the rest; on a
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
      if (capture.recordsStatements || capture.type === 'REPLAY') {
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
      if (capture.type === 'REPLAY' && (edit.scheduledStart !== null || edit.duration !== null)) {
        throw new AppError('invalid', 'A replay has no times to change: it ends with its record');
      }
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
        (isMetricsOnly(capture) && this.#store.captures.delete(capture.id, ['RUNNING']));
      if (!isGone) return null;
      const { removals } = this.#store;
      if (!isMetricsOnly(capture)) {
        if (!options.keepsWorkload) removals.insert(capture.id);
        else if (capture.records !== null || capture.type === 'REPLAY') removals.keep(capture.id);
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
   * moves them to DONE, with the end they were to have. And replays that nobody plays any more.
   * @param author who looks: any command, unless it is the daemon.
   */
  settle(author: Author = PROGRAM): void {
    const now = this.#clock.now();
    settleAbandoned(this.#store, this.#audit, author, now);
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
          { hint: { code: 'list_captures', near: nearCaptures(this.#store, actor, ref) } },
        ),
    });
  }
}

/** The reference's words for these tell an outsider that there is such a capture. */
const TOLD: ReadonlySet<Operation> = new Set([
  'capture.get',
  'capture.metrics',
  'capture.workload',
  'capture.verify',
  'capture.report',
  'capture.export',
  'capture.replay',
]);
/** Whether nothing but metrics is kept of it, for which no process is needed. */
function isMetricsOnly({ recordsStatements, type }: Capture): boolean {
  return !recordsStatements && type === 'CAPTURE';
}

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
