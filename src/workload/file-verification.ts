import {
  STATEMENT_FLAGS,
  STATEMENT_KINDS,
  type StatementFlag,
  type StatementRecord,
} from '../core/workloads/statements.ts';
import { counted, formatCount } from '../core/units.ts';
import { AffectedSessions } from './affected-sessions.ts';
import { WorkloadCounters } from './counters.ts';
import { DamagedRecord } from './disk-errors.ts';
import { ServerCountTally } from './server-count-tally.ts';
import { hashPrefix, listSegments, segmentFileName, segmentPath } from './segment-files.ts';
import { LongLineReader, type LongRecord } from './long-line-reader.ts';
import { parseStatementLine } from './statement-line.ts';
import type {
  Damage,
  ExpectedSegment,
  VerifiedFiles,
  VerifiedSegment,
  VerificationOptions,
} from '../core/workloads/workload.ts';
import { readSegment, segmentBytes } from './workload-reader.ts';

/**
 * Sessions stamp their statements, then write them to the log in turn: a few milliseconds apart, and
 * as long as a swap makes them wait.
 */
const STEP_BACK_MS = 1_000;
/**
 * A statement is stamped when it arrives and logged when the log is free. A swap waits for the log
 * for 1 s and tries again up to eight times, with pauses of up to 2 s: 16 s in all.
 */
const STAMP_TOLERANCE_MS = 16_000;

/** What is not a record so often is no record at all, and may be billions of lines. */
const MOST_WRONG_LINES = 100_000;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const NO_FLAGS: StatementFlag[] = [];
const KINDS: ReadonlySet<string> = new Set(STATEMENT_KINDS);
const FLAGS: ReadonlySet<string> = new Set(STATEMENT_FLAGS);

/**
 * Reads every segment of a workload once and says what is in it and what is wrong with it. Streams:
 * memory stays bounded by a few frames, whatever the size. Goes on behind what is damaged.
 * @throws AppError `store_unusable` when the disk fails; damage is no error here.
 */
export async function verifyFiles(
  dir: string,
  expected: readonly ExpectedSegment[],
  options: VerificationOptions,
): Promise<VerifiedFiles> {
  const reader = new RecordReader(options);
  const segments: VerifiedSegment[] = [];
  const damage: Damage[] = [];
  let seq = 0;
  for (const [index, one] of expected.entries()) {
    const isLast = index === expected.length - 1;
    const found = await verifySegment(dir, one, reader, seq, isLast && options.mayGoOn);
    segments.push(found.finding);
    damage.push(...found.damage.map((what) => ({ segment: one.segment, what })));
    // Behind damage the manifest says where to go on.
    seq = one.records === null ? reader.seq : seq + one.records;
  }
  const last = expected.at(-1)?.segment ?? 0;
  for (const segment of await listSegments(dir)) {
    if (expected.some((one) => one.segment === segment)) continue;
    if (options.mayGoOn && segment > last) continue;
    damage.push({ segment, what: `${segmentFileName(segment)} is not in the manifest` });
  }
  return { segments, damage, ...reader.result() };
}

