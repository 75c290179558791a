import { createHash, randomBytes } from 'node:crypto';
import type { Actor } from './access.ts';
import type { Clock } from './clock.ts';
import { AppError } from './errors.ts';
import { checkName } from './names.ts';
import {
  checkPassword,
  hashPassword,
  SCRYPT_COST,
  verifyPassword,
  type ScryptCost,
} from './passwords.ts';
import type { Store, User } from './store.ts';

export const SESSION_LENGTH_MS = 30 * 86_400_000;

// The sixth wrong password in a row waits one second, then twice as long each time.
const FREE_FAILURES = 5;
const LONGEST_LOCK_MS = 15 * 60_000;

/** A session that was just opened. `secret` is shown or saved once; the store has only its hash. */
export interface OpenedSession {
  readonly secret: string;
  readonly user: User;
  readonly expiresAt: number;
}

/** A first user whose password is hashed already, ready to be written in the store's first transaction. */
export interface PreparedUser {
  readonly name: string;
  readonly passwordHash: string;
}

/** @throws AppError `invalid` for a bad name or password. */
export async function prepareUser(
  name: string,
  password: string,
  cost: ScryptCost = SCRYPT_COST,
): Promise<PreparedUser> {
  checkName('user', name);
  checkPassword(password);
  return { name, passwordHash: await hashPassword(password, cost) };
}

/** Users and how they prove who they are. */
export class PeopleService {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Writes the store's first user, its administrator, and logs them in. Call it inside `createStore`. */
  openFirstSession(user: PreparedUser): OpenedSession {
    const now = this.#clock.now();
    const created = this.#store.users.insert({ ...user, isAdmin: true }, now);
    return this.#openSession(created, SESSION_LENGTH_MS);
  }

  /**
   * Opens a session that lasts `lengthMs`.
   * @throws AppError `unauthenticated` for a wrong name or password (the same sentence for both) and
   *   while repeated failures have to wait.
   */
  async login(
    name: string,
    password: string,
    lengthMs = SESSION_LENGTH_MS,
  ): Promise<OpenedSession> {
    const user = this.#store.users.findByName(name);
    if (user !== null) this.#refuseWhileLocked(user);
    // For an unknown name the same work is done, so that the time does not tell.
    const hash = user?.passwordHash ?? (await hashPassword(''));
    const isRight = await verifyPassword(password, hash);
    if (user === null || !isRight) {
      if (user !== null) this.#recordFailure(user.id);
      throw new AppError('unauthenticated', 'Wrong user name or password');
    }
    return this.#store.transaction(() => {
      this.#store.users.recordLogin(user.id, null);
      this.#store.credentials.deleteExpired(this.#clock.now());
      return this.#openSession(user, lengthMs);
    });
  }

  /**
   * Who a session's or token's secret belongs to.
   * @throws AppError `unauthenticated` for an unknown or expired one.
   */
  authenticate(
    secret: string,
  ): Actor & { readonly expiresAt: number; readonly kind: 'session' | 'token' } {
    const credential = this.#store.credentials.findBySecret(hashSecret(secret));
    const user = credential === null ? null : this.#store.users.find(credential.userId);
    if (credential === null || user === null) {
      throw new AppError(
        'unauthenticated',
        'You are not logged in: the session or token is not known to this store',
        {
          hint: 'Log in with: captures login NAME',
        },
      );
    }
    if (credential.expiresAt <= this.#clock.now()) {
      throw new AppError('unauthenticated', `Your ${credential.kind} has expired`, {
        hint: 'Log in with: captures login NAME',
      });
    }
    return {
      userId: user.id,
      userName: user.name,
      isStoreAdmin: user.isAdmin,
      expiresAt: credential.expiresAt,
      kind: credential.kind,
    };
  }

  /** Ends the session of a secret; one that is not known any more is no error. */
  logout(secret: string): void {
    this.#store.transaction(() => {
      const credential = this.#store.credentials.findBySecret(hashSecret(secret));
      if (credential?.kind === 'session') this.#store.credentials.delete(credential.id);
    });
  }

  #openSession(user: User, lengthMs: number): OpenedSession {
    const secret = `captures_session_${randomBytes(32).toString('base64url')}`;
    const now = this.#clock.now();
    const credential = this.#store.credentials.insert(
      {
        userId: user.id,
        kind: 'session',
        name: null,
        secretHash: hashSecret(secret),
        expiresAt: now + lengthMs,
      },
      now,
    );
    return { secret, user, expiresAt: credential.expiresAt };
  }

  #refuseWhileLocked(user: User): void {
    if (user.lastFailedLogin === null || user.failedLogins < FREE_FAILURES) return;
    const lock = Math.min(2 ** (user.failedLogins - FREE_FAILURES) * 1_000, LONGEST_LOCK_MS);
    const left = user.lastFailedLogin + lock - this.#clock.now();
    // A clock that was set back must not lock anyone out for longer than the lock itself.
    if (left > 0 && left <= lock) {
      throw new AppError('unauthenticated', 'Too many wrong passwords', {
        hint: `Try again in ${Math.ceil(left / 1_000)} s.`,
      });
    }
  }

  #recordFailure(userId: number): void {
    this.#store.transaction(() => {
      const user = this.#store.users.find(userId);
      if (user === null) return;
      this.#store.users.recordLogin(userId, {
        failedLogins: user.failedLogins + 1,
        at: this.#clock.now(),
      });
    });
  }
}

function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
