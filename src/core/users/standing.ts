import type { Actor } from '../access.ts';
import { AppError } from '../errors.ts';
import type { Credential, Store, User } from '../store.ts';

type Tables = Pick<Store, 'credentials' | 'users'>;

/**
 * The user whose session or token this is.
 * @param credential null for one that the store does not know.
 * @param now in milliseconds since the epoch.
 * @throws AppError `unauthenticated` for an unknown or expired one.
 */
export function holderOf(
  { users }: Tables,
  credential: Credential | null,
  now: number,
): { readonly user: User; readonly credential: Credential } {
  const user = credential === null ? null : users.find(credential.userId);
  if (credential === null || user === null) {
    throw new AppError(
      'unauthenticated',
      'You are not logged in: the session or token is not known to this store',
      { hint: { code: 'log_in', user: null } },
    );
  }
  if (credential.expiresAt <= now) {
    throw new AppError('unauthenticated', `Your ${credential.kind} has expired`, {
      hint: { code: 'log_in', user: user.name },
    });
  }
  return { user, credential };
}

/** Whether a user administers the store with this: a token for an environment is for that alone. */
export function administersStore(user: User, { environmentIds }: Credential['scope']): boolean {
  return user.isAdmin && environmentIds === null;
}

/**
 * Refuses who was logged in when a request began and is not any more: the session or token has ended, or the user was
 * deleted. An actor without a credential, for whom a program that uses the library speaks, is left alone.
 * @param now in milliseconds since the epoch.
 * @throws AppError `unauthenticated`.
 */
export function requireLoggedIn(
  tables: Tables,
  { credentialId }: Pick<Actor, 'credentialId'>,
  now: number,
): void {
  if (credentialId === undefined) return;
  holderOf(tables, tables.credentials.find(credentialId), now);
}

/**
 * The actor with the rights that they have now, for what was waited for since they logged in.
 * @throws AppError as `requireLoggedIn`.
 */
export function actorNow<Who extends Actor>(tables: Tables, actor: Who, now: number): Who {
  if (actor.credentialId === undefined) return actor;
  const { credentials } = tables;
  const { user, credential } = holderOf(tables, credentials.find(actor.credentialId), now);
  return { ...actor, isStoreAdmin: administersStore(user, credential.scope) };
}
