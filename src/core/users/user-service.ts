import { requireAllowed, UNLIMITED, viewerOf, type Actor } from '../access.ts';
import {
  AuditTrail,
  UNKNOWN_ORIGIN,
  type AuditSubject,
  type Author,
  type Origin,
} from '../audit/audit-trail.ts';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { checkName, nameKey } from '../names.ts';
import {
  checkPassword,
  hashPassword,
  nobodysHash,
  SCRYPT_COST,
  verifyPassword,
  type ScryptCost,
} from './passwords.ts';
import { checkLifetime } from './login-lengths.ts';
import { PasswordGate } from './password-gate.ts';
import { hashSecret, newSecret } from './login-secrets.ts';
import { actorNow, administersStore, holderOf } from './standing.ts';
import {
  EVERYTHING,
  TOKEN_LENGTH_MS,
  TokenRules,
  type ListedToken,
  type MadeToken,
  type TokenScope,
} from './token-rules.ts';
import { Turns } from './turns.ts';
import type { Credential, Member, Store, User } from '../store.ts';

const SESSION_LENGTH_MS = 30 * 86_400_000;

/** Of this process: each request has a service of its own. */
const TURNS = new Turns();

/** Who has not proved who they are. */
const NOBODY: Author = { userId: null, userName: 'nobody' };
/** What was typed as a name is not kept: people type passwords there. */
const NO_USER: AuditSubject = { kind: 'user', id: 0, name: '', environmentId: null };

/** A user without what proves who they are. */
export type PublicUser = Omit<User, 'passwordHash'>;

function publicOf({ id, name, isAdmin, createdAt }: User): PublicUser {
  return { id, name, isAdmin, createdAt };
}

/** A user who is gone, and who has how many of their captures now. */
export interface DeletedUser extends PublicUser {
  readonly handedOn: readonly { readonly to: string; readonly captures: number }[];
}

/** A session that was just opened. `secret` is shown or saved once; the store has only its hash. */
export interface OpenedSession {
  readonly secret: string;
  readonly user: PublicUser;
  readonly expiresAt: number;
}

/** A first user whose password is hashed already, ready to be written in the store's first transaction. */
interface PreparedUser {
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

/** Who is asking, and with which session or token. */
export interface AuthenticatedActor extends Actor {
  readonly credentialId: number;
  readonly kind: Credential['kind'];
  readonly expiresAt: number;
}

/** Users and how they prove who they are. */
export class UserService {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #audit: AuditTrail;
  readonly #gate: PasswordGate;
  readonly #tokens: TokenRules;
  readonly #passwordCost: ScryptCost;

  /** @param passwordCost what the hash of a new password costs; a stored one carries its own cost. */
  constructor(
    store: Store,
    clock: Clock,
    origin: Origin = UNKNOWN_ORIGIN,
    passwordCost: ScryptCost = SCRYPT_COST,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#passwordCost = passwordCost;
    this.#gate = new PasswordGate(store, clock, origin.address);
    this.#audit = new AuditTrail(store, clock, origin);
    this.#tokens = new TokenRules(store, clock, this.#audit);
  }

  /** Writes the store's first user, its administrator, and logs them in. Call it inside `createStore`. */
  openFirstSession(user: PreparedUser): OpenedSession {
    const now = this.#clock.now();
    const created = this.#store.users.insert({ ...user, isAdmin: true }, now);
    const author = { userId: created.id, userName: created.name };
    this.#audit.record(author, 'user.create', subjectOf(created), { details: { admin: true } });
    return this.#openSession(created, SESSION_LENGTH_MS);
  }

