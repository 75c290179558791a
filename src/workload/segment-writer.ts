import { createHash, type Hash } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import { LONG_TEXT } from '../core/workloads/statements.ts';
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
import { escapeInto } from './json-text.ts';
import type { SegmentFacts, WorkloadPosition } from '../core/workloads/workload.ts';
import { longLine, type LineTail, type LongTail } from './statement-line.ts';

export interface SegmentWriterOptions {
  /**
   * What is known of the segments before the committed one (from the manifest). A segment that is
   * not listed, or listed with another size, is read once instead.
   */
  readonly finished?: readonly SegmentFacts[];
  /** Throws when the workload is another writer's now; asked before a file gets a name, or loses it. */
  readonly prove?: () => void;
  /** Of new files; 0600 unless the store is shared (0660). The umask does not narrow it. */
  readonly fileMode?: number;
  /** Of the folder; 0700 unless the store is shared (0770). */
  readonly folderMode?: number;
  /** Bytes of text after which the next segment begins; 256 MiB. */
  readonly segmentText?: number;
  /** Bytes of text after which a frame ends; 1 MiB. A long statement has several of its own. */
  readonly frameText?: number;
}

const SEGMENT_TEXT = 256 * 1024 * 1024;
// Larger frames compress no better (12.9 at 1 MiB, 12.9 at 4 MiB) and cost memory.
const FRAME_TEXT = 1024 * 1024;
// Level 1: 520-660 MB/s at a ratio of 12.9 on recorded statements; level 3 480-610 MB/s at 12.6;
// level 6 200 MB/s at 14; level -3 1,050 MB/s, but 6.6.
const LEVEL = 1;
// Strings are joined up to this many characters before they become bytes: one write a line costs
// 12 % more, and one huge string makes one wide character double the memory of all the others.
const PIECE_CHARACTERS = 64 * 1024;
// Of a long statement the first frame never holds all: so a reader tells it from the others.
const FIRST_LONG_FRAME = LONG_TEXT / 2;
// One being filled, two being compressed or written.
const FRAMES_IN_FLIGHT = 2;

const FILE_MODE = 0o600;
const compress = promisify(zstdCompress);

interface Job {
  readonly segment: number;
  readonly text: Buffer;
  readonly records: number;
  /** Of the statement that it is a piece of; null for whole lines. */
  readonly time: string | null;
}

interface Facts {
  segment: number;
  bytes: number;
  text: number;
  records: number;
  firstTime: string | null;
  lastTime: string | null;
}

/**
 * Writes a workload's segment files. Compression and file I/O run beside the caller, two frames at
 * most; nothing counts until `flush` has returned a position and the caller has committed it.
 *
 * After any error the writer is of no more use (its methods throw the same error again): close it
 * and open a new one at the committed position, which cuts off whatever came later.
 */
export class SegmentWriter {
  readonly #dir: string;
  readonly #fileMode: number;
  readonly #prove: () => void;
  readonly #segmentText: number;
  readonly #frameText: number;
  readonly #pieceCharacters: number;
  readonly #finished: SegmentFacts[];
  readonly #spareBuffers: Buffer[] = [];

  /** What is in the files, whether committed or not. */
  #written: Facts;
  #hash: Hash;
  #file: FileHandle | null = null;
  #fileIsDirty = false;
  #folderIsDirty = false;

  /** Where the next frame goes: ahead of `#written` by the frames in flight. */
  #plannedSegment: number;
  #plannedText: number;

  #seq: number;
  #piece = '';
  #pieceRecords = 0;
  #frame: Buffer | null = null;
  #frameUsed = 0;
  #frameRecords = 0;

  #inFlight = 0;
  #chain: Promise<void> = Promise.resolve();
  #wakeWriter: (() => void) | null = null;
  #failure: Error | null = null;
  #closed = false;

  private constructor(
    dir: string,
    finished: SegmentFacts[],
    written: Facts,
    hash: Hash,
    file: FileHandle | null,
    options: SegmentWriterOptions,
  ) {
    this.#dir = dir;
    this.#finished = finished;
    this.#written = written;
    this.#hash = hash;
    this.#file = file;
    this.#fileMode = options.fileMode ?? FILE_MODE;
    this.#prove = options.prove ?? (() => undefined);
    this.#segmentText = options.segmentText ?? SEGMENT_TEXT;
    this.#frameText = options.frameText ?? FRAME_TEXT;
    this.#pieceCharacters = Math.min(PIECE_CHARACTERS, this.#frameText / 4);
    this.#plannedSegment = written.segment;
    this.#plannedText = written.text;
    this.#seq = sum(finished, 'records') + written.records;
  }

