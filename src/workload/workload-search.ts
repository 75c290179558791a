import { AppError, isAppError } from '../core/errors.ts';
import { isEveryStatement } from '../core/workloads/statement-search.ts';
import type { StatementRecord } from '../core/workloads/statements.ts';
import type { WorkloadSpan } from '../core/workloads/committed-spans.ts';
import type { Spans, StatementQuery } from '../core/workloads/workload-files.ts';
import { formatCount } from '../core/units.ts';
import { damaged } from './disk-errors.ts';
import type { FrameText } from './frame-texts.ts';
import { LineSearch } from './line-search.ts';
import { LongLineSearch } from './long-line-search.ts';
import { segmentFileName } from './segment-files.ts';
import { WrongLine } from './statement-line.ts';
import { freeAtOnce } from './tally/freed-memory.ts';
import { partsOf, readFrames, recordsOf, type SegmentPart } from './workload-reader.ts';

const NEWLINE = 10;
const SEQ = /^\{"seq":(\d+)/;

/**
 * The lines of parts of a workload that a query finds, in order. Only a line of a long statement (a megabyte
 * and more) is in several chunks; no chunk but such a one goes beyond a line. Memory stays bounded by a few
 * frames; ending the iteration early closes everything.
 * @throws AppError `store_unusable` for damage, once what is before it was yielded; `not_found` for a digest
 *   that no statement has; `invalid` for one that is several.
 */
export async function* searchLines(
  dir: string,
  spans: Spans,
  query: StatementQuery,
): AsyncGenerator<Buffer> {
  yield* linesOf(new Walk(dir, query, false), spans);
}

async function* linesOf(walk: Walk, spans: Spans): AsyncGenerator<Buffer> {
  if (walk.isOver()) return;
  for await (const span of spans) {
    for (const part of await walk.partsOf(span)) {
      yield* walk.lines(part);
      if (walk.isOver()) return;
    }
  }
  walk.finish();
}

/** The same as records, an array for one or many lines. A long statement is held in memory as a whole. */
export function searchRecords(
  dir: string,
  spans: Spans,
  query: StatementQuery,
): AsyncGenerator<StatementRecord[]> {
  return recordsOf(linesOf(new Walk(dir, query, true), spans));
}

/** What is remembered from one part of a workload to the next. */
class Walk {
  readonly #dir: string;
  readonly #isRead: boolean;
  /** null where every line is meant. */
  readonly #search: LineSearch | null;
  #left: number;
  /** What is behind the record with this `seq` is meant; 0 once it was passed. */
  #after: number;
  readonly #isFromFirst: boolean;
  /** Whole lines that were read last; only looked at when something fails. */
  #last: Buffer | null = null;

  /** @param isRead whether a chunk is done with when the next is asked for: then its memory is given back. */
  constructor(dir: string, { search, limit, after }: StatementQuery, isRead: boolean) {
    this.#dir = dir;
    this.#isRead = isRead;
    this.#search = isEveryStatement(search) ? null : new LineSearch(search);
    this.#left = limit ?? Infinity;
    this.#after = after ?? 0;
    this.#isFromFirst = this.#after === 0;
  }

  isOver(): boolean {
    return this.#left === 0;
  }

  /** @throws AppError as `searchLines`. */
  finish(): void {
    // A digest may have all its statements before that.
    if (this.#isFromFirst) this.#search?.filter.checkDigests();
  }

  /** The parts of a span that have something to read: not those whose records were all read before. */
  async partsOf(span: WorkloadSpan): Promise<readonly SegmentPart[]> {
    const parts = [...partsOf(span)];
    if (this.#after === 0) return parts;
    let first = 0;
    for (let end = parts.length; end - first > 1;) {
      const middle = (first + end) >> 1;
      const part = parts[middle];
      const seq = part === undefined ? null : await firstSeqOf(this.#dir, part);
      if (seq !== null && seq <= this.#after + 1) first = middle;
      else end = middle;
    }
    return parts.slice(first);
  }

  /** @returns the frames of a part, without what was read before: how much is missing before `text`, too. */
  async *#frames({ segment, from, end }: SegmentPart): AsyncGenerator<Frame> {
    let isWithin = false;
    for await (const { text, offset } of readFrames(this.#dir, segment, from, end)) {
      if (this.#after === 0) {
        yield { text, offset, missing: 0 };
        continue;
      }
      let at = 0;
      if (isWithin) {
        at = lineEnd(text, 0);
        isWithin = at === -1;
      }
      while (at !== -1 && at < text.length) {
        const seq = seqAt(text, at);
        // A line that has none is damaged, which is for who reads on to say.
        if (seq === null || seq > this.#after) {
          this.#after = 0;
          yield { text: text.subarray(at), offset, missing: at };
          break;
        }
        at = lineEnd(text, at);
        isWithin = at === -1;
      }
    }
  }

  async *lines(part: SegmentPart): AsyncGenerator<Buffer> {
    try {
      yield* this.#search === null ? this.#every(part) : this.#found(part, this.#search);
    } catch (error) {
      throw this.#withProgress(part, error);
    }
  }

  async *#every(part: SegmentPart): AsyncGenerator<Buffer> {
    for await (const { text } of this.#frames(part)) {
      const whole = text.subarray(0, text.lastIndexOf(NEWLINE) + 1);
      if (this.#left === Infinity) {
        yield text;
      } else {
        const { bytes, lines } = firstLines(text, this.#left);
        this.#left -= lines;
        yield this.#left === 0 ? text.subarray(0, bytes) : text;
        if (this.#left === 0) return;
      }
      const done = whole.length > 0 ? this.#last : text;
      if (whole.length > 0) this.#last = whole;
      if (this.#isRead && done !== null) freeAtOnce(done);
    }
  }

  async *#found(part: SegmentPart, search: LineSearch): AsyncGenerator<Buffer> {
    let long: LongLineSearch | null = null;
    for await (const { text, offset, missing } of this.#frames(part)) {
      let start = 0;
      if (long !== null) {
        const newline = text.indexOf(NEWLINE);
        start = newline === -1 ? text.length : newline + 1;
        long.push(text.subarray(0, newline === -1 ? text.length : newline));
        if (newline === -1) continue;
        const isFound = long.isFound();
        if (isFound) {
          this.#left--;
          // Read again, so that the memory need not hold what may be half a gigabyte of escapes.
          yield* lineAt(this.#dir, { ...part, from: long.offset }, long.start);
        }
        long = null;
        if (this.isOver()) return;
      }
      const whole = text.lastIndexOf(NEWLINE) + 1;
      if (whole > start) {
        const lines = text.subarray(start, whole);
        this.#last = lines;
        yield* this.#matches(lines, search);
        if (this.isOver()) return;
      }
      if (whole < text.length) {
        const begun = Math.max(whole, start);
        long = new LongLineSearch(search, offset, missing + begun);
        long.push(text.subarray(begun));
      }
    }
  }

  *#matches(chunk: Buffer, search: LineSearch): Generator<Buffer> {
    const { ranges, lines } = search.matchesIn(chunk, this.#left);
    this.#left -= lines;
    if (lines === 0) return;
    const pieces: Buffer[] = [];
    for (let i = 0; i < ranges.length; i += 2) {
      pieces.push(chunk.subarray(ranges[i], ranges[i + 1]));
    }
    const [only] = pieces;
    yield pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
  }

  /** A failure that names the file, and says how much was read. */
  #withProgress({ segment }: SegmentPart, error: unknown): unknown {
    if (!isAppError(error, 'store_unusable')) return error;
    const { message } =
      error instanceof WrongLine
        ? damaged(this.#dir, `${segmentFileName(segment)}: ${error.what}`)
        : error;
    return new AppError('store_unusable', message, { hint: this.#progress(), cause: error });
  }

  #progress(): string {
    const last = this.#last ?? Buffer.alloc(0);
    const start = last.length < 2 ? 0 : last.lastIndexOf(NEWLINE, last.length - 2) + 1;
    const seq = seqAt(last, start);
    return seq === null
      ? 'Nothing before it could be read.'
      : `Records 1 to ${formatCount(seq)} were read.`;
  }
}

interface Frame extends FrameText {
  /** Bytes of it that are left out before `text`. */
  readonly missing: number;
}

/** The `seq` of the line that begins there; null where none does. */
function seqAt(text: Buffer, at: number): number | null {
  const seq = SEQ.exec(text.toString('latin1', at, at + 40))?.[1];
  return seq === undefined ? null : Number(seq);
}

/** Where the line behind begins; -1 where this one does not end. */
function lineEnd(text: Buffer, at: number): number {
  const newline = text.indexOf(NEWLINE, at);
  return newline === -1 ? -1 : newline + 1;
}

async function firstSeqOf(
  dir: string,
  { segment, from, end }: SegmentPart,
): Promise<number | null> {
  for await (const { text } of readFrames(dir, segment, from, end)) return seqAt(text, 0);
  return null;
}

/** One line, from its place in the text of the frame at the beginning of the part. */
async function* lineAt(dir: string, part: SegmentPart, start: number): AsyncGenerator<Buffer> {
  let skip = start;
  for await (const { text } of readFrames(dir, part.segment, part.from, part.end)) {
    const begun = Math.min(skip, text.length);
    skip -= begun;
    const newline = text.indexOf(NEWLINE, begun);
    if (begun < text.length) yield text.subarray(begun, newline === -1 ? text.length : newline + 1);
    if (newline !== -1) return;
  }
}

function firstLines(chunk: Buffer, limit: number): { bytes: number; lines: number } {
  let bytes = 0;
  let lines = 0;
  while (lines < limit) {
    const newline = chunk.indexOf(NEWLINE, bytes);
    if (newline === -1) break;
    bytes = newline + 1;
    lines++;
  }
  return { bytes, lines };
}
