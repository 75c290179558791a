import type { Actor } from '../access.ts';
import { CaptureRules } from '../captures/capture-rules.ts';
import { AppError } from '../errors.ts';
import type { Outside } from '../outside.ts';
import type { Progress } from '../progress.ts';
import type { Store } from '../store.ts';
import type { StatementRecord } from './statements.ts';
import type { OrphanedWorkload, StatementsNotRun } from './workload-files.ts';
import { committedPosition } from './committed.ts';
import type { ReadablePosition } from './workload.ts';

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
   * any size; of one that goes on, those that are committed by now.
   * @param limit so many statements at most; null for all.
   * @throws AppError `not_found`, also for a capture that records none; `store_unusable`.
   */
  async *read(
    actor: Actor,
    ref: string,
    limit: number | null,
  ): AsyncGenerator<Uint8Array, void, void> {
    const { id, until } = this.#readable(actor, ref);
    yield* (await this.#outside.workloads()).read(id, until, limit);
  }

  /** The same as records, in parts of any size. @throws AppError as `read` does. */
  async *records(
    actor: Actor,
    ref: string,
  ): AsyncGenerator<readonly StatementRecord[], void, void> {
    const { id, until } = this.#readable(actor, ref);
    yield* (await this.#outside.workloads()).records(id, until);
  }

  /** The same as SQL for a client; returns what will not run there. @throws AppError as `read` does. */
  async *readSql(
    actor: Actor,
    ref: string,
    limit: number | null,
  ): Progress<Uint8Array, readonly StatementsNotRun[]> {
    const { id, until } = this.#readable(actor, ref);
    return yield* (await this.#outside.workloads()).readSql(id, until, limit);
  }

  #readable(actor: Actor, ref: string): { id: number; until: ReadablePosition | null } {
    const { id, name, recordsStatements } = this.#rules.get(actor, ref, 'capture.workload');
    if (!recordsStatements) {
      throw new AppError('not_found', `The capture "${name}" has no workload`, {
        hint: { code: 'statements_need_server' },
      });
    }
    return { id, until: committedPosition(this.#outside.store.recordings.find(id)) };
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
    const { store } = this.#outside;
    for (const id of captureIds) if (isOrphaned(store, id)) store.removals.insert(id);
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
