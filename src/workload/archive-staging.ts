import { createHash, randomUUID } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { AppError, isAppError } from '../core/errors.ts';
import { counted, formatBytes } from '../core/units.ts';
import {
  ARCHIVED_LINES,
  type ArchivedCapture,
  type ArchivedLines,
  type StagedWorkload,
} from '../core/workloads/transfer.ts';
import type { Manifest, SegmentFacts } from '../core/workloads/workload.ts';
import { entriesOf, refusedArchive, type ArchiveEntry } from './archive-entries.ts';
import { ABOUT_FILE, linesFile, SUMS_FILE } from './archive-writer.ts';
import { parseArchivedCapture } from './archived-capture.ts';
import { diskFailure, failureOf } from './disk-errors.ts';
import { diskSpace } from './disk-space.ts';
import { linesOf } from './file-lines.ts';
import { MANIFEST_FILE, parseManifest } from './manifest.ts';
import { openToRead, segmentFileName, segmentPath, syncFolder, writeAll } from './segment-files.ts';
import { makeFolder } from './segment-opening.ts';
import { STAGING, sweepStaged } from './staging-folders.ts';
import { deletedFolder } from './workload-folder.ts';
import { BrokenFrame, framesOf } from './zstd-frames.ts';

const MIB = 1024 * 1024;
/** JSON is held in memory as a whole, some ten times its size where it is made to be. */
const LARGEST_ABOUT = MIB;
const LARGEST_MANIFEST = 64 * MIB;
/** A line for each segment: 100,000 of them hold 25 TB of text. */
const LARGEST_SUMS = 16 * MIB;
/** Samples of a month's capture are 120 MB. */
const LARGEST_LINES = 512 * MIB;
/** More than a year of minutes of one metric. */
const LONGEST_LINE = 16 * MIB;

const LINES_FILES: readonly string[] = ARCHIVED_LINES.map(linesFile);

interface Place {
  /** Where the folders of workloads are. */
  readonly workloads: string;
  folderOf(captureId: number): string;
  readonly isShared: boolean;
}

/** What an archive says of itself before its segments come. */
export interface ArchiveHead {
  readonly about: ArchivedCapture;
  readonly manifest: Manifest;
}

/**
 * Takes an archive apart into a folder beside the workloads, and checks everything that can be checked
 * without reading the records: names, sizes, checksums, and what its compressed frames say they hold.
 * @param look is told of the head as soon as it is there; what it throws ends the import.
 * @throws AppError `invalid` for what is no archive of a workload, whole and unchanged; `store_unusable` where the
 *   disk fails. Nothing is left behind then.
 */
export async function unpackArchive(
  place: Place,
  archive: AsyncIterable<Uint8Array>,
  look: (head: ArchiveHead) => void,
): Promise<StagedWorkload> {
  const { workloads } = place;
  const folder = join(workloads, `${STAGING}${hostname()}-${process.pid}-${randomUUID()}`);
  const unpacking = new Unpacking(folder, place, look);
  try {
    await makeFolder(folder, place.isShared ? 0o2770 : 0o700);
    await sweepStaged(workloads);
    for await (const entry of entriesOf(archive)) await unpacking.take(entry);
    unpacking.end();
    await syncFolder(folder);
    return new Staged(folder, place, unpacking.head());
  } catch (error) {
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    throw failureOf(error, 'import into', workloads);
  }
}

/** An archive on its way into a folder. */
class Unpacking {
  readonly #folder: string;
  readonly #place: Place;
  readonly #look: (head: ArchiveHead) => void;
  readonly #fileMode: number;
  /** SHA-256 by name, of every file so far. */
  readonly #hashes = new Map<string, string>();
  readonly #segments = new Map<string, SegmentFacts>();
  #about: ArchivedCapture | null = null;
  #manifest: Manifest | null = null;
  #sums: string | null = null;

  constructor(folder: string, place: Place, look: (head: ArchiveHead) => void) {
    this.#folder = folder;
    this.#place = place;
    this.#look = look;
    this.#fileMode = place.isShared ? 0o660 : 0o600;
  }

