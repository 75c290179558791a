import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AppError, type ErrorCode } from '../../core/errors.ts';
import { makeFolder } from '../../store/store-folder.ts';
import { shellQuoted } from '../render/shell-quoting.ts';
import { firstLineOf, LONGEST_LINE_BYTES, readLine, tooLong } from '../input/first-line.ts';

const OTHERS = 0o077;

/**
 * Reads a file that holds a secret.
 * @param what names it in messages, for example "session file".
 * @param code of the failures: what a file that cannot be used means to the caller.
 * @returns null when there is none.
 * @throws AppError when others may read it, it is no regular file, or it cannot be read.
 */
export function readPrivateFile(path: string, what: string, code: ErrorCode): string | null {
  const descriptor = openPrivate(path, what, code);
  if (descriptor === null) return null;
  try {
    return readStart(descriptor, path, what, code);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Reads the first line of a file that holds a password. A pipe of the shell, `<(pass show db)` or
 * /dev/stdin, is read as well, for as long as its writer takes.
 * @returns null when it is empty.
 * @throws AppError `invalid` as `readPrivateFile` does, when there is none, or its line is too long.
 */
export async function readSecretLine(
  path: string,
  what: string,
  signal: AbortSignal,
): Promise<string | null> {
  const descriptor = openPrivate(path, what, 'invalid');
  if (descriptor === null) throw new AppError('invalid', `There is no ${what} ${path}`);
  if (!fstatSync(descriptor).isFIFO()) {
    try {
      const text = readStart(descriptor, path, what, 'invalid');
      const line = firstLineOf(text);
      if (Buffer.byteLength(line) > LONGEST_LINE_BYTES) throw tooLong(`in ${path}`);
      return line;
    } finally {
      closeSync(descriptor);
    }
  }
  // As a socket it is waited for without a thread, which a signal could not take away from it.
  const { Socket } = await import('node:net');
  const pipe = new Socket({ fd: descriptor, readable: true, writable: false });
  const stop = (): void => void pipe.destroy(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await readLine(pipe as AsyncIterable<Buffer>, `in ${path}`);
  } finally {
    signal.removeEventListener('abort', stop);
    pipe.destroy();
  }
}

/** The shell passes an anonymous pipe under these names, which no other user can open. */
const SHELLS_PIPE = /^\/(dev\/(stdin|fd\/\d+)|proc\/self\/fd\/\d+)$/;

/** Opens a file that only its owner can read; null when there is none. */
function openPrivate(path: string, what: string, code: ErrorCode): number | null {
  let descriptor: number;
  try {
    // O_NONBLOCK: to open a named pipe would wait for a writer, deaf to signals.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw unreadable(path, what, code, error);
  }
  try {
    // The descriptor, not the path: what is checked is what is read.
    const stat = fstatSync(descriptor);
    const isPipe = stat.isFIFO() && SHELLS_PIPE.test(path);
    if (!stat.isFile() && !isPipe) {
      throw new AppError(code, `The ${what} ${path} is ${kindOf(stat)}, not a regular file`);
    }
    if ((stat.mode & OTHERS) !== 0)
      throw tooOpen(`The ${what} ${path}`, path, stat.mode, '600', code);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function kindOf(stat: Stats): string {
  if (stat.isDirectory()) return 'a folder';
  if (stat.isFIFO()) return 'a named pipe';
  return stat.isSocket() ? 'a socket' : 'a device';
}

/** A file's first line and what follows it, but no more than a little over the longest line. */
function readStart(descriptor: number, path: string, what: string, code: ErrorCode): string {
  const buffer = Buffer.alloc(LONGEST_LINE_BYTES + 2);
  try {
    let length = 0;
    for (;;) {
      const read = readSync(descriptor, buffer, length, buffer.length - length, null);
      if (read === 0) return buffer.toString('utf8', 0, length);
      length += read;
    }
  } catch (error) {
    throw unreadable(path, what, code, error);
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
  const draft = join(folder, `.${basename(path)}.${process.pid}`);
  try {
    makeFolder(folder, 0o700);
    checkPrivateFolder(folder);
    writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    if (error instanceof AppError) throw error;
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
  const why = errnoOf(cause) === 'EACCES' ? 'no permission' : errnoOf(cause);
  return new AppError(code, `The ${what} ${path} cannot be read: ${why}`, { cause });
}

function isErrno(error: unknown, ...codes: string[]): boolean {
  return codes.includes(errnoOf(error));
}

/** `ENOENT`; of what is no error of the system, its text. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
