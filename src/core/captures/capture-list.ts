import { viewerOf, type Actor, type Viewer } from '../access.ts';
import { getEnvironment } from '../environments/environment-service.ts';
import { AppError } from '../errors.ts';
import { nearNames } from '../near-names.ts';
import { CAPTURE_ORDERS, type CaptureFilter, type Store } from '../store.ts';
import { checkTime } from './capture.ts';

/** What `list` is asked for: every capture the actor may see, but for what is set here. */
export interface CaptureListRequest extends Omit<CaptureFilter, 'environmentIds' | 'ownerId'> {
  /** An id or a name; null for all. */
  readonly environment: string | null;
  /** A user's name, or `me`; null for all. */
  readonly owner: string | null;
}

/** Every capture, newest first. */
export const ALL_CAPTURES: CaptureListRequest = {
  environment: null,
  owner: null,
  statuses: null,
  type: null,
  name: null,
  since: null,
  until: null,
  order: 'created',
  descending: true,
  limit: null,
};

/** No user has this id. */
const NOBODY = 0;
/** Comparing a name with so many others takes a few milliseconds. */
const RECENT = 1_000;

/**
 * The captures that a list has, whatever its limit.
 * @throws AppError as `CaptureService.list`.
 */
export function filterOf(
  store: Store,
  actor: Actor,
  request: CaptureListRequest,
): Omit<CaptureFilter, 'limit'> {
  const { environment, owner, statuses, type, name, since, until, order, descending } = request;
  checkTime('beginning of a list', since);
  checkTime('end of a list', until);
  if (!CAPTURE_ORDERS.includes(order)) {
    throw new AppError('invalid', `A list is ordered by one of ${CAPTURE_ORDERS.join(', ')}`);
  }
  const environmentIds =
    environment === null
      ? store.members.listFor(actor).map((member) => member.environmentId)
      : [getEnvironment(store, actor, 'capture.list', environment).id];
  return {
    statuses,
    type,
    name,
    since,
    until,
    order,
    descending,
    environmentIds,
    ownerId: owner === null ? null : ownerIdOf(store, actor, owner),
  };
}

function ownerIdOf(store: Store, actor: Actor, owner: string): number {
  if (owner === 'me') return actor.userId;
  const id = store.users.findByName(owner)?.id ?? NOBODY;
  // Of who does not exist the same is asked of the store: it takes as long to learn nothing.
  if (!canSee(store, actor, id) || id === NOBODY) {
    throw new AppError('not_found', `There is no user named "${owner}" in your environments`);
  }
  return id;
}

/** Whether the actor may know of a user: from an environment of theirs, or as an administrator. */
function canSee(store: Store, actor: Actor, userId: number): boolean {
  if (userId === actor.userId || actor.isStoreAdmin) return true;
  const { members, captures } = store;
  const environmentIds = members.listFor(actor).map(({ environmentId }) => environmentId);
  if (environmentIds.some((id) => members.roleOf(id, viewerOf(userId)) !== null)) return true;
  // Who has left an environment is still named there as the owner of captures.
  const owned = { ...ALL_CAPTURES, environmentIds, ownerId: userId, limit: 1 };
  return captures.list(owned).length > 0;
}

/** Names of recent captures that the actor can see and may have meant. */
export function nearCaptures(store: Store, viewer: Viewer, ref: string): string[] {
  const environmentIds = store.members.listFor(viewer).map(({ environmentId }) => environmentId);
  const recent = { ...ALL_CAPTURES, environmentIds, ownerId: null, limit: RECENT };
  const names = store.captures
    .list(recent)
    .map(({ name, environmentName }) => (ref.includes('/') ? `${environmentName}/${name}` : name));
  return nearNames(ref, [...new Set(names)]);
}
