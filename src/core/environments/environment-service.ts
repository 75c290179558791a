import {
  decide,
  readOnlyRefusal,
  requireAllowed,
  type Actor,
  type Operation,
  type Role,
} from '../access.ts';
import { AuditTrail, type AuditSubject } from '../audit/audit-trail.ts';
import { MESSAGES } from '../captures/capture.ts';
import type { Clock } from '../clock.ts';
import {
  SSL_MODES,
  type Environment,
  type ProviderFields,
  type ServerAddress,
  type SslMode,
} from './environment.ts';
import {
  bind,
  changedFields,
  isSameServer,
  isStillConfined,
  requireOwnReference,
  type Confinement,
  type Description,
} from './confinement.ts';
import type { Readiness } from './readiness.ts';
import { parsePasswordReference } from './password-reference.ts';
import type { Outside } from '../outside.ts';
import { AppError } from '../errors.ts';
import { checkName } from '../names.ts';
import { nearNames } from '../near-names.ts';
import type { Store } from '../store.ts';

/** An environment, and the actor's role in it. */
export interface Membership extends Environment {
  readonly role: Role;
}

/** How a server is described: its address as one text, and how to log in there. */
export interface ServerRequest {
  /** As its source reads it, without a password. */
  readonly url: string;
  /** `env:NAME`, `file:PATH` or `cnf:PATH#GROUP`; null or absent to log in without a password. */
  readonly passwordFrom?: string | null;
  /** null or absent: PREFERRED, or VERIFY_CA where `sslCa` is given. */
  readonly sslMode?: SslMode | null;
  readonly sslCa?: string | null;
  readonly serverPublicKey?: string | null;
}

type Provided = Partial<ProviderFields>;

/** What is absent is null. */
export interface EnvironmentRequest extends Provided {
  readonly name: string;
  /** null or absent: metrics-only. */
  readonly server?: ServerRequest | null;
}

/** What `edit` changes; what is absent stays. */
export interface EnvironmentEdit extends Provided {
  readonly name?: string;
  /** null takes the server away; a server that is not there needs a `url`. */
  readonly server?: Partial<ServerRequest> | null;
}

/** Finds the environment that `ref`, an id or a name, means; null when there is none. */
function findEnvironment(store: Store, ref: string): Environment | null {
  return /^\d+$/.test(ref)
    ? store.environments.find(Number(ref))
    : store.environments.findByName(ref);
}

/**
 * The environment that `ref` means, if the actor may do this in it.
 * @throws AppError `not_found` ("Environment does not exist"), also where the actor is not a member;
 *   `forbidden` naming who may, or saying that the actor's token is read-only.
 */
export function getEnvironment(
  store: Store,
  actor: Actor,
  operation: Operation,
  ref: string,
): Membership {
  const environment = findEnvironment(store, ref);
  // Asked also where there is none, so that it takes as long as for one that the actor may not see.
  const role = store.members.roleOf(environment?.id ?? 0, actor);
  if (environment === null || role === null) {
    const names = store.environments.listFor(actor).map(({ name }) => name);
    throw new AppError('not_found', MESSAGES.environmentMissing, {
      hint: { code: 'list_own_environments', near: nearNames(ref, names) },
    });
  }
  const decision = decide(operation, actor, role, null);
  if (decision === 'read_only') throw readOnlyRefusal();
  if (decision !== 'allowed') {
    throw new AppError(
      'forbidden',
      `Only an admin of the environment "${environment.name}" (${adminNames(store, environment.id)}) may do this`,
    );
  }
  return { ...environment, role };
}

export function adminNames(store: Store, environmentId: number): string {
  return store.members
    .listOf(environmentId)
    .filter((member) => member.role === 'admin')
    .map((member) => member.userName)
    .join(', ');
}

/** What a look at a server says, and why its log is off where only its owner can switch it on. */
export interface CheckedServer extends Readiness {
  readonly logOff: AppError | null;
}

export class EnvironmentService {
  readonly #outside: Outside;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #audit: AuditTrail;
  readonly #parseServerUrl: Outside['parseServerUrl'];
  readonly #isFromElsewhere: boolean;

  constructor(outside: Outside) {
    this.#outside = outside;
    const { store, clock, origin, parseServerUrl } = outside;
    this.#store = store;
    this.#clock = clock;
    this.#parseServerUrl = parseServerUrl;
    this.#isFromElsewhere = origin.address !== undefined;
    this.#audit = new AuditTrail(store, clock, origin);
  }

