import { createHash, type Hash } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import type { SegmentFacts, WorkloadPosition } from '../core/workloads/workload.ts';
import { damaged, diskFailure, failureOf } from './disk-errors.ts';
import {
  firstTimeIn,
  lastTimeIn,
  listSegments,
  segmentFileName,
  segmentPath,
  syncFolder,
  writeAll,
} from './segment-files.ts';
import { finishedSegments, makeFolder, removeCopies, takeOver } from './segment-opening.ts';

export interface FrameFilesOptions {
  /** Throws when the workload is another writer's now; asked before a file gets a name, or loses it. */
  readonly prove?: () => void;
  /** Of new files; 0600 unless the store is shared (0660). The umask does not narrow it. */
  readonly fileMode?: number;
  /** Of the folder; 0700 unless the store is shared (0770). */
  readonly folderMode?: number;
  /** Bytes of text after which the next segment begins; 256 MiB. */
  readonly segmentText?: number;
}

const SEGMENT_TEXT = 256 * 1024 * 1024;
// Level 1: 520-660 MB/s at a ratio of 12.9 on recorded statements; level 3 480-610 MB/s at 12.6;
// level 6 200 MB/s at 14; level -3 1,050 MB/s, but 6.6.
const LEVEL = 1;
// One being filled, two being compressed or written.
const FRAMES_IN_FLIGHT = 2;

const FILE_MODE = 0o600;
const compress = promisify(zstdCompress);

/** The text of one frame. */
export interface Frame {
  readonly text: Buffer;
  readonly records: number;
  /** Of the statement that it is a piece of; null for whole lines. */
  readonly time: string | null;
}

type Written = Omit<SegmentFacts, 'file' | 'sha256'>;

function emptySegment(segment: number): Written {
  return { segment, bytes: 0, text: 0, records: 0, firstTime: null, lastTime: null };
}

/**
 * Writes frames into the segment files of a workload. Compression and file I/O run beside the caller,
 * two frames at most; nothing counts until `flush` has returned a position and the caller has
 * committed it.
 *
 * After any error it is unusable: its methods throw the same error again.
 */
export class FrameFiles {
  readonly #dir: string;
  readonly #fileMode: number;
  readonly #prove: () => void;
  readonly #segmentText: number;
  readonly #finished: SegmentFacts[];

  /** What is in the files, whether committed or not. */
  #written: Written;
  #hash: Hash;
  #file: FileHandle | null = null;
  #fileIsDirty = false;
  #folderIsDirty = false;

  /** Where the next frame goes: ahead of `#written` by the frames in flight. */
  #plannedSegment: number;
  #plannedText: number;

  #inFlight = 0;
  #chain: Promise<void> = Promise.resolve();
  #wakeWriter: (() => void) | null = null;
  #failure: Error | null = null;
  #closed = false;

  private constructor(
    dir: string,
    finished: SegmentFacts[],
    written: Written,
    hash: Hash,
    file: FileHandle | null,
    options: FrameFilesOptions,
  ) {
    this.#dir = dir;
    this.#finished = finished;
    this.#written = written;
    this.#hash = hash;
    this.#file = file;
    this.#fileMode = options.fileMode ?? FILE_MODE;
    this.#prove = options.prove ?? (() => undefined);
    this.#segmentText = options.segmentText ?? SEGMENT_TEXT;
    this.#plannedSegment = written.segment;
    this.#plannedText = written.text;
  }

  /** As `SegmentWriter.open`. */
  static async open(
    dir: string,
    position: WorkloadPosition | null,
    options: FrameFilesOptions,
  ): Promise<FrameFiles> {
    const at = position ?? { ...emptySegment(1), offset: 0 };
    const { prove = (): void => undefined } = options;
    let file: FileHandle | null = null;
    try {
      await makeFolder(dir, options.folderMode ?? 0o700);
      await removeCopies(dir);
      const finished = await finishedSegments(dir, at.segment);
      if (
        position !== null &&
        sum(finished, 'records') + position.records !== position.totalRecords
      ) {
        throw damaged(dir, 'its segments do not hold the number of records that was committed');
      }
      let hash = createHash('sha256');
      if (position !== null && position.offset > 0) {
        ({ file, hash } = await takeOver(dir, position, options.fileMode ?? FILE_MODE, prove));
      }
      prove();
      // Only once the committed part is known to be sound.
      for (const segment of await listSegments(dir)) {
        if (segment > at.segment || (segment === at.segment && at.offset === 0)) {
          await rm(segmentPath(dir, segment));
        }
      }
      await syncFolder(dir);
      const { segment, offset: bytes, text, records, firstTime, lastTime } = at;
      const written = { segment, bytes, text, records, firstTime, lastTime };
      return new FrameFiles(dir, finished, written, hash, file, options);
    } catch (error) {
      await file?.close();
      throw failureOf(error, 'open the record in', dir);
    }
  }

