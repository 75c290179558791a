import { AppError } from './errors.ts';

/** What somebody is to an environment. */
export type Role = 'member' | 'admin';

/** What somebody may use of their rights: of a session all, of a token what it was made for. */
export interface Scope {
  /** It changes nothing. */
  readonly isReadOnly: boolean;
  /** No other environment exists for it, and nothing outside environments; null: all that its user may. */
  readonly environmentIds: readonly number[] | null;
}

export const UNLIMITED: Scope = { isReadOnly: false, environmentIds: null };

/** Whose view of environments, and what lies in them, is asked for. */
export interface Viewer {
  readonly userId: number;
  readonly scope: Scope;
}

/** A user as such, whatever they come with. */
export function viewerOf(userId: number): Viewer {
  return { userId, scope: UNLIMITED };
}

/** Who is asking: a logged-in user. */
export interface Actor extends Viewer {
  readonly userName: string;
  /**
   * An administrator of the store manages users; it gives no rights in an environment. False with a scope of
   * environments.
   */
  readonly isStoreAdmin: boolean;
  /**
   * The session or token they came with: it has to be valid still when what they asked for is done. Absent where a
   * program that uses the library speaks for them.
   */
  readonly credentialId?: number;
}

export function isWithin({ environmentIds }: Scope, environmentId: number): boolean {
  return environmentIds === null || environmentIds.includes(environmentId);
}

/**
 * What the actor is to the thing an operation is about. `outsider` has no role in the environment,
 * whatever else they are: an owner who has left is an outsider.
 */
export type Relation = 'outsider' | 'member' | 'owner' | 'admin';

export const OPERATIONS = [
  'capture.list',
  'capture.get',
  'capture.create',
  'capture.metrics',
  'capture.workload',
  'capture.verify',
  'capture.report',
  'capture.export',
  'capture.import',
  'capture.replay',
  'capture.stop',
  'capture.edit',
  'capture.delete',
  'replay.run',
  'replay.write',
  'schedule.list',
  'schedule.get',
  'schedule.create',
  'schedule.edit',
  'schedule.pause',
  'schedule.resume',
  'schedule.delete',
  'environment.get',
  'environment.check',
  'environment.warm-up',
  'environment.recover',
  'environment.reclaim',
  'environment.edit',
  'environment.delete',
  'member.list',
  'member.add',
  'member.set',
  'member.remove',
  'member.leave',
] as const;
export type Operation = (typeof OPERATIONS)[number];

const ANY_MEMBER: readonly Relation[] = ['member', 'owner', 'admin'];
const OWNER_OR_ADMIN: readonly Relation[] = ['owner', 'admin'];
const ADMIN: readonly Relation[] = ['admin'];

/** The one table of rules: who may do what in an environment. */
export const RULES: Record<Operation, readonly Relation[]> = {
  'capture.list': ANY_MEMBER,
  'capture.get': ANY_MEMBER,
  'capture.create': ANY_MEMBER,
  'capture.metrics': ANY_MEMBER,
  'capture.workload': ANY_MEMBER,
  'capture.verify': ANY_MEMBER,
  'capture.report': ANY_MEMBER,
  // Of what any member can read, and as any member can create.
  'capture.export': ANY_MEMBER,
  'capture.import': ANY_MEMBER,
  // Of what any member can read; where to, 'replay.run' says.
  'capture.replay': ANY_MEMBER,
  'capture.stop': OWNER_OR_ADMIN,
  'capture.edit': OWNER_OR_ADMIN,
  'capture.delete': OWNER_OR_ADMIN,
  // In the environment of the target. A capture, which any member may create, disturbs it no less.
  'replay.run': ANY_MEMBER,
  'replay.write': ADMIN,
  'schedule.list': ANY_MEMBER,
  'schedule.get': ANY_MEMBER,
  'schedule.create': ANY_MEMBER,
  'schedule.edit': OWNER_OR_ADMIN,
  'schedule.pause': OWNER_OR_ADMIN,
  'schedule.resume': OWNER_OR_ADMIN,
  'schedule.delete': OWNER_OR_ADMIN,
  'environment.get': ANY_MEMBER,
  'environment.check': ANY_MEMBER,
  // A capture, which any member may create, changes more.
  'environment.warm-up': ANY_MEMBER,
  // What the next daemon would do, which any member can start; 'capture.stop' says who may end what.
  'environment.recover': ANY_MEMBER,
  // Takes the server from a recorder that this store knows nothing of.
  'environment.reclaim': ADMIN,
  'environment.edit': ADMIN,
  'environment.delete': ADMIN,
  'member.list': ANY_MEMBER,
  'member.add': ADMIN,
  'member.set': ADMIN,
  'member.remove': ADMIN,
  'member.leave': ANY_MEMBER,
};

