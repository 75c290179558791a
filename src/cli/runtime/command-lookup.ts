import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CommandFault } from './world.ts';

/** Where the system looks when PATH is not set. */
const DEFAULT_PATH = '/bin:/usr/bin';

/**
 * Why a command cannot be run; null where it can. A name without `/` is looked for in the folders of
 * `path`, of which an empty one is `cwd`; any other is a path below `cwd`.
 */
export function commandFault(
  command: string,
  path: string | undefined,
  cwd: string,
): CommandFault | null {
  if (command === '') return 'missing';
  const folders = command.includes('/') ? ['.'] : (path ?? DEFAULT_PATH).split(':');
  const faults = folders.map((folder) => faultOf(resolve(cwd, folder, command)));
  if (faults.includes(null)) return null;
  return faults.includes('forbidden') ? 'forbidden' : 'missing';
}

function faultOf(file: string): CommandFault | null {
  try {
    if (!statSync(file).isFile()) return 'forbidden';
    accessSync(file, constants.X_OK);
    return null;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EACCES'
      ? 'forbidden'
      : 'missing';
  }
}