  /**
   * Describes a new environment; who creates it is its admin.
   * @throws AppError `forbidden` for a token that may not; `invalid` for a bad name or password reference,
   *   `conflict` for a taken name.
   */
  async create(actor: Actor, request: EnvironmentRequest): Promise<Membership> {
    requireAllowed(actor, 'environment.create', 'create environments');
    const { name, region = null, instance = null, profile = null, endpointUrl = null } = request;
    checkName('environment', name);
    const server = request.server == null ? null : this.#addressOf(request.server, null);
    const environment = { name, server, region, instance, profile, endpointUrl };
    const confinement = await this.#confinement();
    return this.#store.transaction(() => {
      this.#audit.requireLoggedIn(actor);
      this.#admit(actor, environment, null, confinement);
      const created = this.#store.environments.insert(environment, this.#clock.now());
      this.#store.members.insert(created.id, actor.userId, 'admin');
      this.#audit.record(actor, 'environment.create', environmentSubject(created));
      return { ...created, role: 'admin' as const };
    });
  }

  /** What descriptions from elsewhere are held against; null for one from this machine. */
  async #confinement(): Promise<Confinement | null> {
    return this.#isFromElsewhere ? this.#outside.confinement() : null;
  }

  /** Refuses what somebody from elsewhere may not describe, and notes where the password may go. */
  #admit(
    actor: Actor,
    described: Partial<Omit<Description, 'name'>>,
    edited: Pick<Environment, 'name' | 'server'> | null,
    confinement: Confinement | null,
  ): void {
    this.#outside.checkProvider(described);
    const { server = null } = described;
    if (confinement !== null) {
      confinement.check(described);
      if (server !== null) requireOwnReference(this.#store, actor, server, edited, confinement);
    }
    bind(this.#store.references, server);
  }

  /** The address that a request describes; what it leaves out stays as it was. */
  #addressOf(request: Partial<ServerRequest>, before: ServerAddress | null): ServerAddress {
    const location = request.url === undefined ? before : this.#parseServerUrl(request.url);
    if (location === null) throw new AppError('invalid', 'The environment has no server');
    const { passwordFrom, sslMode, sslCa, serverPublicKey } = request;
    if (passwordFrom != null) parsePasswordReference(passwordFrom);
    if (sslMode != null && !SSL_MODES.includes(sslMode)) {
      throw new AppError('invalid', `The sslMode takes one of ${SSL_MODES.join(', ')}`);
    }
    const isConfined = isStillConfined(before, request, this.#isFromElsewhere);
    const { engine, user, host, port, socket, database } = location;
    return {
      ...(isConfined ? { isConfined } : {}),
      ...{ engine, user, host, port, socket, database },
      passwordFrom: passwordFrom === undefined ? (before?.passwordFrom ?? null) : passwordFrom,
      sslMode: sslMode ?? before?.sslMode ?? (sslCa == null ? 'PREFERRED' : 'VERIFY_CA'),
      sslCa: sslCa === undefined ? (before?.sslCa ?? null) : sslCa,
      serverPublicKey:
        serverPublicKey === undefined ? (before?.serverPublicKey ?? null) : serverPublicKey,
    };
  }

  /** What an edit makes of a server; who says from elsewhere what it is already changes nothing. */
  #edited(
    change: Partial<ServerRequest> | null,
    before: ServerAddress | null,
  ): ServerAddress | null {
    if (change === null) return null;
    const edited = this.#addressOf(change, before);
    return this.#isFromElsewhere && isSameServer(before, edited) ? before : edited;
  }

  /** The environments the actor has a role in, by name. */
  async list(actor: Actor): Promise<Membership[]> {
    return this.#store.environments.listFor(actor);
  }

  /** @throws AppError `not_found` ("Environment does not exist"), also where the actor is not a member. */
  async get(
    actor: Actor,
    ref: string,
    operation: Operation = 'environment.get',
  ): Promise<Membership> {
    return this.#get(actor, ref, operation);
  }

  #get(actor: Actor, ref: string, operation: Operation): Membership {
    return getEnvironment(this.#store, actor, operation, ref);
  }

  /**
   * Looks at the server of an environment; changes nothing. What keeps it from being recorded is part of what
   * is returned.
   * @throws AppError `not_found`; `invalid` for one without a server; `remote_failed`; `forbidden` where only
   *   the daemon may log in.
   */
  async check(actor: Actor, ref: string): Promise<CheckedServer> {
    const { server, ...environment } = this.#get(actor, ref, 'environment.check');
    if (server === null) {
      throw new AppError(
        'invalid',
        `The environment "${environment.name}" has no server to check: it is metrics-only`,
      );
    }
    const { readServer, whyLogIsOff } = await import('./readiness.ts');
    const readiness = await readServer(this.#outside, { ...environment, server });
    return { ...readiness, logOff: await whyLogIsOff(this.#outside, readiness) };
  }

  /**
   * Changes what `changes` names.
   * @throws AppError `not_found`, `forbidden`, `invalid`, `conflict`; while the server's log is
   *   switched on, its address cannot be changed (the way to switch it back would be lost).
   */
  async edit(actor: Actor, ref: string, edit: EnvironmentEdit): Promise<Membership> {
    const confinement = await this.#confinement();
    return this.#store.transaction(() => {
      const environment = this.#get(actor, ref, 'environment.edit');
      const { server: change, ...rest } = edit;
      if (rest.name !== undefined) checkName('environment', rest.name);
      const { server: before } = environment;
      const server = change === undefined ? before : this.#edited(change, before);
      const edited = { ...environment, ...rest, server };
      if (leadsElsewhere(before, server)) {
        refuseWhileTapped(this.#store, environment, 'its server cannot be changed');
      }
      // What stays as it was is not checked: it was admitted before, or described on this machine.
      this.#admit(actor, changedFields(environment, edited), environment, confinement);
      this.#store.environments.update(edited);
      // Which fields, not their values: an address may hold more than a trail should.
      this.#audit.record(actor, 'environment.edit', environmentSubject(edited), {
        details: { fields: Object.keys(edit).join(', '), from: environment.name },
      });
      return edited;
    });
  }

  /**
   * Deletes an environment that has no captures, and its schedules with it.
   * @throws AppError `conflict` while it has captures or its server's log is switched on.
   */
  async delete(actor: Actor, ref: string): Promise<Membership> {
    return this.#store.transaction(() => {
      const environment = this.#get(actor, ref, 'environment.delete');
      refuseWithCaptures(this.#store, environment);
      refuseWhileTapped(this.#store, environment, 'it cannot be deleted');
      const schedules = this.#store.schedules.list([environment.id]).map(({ name }) => name);
      this.#audit.record(actor, 'environment.delete', environmentSubject(environment), {
        details: schedules.length === 0 ? {} : { schedules: schedules.join(', ') },
      });
      this.#store.environments.delete(environment.id);
      return environment;
    });
  }

  /**
   * Says before anything is lost that an environment cannot be deleted.
   * @param withCaptures whether its captures are to be deleted first.
   * @throws AppError as `delete`; with captures `conflict` only while its server is not restored and no
   *   capture of it is there that would bring that about when it ends.
   */
  async checkDeletion(actor: Actor, ref: string, withCaptures: boolean): Promise<Membership> {
    return requireDeletable(this.#store, actor, ref, withCaptures);
  }
}

