import { readOnlyRefusal, type Scope } from '../access.ts';
import type { Capture, CaptureStatus } from '../captures/capture.ts';
import type { Clock } from '../clock.ts';
import type { CaptureChanges, Store } from '../store.ts';
import { requireLoggedIn } from '../users/standing.ts';

/** Where a change came from: the operating system's user, the host and the process that made it. */
export interface Origin {
  readonly userName: string;
  readonly hostName: string;
  readonly pid: number;
  /**
   * Network address of who asked that process over the API; absent where somebody runs it. Who comes from
   * another machine learns less of what they may not see, and may name no files of this one.
   */
  readonly address?: string;
}

/** For programs that use the core library and do not say where they run. */
export const UNKNOWN_ORIGIN: Origin = { userName: 'unknown', hostName: 'unknown', pid: 0 };

/** Who changed something: a user, or the program by itself. */
export interface Author {
  /** null for the program itself. */
  readonly userId: number | null;
  readonly userName: string;
  /** Of a user: what they came with. */
  readonly scope?: Scope;
  /** Of a user: the session or token. */
  readonly credentialId?: number;
}

/** The daemon's own moves. */
export const DAEMON: Author = { userId: null, userName: 'daemon' };
/** What any command does by itself when it looks: ends that have passed. */
export const PROGRAM: Author = { userId: null, userName: 'captures' };

export type AuditAction =
  | 'capture.create'
  | 'capture.import'
  | 'capture.stop'
  | 'capture.edit'
  | 'capture.delete'
  | 'capture.prune'
  | 'capture.recycle'
  | 'capture.status'
  | 'replay.run'
  | 'schedule.create'
  | 'schedule.edit'
  | 'schedule.pause'
  | 'schedule.resume'
  | 'schedule.delete'
  | 'schedule.skip'
  | 'schedule.over'
  | 'environment.create'
  | 'environment.edit'
  | 'environment.delete'
  | 'environment.recover'
  | 'environment.warm-up'
  | 'member.add'
  | 'member.set'
  | 'member.remove'
  | 'user.create'
  | 'user.delete'
  | 'user.password'
  | 'user.login'
  /** By who came with a wrong name or password. */
  | 'user.login-refused'
  | 'user.logout'
  | 'token.create'
  | 'token.revoke';

/** What a change was about. Names are kept as they were: the thing may be gone. */
export interface AuditSubject {
  readonly kind: 'capture' | 'schedule' | 'environment' | 'user' | 'token';
  readonly id: number;
  readonly name: string;
  /** null for what lies in no environment. */
  readonly environmentId: number | null;
}

/** Facts of a change; never a secret. */
export type AuditDetails = Readonly<Record<string, string | number | boolean | null>>;

export interface AuditEntry {
  readonly id: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly author: Author;
  readonly origin: Origin;
  readonly action: AuditAction;
  readonly subject: AuditSubject;
  readonly details: AuditDetails;
  /** Why, in the author's words; null when they gave none. */
  readonly reason: string | null;
}

type NewAuditEntry = Omit<AuditEntry, 'id'>;

/** Which entries a list shows; ids newest first. */
interface AuditFilter {
  /** Entries of these environments. */
  readonly environmentIds: readonly number[];
  /** Entries outside any environment by or about this user; null for none. */
  readonly ownOf: number | null;
  /** Every entry outside the environments that are still there: for the store's administrators. */
  readonly everythingElse: boolean;
  readonly subject: Pick<AuditSubject, 'kind' | 'id'> | null;
  readonly since: number | null;
  /** Rows at most; null for all of them. */
  readonly limit: number | null;
}

export interface AuditTable {
  insert(entry: NewAuditEntry): void;
  /** Newest first. */
  list(filter: AuditFilter): AuditEntry[];
}

/**
 * Writes down who changed what, when, from where and why. Call `record` inside the transaction of
 * the change itself: either both are in the store or neither.
 */
export class AuditTrail {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #origin: Origin;

  constructor(store: Store, clock: Clock, origin: Origin) {
    this.#store = store;
    this.#clock = clock;
    this.#origin = origin;
  }

  /**
   * Refuses a change of who is not logged in any more. `record` does so, too: call it first where the user's row is
   * needed before that.
   * @throws AppError `unauthenticated`.
   */
  requireLoggedIn(author: Author): void {
    requireLoggedIn(this.#store, author, this.#clock.now());
  }

  /**
   * Before what ends the author's own session or token.
   * @throws AppError `forbidden` where a read-only token makes the change; `unauthenticated` for who is not logged in
   *   any more.
   */
  record(
    author: Author,
    action: AuditAction,
    subject: AuditSubject,
    more: { details?: AuditDetails; reason?: string | null } = {},
  ): void {
    // Rules refuse it before; a change that one forgets is rolled back with its transaction.
    if (author.scope?.isReadOnly === true) throw readOnlyRefusal();
    this.requireLoggedIn(author);
    const { userName, hostName, pid, address } = this.#origin;
    this.#store.audit.insert({
      at: this.#clock.now(),
      author: { userId: author.userId, userName: author.userName },
      origin: { userName, hostName, pid, ...(address === undefined ? {} : { address }) },
      action,
      subject,
      details: more.details ?? {},
      reason: more.reason ?? null,
    });
  }

  /**
   * Moves a capture as `CaptureTable.move` does and writes it down, in one transaction.
   * @returns the capture; null when it was not in `from` any more, and nothing is written.
   */
  moveCapture(
    author: Author,
    id: number,
    from: CaptureStatus,
    to: CaptureStatus,
    changes: CaptureChanges = {},
  ): Capture | null {
    return this.#store.transaction(() => {
      const moved = this.#store.captures.move(id, from, to, changes);
      if (moved !== null) {
        this.record(author, 'capture.status', captureSubject(moved), {
          details: { from, to },
          reason: changes.reason ?? null,
        });
      }
      return moved;
    });
  }
}

export function captureSubject({
  id,
  name,
  environmentId,
}: Pick<Capture, 'id' | 'name' | 'environmentId'>): AuditSubject {
  return { kind: 'capture', id, name, environmentId };
}
