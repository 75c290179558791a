import type { Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { zstdDecompressSync } from 'node:zlib';
import { freeAtOnce } from './freed-memory.ts';
import { decoderOptions } from '../frame-texts.ts';
import { BrokenFrame, FRAME_MAGIC, frameLength, LARGEST_FRAME, textBytes } from '../zstd-frames.ts';

const NEWLINE = 0x0a;
const READ_BYTES = 1024 * 1024;
/** Enough to be worth handing to a thread, and so little that the last one does not make others wait. */
const UNIT_TEXT = 16 * 1024 * 1024;
const UNIT_BYTES = 8 * 1024 * 1024;
const UNIT_FRAMES = 4_096;
/** Places that look like a frame and are none, after which the rest is given up. */
const MOST_CANDIDATES = 1_000;

/** Whole frames of a segment that begin and end with a line, unless some of them are broken. */
export interface SegmentUnit {
  /** Bytes of the segment's file before it. */
  readonly from: number;
  /** The frames' lengths in bytes, in order; below zero for so many bytes that are no frame. */
  readonly lengths: readonly number[];
  /** All of them. */
  readonly bytes: number;
}

/** The text of a frame; null where it cannot be decompressed. */
export function frameText(data: Buffer): Buffer | null {
  try {
    return zstdDecompressSync(data, decoderOptions({ textBytes: textBytes(data) }));
  } catch {
    return null;
  }
}

/**
 * Cuts a part of a segment's file into units: the same ones each time. A frame whose length is damaged is
 * left out alone where the next one can be found.
 * @param hash gets the bytes that are read, which are all of the part once this has ended.
 */
export async function* unitsOf(
  file: FileHandle,
  from: number,
  end: number,
  hash: Hash,
): AsyncGenerator<SegmentUnit> {
  const window = new FileWindow(file, from, end, hash);
  let unit = new UnitBuilder(from);
  let at = from;
  let last: number | null = null;
  while (at < window.end) {
    const length = await window.frameAt(at, last ?? at);
    if (length !== null) {
      unit.add(length, textBytes(window.bytes(at, length)) ?? length);
      last = at;
      at += length;
      if (!unit.isFull || !endsWithLine(window.bytes(last, length))) continue;
      yield unit.unit();
      unit = new UnitBuilder(at);
      last = null;
      continue;
    }
    let search = at + 1;
    if (last !== null && frameText(window.bytes(last, at - last)) === null) {
      // It is the frame before that says wrongly where it ends.
      unit.removeLast();
      search = last + FRAME_MAGIC.length;
      at = last;
    }
    const next = await window.nextFrame(search);
    unit.lose(next - at);
    at = next;
    last = null;
  }
  if (unit.bytes > 0) yield unit.unit();
  await window.readToEnd();
}

/** Whether the last line of a frame does not go on in the next. */
function endsWithLine(frame: Buffer): boolean {
  const text = frameText(frame);
  const isEnd = text?.at(-1) === NEWLINE;
  if (text !== null) freeAtOnce(text);
  return isEnd;
}

class UnitBuilder {
  readonly #from: number;
  readonly #lengths: number[] = [];
  #text = 0;
  bytes = 0;

  constructor(from: number) {
    this.#from = from;
  }

  get isFull(): boolean {
    return (
      this.#text >= UNIT_TEXT || this.bytes >= UNIT_BYTES || this.#lengths.length >= UNIT_FRAMES
    );
  }

  add(length: number, text: number): void {
    this.#lengths.push(length);
    this.#text += text;
    this.bytes += length;
  }

  removeLast(): void {
    this.bytes -= this.#lengths.pop() ?? 0;
  }

  lose(bytes: number): void {
    this.#lengths.push(-bytes);
    this.bytes += bytes;
  }

  unit(): SegmentUnit {
    return { from: this.#from, lengths: this.#lengths, bytes: this.bytes };
  }
}

/** A moving part of a file that is read once from its beginning to its end. */
class FileWindow {
  readonly #file: FileHandle;
  readonly #hash: Hash;
  /** Where the file ends, when it is shorter than it should be. */
  end: number;
  #data: Buffer = Buffer.alloc(0);
  /** Of the file, where `#data` begins, and where reading goes on. */
  #start: number;
  #next: number;

  constructor(file: FileHandle, from: number, end: number, hash: Hash) {
    this.#file = file;
    this.#hash = hash;
    this.#start = from;
    this.#next = from;
    this.end = end;
  }

  /**
   * Length of the frame at a place; null where there is none, or it is cut short.
   * @param keep what is behind this place stays in the window.
   */
  async frameAt(at: number, keep = at): Promise<number | null> {
    for (;;) {
      try {
        const length = frameLength(this.#data, at - this.#start);
        if (length !== null) return length;
      } catch (error) {
        if (error instanceof BrokenFrame) return null;
        throw error;
      }
      if (this.#next - at > LARGEST_FRAME + READ_BYTES) return null;
      if (!(await this.#readOn(keep))) return null;
    }
  }

  bytes(at: number, length: number): Buffer {
    return this.#data.subarray(at - this.#start, at - this.#start + length);
  }

  /** Where the next frame begins that can be decompressed, at or behind a place; the end for nowhere. */
  async nextFrame(from: number): Promise<number> {
    let at = from;
    for (let candidates = 0; candidates < MOST_CANDIDATES;) {
      const found = this.#data.indexOf(FRAME_MAGIC, Math.max(at - this.#start, 0));
      if (found === -1) {
        at = Math.max(at, this.#next - FRAME_MAGIC.length + 1);
        if (!(await this.#readOn(at))) return this.end;
        continue;
      }
      at = this.#start + found;
      const length = await this.frameAt(at);
      if (length !== null && frameText(this.bytes(at, length)) !== null) return at;
      candidates++;
      at++;
    }
    return this.end;
  }

  /** Reads what is left, for the hash. */
  async readToEnd(): Promise<void> {
    while (await this.#readOn(this.#next));
  }

  async #readOn(keep: number): Promise<boolean> {
    if (this.#next >= this.end) return false;
    const rest = this.#data.subarray(Math.min(keep - this.#start, this.#data.length));
    const { length } = rest;
    // Of a long frame as much again as there is, so that copying stays linear.
    const wanted = Math.min(this.end - this.#next, Math.max(READ_BYTES, length));
    const data = Buffer.allocUnsafeSlow(length + wanted);
    rest.copy(data);
    freeAtOnce(this.#data);
    const { bytesRead } = await this.#file.read(data, length, wanted, this.#next);
    this.#hash.update(data.subarray(length, length + bytesRead));
    this.#start = this.#next - length;
    this.#next += bytesRead;
    this.#data = data.subarray(0, length + bytesRead);
    if (bytesRead === 0) this.end = this.#next;
    return bytesRead > 0;
  }
}
