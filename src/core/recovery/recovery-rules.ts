import { decide, readOnlyRefusal, type Actor } from '../access.ts';
import { AuditTrail, captureSubject, UNKNOWN_ORIGIN, type Origin } from '../audit/audit-trail.ts';
import type { Clock } from '../clock.ts';
import type { Environment } from '../environments/environment.ts';
import { adminNames, getEnvironment } from '../environments/environment-service.ts';
import { AppError } from '../errors.ts';
import type { Leftovers } from '../environments/server-inspection.ts';
import type { ListedCapture, Store, TapRow, Trouble } from '../store.ts';
import { closed } from '../warm-ups/warm-up.ts';

/** Why a capture ended that would have gone on, had its server not been restored. */
const ENDED_BY_RECOVERY = 'ended by a recovery of its server';
const NOT_STARTED = 'not started: a recovery restored its server';

/** A server that this store has to restore, and what restoring means for its captures. */
export interface PendingRestore {
  readonly tap: TapRow;
  /** Whose end is not passed: they would go on with the next daemon, and end when it is restored. */
  readonly ending: readonly ListedCapture[];
  /** Whose window is over already: they are only drained and finished. */
  readonly finishing: readonly ListedCapture[];
}

/** A server that a recorder of this store changed and has not restored. */
export interface UnrestoredServer {
  readonly environmentName: string;
  /** What keeps the recorder from it; null where nothing is known to. */
  readonly trouble: Trouble | null;
  /** Whether captures there are not over yet: it is restored when the last one is. */
  readonly isRecording: boolean;
  /** Whether a warm-up there is not over yet. */
  readonly isWarm: boolean;
}

/** Of the environments that the actor is a member of. */
export function listUnrestored(store: Store, actor: Actor): UnrestoredServer[] {
  const { captures, environments, members, recordings, taps } = store;
  const warmUps = store.warmUps.listOpen();
  return taps.list().flatMap(({ id, environmentId, trouble }) => {
    const environment = environments.find(environmentId);
    if (environment === null || members.roleOf(environmentId, actor) === null) return [];
    const isStarting = captures
      .listByStatus(['STARTING'])
      .some((capture) => capture.environmentId === environmentId && capture.recordsStatements);
    const isRecording = isStarting || recordings.listOfTap(id).length > 0;
    const isWarm = warmUps.some((one) => one.environmentId === environmentId || one.tapId === id);
    return [{ environmentName: environment.name, trouble, isRecording, isWarm }];
  });
}

/** Those whose recording is interrupted, or that are not restored although nothing is recorded there any more. */
export function listNeglected(store: Store, actor: Actor, hasDaemon: boolean): UnrestoredServer[] {
  return listUnrestored(store, actor).filter(
    ({ trouble, isRecording }) => trouble !== null || (!isRecording && !hasDaemon),
  );
}

/** The rules of restoring servers without a daemon. */
export class RecoveryRules {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #audit: AuditTrail;

  constructor(store: Store, clock: Clock, origin: Origin = UNKNOWN_ORIGIN) {
    this.#store = store;
    this.#clock = clock;
    this.#audit = new AuditTrail(store, clock, origin);
  }

