import { decide, relationOf, type Actor, type Operation, type Role } from './access.ts';
import { MESSAGES } from './captures.ts';
import type { Clock } from './clock.ts';
import { parsePasswordReference, type Environment } from './environments.ts';
import { AppError } from './errors.ts';
import { checkName } from './names.ts';
import type { Member, Store } from './store.ts';

export type NewEnvironment = Omit<Environment, 'id' | 'createdAt'>;

/** Finds the environment that `ref`, an id or a name, means; null when there is none. */
export function findEnvironment(store: Store, ref: string): Environment | null {
  return /^\d+$/.test(ref)
    ? store.environments.find(Number(ref))
    : store.environments.findByName(ref);
}

/**
 * The environment that `ref` means, if the actor may do this in it.
 * @throws AppError `not_found` ("Environment does not exist"), also for one the actor is no member
 *   of; `forbidden` naming who may.
 */
export function getEnvironment(
  store: Store,
  actor: Actor,
  operation: Operation,
  ref: string,
): Environment & { role: Role } {
  const environment = findEnvironment(store, ref);
  const role = environment === null ? null : store.members.roleOf(environment.id, actor.userId);
  if (environment === null || role === null) {
    throw new AppError('not_found', MESSAGES.environmentMissing);
  }
  if (decide(operation, relationOf(actor, role, null)) !== 'allowed') {
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

export class EnvironmentService {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Describes a new environment; who creates it is its admin.
   * @throws AppError `invalid` for a bad name or password reference, `conflict` for a taken name.
   */
  create(actor: Actor, environment: NewEnvironment): Environment & { role: Role } {
    checkName('environment', environment.name);
    if (environment.server?.passwordFrom != null)
      parsePasswordReference(environment.server.passwordFrom);
    return this.#store.transaction(() => {
      const created = this.#store.environments.insert(environment, this.#clock.now());
      this.#store.members.insert(created.id, actor.userId, 'admin');
      return { ...created, role: 'admin' as const };
    });
  }

  /** The environments the actor has a role in, by name. */
  list(actor: Actor): (Environment & { role: Role })[] {
    return this.#store.environments.listFor(actor.userId);
  }

  /** @throws AppError `not_found` ("Environment does not exist") for one the actor is no member of. */
  get(
    actor: Actor,
    ref: string,
    operation: Operation = 'environment.get',
  ): Environment & { role: Role } {
    return getEnvironment(this.#store, actor, operation, ref);
  }

  members(environmentId: number): Member[] {
    return this.#store.members.listOf(environmentId);
  }
}
