import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { AppError, isAppError } from '../core/errors.ts';
import type { ReplayResult, ReplayRow } from '../core/replays/replay.ts';
import { damaged, diskFailure, isMissing } from './disk-errors.ts';
import { openToRead, syncFolder } from './segment-files.ts';
import { makeFolder } from './segment-opening.ts';
import { BrokenFrame, frameLength } from './zstd-frames.ts';

const FILE = 'replay-result.json.zst';
const FORMAT = 'captures-replay-result';
/** Grows when a reader of this version could misread what is written. In version 1 all was in the first line. */
const FORMAT_VERSION = 2;
/** Of one frame. In version 1 it was all of the file. */
const LARGEST_TEXT = 512 * 1024 * 1024;
const PIECE_CHARACTERS = 256 * 1024;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** The first line; each that follows is a row of the result. */
interface FirstLine {
  readonly format: string;
  readonly formatVersion: number;
  readonly captureId: number;
  readonly rows: number;
  readonly result: Omit<ReplayResult, 'rows'>;
}

/** See `WorkloadFiles.writeReplayResult`. @throws AppError `store_unusable`; nothing is left of it then. */
export async function writeResult(
  folder: string,
  captureId: number,
  result: ReplayResult,
  isShared: boolean,
): Promise<void> {
  const mode = isShared ? 0o660 : 0o600;
  const path = join(folder, FILE);
  const draft = join(folder, `.${FILE}-${randomUUID()}`);
  try {
    await makeFolder(folder, isShared ? 0o2770 : 0o700);
    const file = await open(draft, 'wx', mode);
    try {
      await file.chmod(mode);
      for (const piece of pieces(captureId, result)) await file.writeFile(await compress(piece));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
    await syncFolder(folder);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw diskFailure(error, 'write', path);
  }
}

/** Whole lines, each piece a frame: as one text they would take many times the memory of the result. */
function* pieces(captureId: number, { rows, ...result }: ReplayResult): Generator<string> {
  const head = { format: FORMAT, formatVersion: FORMAT_VERSION, captureId };
  const first: FirstLine = { ...head, rows: rows.length, result };
  let piece = `${JSON.stringify(first)}\n`;
  for (const row of rows) {
    if (piece.length >= PIECE_CHARACTERS) {
      yield piece;
      piece = '';
    }
    piece += `${JSON.stringify(row)}\n`;
  }
  yield piece;
}

/** See `WorkloadFiles.readReplayResult`. */
export async function readResult(folder: string): Promise<ReplayResult | null> {
  const path = join(folder, FILE);
  let data: Buffer;
  try {
    const file = await openToRead(path);
    try {
      data = await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isMissing(error)) return null;
    throw diskFailure(error, 'read', path);
  }
  try {
    return await resultIn(data, path);
  } catch (error) {
    throw isAppError(error) ? error : damaged(path, 'it cannot be unpacked', error);
  }
}

async function resultIn(data: Buffer, path: string): Promise<ReplayResult> {
  let first: Partial<FirstLine> | null = null;
  const rows: ReplayRow[] = [];
  for await (const line of linesOf(data)) {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null) throw damaged(path, NO_RESULT);
    if (first === null) first = checked(value, path);
    else rows.push(value as ReplayRow);
  }
  if (first?.result === undefined) throw damaged(path, NO_RESULT);
  // One of version 1 has them in it.
  if (first.formatVersion === 1) return first.result as ReplayResult;
  if (first.rows !== rows.length) throw damaged(path, 'its end is missing');
  return { ...first.result, rows };
}

const NO_RESULT = 'it is no result of a replay';

/** @throws AppError `store_unusable` for what is no result, or a newer one. */
function checked(first: Partial<FirstLine>, path: string): Partial<FirstLine> {
  const { format, formatVersion, result } = first;
  if (format !== FORMAT || typeof formatVersion !== 'number' || result === undefined) {
    throw damaged(path, NO_RESULT);
  }
  if (formatVersion > FORMAT_VERSION) {
    throw new AppError('store_unusable', `${path} was written by a newer version of captures`);
  }
  return first;
}

/** @throws what unpacking throws, also of a frame that is cut short. */
async function* linesOf(data: Buffer): AsyncGenerator<string> {
  for (let start = 0; start < data.length;) {
    const length = frameLength(data, start);
    if (length === null) throw new BrokenFrame('a frame that is cut short');
    const frame = data.subarray(start, start + length);
    const text = await decompress(frame, { maxOutputLength: LARGEST_TEXT });
    start += length;
    for (let at = 0; at < text.length;) {
      const next = text.indexOf(NEW_LINE, at);
      const end = next === -1 ? text.length : next;
      yield text.toString('utf8', at, end);
      at = end + 1;
    }
  }
}

const NEW_LINE = 0x0a;