  /**
   * The taps of the actor's environments: servers that are not restored, as far as the store knows.
   * @throws AppError `forbidden` for a read-only token.
   */
  listTaps(actor: Actor): TapRow[] {
    if (actor.scope.isReadOnly) throw readOnlyRefusal();
    return this.#store.taps.list().filter(({ environmentId }) => {
      const role = this.#store.members.roleOf(environmentId, actor);
      return decide('environment.recover', actor, role, null) === 'allowed';
    });
  }

  pendingOf(tap: TapRow): PendingRestore {
    const { captures, recordings } = this.#store;
    const now = this.#clock.now();
    const ids = new Set(recordings.listOfTap(tap.id).map(({ captureId }) => captureId));
    for (const { id, environmentId, recordsStatements } of captures.listByStatus(['STARTING'])) {
      if (recordsStatements && environmentId === tap.environmentId) ids.add(id);
    }
    const found = [...ids].flatMap((id) => captures.find(id) ?? []);
    const isEnding = ({ status, scheduledEnd }: ListedCapture): boolean =>
      status === 'STARTING' ||
      (status === 'RUNNING' && (scheduledEnd === null || scheduledEnd > now));
    return {
      tap,
      ending: found.filter(isEnding),
      finishing: found.filter((capture) => !isEnding(capture)),
    };
  }

  /** @throws AppError `forbidden` naming who may, when a capture would end that the actor may not stop. */
  requireEndable({ ending }: PendingRestore, actor: Actor): void {
    for (const { environmentId, ownerId, ownerName, environmentName, name } of ending) {
      const role = this.#store.members.roleOf(environmentId, actor);
      if (decide('capture.stop', actor, role, ownerId) === 'allowed') continue;
      const admins = adminNames(this.#store, environmentId);
      // Of an environment that the actor may not see nothing is said, nor who is in it.
      const which =
        role === null
          ? 'a capture of another environment, which only its owner or an admin of that environment'
          : `${environmentName}/${name}, which only its owner (${ownerName}) or an admin of its environment (${admins})`;
      throw new AppError('forbidden', `Restoring the server would end ${which} may do`, {
        hint: { code: 'daemon_goes_on' },
      });
    }
  }

  /**
   * Ends what is being recorded, so that the server can be restored: RUNNING captures become
   * STOPPING, STARTING ones FAILED. Call it in a transaction that proves the lease.
   * @param agreed the captures that the actor has agreed to end.
   * @throws AppError `forbidden`; `conflict` when others would have to end, too.
   */
  end(actor: Actor, environment: Environment, tap: TapRow, agreed: readonly ListedCapture[]): void {
    const pending = this.pendingOf(tap);
    this.requireEndable(pending, actor);
    const surprise = pending.ending.find(({ id }) => !agreed.some((capture) => capture.id === id));
    if (surprise !== undefined) {
      throw new AppError('conflict', `The capture "${surprise.name}" has started meanwhile`, {
        hint: 'Nothing was changed; try again.',
      });
    }
    const { id, name } = environment;
    const subject = { kind: 'environment', id, name, environmentId: id } as const;
    this.#audit.record(actor, 'environment.recover', subject, {
      details: { captures: pending.ending.map((capture) => capture.id).join(', ') },
    });
    this.#endWarmUps(tap);
    for (const capture of pending.ending) {
      if (capture.status === 'RUNNING') {
        this.#audit.record(actor, 'capture.stop', captureSubject(capture), {
          reason: ENDED_BY_RECOVERY,
        });
        const reason = ENDED_BY_RECOVERY;
        this.#store.captures.move(capture.id, 'RUNNING', 'STOPPING', { reason });
      } else {
        const reason = NOT_STARTED;
        this.#audit.moveCapture(actor, capture.id, 'STARTING', 'FAILED', { reason });
        this.#store.recordings.detach(capture.id);
      }
    }
  }

  /**
   * Forgets that the server of an environment is to be restored, for one that is gone for good. Nothing is
   * done to a server. Call it where no daemon is at work.
   * @returns how many servers were forgotten.
   * @throws AppError `forbidden`; `conflict` while a capture there is not over.
   */
  forget(actor: Actor, ref: string): number {
    return this.#store.transaction(() => {
      const { id, name } = getEnvironment(this.#store, actor, 'environment.reclaim', ref);
      const taps = this.#store.taps.list().filter((tap) => tap.environmentId === id);
      const [open] = taps
        .map((tap) => this.pendingOf(tap))
        .flatMap(({ ending, finishing }) => [...ending, ...finishing]);
      if (open !== undefined) {
        throw new AppError(
          'conflict',
          `The capture "${open.name}" is ${open.status}: what it recorded is not finished`,
          { hint: { code: 'give_up_capture', environment: name, capture: open.name } },
        );
      }
      for (const tap of taps) {
        this.#endWarmUps(tap);
        this.#store.taps.delete(tap.id);
      }
      if (taps.length > 0) {
        const subject = { kind: 'environment', id, name, environmentId: id } as const;
        this.#audit.record(actor, 'environment.recover', subject, {
          details: { forgotten: taps.length },
        });
      }
      return taps.length;
    });
  }

  /** The tap would go on with them. */
  #endWarmUps({ id, environmentId }: TapRow): void {
    const { warmUps } = this.#store;
    for (const warmUp of warmUps.listOpen()) {
      if (warmUp.environmentId !== environmentId && warmUp.tapId !== id) continue;
      const covered = closed(warmUp.covered, null);
      warmUps.update(warmUp.id, { state: 'over', outcome: ENDED_BY_RECOVERY, covered });
    }
  }

  /**
   * Lets the actor take a server from a recorder that this store knows nothing of, and writes it down:
   * before it is done, so that no change to a server is without its entry.
   * @throws AppError `forbidden`.
   */
  reclaim(actor: Actor, ref: string, leftovers: Leftovers): void {
    this.#store.transaction(() => {
      const { id, name } = getEnvironment(this.#store, actor, 'environment.reclaim', ref);
      const subject = { kind: 'environment', id, name, environmentId: id } as const;
      const { recorder, storeId, lastSign } = leftovers;
      this.#audit.record(actor, 'environment.recover', subject, {
        details: { recorder, store: storeId, lastSign },
      });
    });
  }
}
