import { viewerOf, type Actor, type Role } from '../access.ts';
import { AuditTrail, UNKNOWN_ORIGIN, type Origin } from '../audit/audit-trail.ts';
import type { Clock } from '../clock.ts';
import type { Environment } from '../environments/environment.ts';
import { environmentSubject, getEnvironment } from '../environments/environment-service.ts';
import { AppError } from '../errors.ts';
import { nameKey } from '../names.ts';
import type { Member, Store, User } from '../store.ts';

/** A member, with the name of the environment. */
export interface ListedMember extends Member {
  readonly environmentName: string;
}

/** Who may do what in an environment. */
export class MemberService {
  readonly #store: Store;
  readonly #audit: AuditTrail;

  constructor(store: Store, clock: Clock, origin: Origin = UNKNOWN_ORIGIN) {
    this.#store = store;
    this.#audit = new AuditTrail(store, clock, origin);
  }

  /** @throws AppError `not_found`. */
  async list(actor: Actor, ref: string): Promise<ListedMember[]> {
    return this.#membersOf(getEnvironment(this.#store, actor, 'member.list', ref));
  }

  /** @throws AppError `not_found`, `forbidden`; `conflict` for one who is a member already. */
  async add(actor: Actor, ref: string, userName: string, role: Role): Promise<ListedMember> {
    return this.#store.transaction(() => {
      const environment = getEnvironment(this.#store, actor, 'member.add', ref);
      const user = this.#getUser(userName);
      if (this.#store.members.roleOf(environment.id, viewerOf(user.id)) !== null) {
        throw new AppError(
          'conflict',
          `${user.name} is already a member of "${environment.name}"`,
          { hint: { code: 'set_role', environment: environment.name, user: user.name, role } },
        );
      }
      this.#store.members.insert(environment.id, user.id, role);
      this.#audit.record(actor, 'member.add', environmentSubject(environment), {
        details: { user: user.name, role },
      });
      const { id: environmentId, name: environmentName } = environment;
      return { environmentId, environmentName, userId: user.id, userName: user.name, role };
    });
  }

  /** @throws AppError `not_found`, `forbidden`; `conflict` for the demotion of the last admin. */
  async set(actor: Actor, ref: string, userName: string, role: Role): Promise<ListedMember> {
    return this.#store.transaction(() => {
      const environment = getEnvironment(this.#store, actor, 'member.set', ref);
      const member = this.#getMember(environment, userName);
      if (role !== 'admin') this.#refuseLastAdmin(environment, member);
      this.#store.members.setRole(environment.id, member.userId, role);
      this.#audit.record(actor, 'member.set', environmentSubject(environment), {
        details: { user: member.userName, role },
      });
      return { ...member, role };
    });
  }

  /**
   * Removes a member; anyone may leave by themselves.
   * @throws AppError `not_found`, `forbidden`; `conflict` for the last admin.
   */
  async remove(actor: Actor, ref: string, userName: string): Promise<ListedMember> {
    return this.#store.transaction(() => {
      const isSelf = nameKey(userName) === nameKey(actor.userName);
      const environment = getEnvironment(
        this.#store,
        actor,
        isSelf ? 'member.leave' : 'member.remove',
        ref,
      );
      const member = this.#getMember(environment, userName);
      this.#refuseLastAdmin(environment, member);
      this.#store.members.delete(environment.id, member.userId);
      this.#audit.record(actor, 'member.remove', environmentSubject(environment), {
        details: { user: member.userName, role: member.role },
      });
      return member;
    });
  }

  #getUser(name: string): User {
    const user = this.#store.users.findByName(name);
    if (user === null) {
      throw new AppError('not_found', `There is no user named "${name}"`, {
        hint: { code: 'create_user', user: name },
      });
    }
    return user;
  }

  #membersOf({ id, name: environmentName }: Environment): ListedMember[] {
    return this.#store.members.listOf(id).map((member) => ({ ...member, environmentName }));
  }

  #getMember(environment: Environment, userName: string): ListedMember {
    const key = nameKey(userName);
    const member = this.#membersOf(environment).find(
      (candidate) => nameKey(candidate.userName) === key,
    );
    if (member === undefined) {
      throw new AppError('not_found', `${userName} is not a member of "${environment.name}"`, {
        hint: { code: 'list_members', environment: environment.name },
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
          hint: { code: 'make_admin', environment: environment.name },
        },
      );
    }
  }
}
