import { link, open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../core/errors.ts';
import { shellQuoted } from '../render/shell-quoting.ts';
import { OutputFailure, type World } from '../runtime/world.ts';
import { draftOf, removeLeftDrafts } from './draft-files.ts';

/** What somebody exports is for them to hand on: nobody else can read it before. */
const FILE_MODE = 0o600;

const WHY: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on device',
  EDQUOT: 'disk quota exceeded',
  EFBIG: 'file too large',
  EIO: 'input/output error',
  EROFS: 'read-only file system',
  EACCES: 'no permission',
  EPERM: 'no permission',
  ENOENT: 'there is no such folder',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a folder',
  ENAMETOOLONG: 'the name is too long',
};

const OF_THE_DISK: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO']);

/**
 * The file that a path asks for: the path itself, or in a folder that is there one of this name.
 * @throws AppError `invalid` for a folder that is not there.
 */
export async function fileIn(path: string, name: string): Promise<string> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory() === true) return join(path, name);
  if (!/[/\\]$/.test(path)) return path;
  throw new AppError('invalid', `There is no folder ${path}`, {
    hint: `Make it first: mkdir -p ${shellQuoted(path)}`,
  });
}

/**
 * Writes a file that is there whole or not at all, also after a power loss, readable to its owner alone; a
 * device or a pipe is written to as it comes.
 * @param options.replaces whether a file that is there is replaced.
 * @param options.world whose interruption ends the work.
 * @returns its size in bytes.
 * @throws AppError `conflict` for a file that is there; `invalid` where none can be made; OutputFailure when the
 *   disk is full or fails. `Interrupted`, and what `chunks` throws.
 */
export async function writeNewFile(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  { replaces, world }: { readonly replaces: boolean; readonly world: World },
): Promise<number> {
  const signal = world.signals.interrupted;
  const there = await stat(path).catch(() => null);
  if (there?.isDirectory() === true) throw unwritable(path, 'EISDIR');
  if (there !== null && !there.isFile()) {
    return written(path, await tried(path, () => open(path, 'w')), chunks, signal);
  }
  if (there !== null && !replaces) throw alreadyThere(path);
  await removeLeftDrafts(path, world);
  const draft = draftOf(path, world);
  try {
    const file = await tried(path, () => open(draft, 'wx', FILE_MODE));
    const bytes = await written(path, file, chunks, signal);
    await tried(path, () => (replaces ? rename(draft, path) : renameNew(draft, path)));
    return bytes;
  } finally {
    await rm(draft, { force: true }).catch(() => undefined);
  }
}

async function written(
  path: string,
  file: FileHandle,
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<number> {
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      signal.throwIfAborted();
      await tried(path, () => file.writeFile(chunk));
      bytes += chunk.length;
    }
    signal.throwIfAborted();
    // A pipe or a device has nothing to put on a disk.
    await file.sync().catch(() => undefined);
  } finally {
    await file.close();
  }
  return bytes;
}

/** A file that somebody made meanwhile is not replaced: `rename` would. */
async function renameNew(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'EEXIST') throw alreadyThere(path);
    // A file system without links.
    if (await stat(path).catch(() => null)) throw alreadyThere(path);
    await rename(draft, path);
  }
}

async function tried<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError) throw error;
    const code = errnoOf(error);
    throw unwritable(path, code, error);
  }
}

function unwritable(path: string, code: string, cause?: unknown): Error {
  const message = `Cannot write ${path}: ${WHY[code] ?? code}`;
  // As where stdout goes to a file: it is not for what was typed.
  if (OF_THE_DISK.has(code)) return new OutputFailure(message, { cause });
  return new AppError('invalid', message, { cause });
}

function alreadyThere(path: string): AppError {
  return new AppError('conflict', `${path} is there already`, {
    hint: 'Choose another name, or replace it with --force.',
  });
}

function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