  /**
   * Opens a workload for writing; makes the folder when there is none.
   * @param position the committed one: the segment is cut back to it and later segments are deleted;
   *   null when nothing was ever committed, which deletes every segment.
   * @throws AppError `store_unusable` when less or other bytes are there than were committed, or the
   *   disk fails.
   */
  static async open(
    dir: string,
    position: WorkloadPosition | null,
    options: SegmentWriterOptions = {},
  ): Promise<SegmentWriter> {
    const at = position ?? {
      segment: 1,
      offset: 0,
      text: 0,
      records: 0,
      firstTime: null,
      lastTime: null,
    };
    const { prove = (): void => undefined } = options;
    let file: FileHandle | null = null;
    try {
      await makeFolder(dir, options.folderMode ?? 0o700);
      await removeCopies(dir);
      const finished = await finishedSegments(dir, at.segment, options.finished ?? []);
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
      return new SegmentWriter(dir, finished, written, hash, file, options);
    } catch (error) {
      await file?.close();
      throw failureOf(error, 'open the record in', dir);
    }
  }

  /** The last `seq` given out; 0 when there is none. */
  get seq(): number {
    return this.#seq;
  }

  /**
   * Adds statements, numbered on from the last. Resolves when there is room for more, which is long
   * before they are on the disk. Calls must not overlap.
   * @throws AppError `store_unusable` when an earlier frame could not be written.
   */
  async write(tails: readonly LineTail[]): Promise<void> {
    this.#refuseWhenUnusable();
    const pieceCharacters = this.#pieceCharacters;
    let seq = this.#seq;
    let piece = this.#piece;
    let records = this.#pieceRecords;
    for (const tail of tails) {
      if (typeof tail !== 'string') {
        this.#seq = seq;
        this.#piece = piece;
        this.#pieceRecords = records;
        piece = '';
        records = 0;
        await this.#writeLong(++seq, tail);
        continue;
      }
      piece += '{"seq":' + String(++seq) + ',' + tail;
      records++;
      if (piece.length >= pieceCharacters) {
        this.#seq = seq;
        this.#piece = '';
        this.#pieceRecords = 0;
        this.#addToFrame(piece, records);
        piece = '';
        records = 0;
        if (this.#inFlight >= FRAMES_IN_FLIGHT) await this.#room();
      }
    }
    this.#seq = seq;
    this.#piece = piece;
    this.#pieceRecords = records;
  }

  /**
   * Ends the frame and puts everything on the disk (fsync, also of the folder when a file was made).
   * @returns the position to commit.
   * @throws AppError `store_unusable`: a full disk, an I/O error.
   */
  async flush(): Promise<WorkloadPosition> {
    this.#refuseWhenUnusable();
    this.#endPiece();
    await this.#chain;
    this.#refuseWhenUnusable();
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
    const { segment, records, text, bytes, firstTime, lastTime } = this.#written;
    return {
      segment,
      file: segmentFileName(segment),
      records,
      text,
      bytes,
      firstTime,
      lastTime,
      sha256: this.#hash.copy().digest('hex'),
    };
  }

  #refuseWhenUnusable(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#closed) throw new Error('this segment writer is closed');
  }

