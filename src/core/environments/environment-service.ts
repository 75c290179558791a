import { shellQuoted } from '../shell.ts';
import { decide, relationOf, type Actor, type Operation, type Role } from '../access.ts';
import {
  AuditTrail,
  UNKNOWN_ORIGIN,
  type AuditSubject,
  type Origin,
} from '../audit/audit-trail.ts';
import { MESSAGES } from '../captures/capture.ts';
import type { Clock } from '../clock.ts';
import { parsePasswordReference, type Environment, type ServerAddress } from './environment.ts';
import { AppError } from '../errors.ts';
import { checkName, nameKey } from '../names.ts';
import type { Member, Store, User } from '../store.ts';

export type NewEnvironment = Omit<Environment, 'id' | 'createdAt'>;

/** Finds the environment that `ref`, an id or a name, means; null when there is none. */
function findEnvironment(store: Store, ref: string): Environment | null {
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
  readonly #audit: AuditTrail;

  constructor(store: Store, clock: Clock, origin: Origin = UNKNOWN_ORIGIN) {
    this.#store = store;
    this.#clock = clock;
    this.#audit = new AuditTrail(store, clock, origin);
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
      this.#audit.record(actor, 'environment.create', subjectOf(created));
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

  /**
   * Changes what `changes` names.
   * @throws AppError `not_found`, `forbidden`, `invalid`, `conflict`; while the server's log is
   *   switched on, its address cannot be changed (the way to switch it back would be lost).
   */
  edit(actor: Actor, ref: string, changes: Partial<NewEnvironment>): Environment & { role: Role } {
    return this.#store.transaction(() => {
      const environment = this.get(actor, ref, 'environment.edit');
      if (changes.name !== undefined) checkName('environment', changes.name);
      const edited = { ...environment, ...changes };
      if (edited.server?.passwordFrom != null) parsePasswordReference(edited.server.passwordFrom);
      if (changes.server !== undefined && leadsElsewhere(environment.server, changes.server)) {
        this.#refuseWhileTapped(environment, 'its server cannot be changed');
      }
      this.#store.environments.update(edited);
      // Which fields, not their values: an address may hold more than a trail should.
      this.#audit.record(actor, 'environment.edit', subjectOf(edited), {
        details: { fields: Object.keys(changes).join(', '), from: environment.name },
      });
      return edited;
    });
  }

  /**
   * Deletes an environment that has no captures, and its schedules with it.
   * @throws AppError `conflict` while it has captures or its server's log is switched on.
   */
  delete(actor: Actor, ref: string): Environment {
    return this.#store.transaction(() => {
      const environment = this.get(actor, ref, 'environment.delete');
      const captures = this.#store.captures.countOf(environment.id);
      if (captures > 0) {
        throw new AppError(
          'conflict',
          `The environment "${environment.name}" has ${captures} capture${captures === 1 ? '' : 's'}`,
          { hint: 'Delete them first, or everything at once with: --with-captures' },
        );
      }
      this.#refuseWhileTapped(environment, 'it cannot be deleted');
      const schedules = this.#store.schedules.list([environment.id]).map(({ name }) => name);
      this.#audit.record(actor, 'environment.delete', subjectOf(environment), {
        details: schedules.length === 0 ? {} : { schedules: schedules.join(', ') },
      });
      this.#store.environments.delete(environment.id);
      return environment;
    });
  }

  /**
   * Says before anything is lost that an environment cannot be deleted.
   * @throws AppError `conflict` while its server is owed what its log was set to and no capture of it is
   *   there that would bring that about when it ends.
   */
  requireRestored(environment: Environment): void {
    const open = this.#store.captures
      .listByStatus(['STARTING', 'RUNNING', 'STOPPING'])
      .some(({ environmentId }) => environmentId === environment.id);
    if (!open) this.#refuseWhileTapped(environment, 'it cannot be deleted');
  }

  #refuseWhileTapped(environment: Environment, consequence: string): void {
    const isTapped = this.#store.taps.list().some((tap) => tap.environmentId === environment.id);
    const isWarm = this.#store.warmUps
      .listOpen()
      .some(
        ({ environmentId, captureId }) => environmentId === environment.id && captureId === null,
      );
    if (isTapped && isWarm) {
      throw new AppError(
        'conflict',
        `A warm-up of "${environment.name}" is on, so ${consequence}`,
        { hint: `End it first: captures env warm-up ${shellQuoted(environment.name)} --stop` },
      );
    }
    if (isTapped) {
      throw new AppError(
        'conflict',
        `The log of the server of "${environment.name}" is switched on by captures, so ${consequence}`,
        {
          hint: `Stop its captures first; if none is running, restore the server: captures recover ${shellQuoted(environment.name)}. If it is gone for good: captures recover ${shellQuoted(environment.name)} --forget`,
        },
      );
    }
  }

  /** @throws AppError `not_found`. */
  listMembers(actor: Actor, ref: string): Member[] {
    return this.#store.members.listOf(this.get(actor, ref, 'member.list').id);
  }

  /** @throws AppError `not_found`, `forbidden`; `conflict` for one who is a member already. */
  addMember(actor: Actor, ref: string, userName: string, role: Role): Member {
    return this.#store.transaction(() => {
      const environment = this.get(actor, ref, 'member.add');
      const user = this.#getUser(userName);
      if (this.#store.members.roleOf(environment.id, user.id) !== null) {
        throw new AppError(
          'conflict',
          `${user.name} is a member of "${environment.name}" already`,
          {
            hint: `To change the role: captures member set ${shellQuoted(environment.name)} ${shellQuoted(user.name)} --role ${role}`,
          },
        );
      }
      this.#store.members.insert(environment.id, user.id, role);
      this.#audit.record(actor, 'member.add', subjectOf(environment), {
        details: { user: user.name, role },
      });
      return { environmentId: environment.id, userId: user.id, userName: user.name, role };
    });
  }

  /** @throws AppError `not_found`, `forbidden`; `conflict` for the demotion of the last admin. */
  setMember(actor: Actor, ref: string, userName: string, role: Role): Member {
    return this.#store.transaction(() => {
      const environment = this.get(actor, ref, 'member.set');
      const member = this.#getMember(environment, userName);
      if (role !== 'admin') this.#refuseLastAdmin(environment, member);
      this.#store.members.setRole(environment.id, member.userId, role);
      this.#audit.record(actor, 'member.set', subjectOf(environment), {
        details: { user: member.userName, role },
      });
      return { ...member, role };
    });
  }

  /**
   * Removes a member; anyone may leave by themselves.
   * @throws AppError `not_found`, `forbidden`; `conflict` for the last admin.
   */
  removeMember(actor: Actor, ref: string, userName: string): Member {
    return this.#store.transaction(() => {
      const isSelf = nameKey(userName) === nameKey(actor.userName);
      const environment = this.get(actor, ref, isSelf ? 'member.list' : 'member.remove');
      const member = this.#getMember(environment, userName);
      this.#refuseLastAdmin(environment, member);
      this.#store.members.delete(environment.id, member.userId);
      this.#audit.record(actor, 'member.remove', subjectOf(environment), {
        details: { user: member.userName, role: member.role },
      });
      return member;
    });
  }

  #getUser(name: string): User {
    const user = this.#store.users.findByName(name);
    if (user === null) {
      throw new AppError('not_found', `There is no user named "${name}"`, {
        hint: `An administrator of the store makes users: captures user create ${shellQuoted(name)}`,
      });
    }
    return user;
  }

  #getMember(environment: Environment, userName: string): Member {
    const key = nameKey(userName);
    const member = this.#store.members
      .listOf(environment.id)
      .find((candidate) => nameKey(candidate.userName) === key);
    if (member === undefined) {
      throw new AppError('not_found', `${userName} is no member of "${environment.name}"`, {
        hint: `To see its members: captures member list ${shellQuoted(environment.name)}`,
      });
    }
    return member;
  }

  #refuseLastAdmin(environment: Environment, member: Member): void {
    const admins = this.#store.members
      .listOf(environment.id)
      .filter(({ role }) => role === 'admin');
    if (admins.length === 1 && admins[0]?.userId === member.userId) {
      throw new AppError(
        'conflict',
        `${member.userName} is the last admin of "${environment.name}"`,
        {
          hint: `Make somebody else its admin first: captures member add ${shellQuoted(environment.name)} USER --role admin`,
        },
      );
    }
  }
}

function subjectOf({ id, name }: Pick<Environment, 'id' | 'name'>): AuditSubject {
  return { kind: 'environment', id, name, environmentId: id };
}

/** Whether a changed address may be another server; credentials and TLS do not make it one. */
function leadsElsewhere(before: ServerAddress | null, after: ServerAddress | null): boolean {
  if (before === null) return false;
  if (after === null) return true;
  return before.host !== after.host || before.port !== after.port || before.socket !== after.socket;
}
