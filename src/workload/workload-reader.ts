import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import type { StatementRecord } from '../core/workloads/statements.ts';
import { damaged, diskFailure, isMissing } from './disk-errors.ts';
import {
  firstTimeIn,
  lastTimeIn,
  openToRead,
  segmentFileName,
  segmentPath,
} from './segment-files.ts';
import { LONGEST_LINE, parseStatementLine } from './statement-line.ts';
import type { ReadablePosition, SegmentFacts } from '../core/workloads/workload.ts';
import { BrokenFrame, framesOf, LARGEST_FRAME, type Frame } from './zstd-frames.ts';

const NEWLINE = 10;

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

/**
 * Streams the committed part of a workload: chunks of NDJSON, in order. Only a line of a long statement
 * (a megabyte and more) is in several chunks. Never reads beyond `position`, whatever the files hold behind it. Memory stays bounded by a few
 * frames; ending the iteration early closes everything.
 * @param position null for a workload of which nothing is committed: no chunks.
 * @param options.limit at most so many records.
 * @throws AppError `store_unusable` for a damaged, missing or unreadable segment.
 */
export async function* readWorkload(
  dir: string,
  position: ReadablePosition | null,
  options: { readonly limit?: number | null } = {},
): AsyncGenerator<Buffer> {
  if (position === null) return;
  let left = options.limit ?? Infinity;
  for (let segment = 1; segment <= position.segment && left > 0; segment++) {
    const end = segment === position.segment ? position.offset : null;
    if (end === 0) return;
    for await (const chunk of readSegment(dir, segment, end)) {
      if (left === Infinity) {
        yield chunk;
        continue;
      }
      const { bytes, lines } = firstLines(chunk, left);
      left -= lines;
      yield left === 0 ? chunk.subarray(0, bytes) : chunk;
      if (left === 0) return;
    }
  }
}

/**
 * The same as records, one array a chunk. A long statement is held in memory as a whole: of the longest
 * that is recorded (65 MiB) about 0.4 GB, and 1.3 GB where all of it is control characters.
 * @throws AppError `store_unusable` for damage.
 */
export async function* readRecords(
  dir: string,
  position: ReadablePosition | null,
  options: { readonly limit?: number | null } = {},
): AsyncGenerator<StatementRecord[]> {
  let begun: Buffer[] = [];
  let begunBytes = 0;
  for await (const chunk of readWorkload(dir, position, options)) {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      begun.push(chunk);
      begunBytes += chunk.length;
      if (begunBytes > LONGEST_LINE) throw damaged(dir, 'a line is longer than any record');
      continue;
    }
    const whole = chunk.subarray(0, end);
    const lines = (begun.length === 0 ? whole : Buffer.concat([...begun, whole]))
      .toString('utf8')
      .split('\n');
    begun = end === chunk.length ? [] : [chunk.subarray(end)];
    begunBytes = chunk.length - end;
    lines.pop();
    yield lines.map(parseStatementLine);
  }
}

/** The chunks of one segment up to `end` bytes of its file (null: all of it); the last ends a line. */
export async function* readSegment(
  dir: string,
  segment: number,
  end: number | null,
): AsyncGenerator<Buffer> {
  const name = segmentFileName(segment);
  let file: FileHandle;
  try {
    file = await openToRead(segmentPath(dir, segment));
  } catch (error) {
    if (isMissing(error)) throw damaged(dir, `${name} is missing`, error);
    throw diskFailure(error, 'read', segmentPath(dir, segment));
  }
  try {
    const size = (await file.stat()).size;
    if (end !== null && size < end) {
      throw damaged(dir, `${name} has ${size} bytes of the ${end} that were committed`);
    }
    let last: number | undefined = NEWLINE;
    for await (const chunk of chunksOf(file, end ?? size)) {
      if (chunk.length > 0) last = chunk.at(-1);
      yield chunk;
    }
    if (last !== NEWLINE) throw new BrokenFrame('it does not end at the end of a line');
  } catch (error) {
    if (error instanceof BrokenFrame) throw damaged(dir, `${name}: ${error.message}`, error);
    throw diskFailure(error, 'read', segmentPath(dir, segment));
  } finally {
    await file.close();
  }
}

/**
 * Reads a segment file once and says what the manifest should say of it.
 * @throws AppError `store_unusable` when it is missing or damaged.
 */
