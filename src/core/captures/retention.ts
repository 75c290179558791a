import { decide, type Actor } from '../access.ts';
import {
  AuditTrail,
  captureSubject,
  UNKNOWN_ORIGIN,
  type Author,
  type Origin,
} from '../audit/audit-trail.ts';
import type { Clock } from '../clock.ts';
import { getEnvironment } from '../environments/environment-service.ts';
import { AppError } from '../errors.ts';
import type { ListedCapture, Store } from '../store.ts';

export interface PruneRequest {
  /** Captures that ended longer ago than this, in milliseconds. */
  readonly olderThan: number;
  /** The newest so many of each environment are kept, however old; null for none. */
  readonly keep: number | null;
  /** An id or a name; null for every environment of the actor. */
  readonly environment: string | null;
}

export interface PrunePlan {
  /** Oldest first. */
  readonly captures: readonly ListedCapture[];
  /** Captures as old that the actor may not delete. */
  readonly notOurs: number;
}

const OVER = ['DONE', 'FAILED'] as const;

/** Deletes captures that are over and old. */
export class RetentionService {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #audit: AuditTrail;
  readonly #commit: Store['transaction'];

  /** @param commit runs its work in one transaction; the daemon's proves its lease as well. */
  constructor(
    store: Store,
    clock: Clock,
    origin: Origin = UNKNOWN_ORIGIN,
    commit: Store['transaction'] = (work) => store.transaction(work),
  ) {
    this.#commit = commit;
    this.#store = store;
    this.#clock = clock;
    this.#audit = new AuditTrail(store, clock, origin);
  }

  /** As `CaptureService.planPrune`. */
  plan(actor: Actor, { olderThan, keep, environment }: PruneRequest): PrunePlan {
    if (!(olderThan > 0)) throw new AppError('invalid', 'The age has to be longer than nothing');
    const environmentIds =
      environment === null
        ? this.#store.members.listFor(actor).map((member) => member.environmentId)
        : [getEnvironment(this.#store, actor, 'capture.list', environment).id];
    const before = this.#clock.now() - olderThan;
    const captures: ListedCapture[] = [];
    let notOurs = 0;
    for (const environmentId of environmentIds) {
      const role = this.#store.members.roleOf(environmentId, actor);
      for (const capture of this.#listOld(environmentId, before, keep ?? 0)) {
        const decision = decide('capture.delete', actor, role, capture.ownerId);
        if (decision === 'allowed') captures.push(capture);
        else notOurs += 1;
      }
    }
    captures.sort((a, b) => endedAt(a) - endedAt(b) || a.id - b.id);
    return { captures, notOurs };
  }

  #listOld(environmentId: number, before: number, keep: number): ListedCapture[] {
    return this.#store.captures
      .list({
        environmentIds: [environmentId],
        statuses: OVER,
        type: null,
        ownerId: null,
        name: null,
        since: null,
        until: null,
        order: 'end',
        descending: true,
        limit: null,
      })
      .sort((a, b) => endedAt(b) - endedAt(a) || b.id - a.id)
      .slice(keep)
      .filter((capture) => endedAt(capture) <= before);
  }

  /**
   * Deletes one capture that is over, and notes that its workload is to be removed.
   * @returns false when it was gone, or was not over.
   */
  prune(author: Author, captureId: number, reason: string): boolean {
    return this.#commit(() => {
      const capture = this.#store.captures.find(captureId);
      if (capture === null || !this.#store.captures.delete(captureId, OVER)) return false;
      this.#store.removals.insert(captureId);
      this.#audit.record(author, 'capture.prune', captureSubject(capture), {
        reason,
        details: { status: capture.status, records: capture.records },
      });
      return true;
    });
  }
}

/** When a capture came to its end; one that never started counts by when it should have. */
export function endedAt({ end, scheduledStart, createdAt }: ListedCapture): number {
  return end ?? scheduledStart ?? createdAt;
}
