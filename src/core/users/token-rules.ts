import { requireAllowed, type Actor } from '../access.ts';
import type { AuditSubject, AuditTrail } from '../audit/audit-trail.ts';
import type { Clock } from '../clock.ts';
import { getEnvironment } from '../environments/environment-service.ts';
import { AppError } from '../errors.ts';
import { checkName, nameKey } from '../names.ts';
import type { Credential, Store } from '../store.ts';
import { checkLifetime } from './login-lengths.ts';
import { hashSecret, newSecret } from './login-secrets.ts';

export const TOKEN_LENGTH_MS = 90 * 86_400_000;

/** What a new token may be used for. */
export interface TokenScope {
  readonly isReadOnly: boolean;
  /** Ids or names; null for every environment of its user. */
  readonly environments: readonly string[] | null;
}
export const EVERYTHING: TokenScope = { isReadOnly: false, environments: null };

/** A token, and the names of the environments it is for, as far as its user is still a member of them. */
export interface ListedToken extends Credential {
  /** null for every one. */
  readonly environments: readonly string[] | null;
}

/** A token that was just made. `secret` is shown once; the store has only its hash. */
export interface MadeToken {
  readonly token: ListedToken;
  readonly secret: string;
}

/** The rules of tokens: everybody has their own alone. */
export class TokenRules {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #audit: AuditTrail;

  constructor(store: Store, clock: Clock, audit: AuditTrail) {
    this.#store = store;
    this.#clock = clock;
    this.#audit = audit;
  }

  /**
   * Makes a token for scripts that is its user, as far as its scope goes, until it expires.
   * @throws AppError `forbidden` for a token that has a scope itself; `invalid` for a bad name or length; `conflict`
   *   for one the user has already; `not_found` for an environment.
   */
  create(
    actor: Actor,
    name: string,
    lengthMs: number,
    { isReadOnly, environments }: TokenScope,
  ): MadeToken {
    requireAllowed(actor, 'token.create', 'create tokens', true);
    checkName('token', name);
    checkLifetime(lengthMs, 'token');
    return this.#store.transaction(() => {
      this.#audit.requireLoggedIn(actor);
      const found =
        environments?.map((ref) => getEnvironment(this.#store, actor, 'environment.get', ref)) ??
        null;
      const environmentIds = found === null ? null : [...new Set(found.map(({ id }) => id))];
      const isTaken = this.#tokensOf(actor).some(
        (token) => nameKey(token.name ?? '') === nameKey(name),
      );
      if (isTaken) throw new AppError('conflict', `You already have a token named ${name}`);
      const secret = newSecret('token');
      const now = this.#clock.now();
      const token = this.#store.credentials.insert(
        {
          userId: actor.userId,
          kind: 'token',
          name,
          secretHash: hashSecret(secret),
          expiresAt: now + lengthMs,
          scope: { isReadOnly, environmentIds },
        },
        now,
      );
      this.#audit.record(actor, 'token.create', tokenSubject(token), {
        details: {
          ...(isReadOnly ? { readOnly: true } : {}),
          ...(found === null ? {} : { environments: found.map(({ name }) => name).join(', ') }),
        },
      });
      return { token: this.#listed(actor, token), secret };
    });
  }

  /** The actor's own tokens, oldest first, expired ones too. @throws AppError `forbidden`. */
  list(actor: Actor): ListedToken[] {
    requireAllowed(actor, 'token.list', 'list tokens', true);
    return this.#tokensOf(actor).map((token) => this.#listed(actor, token));
  }

  #listed(actor: Actor, token: Credential): ListedToken {
    const ids = token.scope.environmentIds;
    if (ids === null) return { ...token, environments: null };
    const mine = this.#store.environments.listFor(actor);
    return {
      ...token,
      environments: mine.filter(({ id }) => ids.includes(id)).map(({ name }) => name),
    };
  }

  #tokensOf(actor: Actor): Credential[] {
    return this.#store.credentials.listOf(actor.userId, 'token');
  }

  /**
   * Ends one of the actor's own tokens.
   * @param ref its id or its name.
   * @throws AppError `not_found`; `forbidden`.
   */
  revoke(actor: Actor, ref: string): ListedToken {
    requireAllowed(actor, 'token.revoke', 'revoke tokens', true);
    return this.#store.transaction(() => {
      const token = this.#tokensOf(actor).find(
        ({ id, name }) => String(id) === ref || (name !== null && nameKey(name) === nameKey(ref)),
      );
      if (token === undefined) {
        throw new AppError('not_found', `You have no token "${ref}"`, {
          hint: { code: 'list_tokens' },
        });
      }
      // First, for it may be the one that asks.
      this.#audit.record(actor, 'token.revoke', tokenSubject(token));
      this.#store.credentials.delete(token.id);
      return this.#listed(actor, token);
    });
  }
}

function tokenSubject({ id, name }: Credential): AuditSubject {
  return { kind: 'token', id, name: name ?? '', environmentId: null };
}
