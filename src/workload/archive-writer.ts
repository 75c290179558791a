import { createHash } from 'node:crypto';
import { Header } from 'tar';
import {
  ARCHIVED_LINES,
  type ArchiveContents,
  type ArchivedLines,
} from '../core/workloads/transfer.ts';
import { damaged, diskFailure, isMissing } from './disk-errors.ts';
import { MANIFEST_FILE } from './manifest.ts';
import { openToRead, segmentPath } from './segment-files.ts';

/** The first file of an archive and the last one. */
export const ABOUT_FILE = 'capture.json';
export const SUMS_FILE = 'SHA256SUMS';

export function linesFile(of: ArchivedLines): string {
  return `${of}.ndjson`;
}

const BLOCK = 512;
const PIECE = 1024 * 1024;

/**
 * A workload as a tar of one folder: what is known of the capture, its manifest, its metrics and times, its segments
 * as they are, and the checksums of all of these as `sha256sum -c` reads them.
 * @param dir the folder of the workload.
 * @throws AppError `store_unusable` where a segment is missing, or is not what the manifest says.
 */
export async function* writeArchive(
  dir: string,
  { folder, about, manifest, lines }: ArchiveContents,
): AsyncGenerator<Buffer> {
  const sums: string[] = [];
  const at = new Date(about.exportedAt);
  const begin = (name: string, size: number): Buffer => headerOf(`${folder}/${name}`, size, at);
  const texts = [
    [ABOUT_FILE, `${JSON.stringify(about, null, 2)}\n`],
    [MANIFEST_FILE, `${JSON.stringify(manifest, null, 2)}\n`],
    ...ARCHIVED_LINES.map(
      (of) => [linesFile(of), lines[of].map((line) => `${line}\n`).join('')] as const,
    ),
  ] as const;
  for (const [name, text] of texts) {
    const bytes = Buffer.from(text);
    sums.push(`${createHash('sha256').update(bytes).digest('hex')}  ${name}\n`);
    yield begin(name, bytes.length);
    yield bytes;
    yield paddingOf(bytes.length);
  }
  for (const { file, segment, bytes, sha256 } of manifest.segments) {
    yield begin(file, bytes);
    const hash = createHash('sha256');
    for await (const piece of beginningOf(dir, segment, bytes)) {
      hash.update(piece);
      yield piece;
    }
    yield paddingOf(bytes);
    if (hash.digest('hex') !== sha256) {
      throw damaged(dir, `${file} is not what was recorded: its SHA-256 differs`);
    }
    sums.push(`${sha256}  ${file}\n`);
  }
  const bytes = Buffer.from(sums.join(''));
  yield begin(SUMS_FILE, bytes.length);
  yield bytes;
  yield paddingOf(bytes.length);
  yield Buffer.alloc(2 * BLOCK);
}

function headerOf(path: string, size: number, mtime: Date): Buffer {
  const block = Buffer.alloc(BLOCK);
  new Header({ path, size, mtime, mode: 0o600, type: 'File', uid: 0, gid: 0 }).encode(block);
  return block;
}

function paddingOf(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** The first `length` bytes of a segment's file. @throws AppError `store_unusable`, also where there are less. */
async function* beginningOf(dir: string, segment: number, length: number): AsyncGenerator<Buffer> {
  const path = segmentPath(dir, segment);
  try {
    const file = await openToRead(path);
    try {
      for (let at = 0; at < length;) {
        const piece = Buffer.allocUnsafe(Math.min(PIECE, length - at));
        const { bytesRead } = await file.read(piece, 0, piece.length, at);
        if (bytesRead === 0) {
          throw damaged(
            dir,
            `segment ${segment} has ${at} bytes of the ${length} that were recorded`,
          );
        }
        at += bytesRead;
        yield piece.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isMissing(error)) throw damaged(dir, `segment ${segment} is missing`, error);
    throw diskFailure(error, 'read', path);
  }
}
