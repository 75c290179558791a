import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { AppError } from '../core/errors.ts';
import type { ReplayResult } from '../core/replays/replay.ts';
import { damaged, diskFailure, isMissing } from './disk-errors.ts';
import { openToRead, syncFolder } from './segment-files.ts';
import { makeFolder } from './segment-opening.ts';

const FILE = 'replay-result.json.zst';
const FORMAT = 'captures-replay-result';
/** Grows when a reader of this version could misread what is written. */
const FORMAT_VERSION = 1;
/** Of 20,000 digests with long texts it has some 100 MB. */
const LARGEST_TEXT = 512 * 1024 * 1024;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

interface Content {
  readonly format: string;
  readonly formatVersion: number;
  readonly captureId: number;
  readonly result: ReplayResult;
}

/** See `WorkloadFiles.writeReplayResult`. @throws AppError `store_unusable`; nothing is left of it then. */
export async function writeResult(
  folder: string,
  captureId: number,
  result: ReplayResult,
  isShared: boolean,
): Promise<void> {
  const content: Content = { format: FORMAT, formatVersion: FORMAT_VERSION, captureId, result };
  const mode = isShared ? 0o660 : 0o600;
  const path = join(folder, FILE);
  const draft = join(folder, `.${FILE}-${randomUUID()}`);
  try {
    const data = await compress(`${JSON.stringify(content)}\n`);
    await makeFolder(folder, isShared ? 0o2770 : 0o700);
    const file = await open(draft, 'wx', mode);
    try {
      await file.chmod(mode);
      await file.writeFile(data);
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
  const { format, formatVersion, result } = await contentOf(data, path);
  if (format !== FORMAT || typeof formatVersion !== 'number' || result === undefined) {
    throw damaged(path, 'it is no result of a replay');
  }
  if (formatVersion > FORMAT_VERSION) {
    throw new AppError('store_unusable', `${path} was written by a newer version of captures`);
  }
  return result;
}

async function contentOf(data: Buffer, path: string): Promise<Partial<Content>> {
  try {
    const text = await decompress(data, { maxOutputLength: LARGEST_TEXT });
    const content: unknown = JSON.parse(text.toString('utf8'));
    if (typeof content === 'object' && content !== null) return content;
  } catch (error) {
    throw damaged(path, 'it cannot be unpacked', error);
  }
  throw damaged(path, 'it is no result of a replay');
}
