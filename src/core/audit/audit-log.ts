import type { Actor } from '../access.ts';
import type { ApiCall } from './call-log.ts';
import type { AuthenticatedActor } from '../users/user-service.ts';
import type { AuditEntry } from './audit-trail.ts';
import type { CaptureRules } from '../captures/capture-rules.ts';
import { checkTime } from '../captures/capture.ts';
import { getEnvironment } from '../environments/environment-service.ts';
import { isAppError } from '../errors.ts';
import type { Store } from '../store.ts';

/** What `log` is asked for. */
export interface AuditRequest {
  /** A capture, also the id of one that was deleted; null for everything. */
  readonly capture: string | null;
  /** An environment's id or name; null for everything the actor may see. */
  readonly environment: string | null;
  readonly since: number | null;
  readonly limit: number | null;
}

/** Which calls are asked for. */
export interface CallRequest {
  readonly since: number | null;
  readonly limit: number | null;
}

/** Who changed what, and who asked for what. */
export class AuditLog {
  readonly #store: Store;
  readonly #captures: CaptureRules;

  constructor(store: Store, captures: CaptureRules) {
    this.#store = store;
    this.#captures = captures;
  }

  /**
   * Calls of the API, newest first: the actor's own, and everybody's for an administrator of the store. With a
   * token for environments those that were made with it.
   */
  async listCalls(actor: AuthenticatedActor, { since, limit }: CallRequest): Promise<ApiCall[]> {
    checkTime('beginning of a list', since);
    return this.#store.calls.list({
      userId: actor.isStoreAdmin ? null : actor.userId,
      credentialId: actor.scope.environmentIds === null ? null : actor.credentialId,
      since,
      limit,
    });
  }

  /**
   * The trail as the actor may see it: changes in the environments they are a member of, and what they
   * did outside any; an administrator of the store also sees users, tokens and environments that are
   * gone. Newest first.
   * @throws AppError `not_found` for a capture or an environment they may not see.
   */
  async list(actor: Actor, request: AuditRequest): Promise<AuditEntry[]> {
    const { since, limit } = request;
    checkTime('beginning of a list', since);
    if (request.environment !== null) {
      const environment = getEnvironment(this.#store, actor, 'capture.list', request.environment);
      return this.#store.audit.list({
        environmentIds: [environment.id],
        ownOf: null,
        everythingElse: false,
        subject: null,
        since,
        limit,
      });
    }
    const visible = {
      environmentIds: this.#store.members.listFor(actor).map((member) => member.environmentId),
      ownOf: actor.scope.environmentIds === null ? actor.userId : null,
      everythingElse: actor.isStoreAdmin,
      since,
    };
    if (request.capture === null)
      return this.#store.audit.list({ ...visible, subject: null, limit });
    try {
      const { id } = this.#captures.get(actor, request.capture);
      return this.#store.audit.list({ ...visible, subject: { kind: 'capture', id }, limit });
    } catch (error) {
      // A capture that was deleted has a past all the same, for those who could see it.
      if (!isAppError(error, 'not_found') || !/^\d+$/.test(request.capture)) throw error;
      const subject = { kind: 'capture' as const, id: Number(request.capture) };
      const entries = this.#store.audit.list({ ...visible, subject, limit });
      if (entries.length === 0) throw error;
      return entries;
    }
  }
}
