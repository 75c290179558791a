import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { Stats } from 'node:fs';

/** A bundle of authorities has some hundred kilobytes; what is larger is something else. */
const MOST_BYTES = 1024 * 1024;

/** Why a file was not read, in words that follow its name. */
export class UnusableFile extends Error {}

/**
 * Reads a file that a user named, which may be anything: a pipe nobody writes to, a device without end.
 * @param check told of the very file that is read, before it is.
 * @throws UnusableFile, or what `check` throws.
 */
export async function readSmallFile(
  path: string,
  check: (file: Stats) => void | Promise<void> = () => undefined,
): Promise<Buffer> {
  let file: FileHandle | null = null;
  try {
    // Without waiting for a writer where it is a pipe.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await file.stat();
    if (!stats.isFile()) throw new UnusableFile('is not a regular file');
    await check(stats);
    const bytes = Buffer.alloc(MOST_BYTES + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, null);
      length += bytesRead;
      if (length > MOST_BYTES) throw new UnusableFile('is larger than 1 MiB');
      if (bytesRead === 0) return bytes.subarray(0, length);
    }
  } catch (error) {
    throw isErrno(error) ? new UnusableFile(whyNot(error), { cause: error }) : error;
  } finally {
    await file?.close();
  }
}

function isErrno(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

/** What is wrong with a file, from the system's error. */
export function whyNot(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
  return code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
}
