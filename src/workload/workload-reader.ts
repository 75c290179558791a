import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { StatementRecord } from '../core/workloads/statements.ts';
import type { WorkloadSpan } from '../core/workloads/committed-spans.ts';
import { damaged, diskFailure, isMissing } from './disk-errors.ts';
import {
  firstTimeIn,
  lastTimeIn,
  openToRead,
  segmentFileName,
  segmentPath,
} from './segment-files.ts';
import { WholeLineReader } from './long-line-reader.ts';
import { addLongText } from './long-text-garbage.ts';
import { parseStatementLine } from './statement-line.ts';
import type { ReadablePosition, SegmentFacts } from '../core/workloads/workload.ts';
import { frameTexts, type FrameText } from './frame-texts.ts';
import { BrokenFrame } from './zstd-frames.ts';

const NEWLINE = 10;
/** So much text, and what ends a line behind it, becomes records at once: a chunk has a megabyte and more. */
const PIECE = 32 * 1024;
const LONG_PIECE = 256 * 1024;

/** A part of a segment file: from a byte where a frame begins up to another; null for all that is there. */
export interface SegmentPart {
  readonly segment: number;
  readonly from: number;
  readonly end: number | null;
}

/** The parts of segments that a span is made of. */
export function* partsOf({ from, until }: WorkloadSpan): Generator<SegmentPart> {
  const first = from?.segment ?? 1;
  for (let segment = first; segment <= until.segment; segment++) {
    const end = segment === until.segment ? until.offset : null;
    const start = segment === from?.segment ? from.offset : 0;
    if (end === null || end > start) yield { segment, from: start, end };
  }
}

/**
 * Streams the committed part of a workload: chunks of NDJSON, in order. Only a line of a long statement
 * (a megabyte and more) is in several chunks. Never reads beyond `position`, whatever the files hold behind it.
 * Memory stays bounded by a few frames; ending the iteration early closes everything.
 * @param position null for a workload of which nothing is committed: no chunks.
 * @throws AppError `store_unusable` for a damaged, missing or unreadable segment.
 */
export async function* readWorkload(
  dir: string,
  position: ReadablePosition | null,
): AsyncGenerator<Buffer> {
  if (position === null) return;
  for (const { segment, from, end } of partsOf({ from: null, until: position })) {
    for await (const { text } of readFrames(dir, segment, from, end)) yield text;
  }
}

/**
 * The same as records. A long statement is held in memory as a whole: with one of 60 MiB an export takes 235 MB
 * as CSV, 250 MB as SQL and 315 MB as Parquet, where NDJSON, which is never held, takes 130 MB.
 * @throws AppError `store_unusable` for damage.
 */
export function readRecords(
  dir: string,
  position: ReadablePosition | null,
): AsyncGenerator<StatementRecord[]> {
  return recordsOf(readWorkload(dir, position));
}

/** What lines say that come in pieces of any size; an array a piece that ends one. */
export async function* recordsOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<StatementRecord[]> {
  let begun: WholeLineReader | null = null;
  for await (const chunk of chunks) {
    let from = 0;
    if (begun !== null) {
      const newline = chunk.indexOf(NEWLINE);
      begun.push(newline === -1 ? chunk : chunk.subarray(0, newline));
      if (newline === -1) continue;
      const record = begun.record();
      begun = null;
      addLongText(record.sql.length + (record.bytes?.length ?? 0));
      yield [record];
      from = newline + 1;
    }
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    while (from < end) {
      const to = from + PIECE < end ? chunk.indexOf(NEWLINE, from + PIECE) + 1 : end;
      // One is longer than a piece only for a long line, which is in memory twice: as it stands, and read.
      if (to - from > LONG_PIECE) addLongText(2 * (to - from));
      yield parsed(chunk, from, to);
      from = to;
    }
    if (from < chunk.length) {
      begun = new WholeLineReader();
      begun.push(chunk.subarray(from));
    }
  }
}

function parsed(chunk: Buffer, from: number, to: number): StatementRecord[] {
  const lines = chunk.toString('utf8', from, to).split('\n');
  lines.pop();
  return lines.map(parseStatementLine);
}

/** The chunks of one segment up to `end` bytes of its file (null: all of it); the last ends a line. */
export async function* readSegment(
  dir: string,
  segment: number,
  end: number | null,
): AsyncGenerator<Buffer> {
  for await (const { text } of readFrames(dir, segment, 0, end)) yield text;
}

/**
 * The same from byte `from` of the file on, where a frame begins, with where each chunk begins.
 * @throws AppError `store_unusable` for damage: once everything before it was yielded.
 */
export async function* readFrames(
  dir: string,
  segment: number,
  from: number,
  end: number | null,
): AsyncGenerator<FrameText> {
  const name = segmentFileName(segment);
  let file: FileHandle;
  try {
    file = await openToRead(segmentPath(dir, segment));
  } catch (error) {
    if (isMissing(error)) throw damaged(dir, `${name} is missing`, error);
    throw diskFailure(error, 'read', segmentPath(dir, segment));
  }
  let size = 0;
  try {
    ({ size } = await file.stat());
    let last: number | undefined = NEWLINE;
    for await (const chunk of frameTexts(file, from, Math.min(end ?? size, size))) {
      if (chunk.text.length > 0) last = chunk.text.at(-1);
      yield chunk;
    }
    if (end !== null && size < end) throw new BrokenFrame('it is cut short');
    if (last !== NEWLINE) throw new BrokenFrame('it does not end at the end of a line');
  } catch (error) {
    if (!(error instanceof BrokenFrame))
      throw diskFailure(error, 'read', segmentPath(dir, segment));
    if (end === null || size >= end) throw damaged(dir, `${name}: ${error.message}`, error);
    throw damaged(dir, `${name} has ${size} bytes of the ${end} that were committed`, error);
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
    records += countLines(chunk);
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

function countLines(chunk: Buffer): number {
  let lines = 0;
  for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) lines++;
  return lines;
}
