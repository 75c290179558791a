import type { LoggedStatement } from '../core/workloads/statements.ts';
import type {
  SessionExecutes,
  UserExecutes,
  ValueCounts,
} from '../core/verification/value-counts.ts';

/** Committed twice a second, with the position: 100 sessions are 8 KB. */
const REMEMBERED_SESSIONS = 100;
const REMEMBERED_USERS = 50;

type Counted<T> = { -readonly [K in keyof T]: T[K] };

type Execute = Pick<LoggedStatement, 'session' | 'user' | 'host' | 'flags'>;

/**
 * Counts the executes of prepared statements that come with and without values, by user and session. The
 * sessions that lack some are remembered, and those that may yet: one that ends with all its values makes
 * way, and so does one of them where there are too many.
 */
export class ValueCounter {
  readonly #all = { executes: 0, withoutValues: 0 };
  readonly #users = new Map<string | null, Counted<UserExecutes>>();
  readonly #otherUsers = { executes: 0, withoutValues: 0 };
  readonly #sessions = new Map<number, Counted<SessionExecutes>>();
  readonly #otherSessions = { executes: 0, withoutValues: 0 };

  /** @param counts as `counts()` gave them; null to begin at zero. */
  constructor(counts: ValueCounts | null = null) {
    if (counts === null) return;
    const { executes, withoutValues } = counts;
    Object.assign(this.#all, { executes, withoutValues });
    Object.assign(this.#otherUsers, counts.otherUsers);
    Object.assign(this.#otherSessions, counts.otherSessions);
    for (const user of counts.users) this.#users.set(user.user, { ...user });
    for (const session of counts.sessions) this.#sessions.set(session.session, { ...session });
  }

  /** Counts an execute that is no echo. */
  add(execute: Execute): void {
    const lacking = execute.flags.includes('unreplayable') ? 1 : 0;
    for (const counted of [this.#all, this.#userOf(execute), this.#sessionOf(execute, lacking)]) {
      counted.executes += 1;
      counted.withoutValues += lacking;
    }
  }

  /** Notes that a session is over. */
  end(session: number): void {
    if (this.#sessions.get(session)?.withoutValues === 0) this.#forget(session);
  }

  /** Users and sessions in the order of their first execute. */
  counts(): ValueCounts {
    return {
      ...this.#all,
      users: Array.from(this.#users.values(), (user) => ({ ...user })),
      otherUsers: { ...this.#otherUsers },
      sessions: Array.from(this.#sessions.values(), (session) => ({ ...session })),
      otherSessions: { ...this.#otherSessions },
    };
  }

  #userOf({ user }: Execute): { executes: number; withoutValues: number } {
    const known = this.#users.get(user);
    if (known !== undefined) return known;
    if (this.#users.size >= REMEMBERED_USERS) return this.#otherUsers;
    const counted = { user, executes: 0, withoutValues: 0 };
    this.#users.set(user, counted);
    return counted;
  }

  #sessionOf(
    { session, user, host }: Execute,
    lacking: number,
  ): { executes: number; withoutValues: number } {
    const known = this.#sessions.get(session);
    if (known !== undefined) return known;
    if (this.#sessions.size >= REMEMBERED_SESSIONS && !(lacking > 0 && this.#makeRoom())) {
      return this.#otherSessions;
    }
    const counted = { session, user, host, executes: 0, withoutValues: 0 };
    this.#sessions.set(session, counted);
    return counted;
  }

  /** Forgets a session that lacks nothing. @returns false where there is none. */
  #makeRoom(): boolean {
    for (const { session, withoutValues } of this.#sessions.values()) {
      if (withoutValues > 0) continue;
      this.#forget(session);
      return true;
    }
    return false;
  }

  #forget(session: number): void {
    this.#otherSessions.executes += this.#sessions.get(session)?.executes ?? 0;
    this.#sessions.delete(session);
  }
}
