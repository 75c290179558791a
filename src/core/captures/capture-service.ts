import type { Actor, Operation } from '../access.ts';
import type { DaemonStarted, DaemonStarter } from '../daemon/daemon-starter.ts';
import { requireDeletable } from '../environments/environment-service.ts';
import { isAppError } from '../errors.ts';
import type { Outside } from '../outside.ts';
import type { Progress } from '../progress.ts';
import type { ListedCapture } from '../store.ts';
import type { ValueCounts } from '../verification/value-counts.ts';
import { readDetails, type DetailedCapture } from './capture-details.ts';
import type { CapturePlan, WatchingServer } from './capture-plan.ts';
import { ALL_CAPTURES, type CaptureListRequest } from './capture-list.ts';
import { CaptureRules } from './capture-rules.ts';
import type { CaptureEdit, CaptureRequest } from './capture-timing.ts';
import type { NamedCapture } from './typed-names.ts';
import { ACTIVE_STATUSES, isOver, type CaptureStatus, type CaptureType } from './capture.ts';
import { lookAtFirstValues, valueCountsOf, type FirstValues } from './values-after-start.ts';
import { followCapture, refuseFailed, type CaptureEvent } from './following.ts';
import type { PreparationOptions } from './preparation.ts';
import type { CreatedCapture, CreationEvent } from './capture-creation.ts';
import { liveFactsOf, type LiveFacts } from './live-facts.ts';
import { RetentionService, type PrunePlan, type PruneRequest } from './retention.ts';

/** How long a server that may be all right gets to be read to the end before a capture is given up. */
const GIVE_UP_AFTER_MS = 10_000;

const NEVER = new AbortController().signal;

export type DeletionEvent =
  | CaptureEvent
  /** As it was at its end; `workloadFolder`: where its workload was left, null where that is gone. */
  | {
      readonly type: 'deleted';
      readonly capture: ListedCapture;
      readonly workloadFolder: string | null;
    };

/** What is done with captures. A daemon is started where what is asked for needs one and none is alive. */
export class CaptureService {
  readonly #outside: Outside;
  readonly #starter: DaemonStarter;
  readonly #rules: CaptureRules;
  readonly #retention: RetentionService;

  constructor(outside: Outside, starter: DaemonStarter) {
    this.#outside = outside;
    this.#starter = starter;
    const { store, clock, origin } = outside;
    this.#rules = new CaptureRules(store, clock, origin);
    this.#retention = new RetentionService(store, clock, origin);
  }

  /**
   * Captures of the environments the actor is a member of.
   * @throws AppError `not_found` for an environment or an owner that the actor cannot see.
   */
  async list(actor: Actor, request: CaptureListRequest): Promise<ListedCapture[]> {
    return this.#rules.list(actor, request);
  }

  /**
   * The captures of `list`, whatever its limit, read page by page as they are taken.
   * @throws AppError as `list` does, before the first is taken.
   */
  async *walk(
    actor: Actor,
    request: CaptureListRequest,
  ): AsyncGenerator<ListedCapture, void, void> {
    yield* this.#rules.walk(actor, request);
  }

  /**
   * @param ref an id, a name that is unique among what the actor can see, or `environment/name`.
   * @param operation what the actor is to be allowed to do with it.
   * @throws AppError `not_found`; `forbidden`; `invalid` for an ambiguous name.
   */
  async get(
    actor: Actor,
    ref: string,
    operation: Operation = 'capture.get',
  ): Promise<ListedCapture> {
    return this.#rules.get(actor, ref, operation);
  }

