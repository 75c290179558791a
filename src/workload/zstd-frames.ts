import type { FileHandle } from 'node:fs/promises';

/**
 * Node's zstd decoders stop after the first frame of a write and drop the rest without an error
 * (nodejs/node#64741; tried on 24.21), so a segment is cut into its frames here. The cutting also
 * finds a truncated file, which the decoders pass over in silence.
 */
export interface Frame {
  readonly data: Buffer;
  /** Where it begins in the file. */
  readonly offset: number;
  /** Bytes of text in it as its header says; null when the header does not say. */
  readonly textBytes: number | null;
}

/** A frame that is none, or is cut short. */
export class BrokenFrame extends Error {}

/**
 * The most text that a frame may hold: the writer ends one at a megabyte, with 256 KiB of a statement on
 * top, six-fold when all of it is escaped.
 */
export const LARGEST_FRAME = 32 * 1024 * 1024;

const MAGIC = 0xfd2fb528;
/** The same as bytes. */
export const FRAME_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];

/**
 * Length in bytes of the frame that begins at `start` (RFC 8878 §3.1.1).
 * @returns null when `data` ends before the frame does.
 * @throws BrokenFrame when no frame begins there.
 */
export function frameLength(data: Buffer, start: number): number | null {
  if (data.length - start < 5) return null;
  if (data.readUInt32LE(start) !== MAGIC) throw new BrokenFrame('no zstd frame where one must be');
  const descriptor = data.readUInt8(start + 4);
  let at = start + headerBytes(descriptor);
  for (;;) {
    if (at + 3 > data.length) return null;
    const block = data.readUIntLE(at, 3);
    const type = (block >> 1) & 3;
    if (type === 3) throw new BrokenFrame('a zstd block of no known type');
    at += 3 + (type === 1 ? 1 : block >> 3);
    if ((block & 1) === 1) break;
  }
  if ((descriptor & 4) !== 0) at += 4;
  return at > data.length ? null : at - start;
}

function contentSizeBytes(descriptor: number): number {
  const flag = descriptor >> 6;
  if (flag === 0) return (descriptor & 0x20) === 0 ? 0 : 1;
  return 1 << flag;
}

function headerBytes(descriptor: number): number {
  const window = (descriptor & 0x20) === 0 ? 1 : 0;
  return 5 + window + (DICTIONARY_ID_BYTES[descriptor & 3] ?? 0) + contentSizeBytes(descriptor);
}

/** Bytes of text in a frame as its header says; null when the header does not say. */
export function textBytes(frame: Buffer): number | null {
  const descriptor = frame.readUInt8(4);
  const size = contentSizeBytes(descriptor);
  const at = headerBytes(descriptor) - size;
  switch (size) {
    case 1:
      return frame.readUInt8(at);
    case 2:
      return frame.readUInt16LE(at) + 256;
    case 4:
      return frame.readUInt32LE(at);
    case 8:
      return Number(frame.readBigUInt64LE(at));
    default:
      return null;
  }
}

const READ_BYTES = 256 * 1024;

/**
 * The frames from byte `from` of a file, where one begins, up to byte `end`, read in pieces.
 * @throws BrokenFrame when these bytes are not whole frames, or the file is shorter.
 */
export async function* framesOf(
  file: FileHandle,
  from: number,
  end: number,
): AsyncGenerator<Frame> {
  let rest: Buffer = Buffer.alloc(0);
  let read = from;
  while (read < end) {
    // A frame larger than one piece: read as much again as there is, so that copying stays linear.
    const wanted = Math.min(end - read, Math.max(READ_BYTES, rest.length));
    const piece = Buffer.allocUnsafe(rest.length + wanted);
    rest.copy(piece);
    const { bytesRead } = await file.read(piece, rest.length, wanted, read);
    if (bytesRead === 0) throw new BrokenFrame('it is shorter than what was committed');
    read += bytesRead;
    const data = piece.subarray(0, rest.length + bytesRead);
    let start = 0;
    for (;;) {
      const length = frameLength(data, start);
      if (length === null) break;
      const frame = data.subarray(start, start + length);
      const text = textBytes(frame);
      if (text !== null && text > LARGEST_FRAME) {
        throw new BrokenFrame('a frame holds more text than it may');
      }
      yield { data: frame, offset: read - data.length + start, textBytes: text };
      start += length;
    }
    rest = data.subarray(start);
    // What does not compress takes a little more than it is.
    if (rest.length > LARGEST_FRAME + READ_BYTES) throw new BrokenFrame('a frame is too long');
  }
  if (rest.length > 0) throw new BrokenFrame('its last frame is cut short');
}