  /** Records in the files and on their way there. */
  get records(): number {
    return sum(this.#finished, 'records') + this.#written.records;
  }

  /** Begins the next segment where this one has no room for so many bytes of text. */
  makeRoomFor(bytes: number): void {
    if (this.#plannedText > 0 && this.#plannedText + bytes > this.#segmentText)
      this.#beginPlanned();
  }

  /**
   * Starts compressing a frame and queues its write behind those before it.
   * @param onStored called when the text is not needed any more.
   */
  add({ text, records, time }: Frame, onStored: () => void = () => undefined): void {
    // All of a long statement is in one segment.
    if (time === null) this.makeRoomFor(text.length);
    this.#plannedText += text.length;
    const segment = this.#plannedSegment;
    this.#inFlight++;
    const compressed = compress(text, {
      // The default of 16 KiB takes a trip through the thread pool for each: 2.1 ms a frame, not 1.3.
      chunkSize: 256 * 1024,
      pledgedSrcSize: text.length,
      params: {
        [constants.ZSTD_c_compressionLevel]: LEVEL,
        [constants.ZSTD_c_checksumFlag]: 1,
      },
    });
    // Awaited in its turn; until then a rejection must not count as unhandled.
    compressed.catch(() => undefined);
    this.#chain = this.#chain.then(async () => {
      try {
        const bytes = await compressed;
        if (this.#failure === null) await this.#store(segment, { text, records, time }, bytes);
      } catch (error) {
        this.#failure ??= failureOf(error, 'write the record in', this.#dir);
      }
      onStored();
      this.#inFlight--;
      this.#wakeWriter?.();
      this.#wakeWriter = null;
    });
  }

  /** Resolves when there is room for another frame. @throws AppError as `flush`. */
  async room(): Promise<void> {
    while (this.#inFlight >= FRAMES_IN_FLIGHT) {
      await new Promise<void>((resolve) => {
        this.#wakeWriter = resolve;
      });
    }
    this.refuseWhenUnusable();
  }

  /**
   * Puts everything on the disk (fsync, also of the folder when a file was made).
   * @returns the position to commit.
   * @throws AppError `store_unusable`: a full disk, an I/O error.
   */
  async flush(): Promise<WorkloadPosition> {
    await this.#chain;
    this.refuseWhenUnusable();
    try {
      if (this.#fileIsDirty) await this.#file?.datasync();
      this.#fileIsDirty = false;
      if (this.#folderIsDirty) await syncFolder(this.#dir);
      this.#folderIsDirty = false;
    } catch (error) {
      // After a failed fsync the kernel may have dropped the pages: nothing of this frame is certain.
      this.#failure = diskFailure(error, 'write the record in', this.#dir);
      throw this.#failure;
    }
    const { segment, bytes, text, records, firstTime, lastTime } = this.#written;
    return {
      segment,
      offset: bytes,
      text,
      records,
      firstTime,
      lastTime,
      sha256: this.#hash.copy().digest('hex'),
      totalRecords: sum(this.#finished, 'records') + records,
      totalText: sum(this.#finished, 'text') + text,
      totalBytes: sum(this.#finished, 'bytes') + bytes,
    };
  }

  /** What the manifest says of the segments, as of the last `flush`. */
  segments(): SegmentFacts[] {
    return this.#written.bytes === 0 ? [...this.#finished] : [...this.#finished, this.#facts()];
  }

  /** Lets go of the file. What was not flushed is cut off by the next `open`. Never throws. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#chain;
    try {
      await this.#file?.close();
    } catch {
      // Whatever mattered was fsynced by flush.
    }
    this.#file = null;
  }

  #facts(): SegmentFacts {
    const file = segmentFileName(this.#written.segment);
    return { ...this.#written, file, sha256: this.#hash.copy().digest('hex') };
  }

  /** @throws the error that made it unusable. */
  refuseWhenUnusable(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#closed) throw new Error('this segment writer is closed');
  }

  #beginPlanned(): void {
    this.#plannedSegment++;
    this.#plannedText = 0;
  }

  async #store(segment: number, { text, records, time }: Frame, bytes: Buffer): Promise<void> {
    if (segment !== this.#written.segment) await this.#beginSegment(segment);
    this.#file ??= await this.#createFile(segment);
    this.#fileIsDirty = true;
    const written = this.#written;
    await writeAll(this.#file, bytes, written.bytes);
    this.#hash.update(bytes);
    this.#written = {
      segment,
      bytes: written.bytes + bytes.length,
      text: written.text + text.length,
      records: written.records + records,
      firstTime: written.firstTime ?? time ?? firstTimeIn(text),
      lastTime: time ?? lastTimeIn(text),
    };
  }

  async #beginSegment(segment: number): Promise<void> {
    const file = this.#file;
    if (file !== null) {
      await file.datasync();
      this.#file = null;
      await file.close();
    }
    this.#finished.push(this.#facts());
    this.#written = emptySegment(segment);
    this.#hash = createHash('sha256');
  }

  async #createFile(segment: number): Promise<FileHandle> {
    this.#prove();
    const file = await open(segmentPath(this.#dir, segment), 'wx', this.#fileMode);
    await file.chmod(this.#fileMode);
    this.#folderIsDirty = true;
    return file;
  }
}

function sum(segments: readonly SegmentFacts[], what: 'records' | 'text' | 'bytes'): number {
  return segments.reduce((total, one) => total + one[what], 0);
}