async function verifySegment(
  dir: string,
  expected: ExpectedSegment,
  reader: RecordReader,
  seq: number,
  mayGoOn: boolean,
): Promise<{ finding: VerifiedSegment; damage: string[] }> {
  const { segment } = expected;
  const file = segmentFileName(segment);
  const damage: string[] = [];
  let size: number | null;
  try {
    size = await segmentBytes(dir, segment);
    if (size === null) throw new DamagedRecord(dir, `${file} is missing`);
  } catch (error) {
    if (!(error instanceof DamagedRecord)) throw error;
    const finding = { segment, file, records: 0, bytes: 0, isSound: false };
    return { finding, damage: [error.what] };
  }
  const length = expected.bytes ?? size;
  if (size < length) {
    damage.push(`${file} is cut short: it has ${size} bytes of ${length}`);
  } else if (size > length && !mayGoOn) {
    damage.push(`${file} has ${counted(size - length, 'byte')} after its end`);
  }
  if (expected.sha256 !== null && size >= length) {
    const hash = await hashPrefix(segmentPath(dir, segment), length);
    if (hash.digest('hex') !== expected.sha256) {
      damage.push(`${file} is not what was recorded: its SHA-256 differs`);
    }
  }
  reader.beginSegment(file, seq);
  try {
    const end = Math.min(size, length);
    for await (const chunk of readSegment(dir, segment, end)) reader.read(chunk);
  } catch (error) {
    if (!(error instanceof DamagedRecord)) throw error;
    damage.push(error.what);
  }
  const { records, firstTime, lastTime, damage: inside } = reader.endSegment();
  damage.push(...inside);
  if (damage.length === 0) {
    if (expected.records !== null && expected.records !== records) {
      damage.push(
        `${file} holds ${counted(records, 'record')}, not the ${formatCount(expected.records)} that were recorded`,
      );
    } else if (
      (expected.firstTime !== null && expected.firstTime !== firstTime) ||
      (expected.lastTime !== null && expected.lastTime !== lastTime)
    ) {
      damage.push(`${file} does not begin and end at the times that were recorded`);
    }
  }
  const finding = { segment, file, records, bytes: length, isSound: damage.length === 0 };
  return { finding, damage };
}

type ReadRecord = (StatementRecord | LongRecord) & { flags: StatementFlag[] };

/** Reads records one after the other, in bounded memory. */
class RecordReader {
  readonly #options: VerificationOptions;
  readonly #earliest: string;
  readonly #latest: string;
  readonly #counters = new WorkloadCounters();
  readonly #serverCounts = new ServerCountTally();
  readonly #flags = new Map<StatementFlag, AffectedSessions>();
  readonly #unknownUser = new AffectedSessions();
  #total = 0;
  #firstTime: string | null = null;
  #newestTime = '';
  #lastTime: string | null = null;
  #stepsBack = 0;
  #longestBack = 0;
  #outside = 0;

  /** The last `seq` that was read or, in its place, had to be. */
  seq = 0;
  #file = '';
  #line = 0;
  #segmentRecords = 0;
  #segmentFirst: string | null = null;
  #segmentLast: string | null = null;
  /** The first of each kind, and how often. */
  #wrong = new Map<string, { what: string; times: number }>();
  /** The line that is read in pieces. */
  #long: LongLineReader | null = null;

  constructor(options: VerificationOptions) {
    this.#options = options;
    this.#earliest = shifted(options.from, -STAMP_TOLERANCE_MS) ?? '';
    this.#latest = shifted(options.to, STAMP_TOLERANCE_MS) ?? '\uffff';
  }

  beginSegment(file: string, seq: number): void {
    this.#file = file;
    this.seq = seq;
    this.#line = 0;
    this.#segmentRecords = 0;
    this.#segmentFirst = null;
    this.#segmentLast = null;
    this.#wrong = new Map();
    this.#long = null;
  }

  endSegment(): {
    records: number;
    firstTime: string | null;
    lastTime: string | null;
    damage: string[];
  } {
    return {
      records: this.#segmentRecords,
      firstTime: this.#segmentFirst,
      lastTime: this.#segmentLast,
      damage: Array.from(
        this.#wrong.values(),
        ({ what, times }) =>
          `${this.#file}, ${what}${times === 1 ? '' : ` (and ${times - 1} more of the kind)`}`,
      ),
    };
  }

