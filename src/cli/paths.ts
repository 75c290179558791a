import { isAbsolute, join, resolve } from 'node:path';
import type { World } from './world.ts';

/** Where the program keeps things. */
export interface Paths {
  /** The store's folder: database, workloads, the daemon's log. */
  readonly store: string;
  /** Where the session lies, unless the store is shared. */
  readonly config: string;
  /** Where it lies when the store is shared: a folder of this user's own. */
  readonly ownConfig: string;
}

/** `CAPTURES_HOME` holds everything when it is set; else the XDG folders do. */
export function findPaths(world: Pick<World, 'env' | 'home' | 'cwd'>): Paths {
  const { env, home, cwd } = world;
  const ownConfig = join(xdg(env['XDG_CONFIG_HOME']) ?? join(home, '.config'), 'captures');
  const capturesHome = env['CAPTURES_HOME'];
  if (capturesHome !== undefined && capturesHome !== '') {
    const folder = resolve(cwd, capturesHome);
    return { store: folder, config: folder, ownConfig };
  }
  const store = join(xdg(env['XDG_DATA_HOME']) ?? join(home, '.local', 'share'), 'captures');
  return { store, config: ownConfig, ownConfig };
}

/** The XDG specification has relative paths ignored. */
function xdg(path: string | undefined): string | null {
  return path !== undefined && isAbsolute(path) ? path : null;
}
