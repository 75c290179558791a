import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DATABASE } from './store-folder.ts';

const OTHERS_WRITE = 0o022;

/**
 * Whether somebody else than this process's user can write the store in a folder, and with that put into it
 * what they want. Asked of the system, because what the store says of itself they can write, too.
 */
export function isWritableByOthers(folder: string): boolean {
  const directory = resolve(folder);
  const user = process.getuid?.();
  return ['.', DATABASE, `${DATABASE}-wal`, `${DATABASE}-shm`].some((name) => {
    const stats = statSync(join(directory, name), { throwIfNoEntry: false });
    return stats !== undefined && (stats.uid !== user || (stats.mode & OTHERS_WRITE) !== 0);
  });
}