  /** Reads lines; only that of a long statement may go on in the next chunk. */
  read(chunk: Buffer): void {
    const records: ReadRecord[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(10, start);
      if (end === -1) break;
      this.#line++;
      const long = this.#long;
      this.#long = null;
      long?.push(chunk.subarray(start, end));
      const record = this.#parsed(() => {
        return long?.record() ?? parseStatementLine(chunk.toString('utf8', start, end));
      });
      start = end + 1;
      if (record === null) continue;
      const counted = Object.assign(record, { flags: record.flags ?? NO_FLAGS });
      this.#check(counted);
      records.push(counted);
    }
    if (start < chunk.length) (this.#long ??= new LongLineReader()).push(chunk.subarray(start));
    this.#counters.add(records);
    this.#serverCounts.add(records);
    this.#segmentRecords += records.length;
    this.#total += records.length;
    const [first] = records;
    const last = records.at(-1);
    if (first === undefined || last === undefined) return;
    this.#firstTime ??= first.time;
    this.#segmentFirst ??= first.time;
    this.#lastTime = last.time;
    this.#segmentLast = last.time;
    this.#options.onProgress?.(this.#total);
  }

  result(): Omit<VerifiedFiles, 'segments' | 'damage'> {
    return {
      counts: this.#counters.counts(),
      rows: this.#serverCounts.counts(),
      byFlag: Object.fromEntries(
        Array.from(this.#flags, ([flag, affected]) => [flag, affected.result()]),
      ),
      unknownUser: this.#unknownUser.result(),
      backwards: { records: this.#stepsBack, longestMs: this.#longestBack },
      outside: this.#outside,
      firstTime: this.#firstTime,
      lastTime: this.#lastTime,
    };
  }

  #parsed(parse: () => StatementRecord | LongRecord): StatementRecord | LongRecord | null {
    try {
      return parse();
    } catch {
      this.#note('line', `line ${this.#line}: it is not a record`);
      if (this.#wrong.get('line')?.times === MOST_WRONG_LINES) {
        throw new DamagedRecord(this.#file, `${this.#file} is not read further`);
      }
      // Its number is missing, and those after it are none the worse for it.
      this.seq++;
      return null;
    }
  }

  #check(record: ReadRecord): void {
    const { seq, time, user } = record;
    if (seq !== this.seq + 1) {
      this.#note('seq', `line ${this.#line}: number ${seq} comes where ${this.seq + 1} must be`);
    }
    this.seq = seq;
    if (!KINDS.has(record.kind)) {
      this.#note('kind', `line ${this.#line}: there is no kind "${record.kind}"`);
    }
    if (record.flags.length > 0) this.#checkFlags(record);
    if (user === null) this.#unknownUser.add(record);
    if (!TIME.test(time)) {
      this.#note('time', `line ${this.#line}: its time is none`);
      return;
    }
    if (time < this.#newestTime) this.#stepBack(time);
    else this.#newestTime = time;
    if (time < this.#earliest || time > this.#latest) this.#outside++;
  }

  #checkFlags(record: ReadRecord): void {
    for (const flag of record.flags) {
      if (!FLAGS.has(flag)) this.#note('flag', `line ${this.#line}: there is no flag "${flag}"`);
      let affected = this.#flags.get(flag);
      if (affected === undefined) this.#flags.set(flag, (affected = new AffectedSessions()));
      affected.add(record);
    }
  }

  #stepBack(time: string): void {
    if (time.slice(0, 19) === this.#newestTime.slice(0, 19)) return;
    const back = Date.parse(this.#newestTime) - Date.parse(time);
    if (back <= STEP_BACK_MS) return;
    this.#stepsBack++;
    this.#longestBack = Math.max(this.#longestBack, back);
  }

  #note(kind: string, what: string): void {
    const known = this.#wrong.get(kind);
    if (known === undefined) this.#wrong.set(kind, { what, times: 1 });
    else known.times++;
  }
}

/** An instant moved by so much, in the same form; null for none. */
function shifted(time: string | null, ms: number): string | null {
  if (time === null) return null;
  const at = Date.parse(time);
  return Number.isNaN(at) ? null : `${new Date(at + ms).toISOString().slice(0, -1)}000Z`;
}