/** What changes nothing: all that a read-only token may. */
export const READS: ReadonlySet<Operation | StoreOperation> = new Set<Operation | StoreOperation>([
  'capture.list',
  'capture.get',
  'capture.metrics',
  'capture.workload',
  'capture.verify',
  'capture.report',
  'capture.export',
  'capture.replay',
  'schedule.list',
  'schedule.get',
  'environment.get',
  'environment.check',
  'member.list',
  'user.list',
  'token.list',
]);

/** What the actor is to a capture (or, without an owner, to an environment). */
function relationOf(actor: Actor, role: Role | null, ownerId: number | null): Relation {
  if (role === null) return 'outsider';
  if (role === 'admin') return 'admin';
  return ownerId === actor.userId ? 'owner' : 'member';
}

/**
 * The one permission function.
 * @param role the actor's own in the environment, as the store says it of a `Viewer`.
 * @param ownerId of the capture or schedule; null for what belongs to the environment as a whole.
 * @returns `allowed`; `hidden` for one who may not even know that the thing exists (answer 404);
 *   `forbidden` for one who may see it but not do this, `read_only` where only their token keeps them
 *   from it (answer 403).
 */
export function decide(
  operation: Operation,
  actor: Actor,
  role: Role | null,
  ownerId: number | null,
): 'allowed' | 'forbidden' | 'read_only' | 'hidden' {
  const relation = relationOf(actor, role, ownerId);
  if (!RULES[operation].includes(relation)) {
    return relation === 'outsider' ? 'hidden' : 'forbidden';
  }
  return actor.scope.isReadOnly && !READS.has(operation) ? 'read_only' : 'allowed';
}

/** What is said to who comes with a read-only token and wants more. */
export function readOnlyRefusal(): AppError {
  return new AppError('forbidden', 'Your token is read-only: it cannot change anything');
}

/** What lies in no environment: users, and what is a user's own. */
export const STORE_OPERATIONS = [
  'user.list',
  'user.create',
  'user.delete',
  'user.password',
  'token.create',
  'token.list',
  'token.revoke',
  'environment.create',
] as const;
export type StoreOperation = (typeof STORE_OPERATIONS)[number];

/** What somebody is to the store, or to the user that an operation is about. */
export type StoreRelation = 'user' | 'self' | 'store administrator';

/** The one table of rules outside environments. Tokens are always one's own. */
export const STORE_RULES: Record<StoreOperation, readonly StoreRelation[]> = {
  'user.list': ['store administrator'],
  'user.create': ['store administrator'],
  'user.delete': ['store administrator'],
  'user.password': ['self', 'store administrator'],
  'token.create': ['self'],
  'token.list': ['self'],
  'token.revoke': ['self'],
  'environment.create': ['user', 'self', 'store administrator'],
};

/**
 * @param what the operation in words, after "may".
 * @param isSelf whether it is about the actor.
 * @throws AppError `forbidden` unless the table, and what the actor's token was made for, let them do it.
 */
export function requireAllowed(
  actor: Actor,
  operation: StoreOperation,
  what: string,
  isSelf = false,
): void {
  if (actor.scope.environmentIds !== null) {
    throw new AppError('forbidden', `Your token is for its environments alone: it cannot ${what}`);
  }
  const relations: StoreRelation[] = ['user'];
  if (isSelf) relations.push('self');
  if (actor.isStoreAdmin) relations.push('store administrator');
  if (!relations.some((relation) => STORE_RULES[operation].includes(relation))) {
    throw new AppError('forbidden', `Only an administrator of the store may ${what}`);
  }
  if (actor.scope.isReadOnly && !READS.has(operation)) throw readOnlyRefusal();
}