  /**
   * The captures that the actor can see whose name begins with what was typed, also behind `environment/`; all
   * of them for a number. Only reads.
   * @param statuses of these alone; null for all.
   * @param type captures alone, or replays; null for both.
   */
  async named(
    actor: Actor,
    typed: string,
    statuses: readonly CaptureStatus[] | null,
    limit: number,
    type: CaptureType | null = null,
  ): Promise<readonly NamedCapture[]> {
    const { captureNames } = await import('./typed-names.ts');
    return captureNames(this.#outside.store, actor, typed, statuses, limit, type);
  }

  /** A capture with everything that is known of it. @throws AppError as `get` does. */
  async details(actor: Actor, ref: string): Promise<DetailedCapture> {
    return readDetails(this.#outside, this.#rules.get(actor, ref));
  }

  /**
   * Says what `create` would do and mean; nothing is stored, nothing is changed on the server. What `create`
   * would refuse is part of the plan.
   * @throws AppError `not_found`, `forbidden` for an environment that there is no planning for.
   */
  async *plan(
    actor: Actor,
    request: CaptureRequest,
    signal: AbortSignal,
  ): Progress<WatchingServer, CapturePlan> {
    const { planCapture } = await import('./capture-plan.ts');
    return yield* planCapture(this.#outside, this.#rules, actor, request, signal);
  }

  /**
   * Stores a new capture, once its server was looked at. One to begin now is STARTED, and handed to a daemon,
   * or RUNNING at once on a metrics-only environment; one with a scheduled start is SCHEDULED; a window that
   * has passed is registered as DONE. Nothing stays stored where no daemon can be had for it.
   * @throws AppError as `CaptureRules.create`; as `prepareRecording`; as `DaemonStarter.ensure`.
   */
  async *create(
    actor: Actor,
    request: CaptureRequest,
    options: Partial<PreparationOptions> = {},
    signal: AbortSignal = NEVER,
  ): Progress<CreationEvent, CreatedCapture> {
    const planned = this.#rules.check(actor, request);
    const { announced, prepareCapture } = await import('./capture-creation.ts');
    const prepared = yield* prepareCapture(this.#outside, actor, planned, options, signal);
    signal.throwIfAborted();
    const created = this.#rules.create(actor, { ...request, options: prepared.options });
    try {
      if (isForDaemon(created)) yield* this.#starter.ensure();
    } catch (error) {
      this.#rules.withdraw(actor, created);
      throw error;
    }
    // Who has gone meanwhile does not know of it.
    if (signal.aborted && created.status === 'STARTED' && this.#rules.withdraw(actor, created)) {
      throw signal.reason;
    }
    return yield* announced(this.#outside, created, prepared.readiness);
  }

  /**
   * Creates a capture and waits until it has begun, unless it is to start later. Where that fails, one that
   * no daemon has taken is taken back.
   * @throws AppError as `create`; as `wait`.
   */
  async *record(
    actor: Actor,
    request: CaptureRequest,
    options: Partial<PreparationOptions>,
    signal: AbortSignal,
  ): Progress<CreationEvent | CaptureEvent, ListedCapture> {
    const created = yield* this.create(actor, request, options, signal);
    if (created.status === 'SCHEDULED') return this.#rules.get(actor, String(created.id));
    try {
      return yield* this.wait(actor, String(created.id), 'begun', signal);
    } catch (error) {
      this.#rules.withdraw(actor, created);
      throw error;
    }
  }

  /**
   * Looks for a few seconds at how many executes of a capture that has begun come without their values.
   * @returns null where nothing was executed; `forMs`: how long it was looked at.
   * @throws AppError as `get` does.
   */
  async firstValues(actor: Actor, ref: string, signal: AbortSignal): Promise<FirstValues | null> {
    return lookAtFirstValues(this.#outside, this.#rules, actor, ref, signal);
  }

  /** Executes of a capture with and without values; null before anything is recorded. @throws AppError as `get`. */
  async valueCounts(actor: Actor, ref: string): Promise<ValueCounts | null> {
    return valueCountsOf(this.#outside.store, this.#rules.get(actor, ref).id);
  }

  /** How the recording of a capture goes. @throws AppError as `get` does. */
  async live(actor: Actor, ref: string): Promise<LiveFacts> {
    const { store, clock } = this.#outside;
    return liveFactsOf(store, this.#rules.get(actor, ref).id, clock.now());
  }

  /** Looks on until a capture is over. @throws AppError as `get` does. */
  async *watch(
    actor: Actor,
    ref: string,
    signal: AbortSignal,
  ): Progress<CaptureEvent, ListedCapture> {
    const { id } = this.#rules.get(actor, ref);
    return yield* followCapture(this.#outside, actor, id, hasEnded, null, signal);
  }

  /**
   * Waits until a capture has begun (it is RUNNING, or further), or is over, and sees to it that a daemon
   * is there when one is needed.
   * @throws AppError as `get` does; `capture_failed` with the reason when it FAILED.
   */
  async *wait(
    actor: Actor,
    ref: string,
    until: 'begun' | 'over',
    signal: AbortSignal,
  ): Progress<CaptureEvent, ListedCapture> {
    const { id } = this.#rules.get(actor, ref);
    const isReached = until === 'over' ? hasEnded : hasBegun;
    const reached = yield* this.#follow(actor, id, isReached, signal);
    refuseFailed(reached);
    return reached;
  }

  /**
   * Ends a RUNNING capture, and waits until everything is recorded and the server is restored.
   * @param options.reason why, in the actor's words; kept in the audit trail.
   * @param options.waits whether to wait for that; without, it is returned STOPPING.
   * @throws AppError `conflict` with the reference API's sentence when it cannot be stopped;
   *   `capture_failed` when it FAILED.
   */
  async *stop(
    actor: Actor,
    ref: string,
    options: { readonly reason: string | null; readonly waits: boolean },
    signal: AbortSignal,
  ): Progress<CaptureEvent, ListedCapture> {
    const stopping = yield* this.#requestStop(actor, ref, options.reason);
    if (isOver(stopping.status)) return stopping;
    if (stopping.recordsStatements) yield* this.#starter.ensure();
    if (!options.waits) return stopping;
    const stopped = yield* this.#follow(actor, stopping.id, hasEnded, signal);
    refuseFailed(stopped);
    return stopped;
  }

  /** Of one that is being stopped already the refusal is all that is said; but somebody has to end it. */
  async *#requestStop(
    actor: Actor,
    ref: string,
    reason: string | null,
  ): Progress<DaemonStarted, ListedCapture> {
    try {
      return this.#rules.requestStop(actor, ref, reason);
    } catch (error) {
      if (!isAppError(error, 'conflict')) throw error;
      const { status, recordsStatements } = this.#rules.get(actor, ref, 'capture.stop');
      if (status === 'STOPPING' && recordsStatements) yield* this.#starter.ensure();
      throw error;
    }
  }

  /**
   * Ends a capture without what is still on a server that cannot be read: it is FAILED, with a gap for the
   * rest of its window. A server that can be read gets ten seconds to be read to the end.
   * Of a replay it is a stop like any other.
   * @throws AppError `conflict` with the reference API's sentence when it cannot be stopped.
   */
  async *giveUp(
    actor: Actor,
    ref: string,
    reason: string | null,
    signal: AbortSignal,
  ): Progress<CaptureEvent, ListedCapture> {
    const { clock } = this.#outside;
    const found = this.#rules.get(actor, ref, 'capture.stop');
    const { id } =
      found.status === 'STOPPING' ? found : this.#rules.requestStop(actor, ref, reason);
    // Its player ends it; where that is gone, the next look at it does.
    if (found.type === 'REPLAY') return yield* this.#follow(actor, id, hasEnded, signal);
    const deadline = clock.now() + GIVE_UP_AFTER_MS;
    const looked = yield* this.#follow(
      actor,
      id,
      ({ status, trouble }) => isOver(status) || trouble !== null || clock.now() >= deadline,
      signal,
    );
    return isOver(looked.status) ? looked : this.#rules.giveUp(actor, String(id), reason);
  }

  /**
   * Brings a capture to its end, whatever its status, and waits for it.
   * @throws AppError as `get` does, for `capture.delete`; `capture_failed` when that takes too long.
   */
  async *end(
    actor: Actor,
    ref: string,
    reason: string | null,
    signal: AbortSignal,
  ): Progress<CaptureEvent, ListedCapture> {
    for (;;) {
      const capture = this.#rules.get(actor, ref, 'capture.delete');
      const { id, status } = capture;
      if (isOver(status)) return capture;
      if (status === 'RUNNING') {
        yield { type: 'stopping', capture };
        this.#stopUnlessOver(actor, id, reason);
        continue;
      }
      const isFurther = (now: ListedCapture): boolean =>
        isOver(now.status) || now.status === 'RUNNING';
      yield* this.#follow(actor, id, isFurther, signal);
    }
  }

  /** Somebody else, or its end, may have stopped it since we looked: that is what is wanted. */
  #stopUnlessOver(actor: Actor, id: number, reason: string | null): void {
    try {
      this.#rules.requestStop(actor, String(id), reason);
    } catch (error) {
      if (!isAppError(error, 'conflict')) throw error;
    }
  }

  /**
   * Renames at any time, moves the start and duration of a SCHEDULED capture, moves the end of a
   * RUNNING one.
   * @throws AppError `invalid` for what this status does not allow.
   */
  async *edit(
    actor: Actor,
    ref: string,
    edit: CaptureEdit,
  ): Progress<DaemonStarted, ListedCapture> {
    const edited = this.#rules.edit(actor, ref, edit);
    if (isForDaemon(edited)) yield* this.#starter.ensure();
    return edited;
  }

  /**
   * Deletes a capture and its workload. One that is not over is stopped first, and nothing stays
   * switched on at the server for it.
   * @throws AppError `not_found` when somebody else was faster; `forbidden`; `store_unusable` when files
   *   cannot be removed; it is tried again by the next deletion, or a daemon.
   */
  async *delete(
    actor: Actor,
    ref: string,
    options: { readonly reason: string | null; readonly keepsWorkload: boolean },
    signal: AbortSignal,
  ): Progress<DeletionEvent, ListedCapture> {
    const { id } = this.#rules.get(actor, ref, 'capture.delete');
    let capture = this.#rules.delete(actor, String(id), options.reason, options);
    while (capture === null) {
      yield* this.end(actor, String(id), options.reason, signal);
      capture = this.#rules.delete(actor, String(id), options.reason, options);
    }
    let workloadFolder: string | null = null;
    if (capture.recordsStatements || capture.type === 'REPLAY') {
      const workloads = await this.#outside.workloads();
      if (options.keepsWorkload) workloadFolder = workloads.folderOf(id);
      else await workloads.removeDeleted({ asked: id });
    }
    yield { type: 'deleted', capture, workloadFolder };
    return capture;
  }

  /**
   * Deletes every capture of an environment and its workload, so that the environment can be deleted: also
   * those that somebody creates meanwhile. Those that are not over are stopped first.
   * @throws AppError as `EnvironmentService.checkDeletion` with captures; as `delete`.
   */
  async *deleteAllOf(
    actor: Actor,
    environment: string,
    signal: AbortSignal,
  ): Progress<DeletionEvent, void> {
    const { store } = this.#outside;
    const { id } = requireDeletable(store, actor, environment, true);
    const all = { ...ALL_CAPTURES, environment: String(id), descending: false };
    const open = { ...all, statuses: ['STARTING', 'RUNNING', 'STOPPING'] as const };
    for (const capture of this.#rules.list(actor, open)) {
      yield* this.end(actor, String(capture.id), null, signal);
    }
    requireDeletable(store, actor, String(id), true);
    const how = { keepsWorkload: false, reason: null };
    for (let found = this.#rules.list(actor, all); found.length > 0;) {
      for (const capture of found) yield* this.delete(actor, String(capture.id), how, signal);
      found = this.#rules.list(actor, all);
    }
  }

  /**
   * What a prune would delete; nothing is changed.
   * @throws AppError `not_found` for an environment that the actor cannot see; `invalid` for a wrong age.
   */
  async planPrune(actor: Actor, request: PruneRequest): Promise<PrunePlan> {
    return this.#retention.plan(actor, request);
  }

  /**
   * Deletes captures that are over, with their workloads, one by one; and finishes removals of workloads
   * that were interrupted.
   * @param captureIds of the plan.
   * @param reason why; kept in the audit trail.
   * @param signal ends it between two of them.
   * @returns those that were deleted: not those that somebody else was faster with.
   * @throws AppError `forbidden`; `not_found`; `store_unusable` when files cannot be removed.
   */
  async prune(
    actor: Actor,
    captureIds: readonly number[],
    reason: string,
    signal: AbortSignal,
  ): Promise<ListedCapture[]> {
    const workloads = await this.#outside.workloads();
    const pruned: ListedCapture[] = [];
    for (const id of captureIds) {
      signal.throwIfAborted();
      const capture = this.#outside.store.transaction(() => {
        const found = this.#findDeletable(actor, id);
        return found !== null && this.#retention.prune(actor, id, reason) ? found : null;
      });
      if (capture !== null) pruned.push(capture);
      await workloads.removeDeleted();
    }
    if (captureIds.length === 0) await workloads.removeDeleted();
    return pruned;
  }

  /** null where it is gone. */
  #findDeletable(actor: Actor, id: number): ListedCapture | null {
    if (this.#outside.store.captures.find(id) === null) return null;
    return this.#rules.get(actor, String(id), 'capture.delete');
  }

  #follow(
    actor: Actor,
    id: number,
    isReached: (capture: ListedCapture) => boolean,
    signal: AbortSignal,
  ): Progress<CaptureEvent, ListedCapture> {
    return followCapture(this.#outside, actor, id, isReached, this.#starter, signal);
  }
}

/** Whether a daemon has something to do for it at once. */
function isForDaemon({ recordsStatements, status }: ListedCapture): boolean {
  return recordsStatements && ACTIVE_STATUSES.includes(status);
}

function hasEnded({ status }: ListedCapture): boolean {
  return isOver(status);
}

function hasBegun({ status }: ListedCapture): boolean {
  return status === 'RUNNING' || status === 'STOPPING' || isOver(status);
}
