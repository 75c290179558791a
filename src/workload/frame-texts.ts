import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import { messageOf } from '../core/errors.ts';
import { BrokenFrame, framesOf, LARGEST_FRAME, type Frame } from './zstd-frames.ts';

const decompress = promisify(zstdDecompress);

// A decoder call costs about 35 µs whatever its size, and twice that through the thread pool: small
// frames (a quiet server, two a second for days) are decoded on the spot and handed on together.
const SMALL_FRAME = 16 * 1024;
const GROUP_TEXT = 256 * 1024;
// Two cores decode side by side; more in flight only costs memory.
const FRAMES_IN_FLIGHT = 3;
const TEXT_IN_FLIGHT = 16 * 1024 * 1024;
const UNKNOWN_TEXT = 1024 * 1024;
const MOST_IN_GROUP = 1_024;
// The memory that a decoder takes for what a frame refers back to: no more than a frame may hold.
const PARAMS = { [constants.ZSTD_d_windowLogMax]: Math.log2(LARGEST_FRAME) };

/** What one frame holds, or a few small ones behind each other. */
export interface FrameText {
  readonly text: Buffer;
  /** Where the first of them begins in the file. */
  readonly offset: number;
}

/** Frames that are decoded together; why there are no more behind them, where that is a failure. */
interface Group {
  readonly frames: readonly Frame[];
  readonly text: number;
  readonly failure: Error | null;
}

interface Decoded extends FrameText {
  /** What could not be decoded behind it; null where everything could. */
  readonly failure: BrokenFrame | null;
}

/**
 * What the frames of a file hold from byte `from`, where one begins, up to byte `end`, in order.
 * @throws BrokenFrame where one cannot be read, once everything before it was yielded.
 */
export async function* frameTexts(
  file: FileHandle,
  from: number,
  end: number,
): AsyncGenerator<FrameText> {
  const pending: { decoded: Promise<Decoded>; weight: number }[] = [];
  let weight = 0;
  let failure: Error | null = null;
  try {
    for await (const group of groupsOf(framesOf(file, from, end))) {
      const decoded = decodedOf(group.frames);
      // Looked at when its turn comes; until then a rejection must not count as unhandled.
      decoded.catch(() => undefined);
      pending.push({ decoded, weight: group.text });
      weight += group.text;
      failure = group.failure;
      while (
        pending.length >= FRAMES_IN_FLIGHT ||
        (weight > TEXT_IN_FLIGHT && pending.length > 0)
      ) {
        const next = pending.shift();
        if (next === undefined) break;
        weight -= next.weight;
        yield* soundPart(await next.decoded);
      }
    }
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      yield* soundPart(await next.decoded);
    }
  } finally {
    await Promise.allSettled(pending.map((one) => one.decoded));
  }
  if (failure !== null) throw failure;
}

function* soundPart({ text, offset, failure }: Decoded): Generator<FrameText> {
  if (text.length > 0) yield { text, offset };
  if (failure !== null) throw failure;
}

async function* groupsOf(frames: AsyncIterable<Frame>): AsyncGenerator<Group> {
  let small: Frame[] = [];
  let text = 0;
  let failure: Error | null = null;
  try {
    for await (const frame of frames) {
      const size = frame.textBytes ?? UNKNOWN_TEXT;
      if (size > SMALL_FRAME) {
        if (small.length > 0) yield { frames: small, text, failure };
        small = [];
        text = 0;
        yield { frames: [frame], text: size, failure };
        continue;
      }
      small.push(frame);
      text += size;
      if (text >= GROUP_TEXT || small.length === MOST_IN_GROUP) {
        yield { frames: small, text, failure };
        small = [];
        text = 0;
      }
    }
  } catch (error) {
    failure = error instanceof Error ? error : new Error(messageOf(error));
  }
  if (small.length > 0 || failure !== null) yield { frames: small, text, failure };
}

async function decodedOf(frames: readonly Frame[]): Promise<Decoded> {
  const [first, second] = frames;
  const offset = first?.offset ?? 0;
  const texts: Buffer[] = [];
  let failure: BrokenFrame | null = null;
  try {
    if (first !== undefined && second === undefined) {
      texts.push(await decompress(first.data, decoderOptions(first)));
    } else {
      for (const frame of frames) {
        texts.push(zstdDecompressSync(frame.data, decoderOptions(frame)));
      }
    }
  } catch (error) {
    failure = brokenFrame(error);
  }
  const [only] = texts;
  const text = texts.length === 1 && only !== undefined ? only : Buffer.concat(texts);
  return { text, offset, failure };
}

function brokenFrame(cause: unknown): BrokenFrame {
  if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE') {
    return new BrokenFrame('a frame holds more text than it may', { cause });
  }
  return new BrokenFrame('a frame cannot be decompressed', { cause });
}

/**
 * How a frame is decompressed: never to more than it says, nor to more than any frame holds, for a hundred
 * kilobytes can unfold to gigabytes.
 *
 * The decoder fills a buffer of `chunkSize` and takes another trip through the pool for each further
 * one: 8.8 ms for a 1.3 MB frame with the default of 16 KiB, 1.6 ms with one that takes it whole.
 */
export function decoderOptions({ textBytes }: Pick<Frame, 'textBytes'>) {
  const chunkSize = Math.min(textBytes ?? UNKNOWN_TEXT, LARGEST_FRAME) + 64;
  const maxOutputLength = Math.max(Math.min(textBytes ?? LARGEST_FRAME, LARGEST_FRAME), 1);
  return { chunkSize, maxOutputLength, params: PARAMS };
}