export async function describeSegment(dir: string, segment: number): Promise<SegmentFacts> {
  const hash = createHash('sha256');
  let records = 0;
  let text = 0;
  let firstTime: string | null = null;
  let lastTime: string | null = null;
  const times = new LastTime();
  for await (const chunk of readSegment(dir, segment, null)) {
    records += firstLines(chunk, Infinity).lines;
    text += chunk.length;
    firstTime ??= firstTimeIn(chunk);
    lastTime = times.lastTime(chunk);
  }
  const path = segmentPath(dir, segment);
  let bytes = 0;
  try {
    const file = await openToRead(path);
    for await (const piece of file.createReadStream()) {
      hash.update(piece as Buffer);
      bytes += (piece as Buffer).length;
    }
  } catch (error) {
    throw diskFailure(error, 'read', path);
  }
  return {
    segment,
    file: segmentFileName(segment),
    records,
    text,
    bytes,
    firstTime,
    lastTime,
    sha256: hash.digest('hex'),
  };
}

/** Finds the time of the last line that has begun, in chunks that need not end with a line. */
class LastTime {
  #isWithin = false;
  #time: string | null = null;

  lastTime(chunk: Buffer): string | null {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end < chunk.length) {
      // A line of its own frames, or the rest of one.
      if (end > 0 || !this.#isWithin) this.#time = firstTimeIn(chunk.subarray(end));
      this.#isWithin = true;
      return this.#time;
    }
    const isOnlyRest = this.#isWithin && chunk.lastIndexOf(NEWLINE, -2) === -1;
    if (!isOnlyRest) this.#time = lastTimeIn(chunk);
    this.#isWithin = false;
    return this.#time;
  }
}

/**
 * Size in bytes of a segment file; null when it is missing.
 * @throws DamagedRecord when it is no regular file; AppError `store_unusable` when it cannot be opened.
 */
export async function segmentBytes(dir: string, segment: number): Promise<number | null> {
  const path = segmentPath(dir, segment);
  let file: FileHandle;
  try {
    file = await openToRead(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw diskFailure(error, 'read', path);
  }
  try {
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

async function* chunksOf(file: FileHandle, end: number): AsyncGenerator<Buffer> {
  const pending: { text: Promise<Buffer>; weight: number }[] = [];
  let weight = 0;
  try {
    for await (const group of groupsOf(framesOf(file, end))) {
      const text = textOf(group.frames);
      // Looked at when its turn comes; until then a rejection must not count as unhandled.
      text.catch(() => undefined);
      pending.push({ text, weight: group.text });
      weight += group.text;
      while (
        pending.length >= FRAMES_IN_FLIGHT ||
        (weight > TEXT_IN_FLIGHT && pending.length > 0)
      ) {
        const next = pending.shift();
        if (next === undefined) break;
        weight -= next.weight;
        yield await next.text;
      }
    }
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      yield await next.text;
    }
  } finally {
    await Promise.allSettled(pending.map((one) => one.text));
  }
}

async function* groupsOf(
  frames: AsyncIterable<Frame>,
): AsyncGenerator<{ frames: Frame[]; text: number }> {
  let small: Frame[] = [];
  let text = 0;
  for await (const frame of frames) {
    const size = frame.textBytes ?? UNKNOWN_TEXT;
    if (size > SMALL_FRAME) {
      if (small.length > 0) yield { frames: small, text };
      small = [];
      text = 0;
      yield { frames: [frame], text: size };
      continue;
    }
    small.push(frame);
    text += size;
    if (text >= GROUP_TEXT || small.length === MOST_IN_GROUP) {
      yield { frames: small, text };
      small = [];
      text = 0;
    }
  }
  if (small.length > 0) yield { frames: small, text };
}

async function textOf(frames: readonly Frame[]): Promise<Buffer> {
  const [only] = frames;
  try {
    return frames.length === 1 && only !== undefined
      ? await decompress(only.data, decoderOptions(only))
      : Buffer.concat(frames.map((frame) => zstdDecompressSync(frame.data, decoderOptions(frame))));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
      throw new BrokenFrame('a frame holds more text than it may', { cause: error });
    }
    throw new BrokenFrame('a frame cannot be decompressed', { cause: error });
  }
}

/**
 * How a frame is decompressed: never to more than it says, nor to more than any frame holds, for a hundred
 * kilobytes can unfold to gigabytes.
 *
 * The decoder fills a buffer of `chunkSize` and takes another trip through the pool for each further
 * one: 8.8 ms for a 1.3 MB frame with the default of 16 KiB, 1.6 ms with one that takes it whole.
 */
function decoderOptions({ textBytes }: Frame) {
  const chunkSize = Math.min(textBytes ?? UNKNOWN_TEXT, LARGEST_FRAME) + 64;
  const maxOutputLength = Math.max(Math.min(textBytes ?? LARGEST_FRAME, LARGEST_FRAME), 1);
  return { chunkSize, maxOutputLength, params: PARAMS };
}

function firstLines(chunk: Buffer, limit: number): { bytes: number; lines: number } {
  let bytes = 0;
  let lines = 0;
  while (lines < limit) {
    const newline = chunk.indexOf(10, bytes);
    if (newline === -1) break;
    bytes = newline + 1;
    lines++;
  }
  return { bytes, lines };
}