  /** Writes a line in frames of its own, all in one segment. */
  async #writeLong(seq: number, tail: LongTail): Promise<void> {
    this.#endPiece();
    await this.#room();
    if (this.#plannedText > 0 && this.#plannedText + tail.text.bytes > this.#segmentText) {
      this.#beginPlanned();
    }
    let frameText = Math.min(FIRST_LONG_FRAME, this.#frameText);
    for await (const piece of longLine(seq, tail)) {
      const isText = 'text' in piece;
      const bytes = isText ? piece.text : Buffer.from(piece.json);
      for (let at = 0; at < bytes.length;) {
        const frame = (this.#frame ??= this.#takeBuffer()).subarray(0, frameText);
        if (isText) {
          const { read, used } = escapeInto(bytes, at, frame, this.#frameUsed);
          at = read;
          this.#frameUsed = used;
        } else {
          const copied = bytes.copy(frame, this.#frameUsed, at);
          at += copied;
          this.#frameUsed += copied;
        }
        if (at === bytes.length) break;
        this.#endFrame(tail.time);
        frameText = this.#frameText;
        await this.#room();
      }
    }
    this.#frameRecords = 1;
    this.#endFrame(tail.time);
    await this.#room();
    this.#seq = seq;
  }

  #endPiece(): void {
    if (this.#piece !== '') {
      const piece = this.#piece;
      const records = this.#pieceRecords;
      this.#piece = '';
      this.#pieceRecords = 0;
      this.#addToFrame(piece, records);
    }
    this.#endFrame();
  }

  #addToFrame(piece: string, records: number): void {
    let frame = this.#frame ?? this.#takeBuffer();
    if (piece.length * 3 > frame.length - this.#frameUsed) {
      const bytes = Buffer.byteLength(piece);
      if (bytes > frame.length - this.#frameUsed) {
        this.#frame = frame;
        this.#endFrame();
        if (bytes > this.#frameText) {
          this.#dispatch(Buffer.from(piece), records);
          return;
        }
        frame = this.#takeBuffer();
      }
    }
    this.#frame = frame;
    this.#frameUsed += frame.write(piece, this.#frameUsed, 'utf8');
    this.#frameRecords += records;
  }

  #takeBuffer(): Buffer {
    return this.#spareBuffers.pop() ?? Buffer.allocUnsafeSlow(this.#frameText);
  }

  /** @param time of the long statement that the frame is a piece of. */
  #endFrame(time: string | null = null): void {
    const frame = this.#frame;
    if (frame === null) return;
    this.#frame = null;
    if (this.#frameUsed === 0) {
      this.#spareBuffers.push(frame);
      return;
    }
    const records = this.#frameRecords;
    const text = frame.subarray(0, this.#frameUsed);
    this.#frameUsed = 0;
    this.#frameRecords = 0;
    this.#dispatch(text, records, frame, time);
  }

  /** Starts compressing a frame and queues its write behind those before it. */
  #dispatch(
    text: Buffer,
    records: number,
    reusable: Buffer | null = null,
    time: string | null = null,
  ): void {
    const isTooMuch = this.#plannedText + text.length > this.#segmentText;
    if (time === null && this.#plannedText > 0 && isTooMuch) this.#beginPlanned();
    this.#plannedText += text.length;
    const job: Job = { segment: this.#plannedSegment, text, records, time };
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
        const frame = await compressed;
        if (this.#failure === null) await this.#store(job, frame);
      } catch (error) {
        this.#failure ??= failureOf(error, 'write the record in', this.#dir);
      }
      if (reusable !== null) this.#spareBuffers.push(reusable);
      this.#inFlight--;
      this.#wakeWriter?.();
      this.#wakeWriter = null;
    });
  }

  #beginPlanned(): void {
    this.#plannedSegment++;
    this.#plannedText = 0;
  }

  async #store(job: Job, frame: Buffer): Promise<void> {
    if (job.segment !== this.#written.segment) await this.#beginSegment(job.segment);
    this.#file ??= await this.#createFile(job.segment);
    this.#fileIsDirty = true;
    await writeAll(this.#file, frame, this.#written.bytes);
    this.#hash.update(frame);
    const written = this.#written;
    written.bytes += frame.length;
    written.text += job.text.length;
    written.records += job.records;
    written.firstTime ??= job.time ?? firstTimeIn(job.text);
    written.lastTime = job.time ?? lastTimeIn(job.text);
  }

  async #beginSegment(segment: number): Promise<void> {
    const file = this.#file;
    if (file !== null) {
      await file.datasync();
      this.#file = null;
      await file.close();
    }
    this.#finished.push(this.#facts());
    this.#written = { segment, bytes: 0, text: 0, records: 0, firstTime: null, lastTime: null };
    this.#hash = createHash('sha256');
  }

  async #createFile(segment: number): Promise<FileHandle> {
    this.#prove();
    const file = await open(segmentPath(this.#dir, segment), 'wx', this.#fileMode);
    await file.chmod(this.#fileMode);
    this.#folderIsDirty = true;
    return file;
  }

  async #room(): Promise<void> {
    while (this.#inFlight >= FRAMES_IN_FLIGHT) {
      await new Promise<void>((resolve) => {
        this.#wakeWriter = resolve;
      });
    }
    this.#refuseWhenUnusable();
  }
}

function sum(segments: readonly SegmentFacts[], what: 'records' | 'text' | 'bytes'): number {
  return segments.reduce((total, one) => total + one[what], 0);
}
