import { LONG_TEXT } from '../core/workloads/statements.ts';
import type { SegmentFacts, WorkloadPosition } from '../core/workloads/workload.ts';
import { FrameFiles, type FrameFilesOptions } from './frame-files.ts';
import { escapeInto } from './json-text.ts';
import { longLine, type LineTail, type LongTail } from './statement-line.ts';

export interface SegmentWriterOptions extends FrameFilesOptions {
  /** Bytes of text after which a frame ends; 1 MiB. A long statement has several of its own. */
  readonly frameText?: number;
}

// Larger frames compress no better (12.9 at 1 MiB, 12.9 at 4 MiB) and cost memory.
const FRAME_TEXT = 1024 * 1024;
// Strings are joined up to this many characters before they become bytes: one write a line costs
// 12 % more, and one huge string makes one wide character double the memory of all the others.
const PIECE_CHARACTERS = 64 * 1024;
// Of a long statement the first frame never holds all: so a reader tells it from the others.
const FIRST_LONG_FRAME = LONG_TEXT / 2;

/**
 * Writes a workload: numbers its statements and gathers their lines into frames. Nothing counts until
 * `flush` has returned a position and the caller has committed it.
 *
 * After any error the writer is unusable (its methods throw the same error again): close it
 * and open a new one at the committed position, which cuts off whatever came later.
 */
export class SegmentWriter {
  readonly #files: FrameFiles;
  readonly #frameText: number;
  readonly #pieceCharacters: number;
  readonly #spareBuffers: Buffer[] = [];

  #seq: number;
  #piece = '';
  #pieceRecords = 0;
  #frame: Buffer | null = null;
  #frameUsed = 0;
  #frameRecords = 0;

  private constructor(files: FrameFiles, frameText: number) {
    this.#files = files;
    this.#frameText = frameText;
    this.#pieceCharacters = Math.min(PIECE_CHARACTERS, frameText / 4);
    this.#seq = files.records;
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
    const files = await FrameFiles.open(dir, position, options);
    return new SegmentWriter(files, options.frameText ?? FRAME_TEXT);
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
    this.#files.refuseWhenUnusable();
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
        await this.#files.room();
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
    this.#files.refuseWhenUnusable();
    this.#endPiece();
    return this.#files.flush();
  }

  /** What the manifest says of the segments, as of the last `flush`. */
  segments(): SegmentFacts[] {
    return this.#files.segments();
  }

  /** Lets go of the file. What was not flushed is cut off by the next `open`. Never throws. */
  close(): Promise<void> {
    return this.#files.close();
  }

  /** Writes a line in frames of its own, all in one segment. */
  async #writeLong(seq: number, tail: LongTail): Promise<void> {
    this.#endPiece();
    await this.#files.room();
    this.#files.makeRoomFor(tail.text.bytes);
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
        await this.#files.room();
      }
    }
    this.#frameRecords = 1;
    this.#endFrame(tail.time);
    await this.#files.room();
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
          this.#files.add({ text: Buffer.from(piece), records, time: null });
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
    this.#files.add({ text, records, time }, () => this.#spareBuffers.push(frame));
  }
}
