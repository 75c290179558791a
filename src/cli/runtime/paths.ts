import { isAbsolute, join, resolve } from 'node:path';
import type { World } from './world.ts';

export interface Paths {
  /** The store's folder: database, workloads, the daemon's log. */
  readonly store: string;
  /** Where the session lies, unless the store is shared. */
  readonly config: string;
  /** Where it lies when the store is shared: a folder of this user's own. */
  readonly ownConfig: string;
}

/**
 * `CAPTURES_HOME` holds everything when it is set; else the XDG folders do. Each is found when it is asked
 * for: a user without a home folder needs none where CAPTURES_HOME says enough.
 */
export function findPaths(world: Pick<World, 'env' | 'home' | 'cwd'>): Paths {
  const { env, cwd } = world;
  const capturesHome = env['CAPTURES_HOME'];
  const folder =
    capturesHome === undefined || capturesHome === '' ? null : resolve(cwd, capturesHome);
  return {
    get store() {
      if (folder !== null) return folder;
      return join(xdg(env['XDG_DATA_HOME']) ?? join(world.home, '.local', 'share'), 'captures');
    },
    get config() {
      return folder ?? this.ownConfig;
    },
    get ownConfig() {
      return join(xdg(env['XDG_CONFIG_HOME']) ?? join(world.home, '.config'), 'captures');
    },
  };
}

/** The XDG specification has relative paths ignored. */
function xdg(path: string | undefined): string | null {
  return path !== undefined && isAbsolute(path) ? path : null;
}
