import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AppError, type ErrorCode } from '../core/errors.ts';
import { shellQuoted } from './render/escape.ts';

const OTHERS = 0o077;

/**
 * Reads a file that holds a secret.
 * @param what names it in messages, for example "session file".
 * @param code of the failures: what a file that cannot be used means to the caller.
 * @returns null when there is none.
 * @throws AppError when others may read it, or it cannot be read.
 */
export function readPrivateFile(path: string, what: string, code: ErrorCode): string | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw unreadable(path, what, code, error);
  }
  try {
    // The descriptor, not the path: what is checked is what is read.
    const { mode } = fstatSync(descriptor);
    if ((mode & OTHERS) !== 0) throw tooOpen(`The ${what} ${path}`, path, mode, '600', code);
    return readFileSync(descriptor, 'utf8');
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw unreadable(path, what, code, error);
  } finally {
    closeSync(descriptor);
  }
}

/** @throws AppError `store_unusable` when a folder that holds a secret can be entered by others. */
export function checkPrivateFolder(folder: string): void {
  let mode: number;
  try {
    mode = statSync(folder).mode;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return;
    throw error;
  }
  if ((mode & OTHERS) !== 0) {
    throw tooOpen(
      `The folder ${folder}, which holds your session,`,
      folder,
      mode,
      '700',
      'store_unusable',
    );
  }
}

/** Writes a file of mode 0600 in a folder of mode 0700, whole or not at all. */
export function writePrivateFile(path: string, text: string): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  checkPrivateFolder(folder);
  const draft = join(folder, `.${basename(path)}.${process.pid}`);
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw new AppError('store_unusable', `The file ${path} cannot be written: ${errnoOf(error)}`, {
      hint: 'Check that the folder is yours and the disk has room.',
      cause: error,
    });
  }
}

function tooOpen(
  subject: string,
  path: string,
  mode: number,
  right: string,
  code: ErrorCode,
): AppError {
  const octal = (mode & 0o7777).toString(8).padStart(4, '0');
  return new AppError(code, `${subject} is open to other users (mode ${octal})`, {
    hint: `Close it with: chmod ${right} ${shellQuoted(path)}`,
  });
}

function unreadable(path: string, what: string, code: ErrorCode, cause: unknown): AppError {
  return new AppError(code, `The ${what} ${path} cannot be read: ${errnoOf(cause)}`, { cause });
}

function isErrno(error: unknown, ...codes: string[]): boolean {
  return codes.includes(errnoOf(error));
}

function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
