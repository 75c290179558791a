import { readOnlyRefusal, type Actor } from '../access.ts';
import { CaptureRules } from '../captures/capture-rules.ts';
import { withoutStatements } from '../captures/no-statements.ts';
import { hasBegun } from '../captures/capture.ts';
import { AppError, isAppError } from '../errors.ts';
import type { Outside } from '../outside.ts';
import type { Progress } from '../progress.ts';
import type { ListedCapture, Store } from '../store.ts';
import { actorNow } from '../users/standing.ts';
import type { StatementRecord } from './statements.ts';
import type { OrphanedWorkload, StatementQuery, StatementsNotRun } from './workload-files.ts';
import { deletedOr, committedSpan, followSpans, type Following } from './committed-spans.ts';
import { checkSearch, EVERY_STATEMENT, type StatementSearch } from './statement-search.ts';

/** What is read of a capture: every statement that is committed, but for what is set here. */
export interface StatementRequest {
  readonly search: StatementSearch;
  /** So many of those that are found at most; null for all. */
  readonly limit: number | null;
  /** Only those behind the record with this `seq`, as one goes on who has read that far; null: from the first. */
  readonly after: number | null;
  /** How it goes on until the capture is over; null: it ends with what is committed. */
  readonly follow: Following | null;
}

/** What is asked of a capture that may be read. */
interface ChosenStatements extends StatementRequest {
  readonly capture: ListedCapture;
}

/** What captures recorded. */
export class WorkloadService {
  readonly #outside: Outside;
  readonly #rules: CaptureRules;

  constructor(outside: Outside) {
    this.#outside = outside;
    this.#rules = new CaptureRules(outside.store, outside.clock, outside.origin);
  }

  /**
   * The statements of a capture in the order the server received them, a line of JSON each, in pieces of
   * any size; of one that goes on, those that are committed by now, or, followed, all until it is over.
   * @throws AppError `not_found`, also for a capture that records none and a digest that no statement has;
   *   `conflict` for one that has not begun and is not followed; `invalid` for what cannot be searched for, a time
   *   outside of the window, and a beginning of several digests; `store_unusable`, once everything before it was yielded.
   */
  async *read(
    actor: Actor,
    ref: string,
    request: Partial<StatementRequest> = {},
  ): AsyncGenerator<Uint8Array, void, void> {
    const chosen = this.#chosen(actor, ref, request);
    const { capture, spans } = chosen;
    try {
      const query = await this.#queryOf(chosen);
      yield* (await this.#outside.workloads()).read(capture.id, spans, query);
    } catch (error) {
      throw this.#whyNotRead(capture, error);
    }
  }

  /** The same as records, in parts of any size. @throws AppError as `read` does. */
  async *records(
    actor: Actor,
    ref: string,
    request: Partial<StatementRequest> = {},
  ): AsyncGenerator<readonly StatementRecord[], void, void> {
    const chosen = this.#chosen(actor, ref, request);
    const { capture, spans } = chosen;
    try {
      const query = await this.#queryOf(chosen);
      yield* (await this.#outside.workloads()).records(capture.id, spans, query);
    } catch (error) {
      throw this.#whyNotRead(capture, error);
    }
  }

  /** The same as SQL for a client; returns what will not run there. @throws AppError as `read` does. */
  async *readSql(
    actor: Actor,
    ref: string,
    request: Partial<StatementRequest> = {},
  ): Progress<Uint8Array, readonly StatementsNotRun[]> {
    const chosen = this.#chosen(actor, ref, request);
    const { capture, spans } = chosen;
    try {
      const query = await this.#queryOf(chosen);
      return yield* (await this.#outside.workloads()).readSql(capture.id, spans, query);
    } catch (error) {
      throw this.#whyNotRead(capture, error);
    }
  }

  #chosen(actor: Actor, ref: string, request: Partial<StatementRequest>) {
    const { search = EVERY_STATEMENT, limit = null, after = null, follow = null } = request;
    checkSearch(search);
    const capture = this.#rules.get(actor, ref, 'capture.workload');
    const { id, name, environmentName, recordsStatements, status } = capture;
    const named = { environmentName, name };
    if (!recordsStatements) {
      throw withoutStatements(
        capture,
        () =>
          new AppError('not_found', `The capture "${name}" has no workload`, {
            hint: { code: 'see_metrics', capture: named },
          }),
      );
    }
    if (follow === null && !hasBegun(status)) {
      throw new AppError('conflict', `The capture "${name}" is ${status}`, {
        hint: { code: 'recorded_later', capture: named },
      });
    }
    const spans =
      follow === null
        ? committedSpan(this.#outside, id)
        : followSpans(
            this.#outside,
            id,
            (now) => this.#rules.requireStill(actor, now, 'capture.workload'),
            search.until,
            follow,
          );
    return { capture, spans, search, limit, after, follow };
  }

  async #queryOf({
    capture,
    search,
    limit,
    after,
    follow,
  }: ChosenStatements): Promise<StatementQuery> {
    const { checkedSearch } = await import('./checked-search.ts');
    return {
      search: await checkedSearch(this.#outside, capture, search, follow !== null),
      limit,
      after,
    };
  }

  #whyNotRead({ id, environmentName, name }: ListedCapture, error: unknown): unknown {
    if (!isAppError(error, 'not_found') || error.hint !== null) {
      return deletedOr(error, this.#outside, id);
    }
    const hint = { code: 'list_digests', capture: { environmentName, name } } as const;
    return new AppError('not_found', error.message, { hint, cause: error });
  }

  /**
   * Workloads whose capture is not in the store: not those that were kept when theirs was deleted.
   * @throws AppError `forbidden` to who is no administrator of the store: nobody can tell whose they were.
   */
  async listOrphans(actor: Actor): Promise<OrphanedWorkload[]> {
    requireStoreAdmin(actor);
    return (await this.#outside.workloads()).findOrphans();
  }

  /**
   * Removes workloads whose capture is not in the store, and finishes removals that were interrupted.
   * @param captureIds those that were listed.
   * @throws AppError `forbidden`; `store_unusable`.
   */
  async removeOrphans(actor: Actor, captureIds: readonly number[]): Promise<void> {
    requireStoreAdmin(actor);
    if (actor.scope.isReadOnly) throw readOnlyRefusal();
    const { store, clock } = this.#outside;
    store.transaction(() => {
      requireStoreAdmin(actorNow(store, actor, clock.now()));
      for (const id of captureIds) if (isOrphaned(store, id)) store.removals.insert(id);
    });
    await (await this.#outside.workloads()).removeDeleted();
  }
}

function isOrphaned(store: Store, captureId: number): boolean {
  return store.captures.find(captureId) === null && !store.removals.listKept().includes(captureId);
}

function requireStoreAdmin(actor: Actor): void {
  if (actor.isStoreAdmin) return;
  throw new AppError(
    'forbidden',
    'Only an administrator of the store may remove workloads without a capture',
  );
}
