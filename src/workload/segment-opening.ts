import { randomUUID, type Hash } from 'node:crypto';
import { chmod, mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { damaged, errnoOf, isMissing } from './disk-errors.ts';
import { hashPrefix, segmentFileName, segmentPath, syncFolder } from './segment-files.ts';
import type { SegmentFacts, WorkloadPosition } from '../core/workloads/workload.ts';
import { describeSegment, segmentBytes } from './workload-reader.ts';

const COPY = '.copy';
/** Where there is no room for a copy. */
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** What was committed of a segment's file. */
interface Committed {
  readonly segment: number;
  /** Bytes, and their SHA-256 in hex. */
  readonly offset: number;
  readonly sha256: string;
}

/**
 * Opens a segment behind its committed part, which is copied first: the writer before this one may
 * only have been suspended (SIGSTOP, a laptop's lid), with a frame on its way into the file. It goes
 * on with a file that has no name any more.
 * @param prove throws when the workload is another writer's now; asked before the file is touched.
 * @throws AppError `store_unusable` when less or other bytes are there than were committed; the
 *   system's own errors; what `prove` throws.
 */
export async function takeOver(
  dir: string,
  committed: Committed,
  fileMode: number,
  prove: () => void,
): Promise<{ file: FileHandle; hash: Hash }> {
  const path = segmentPath(dir, committed.segment);
  const name = segmentFileName(committed.segment);
  const size = await segmentBytes(dir, committed.segment);
  if (size === null) throw damaged(dir, `${name} is missing`);
  if (size < committed.offset) {
    throw damaged(dir, `${name} has ${size} bytes of the ${committed.offset} that were committed`);
  }
  const copy = `${path}.${randomUUID()}${COPY}`;
  let file: FileHandle | null = null;
  try {
    file = await open(copy, 'wx+', fileMode);
    await file.chmod(fileMode);
    const hash = checked(dir, committed, await hashPrefix(path, committed.offset, file));
    await file.datasync();
    prove();
    await rename(copy, path);
    return { file, hash };
  } catch (error) {
    await file?.close();
    await rm(copy, { force: true });
    if (!FULL.has(errnoOf(error) ?? '')) throw error;
  }
  // Without room for a copy: what is there is cut back.
  const hash = checked(dir, committed, await hashPrefix(path, committed.offset));
  file = await open(path, 'r+');
  try {
    prove();
    await file.truncate(committed.offset);
    await file.datasync();
    return { file, hash };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function checked(dir: string, { segment, sha256 }: Committed, hash: Hash): Hash {
  if (hash.copy().digest('hex') === sha256) return hash;
  const name = segmentFileName(segment);
  throw damaged(dir, `${name} is not what was committed (its SHA-256 differs)`);
}

/** Copies that were not finished. */
export async function removeCopies(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (name.endsWith(COPY)) await rm(join(dir, name), { force: true });
  }
}

/** Makes the folder of a workload, with this mode whatever the umask, where there is none. */
export async function makeFolder(dir: string, mode: number): Promise<void> {
  const parent = dirname(dir);
  try {
    await mkdir(dir, { mode });
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return;
    // The store's folder of workloads is made with its first one; a store that is gone is not.
    if (!isMissing(error) || basename(parent) === '' || !(await isFolder(dirname(parent))))
      throw error;
    await makeFolder(parent, mode);
    await makeFolder(dir, mode);
    return;
  }
  // The umask narrowed it; chmod would take away the set-group-id bit that a shared store hands down.
  const inherited = (await stat(dir)).mode & 0o2000;
  await chmod(dir, mode | inherited);
  await syncFolder(parent);
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/**
 * What the segments up to a position are: those before the last are read, the last is as it was committed.
 * @throws AppError `store_unusable` where one is missing or damaged.
 */
export async function describeSegments(
  dir: string,
  { segment, offset, text, records, firstTime, lastTime, sha256 }: WorkloadPosition,
): Promise<SegmentFacts[]> {
  const finished = await finishedSegments(dir, segment);
  if (offset === 0) return finished;
  const file = segmentFileName(segment);
  return [
    ...finished,
    { segment, file, records, text, bytes: offset, firstTime, lastTime, sha256 },
  ];
}

/** The segments before one, each read for what is known of it. */
export async function finishedSegments(dir: string, before: number): Promise<SegmentFacts[]> {
  const finished: SegmentFacts[] = [];
  for (let segment = 1; segment < before; segment++) {
    if ((await segmentBytes(dir, segment)) === null) {
      throw damaged(dir, `${segmentFileName(segment)} is missing`);
    }
    finished.push(await describeSegment(dir, segment));
  }
  return finished;
}
