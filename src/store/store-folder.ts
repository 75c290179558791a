import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { AppError } from '../core/errors.ts';

/** The database's file in a store's folder. */
export const DATABASE = 'captures.db';

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'no folder can be made there',
  EACCES: 'no permission',
  EPERM: 'no permission',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is not a folder',
  EEXIST: 'a part of the path is not a folder',
  EROFS: 'the file system is read-only',
};

/**
 * Makes a folder, and those above it that are missing. Not `recursive`: where mkdir says ENOENT below a
 * folder that is there (/proc/nope), Node 24 tries again for ever.
 * @throws what the system says.
 */
export function makeFolder(directory: string, mode: number): void {
  try {
    mkdirSync(directory, { mode });
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'EEXIST' && statSync(directory).isDirectory()) return;
    const parent = dirname(directory);
    if (code !== 'ENOENT' || existsSync(parent)) throw error;
    makeFolder(parent, mode);
    makeFolder(directory, mode);
  }
}

/**
 * Makes a store's folder and its database's file, closed to others; with `sharedGroup`, a group id, open to
 * that group.
 * @returns false when the file is there already.
 * @throws AppError `store_unusable` when they cannot be made, or the folder is open to others.
 */
export function makeStoreFiles(
  directory: string,
  file: string,
  sharedGroup: number | null,
): boolean {
  try {
    makeFolder(directory, 0o700);
    if (isThere(file)) return false;
    closeToOthers(directory);
    if (sharedGroup !== null) {
      chownSync(directory, -1, sharedGroup);
      chmodSync(directory, 0o2770);
    }
    // SQLite gives its -wal and -shm files the mode of the database.
    closeSync(openSync(file, 'wx', 0o600));
    if (sharedGroup !== null) chmodSync(file, 0o660);
    return true;
  } catch (error) {
    if (error instanceof AppError) throw error;
    const code = errnoOf(error);
    if (code === 'EEXIST' && isThere(file)) return false;
    throw new AppError(
      'store_unusable',
      `The folder ${directory} cannot be made or written: ${WHY[code] ?? code}`,
      {
        hint: 'Choose another folder with CAPTURES_HOME.',
        cause: error,
      },
    );
  }
}

/**
 * A folder that was there before may be open to others. An empty one is closed; one with something
 * in it may be anybody's (CAPTURES_HOME=/tmp), so that is left to its owner.
 */
function closeToOthers(directory: string): void {
  const { mode } = statSync(directory);
  if ((mode & 0o077) === 0) return;
  if (readdirSync(directory).length > 0) {
    throw new AppError(
      'store_unusable',
      `The folder ${directory} is open to other users (mode ${(mode & 0o7777).toString(8).padStart(4, '0')}) and not empty`,
      {
        hint: `Choose another folder with CAPTURES_HOME, or close it with: chmod 700 ${directory}`,
      },
    );
  }
  chmodSync(directory, 0o700);
}

/** Whether a file is there. @throws AppError `store_unusable` when nobody may look. */
export function isThere(file: string): boolean {
  try {
    return statSync(file).isFile();
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw new AppError(
      'store_unusable',
      `The store ${file} cannot be opened: ${code === 'EACCES' ? 'no permission' : code}`,
      {
        hint: 'Run captures as the user the store belongs to, or choose another folder with CAPTURES_HOME.',
        cause: error,
      },
    );
  }
}

function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
