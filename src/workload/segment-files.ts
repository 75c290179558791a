import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { damaged, diskFailure, errnoOf, isMissing } from './disk-errors.ts';

/** `segment-000001.ndjson.zst`; the number grows beyond six digits rather than wrap. */
export function segmentFileName(segment: number): string {
  return `segment-${String(segment).padStart(6, '0')}.ndjson.zst`;
}

const SEGMENT_FILE = /^segment-(\d{6,})\.ndjson\.zst$/;

/** Names of what is in a folder; empty when there is no folder. @throws AppError when the disk fails. */
export async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (isMissing(error)) return [];
    throw diskFailure(error, 'read', dir);
  }
}

/** Numbers of the segment files in a folder, ascending; empty when there is no folder. */
export async function listSegments(dir: string): Promise<number[]> {
  const names = await namesIn(dir);
  return names
    .flatMap((name) => {
      const number = SEGMENT_FILE.exec(name)?.[1];
      return number === undefined ? [] : [Number(number)];
    })
    .sort((a, b) => a - b);
}

/** Makes a creation, rename or removal in a folder survive a power loss. */
export async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

// A FIFO is opened at once and seen for what it is; without this `open` waits until somebody writes to it.
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/**
 * Opens a file of a workload to read it: an ordinary file, for others (a FIFO, a device) may never end.
 * @throws DamagedRecord where something else lies in its place; the system's error where nothing does.
 */
export async function openToRead(path: string): Promise<FileHandle> {
  let file: FileHandle;
  try {
    file = await open(path, READ_FLAGS);
  } catch (error) {
    // A symbolic link; a socket, or a device that is not there.
    if (['ELOOP', 'EMLINK', 'ENXIO', 'ENODEV'].includes(errnoOf(error) ?? '')) {
      throw notRegular(path, error);
    }
    throw error;
  }
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw notRegular(path);
}

function notRegular(path: string, cause?: unknown): Error {
  return damaged(dirname(path), `${basename(path)} is not a regular file`, cause);
}

/**
 * Hash of the first `length` bytes of a file, ready to be continued.
 * @param copy gets these bytes as well.
 */
export async function hashPrefix(
  path: string,
  length: number,
  copy: FileHandle | null = null,
): Promise<ReturnType<typeof createHash>> {
  const hash = createHash('sha256');
  const file = await openToRead(path);
  try {
    const piece = Buffer.allocUnsafe(1024 * 1024);
    let read = 0;
    while (read < length) {
      const { bytesRead } = await file.read(piece, 0, Math.min(piece.length, length - read), read);
      if (bytesRead === 0) break;
      const bytes = piece.subarray(0, bytesRead);
      hash.update(bytes);
      if (copy !== null) await writeAll(copy, bytes, read);
      read += bytesRead;
    }
  } finally {
    await file.close();
  }
  return hash;
}

/** Writes all of `bytes` at a place of a file: one call of the system's may write less. */
export async function writeAll(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}

const TIME_FIELD = Buffer.from('"time":"');

/** Time of the first record in text that is whole lines; null when there is none. */
export function firstTimeIn(text: Buffer): string | null {
  return timeAt(text, 0);
}

/** Time of the last record in text that is whole lines; null when there is none. */
export function lastTimeIn(text: Buffer): string | null {
  return text.length < 2 ? null : timeAt(text, text.lastIndexOf(10, text.length - 2) + 1);
}

function timeAt(text: Buffer, line: number): string | null {
  // `{"seq":` and at most 16 digits come first: never look into the statement itself.
  const head = text.subarray(line, line + 80);
  const field = head.indexOf(TIME_FIELD);
  if (field === -1) return null;
  const from = field + TIME_FIELD.length;
  const to = head.indexOf(0x22, from);
  return to === -1 ? null : head.toString('latin1', from, to);
}

/** Path of a segment file. */
export function segmentPath(dir: string, segment: number): string {
  return join(dir, segmentFileName(segment));
}