  /**
   * Opens a session that lasts `lengthMs`. A name that nobody has is answered as a wrong password is,
   * after the same work.
   * @throws AppError `unauthenticated` for a wrong name or password, and while repeated failures have
   *   to wait; `invalid` for a length that cannot be; `store_unusable` while too many log in.
   */
  async login(
    name: string,
    password: string,
    lengthMs = SESSION_LENGTH_MS,
  ): Promise<OpenedSession> {
    checkLifetime(lengthMs, 'session');
    let checked: User | null = null;
    await this.#inTurn(name, () =>
      this.#gate.attempt(name, async () => {
        const user = this.#store.users.findByName(name);
        const hash = user?.passwordHash ?? nobodysHash(this.#passwordCost);
        if ((await verifyPassword(password, hash)) && user !== null) checked = user;
        return checked !== null;
      }),
    );
    const opened = this.#store.transaction(() => {
      const user = this.#store.users.findByName(name);
      // The password may have been changed while this one was checked.
      if (user === null || !isUnchanged(user, checked)) {
        this.#audit.record(NOBODY, 'user.login-refused', user === null ? NO_USER : subjectOf(user));
        return null;
      }
      this.#store.credentials.deleteExpired(this.#clock.now());
      this.#audit.record(authorOf(user), 'user.login', subjectOf(user));
      return this.#openSession(user, lengthMs);
    });
    if (opened !== null) return opened;
    throw new AppError('unauthenticated', 'Wrong user name or password', {
      hint: { code: 'ask_for_password' },
    });
  }

  /**
   * The user to suggest to somebody who is not logged in: the only one; null where there are more. A
   * shared store tells nobody who its users are before they have logged in.
   */
  async whoLogsIn(): Promise<string | null> {
    if (this.#store.isShared) return null;
    const [first, ...others] = this.#store.users.list();
    return others.length === 0 ? (first?.name ?? null) : null;
  }

  /**
   * Who a session's or token's secret belongs to.
   * @throws AppError `unauthenticated` for an unknown or expired one.
   */
  async authenticate(secret: string): Promise<AuthenticatedActor> {
    const found = this.#store.credentials.findBySecret(hashSecret(secret));
    const { user, credential } = holderOf(this.#store, found, this.#clock.now());
    return {
      userId: user.id,
      userName: user.name,
      isStoreAdmin: administersStore(user, credential.scope),
      scope: credential.scope,
      credentialId: credential.id,
      expiresAt: credential.expiresAt,
      kind: credential.kind,
    };
  }

  /** Ends the session of a secret; one that is not known any more is no error. */
  async logout(secret: string): Promise<void> {
    this.#store.transaction(() => {
      const credential = this.#store.credentials.findBySecret(hashSecret(secret));
      if (credential?.kind !== 'session') return;
      const user = this.#store.users.find(credential.userId);
      this.#store.credentials.delete(credential.id);
      if (user !== null) this.#audit.record(authorOf(user), 'user.logout', subjectOf(user));
    });
  }

  /** @throws AppError `forbidden` unless the actor is an administrator of the store. */
  async listUsers(actor: Actor): Promise<PublicUser[]> {
    requireAllowed(actor, 'user.list', 'list the users of the store');
    return this.#store.users.list().map(publicOf);
  }

  /**
   * @throws AppError `forbidden` unless the actor is an administrator of the store; `invalid` for a
   *   bad name or password; `conflict` for a taken name.
   */
  async createUser(
    actor: Actor,
    user: { name: string; password: string; isAdmin: boolean },
  ): Promise<PublicUser> {
    await this.checkNewUser(actor, user.name);
    const prepared = await this.#inTurn(actor.userName, () =>
      prepareUser(user.name, user.password, this.#passwordCost),
    );
    return this.#store.transaction(() => {
      // The hash waited for its turn.
      requireAllowed(this.#actorNow(actor), 'user.create', 'create users');
      const created = this.#store.users.insert(
        { ...prepared, isAdmin: user.isAdmin },
        this.#clock.now(),
      );
      this.#audit.record(actor, 'user.create', subjectOf(created), {
        details: { admin: created.isAdmin },
      });
      return publicOf(created);
    });
  }

  /** Checks what `createUser` checks before a password is asked for. */
  async checkNewUser(actor: Actor, name: string): Promise<void> {
    requireAllowed(actor, 'user.create', 'create users');
    checkName('user', name);
    if (this.#store.users.findByName(name) !== null) {
      throw new AppError('conflict', `There is already a user named ${name}`);
    }
  }

  /**
   * Deletes a user. Their captures stay: in each environment they go to its first other admin.
   * @returns how many captures were handed on, and to whom.
   * @throws AppError `forbidden`; `not_found`; `conflict` for the last administrator of the store and
   *   for the last admin of an environment, which would be left without anyone who may manage it.
   */
  async deleteUser(actor: Actor, name: string): Promise<DeletedUser> {
    requireAllowed(actor, 'user.delete', 'delete users');
    return this.#store.transaction(() => {
      requireAllowed(this.#actorNow(actor), 'user.delete', 'delete users');
      const user = this.#getUser(name);
      this.#refuseWithoutAdmin(user);
      const isSelf = user.id === actor.userId;
      const handedOn: { to: string; captures: number }[] = [];
      const environments = new Set([
        ...this.#store.captures.environmentsOwnedIn(user.id),
        ...this.#store.schedules.environmentsOwnedIn(user.id),
        ...this.#store.members.listFor(viewerOf(user.id)).map((member) => member.environmentId),
      ]);
      for (const environmentId of environments) {
        const heir = this.#heirIn(environmentId, user, isSelf);
        const captures = this.#store.captures.handOn(environmentId, user.id, heir.userId);
        this.#store.schedules.handOn(environmentId, user.id, heir.userId);
        if (captures > 0) handedOn.push({ to: heir.userName, captures });
      }
      // First, for they may delete themselves.
      this.#audit.record(actor, 'user.delete', subjectOf(user), {
        details: { captures: handedOn.reduce((sum, { captures }) => sum + captures, 0) },
      });
      this.#store.users.delete(user.id);
      return { ...publicOf(user), handedOn };
    });
  }

  /**
   * Checks before anybody is asked what can be known before.
   * @throws AppError as `deleteUser` does.
   */
  async checkDeletion(actor: Actor, name: string): Promise<PublicUser> {
    requireAllowed(actor, 'user.delete', 'delete users');
    const user = this.#getUser(name);
    this.#refuseWithoutAdmin(user);
    return publicOf(user);
  }

  #refuseWithoutAdmin(user: User): void {
    const others = this.#store.users
      .list()
      .filter((other) => other.isAdmin && other.id !== user.id);
    if (user.isAdmin && others.length === 0) {
      throw new AppError('conflict', `${user.name} is the last administrator of the store`, {
        hint: { code: 'make_store_admin' },
      });
    }
  }

  #heirIn(environmentId: number, user: User, isSelf: boolean): Member {
    const heir = this.#store.members
      .listOf(environmentId)
      .find((member) => member.role === 'admin' && member.userId !== user.id);
    if (heir !== undefined) return heir;
    const name = this.#store.environments.find(environmentId)?.name ?? String(environmentId);
    throw new AppError('conflict', `${user.name} is the last admin of the environment "${name}"`, {
      // Only they may do that: an administrator of the store may not.
      hint: isSelf
        ? { code: 'make_admin', environment: name }
        : { code: 'let_make_admin', environment: name, user: user.name },
    });
  }

  /**
   * Sets a password: one's own with the old one, anybody's for an administrator. The user's other
   * sessions end, and their tokens, unless those are to be kept.
   * @param current the old password; null for an administrator who sets somebody else's.
   * @returns also how many tokens that were still valid were revoked, or kept.
   * @throws AppError `forbidden`; `not_found`; `unauthenticated` for a wrong old password.
   */
  async setPassword(
    actor: AuthenticatedActor,
    change: { user: string | null; current: string | null; password: string; keepTokens: boolean },
  ): Promise<{ user: PublicUser; tokens: number }> {
    const { user, isOwn } = this.#passwordOf(actor, change.user);
    if (isOwn) await this.#checkCurrent(user, change.current);
    checkPassword(change.password);
    const hash = await this.#inTurn(actor.userName, () =>
      hashPassword(change.password, this.#passwordCost),
    );
    return this.#store.transaction(() => {
      // All of it may be otherwise since: the hashes waited for their turns.
      const { user: now } = this.#passwordOf(this.#actorNow(actor), change.user);
      if (isOwn && !isUnchanged(now, user)) throw currentIsWrong();
      if (now.id !== user.id) throw noUser(user.name);
      const tokens = this.#validTokens(user.id);
      this.#store.users.setPassword(user.id, hash);
      this.#audit.record(actor, 'user.password', subjectOf(user), {
        details: change.keepTokens ? { tokensKept: tokens } : { tokensRevoked: tokens },
      });
      this.#gate.forget(user.name);
      const keep = isOwn && actor.kind === 'session' ? actor.credentialId : null;
      this.#store.credentials.deleteOtherSessions(user.id, keep);
      if (!change.keepTokens) this.#store.credentials.deleteTokens(user.id);
      return { user: publicOf(user), tokens };
    });
  }

  /**
   * Checks one's own password before a new one is asked for.
   * @throws AppError `forbidden`; `unauthenticated` for a wrong one, and while repeated failures have to wait.
   */
  async checkCurrentPassword(actor: Actor, current: string): Promise<void> {
    await this.#checkCurrent(this.#passwordOf(actor, null).user, current);
  }

  async #checkCurrent(user: User, current: string | null): Promise<void> {
    const isRight = await this.#inTurn(user.name, () =>
      this.#gate.attempt(user.name, () => verifyPassword(current ?? '', user.passwordHash)),
    );
    if (!isRight) throw currentIsWrong();
  }

  #validTokens(userId: number): number {
    const now = this.#clock.now();
    const tokens = this.#store.credentials.listOf(userId, 'token');
    return tokens.filter(({ expiresAt }) => expiresAt > now).length;
  }

  /**
   * Whose password is to change, if the actor may: their own, or anybody's as an administrator; and how
   * many tokens of theirs are valid.
   * @param name null for one's own.
   * @throws AppError `forbidden`; `not_found`.
   */
  async checkPasswordChange(
    actor: Actor,
    name: string | null,
  ): Promise<{ user: PublicUser; isOwn: boolean; tokens: number }> {
    const { user, isOwn } = this.#passwordOf(actor, name);
    return { user: publicOf(user), isOwn, tokens: this.#validTokens(user.id) };
  }

  #passwordOf(actor: Actor, name: string | null): { user: User; isOwn: boolean } {
    const isOwn = name === null || nameKey(name) === nameKey(actor.userName);
    const what = isOwn ? 'change your password' : "change another user's password";
    requireAllowed(actor, 'user.password', what, isOwn);
    return { user: this.#getUser(isOwn ? actor.userName : name), isOwn };
  }

  #getUser(name: string): User {
    const user = this.#store.users.findByName(name);
    if (user === null) throw noUser(name);
    return user;
  }

  #actorNow<Who extends Actor>(actor: Who): Who {
    return actorNow(this.#store, actor, this.#clock.now());
  }

  /** As `TokenRules.create`. */
  async createToken(
    actor: Actor,
    name: string,
    lengthMs = TOKEN_LENGTH_MS,
    scope: TokenScope = EVERYTHING,
  ): Promise<MadeToken> {
    return this.#tokens.create(actor, name, lengthMs, scope);
  }

  /** As `TokenRules.list`. */
  async listTokens(actor: Actor): Promise<ListedToken[]> {
    return this.#tokens.list(actor);
  }

  /** As `TokenRules.revoke`. */
  async revokeToken(actor: Actor, ref: string): Promise<ListedToken> {
    return this.#tokens.revoke(actor, ref);
  }

  /** Runs what hashes a password when it is the turn of who asks. */
  #inTurn<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const { address } = this.#gate;
    const who = address === null ? null : { ...address.seenAs(name), name: nameKey(name) };
    return TURNS.take(who, work);
  }

  #openSession(user: User, lengthMs: number): OpenedSession {
    const secret = newSecret('session');
    const now = this.#clock.now();
    const credential = this.#store.credentials.insert(
      {
        userId: user.id,
        kind: 'session',
        name: null,
        secretHash: hashSecret(secret),
        expiresAt: now + lengthMs,
        scope: UNLIMITED,
      },
      now,
    );
    return { secret, user: publicOf(user), expiresAt: credential.expiresAt };
  }
}

/** Whether a user is the one whose password was checked, and the password that one. */
function isUnchanged(user: User, checked: User | null): boolean {
  return user.id === checked?.id && user.passwordHash === checked.passwordHash;
}

function currentIsWrong(): AppError {
  return new AppError('unauthenticated', 'The current password is wrong');
}

function noUser(name: string): AppError {
  return new AppError('not_found', `There is no user named "${name}"`, {
    hint: { code: 'list_users' },
  });
}

function authorOf({ id, name }: User): Author {
  return { userId: id, userName: name };
}

function subjectOf({ id, name }: Pick<User, 'id' | 'name'>): AuditSubject {
  return { kind: 'user', id, name, environmentId: null };
}