  /** @throws AppError `invalid` before the head is whole. */
  head(): ArchiveHead {
    if (this.#about === null) throw refusedArchive(`it does not begin with ${ABOUT_FILE}`);
    if (this.#manifest === null)
      throw refusedArchive(`${MANIFEST_FILE} does not come second in it`);
    return { about: this.#about, manifest: this.#manifest };
  }

  async take(entry: ArchiveEntry): Promise<void> {
    const name = nameOf(entry.path);
    if (this.#hashes.has(name) || (name === SUMS_FILE && this.#sums !== null)) {
      throw refusedArchive(`"${name}" is in it twice`);
    }
    if (this.#sums !== null) throw refusedArchive(`"${name}" comes behind ${SUMS_FILE}`);
    if (name === ABOUT_FILE) {
      this.#about = parseArchivedCapture(await this.#text(name, entry, LARGEST_ABOUT));
    } else if (name === MANIFEST_FILE) {
      if (this.#about === null) this.head();
      await this.#takeManifest(entry);
    } else if (LINES_FILES.includes(name)) {
      this.head();
      requireSize(name, entry, LARGEST_LINES);
      await this.#write(name, entry.bytes());
    } else if (name === SUMS_FILE) {
      this.head();
      this.#sums = await this.#text(name, entry, LARGEST_SUMS);
    } else {
      this.head();
      await this.#takeSegment(name, entry);
    }
  }

  /** @throws AppError `invalid` where something is missing, or is not what the checksums say. */
  end(): void {
    this.head();
    for (const name of [...this.#segments.keys(), ...LINES_FILES]) {
      if (!this.#hashes.has(name)) throw refusedArchive(`${name} is not in it`);
    }
    if (this.#sums === null) throw refusedArchive(`${SUMS_FILE} is not in it: it is cut short`);
    const wanted = readSums(this.#sums);
    for (const [name, hash] of this.#hashes) {
      if (wanted.get(name) !== hash) throw refusedArchive(`the checksum of ${name} is wrong`);
    }
    for (const name of wanted.keys()) {
      if (!this.#hashes.has(name)) throw refusedArchive(`${name} is not in it`);
    }
  }

  async #takeManifest(entry: ArchiveEntry): Promise<void> {
    const text = await this.#text(MANIFEST_FILE, entry, LARGEST_MANIFEST);
    let manifest: Manifest;
    try {
      manifest = parseManifest(text, `${MANIFEST_FILE} in it`);
    } catch (error) {
      throw isAppError(error) ? refusedArchive(error.message, error) : error;
    }
    this.#manifest = manifest;
    const { about } = this.head();
    if (manifest.complete !== (about.capture.status === 'DONE')) {
      throw refusedArchive('its manifest and its capture do not agree on whether it is complete');
    }
    let bytes = 0;
    for (const [index, segment] of manifest.segments.entries()) {
      if (segment.segment !== index + 1 || segment.file !== segmentFileName(index + 1)) {
        throw refusedArchive('its manifest does not number its segments from 1 on');
      }
      bytes += segment.bytes;
      this.#segments.set(segment.file, segment);
    }
    this.#look({ about, manifest });
    const free = (await diskSpace(this.#place.workloads))?.free ?? Infinity;
    if (bytes > free) {
      throw new AppError(
        'store_unusable',
        `The import needs ${formatBytes(bytes)}, and ${formatBytes(free)} are free on the store's disk`,
      );
    }
    await this.#write(MANIFEST_FILE, [Buffer.from(text)]);
  }

  async #takeSegment(name: string, entry: ArchiveEntry): Promise<void> {
    const segment = this.#segments.get(name);
    if (segment === undefined) throw refusedArchive(`"${name}" in it is not in its manifest`);
    if (entry.size !== segment.bytes) {
      throw refusedArchive(
        `${name} has ${entry.size} bytes, not ${segment.bytes} as its manifest says`,
      );
    }
    await this.#write(name, entry.bytes());
    if (this.#hashes.get(name) !== segment.sha256) {
      throw refusedArchive(`${name} is not what its manifest says: its SHA-256 differs`);
    }
    await requireText(this.#folder, segment);
  }

  /** A file that is held in memory as a whole. */
  async #text(name: string, entry: ArchiveEntry, largest: number): Promise<string> {
    requireSize(name, entry, largest);
    const pieces: Buffer[] = [];
    for await (const piece of entry.bytes()) pieces.push(piece);
    const bytes = Buffer.concat(pieces);
    if (name !== SUMS_FILE) {
      this.#hashes.set(name, createHash('sha256').update(bytes).digest('hex'));
    }
    return bytes.toString('utf8');
  }

  async #write(name: string, bytes: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
    const hash = createHash('sha256');
    const file = await open(join(this.#folder, name), 'wx', this.#fileMode);
    try {
      await file.chmod(this.#fileMode);
      let at = 0;
      for await (const piece of bytes) {
        hash.update(piece);
        await writeAll(file, piece, at);
        at += piece.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    this.#hashes.set(name, hash.digest('hex'));
  }
}

/** The name of a file of ours, which lies in the archive's one folder, or in none. */
function nameOf(path: string): string {
  const parts = path.split('/');
  if (parts[0] === '.') parts.shift();
  const name = parts.at(-1) ?? '';
  if (parts.length > 2 || name === '' || parts.some((part) => part === '..' || part === '')) {
    throw refusedArchive(`it names a file outside of its folder: "${path}"`);
  }
  return name;
}

function requireSize(name: string, { size }: ArchiveEntry, largest: number): void {
  if (size <= largest) return;
  throw refusedArchive(
    `${name} in it is too large: ${formatBytes(size)}, more than ${formatBytes(largest)}`,
  );
}

/** `sha256sum`'s form, in text or binary mode. */
function readSums(text: string): Map<string, string> {
  const sums = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, hash, name] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    if (hash === undefined || name === undefined || sums.has(name)) {
      throw refusedArchive(`${SUMS_FILE} in it is no list of checksums`);
    }
    sums.set(name, hash);
  }
  return sums;
}

/**
 * What a segment's frames say that they hold is what the manifest says: asked before anything is decompressed,
 * for a megabyte can unfold to terabytes.
 */
async function requireText(
  folder: string,
  { segment, file: name, bytes, text }: SegmentFacts,
): Promise<void> {
  const file = await openToRead(segmentPath(folder, segment));
  try {
    let said = 0;
    for await (const { textBytes } of framesOf(file, 0, bytes)) {
      if (textBytes === null) throw new BrokenFrame('a frame does not say how much text it holds');
      said += textBytes;
    }
    if (said !== text) {
      throw refusedArchive(
        `${name} holds ${counted(said, 'byte')} of text, not ${text} as its manifest says`,
      );
    }
  } catch (error) {
    if (error instanceof BrokenFrame) throw refusedArchive(`${name}: ${error.message}`, error);
    throw error;
  } finally {
    await file.close();
  }
}

class Staged implements StagedWorkload {
  readonly about: ArchivedCapture;
  readonly manifest: Manifest;
  readonly #place: Place;
  #folder: string;

  constructor(folder: string, place: Place, { about, manifest }: ArchiveHead) {
    this.#folder = folder;
    this.#place = place;
    this.about = about;
    this.manifest = manifest;
  }

  get folder(): string {
    return this.#folder;
  }

  *lines(of: ArchivedLines): Generator<string> {
    const file = linesFile(of);
    for (const line of linesOf(join(this.#folder, file), LONGEST_LINE)) {
      if (line === null) throw refusedArchive(`a line of ${file} in it is too long`);
      yield line;
    }
  }

  adopt(captureId: number): void {
    const target = this.#place.folderOf(captureId);
    try {
      // A crash between this and the commit left it, and the id was not given out then.
      if (existsSync(target)) renameSync(target, deletedFolder(target));
      // The store has them by now.
      for (const file of LINES_FILES) rmSync(join(this.#folder, file), { force: true });
      renameSync(this.#folder, target);
      this.#folder = target;
      const parent = openSync(this.#place.workloads, 'r');
      try {
        fsyncSync(parent);
      } finally {
        closeSync(parent);
      }
    } catch (error) {
      throw diskFailure(error, 'import into', target);
    }
  }

  async discard(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true }).catch(() => undefined);
  }
}