/** See `EnvironmentService.checkDeletion`. */
export function requireDeletable(
  store: Store,
  actor: Actor,
  ref: string,
  withCaptures: boolean,
): Membership {
  const environment = getEnvironment(store, actor, 'environment.delete', ref);
  if (!withCaptures) refuseWithCaptures(store, environment);
  const open = store.captures
    .listByStatus(['STARTING', 'RUNNING', 'STOPPING'])
    .some(({ environmentId }) => environmentId === environment.id);
  if (!open) refuseWhileTapped(store, environment, 'it cannot be deleted');
  return environment;
}

function refuseWithCaptures(store: Store, { id, name }: Environment): void {
  const captures = store.captures.countOf(id);
  if (captures === 0) return;
  throw new AppError(
    'conflict',
    `The environment "${name}" has ${captures} capture${captures === 1 ? '' : 's'}`,
    { hint: { code: 'delete_captures_first' } },
  );
}

function refuseWhileTapped(store: Store, { id, name }: Environment, consequence: string): void {
  if (!store.taps.list().some(({ environmentId }) => environmentId === id)) return;
  const isWarm = store.warmUps
    .listOpen()
    .some(({ environmentId, captureId }) => environmentId === id && captureId === null);
  throw isWarm
    ? new AppError('conflict', `A warm-up of "${name}" is on, so ${consequence}`, {
        hint: { code: 'end_warm_up', environment: name },
      })
    : new AppError(
        'conflict',
        `The log of the server of "${name}" is switched on by captures, so ${consequence}`,
        { hint: { code: 'restore_server', environment: name } },
      );
}

/** What the audit trail says an environment's change is about. */
export function environmentSubject({ id, name }: Pick<Environment, 'id' | 'name'>): AuditSubject {
  return { kind: 'environment', id, name, environmentId: id };
}

/** Whether a changed address may be another server; credentials and TLS do not make it one. */
function leadsElsewhere(before: ServerAddress | null, after: ServerAddress | null): boolean {
  if (before === null) return false;
  if (after === null) return true;
  return before.host !== after.host || before.port !== after.port || before.socket !== after.socket;
}
