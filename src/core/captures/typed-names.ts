import type { Actor } from '../access.ts';
import type { ListedCapture, Store } from '../store.ts';
import { ALL_CAPTURES } from './capture-list.ts';
import type { CaptureStatus, CaptureType } from './capture.ts';

/** A capture whose name begins with what was typed. */
export interface NamedCapture {
  readonly capture: ListedCapture;
  /** Whether its name alone says which of the actor's captures is meant. */
  readonly isUnique: boolean;
}

/** See `CaptureService.named`. */
export function captureNames(
  store: Store,
  actor: Actor,
  typed: string,
  statuses: readonly CaptureStatus[] | null,
  limit: number,
  type: CaptureType | null,
): readonly NamedCapture[] {
  const slash = typed.indexOf('/');
  const name = typed.slice(slash + 1);
  const environment = slash === -1 ? null : store.environments.findByName(typed.slice(0, slash));
  if (slash !== -1 && environment === null) return [];
  const environmentIds = store.members
    .listFor(actor)
    .map(({ environmentId }) => environmentId)
    .filter((id) => environment === null || id === environment.id);
  const isName = name !== '' && !/^\d+$/.test(name);
  // In the order of the index on names, so that a name is found among a million.
  const order = isName
    ? ({ name: `${name}*`, order: 'name', descending: false } as const)
    : ALL_CAPTURES;
  const filter = {
    ...ALL_CAPTURES,
    ...order,
    environmentIds,
    ownerId: null,
    statuses,
    limit,
    type,
  };
  return store.captures.list(filter).map((capture) => ({
    capture,
    isUnique: store.captures.findByName(capture.name, actor).length === 1,
  }));
}
