import { decide, readOnlyRefusal, type Actor, type Operation, type Viewer } from './access.ts';
import { AppError } from './errors.ts';
import type { Store } from './store.ts';

interface Owned {
  readonly id: number;
  readonly name: string;
  readonly environmentId: number;
  readonly environmentName: string;
  readonly ownerId: number;
  readonly ownerName: string;
}

interface Kind<Thing> {
  readonly noun: 'capture' | 'schedule';
  readonly table: {
    find(id: number): Thing | null;
    findByName(name: string, viewer: Viewer): Thing[];
  };
  /** @param isHidden there is one, of an environment that the actor is not a member of. */
  readonly missing: (isHidden: boolean) => AppError;
}

/**
 * The capture or schedule that `ref` means, if the actor may do this with it.
 * @param ref an id, a name that is unique among what the actor can see, or `environment/name`.
 * @throws AppError what `missing` says; `forbidden` naming who may; `invalid` for an ambiguous name, with the
 *   candidates.
 */
export function getOwned<Thing extends Owned>(
  store: Store,
  actor: Actor,
  operation: Operation,
  ref: string,
  { noun, table, missing }: Kind<Thing>,
): Thing {
  const found = /^\d+$/.test(ref)
    ? table.find(Number(ref))
    : findNamed(store, actor, ref, { noun, table });
  // Asked also where there is none, so that it takes as long as for one that the actor may not see.
  const role = store.members.roleOf(found?.environmentId ?? 0, actor);
  if (found === null) throw missing(false);
  const { environmentId, ownerId, ownerName } = found;
  switch (decide(operation, actor, role, ownerId)) {
    case 'allowed':
      return found;
    case 'hidden':
      throw missing(true);
    case 'read_only':
      throw readOnlyRefusal();
    case 'forbidden': {
      const all = store.members
        .listOf(environmentId)
        .filter((member) => member.role === 'admin')
        .map(({ userName }) => userName);
      const admins = all.filter((name) => name !== ownerName);
      const isAdmin = admins.length < all.length;
      const others =
        admins.length === 0
          ? ''
          : ` or ${isAdmin ? 'another' : 'an'} admin of its environment (${admins.join(', ')})`;
      const verb = operation.slice(operation.indexOf('.') + 1);
      throw new AppError(
        'forbidden',
        `Only the owner of the ${noun} (${ownerName})${others} may ${verb} it`,
      );
    }
  }
}

function findNamed<Thing extends Owned>(
  { environments }: Store,
  actor: Actor,
  ref: string,
  { noun, table }: Pick<Kind<Thing>, 'noun' | 'table'>,
): Thing | null {
  const slash = ref.indexOf('/');
  const name = ref.slice(slash + 1);
  let candidates = table.findByName(name, actor);
  if (slash !== -1) {
    const where = ref.slice(0, slash);
    const environment =
      environments.findByName(where) ??
      (/^\d+$/.test(where) ? environments.find(Number(where)) : null);
    candidates = candidates.filter(({ environmentId }) => environmentId === environment?.id);
  }
  const [first = null, ...others] = candidates;
  if (others.length === 0) return first;
  throw new AppError('invalid', `There is more than one ${noun} named "${name}"`, {
    hint: {
      code: 'say_which',
      candidates: candidates.map(({ id, name, environmentName }) => ({
        id,
        name,
        environmentName,
      })),
    },
  });
}
