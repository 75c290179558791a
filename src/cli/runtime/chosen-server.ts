import { AppError, isAppError } from '../../core/errors.ts';
import { nearNames } from '../../core/near-names.ts';
import { HIDDEN_VERBS } from '../commands/verbs.ts';
import { orList } from '../input/arguments.ts';
import { findPaths } from './paths.ts';
import { KnownServers, LOCAL, type KnownServer } from './known-servers.ts';
import { looksLikePlace, parseServerPlace } from './server-places.ts';
import type { World } from './world.ts';

/** The variable that chooses a server for one command, by name or URL. */
export const SERVER_VARIABLE = 'CAPTURES_SERVER';

/**
 * The server whose store is used: that of CAPTURES_SERVER, else the one that `captures server use` chose. One
 * that nobody logged in to can be named by its URL: CAPTURES_TOKEN may log in there.
 * @returns null for the store of this machine.
 * @throws AppError `invalid` for a name that is not known; `store_unusable` for a file that is open to others.
 */
export function chooseServer(
  world: Pick<World, 'env' | 'home' | 'cwd'>,
  argv: readonly string[],
): KnownServer | null {
  const [verb = ''] = argv;
  // Parts of a daemon, whatever its user has chosen meanwhile.
  if (HIDDEN_VERBS.some(({ name }) => name === verb)) return null;
  try {
    return chosen(world);
  } catch (error) {
    // What chooses another one must not need this one.
    if (isAppError(error, 'invalid') && choosesServer(argv)) return null;
    throw error;
  }
}

function choosesServer(argv: readonly string[]): boolean {
  return argv.some((word) => word === 'server' || /^--server(=|$)/.test(word));
}

function chosen(world: Pick<World, 'env' | 'home' | 'cwd'>): KnownServer | null {
  const said = world.env[SERVER_VARIABLE]?.trim() ?? '';
  if (said === LOCAL) return null;
  const known = knownServersOf(world, said !== '');
  if (known === null) return null;
  const name = said === '' ? known.current() : said;
  if (name === null) return null;
  return known.find(name) ?? byPlace(name, known, said !== '');
}

function byPlace(name: string, known: KnownServers, isSaid: boolean): KnownServer {
  if (isSaid && looksLikePlace(name)) {
    const place = parseServerPlace(name);
    const same = known.list().filter(({ url }) => url === place.url);
    const current = known.current();
    return (
      same.find((server) => server.name === current) ??
      same[0] ?? { ...place, caFile: null, session: null }
    );
  }
  const where = isSaid ? `${SERVER_VARIABLE} names` : 'captures server use chose';
  throw new AppError('invalid', `There is no server "${name}", which ${where}`, {
    hint: serversHint(known, name),
  });
}

/** What may be said where a name is not known. @param typed the name. */
export function serversHint(known: KnownServers, typed: string): string {
  const names = known.list().map((server) => server.name);
  // The port is easily forgotten.
  const onHost = names.filter((name) => name.startsWith(`${typed}:`));
  const near = onHost.length > 0 ? onHost : nearNames(typed, names);
  const meant = near.length === 0 ? '' : `Did you mean ${orList(near)}? `;
  return `${meant}Known servers: ${[...names, LOCAL].join(', ')}. Another one: captures login NAME --server URL`;
}

/** null for a user without a home folder, who has chosen none. */
function knownServersOf(world: Parameters<typeof findPaths>[0], isNeeded: boolean) {
  try {
    return new KnownServers(findPaths(world));
  } catch (error) {
    if (!isNeeded && isAppError(error)) return null;
    throw error;
  }
}
