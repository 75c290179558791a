import { AppError } from '../core/errors.ts';
import { readable } from './json-text.ts';
import {
  LONGEST_TEXT,
  type LoggedStatement,
  type LongText,
  type StatementRecord,
} from '../core/workloads/statements.ts';

/** Of a text that is all escapes, with its bytes besides; and of what stands around them. */
export const LONGEST_LINE = Math.ceil(LONGEST_TEXT * (6 + 4 / 3)) + 256 * 1024;

/**
 * The NDJSON line of a statement without its beginning `{"seq":N,`: the same for every capture that
 * records it, so one tap serialises once and each capture puts its own number in front. Ends with
 * `}` and a newline.
 */
export type LineTail = string | LongTail;

/** The same of a statement whose text is too long for the memory: `longLine` says it in pieces. */
export interface LongTail {
  readonly time: string;
  /** What comes before the text, with its opening quote. */
  readonly before: string;
  readonly text: LongText;
  /** What comes behind the text and, where there are any, its bytes. */
  readonly after: string;
}

/** More sessions than are open at once on most servers; beyond it the cache starts afresh. */
const CACHED_SESSIONS = 4096;

interface SessionText {
  user: string | null;
  host: string | null;
  db: string | null;
  text: string;
}

/**
 * Turns statements into line tails. Holds a small cache, so use one for the life of a tap.
 *
 * Measured on 200,000 sysbench-like statements (190 bytes a line, one core): JSON.stringify of the
 * whole record 760,000/s; field by field 1,190,000/s; with session, user, host and db cached per
 * session 1,810,000/s. A regular expression that spares JSON.stringify for texts without escapes is
 * slower (1,010,000/s): V8's own serialiser already has that fast path.
 */
export class LineSerialiser {
  readonly #sessions = new Map<number, SessionText>();

  /** The tails of a batch, in its order. */
  tails(statements: readonly LoggedStatement[]): LineTail[] {
    const tails: LineTail[] = new Array<LineTail>(statements.length);
    let i = 0;
    for (const statement of statements) tails[i++] = this.tail(statement);
    return tails;
  }

  /** The tail of one statement; always valid UTF-8 (a lone surrogate is written as an escape). */
  tail(statement: LoggedStatement): LineTail {
    const { user, host, db } = statement;
    let session = this.#sessions.get(statement.session);
    if (
      session === undefined ||
      session.user !== user ||
      session.host !== host ||
      session.db !== db
    ) {
      const place = `"user":${JSON.stringify(user)},"host":${JSON.stringify(host)},"db":${JSON.stringify(db)}`;
      session = {
        user,
        host,
        db,
        text: `","session":${statement.session},${place},"kind":"`,
      };
      if (this.#sessions.size >= CACHED_SESSIONS) this.#sessions.clear();
      this.#sessions.set(statement.session, session);
    }
    const before = '"time":"' + statement.time + session.text + statement.kind + '","sql":';
    if (statement.long !== undefined) return longTail(statement, `${before}"`, statement.long);
    const line = before + JSON.stringify(statement.sql);
    if (statement.bytes === null && statement.flags.length === 0) return line + '}\n';
    const bytes =
      statement.bytes === null ? '' : `,"bytes":"${statement.bytes.toString('base64')}"`;
    const flags = statement.flags.length === 0 ? '' : `,"flags":${JSON.stringify(statement.flags)}`;
    return `${line}${bytes}${flags}}\n`;
  }
}

function longTail({ time, flags }: LoggedStatement, before: string, text: LongText): LongTail {
  const after = flags.length === 0 ? '}\n' : `,"flags":${JSON.stringify(flags)}}\n`;
  return { time, before, text, after };
}

/** The whole line of a statement that is number `seq` of its capture. */
export function statementLine(seq: number, tail: string): string {
  return `{"seq":${seq},${tail}`;
}

/** A piece of a line: what stands in it as it is, or a text that is still to be escaped. */
type LinePiece = { readonly json: string } | { readonly text: Buffer };

/** The whole line of a long statement, in small pieces; each is overwritten by the next. */
export async function* longLine(seq: number, tail: LongTail): AsyncGenerator<LinePiece> {
  const { text } = tail;
  yield { json: statementLine(seq, tail.before) };
  for await (const piece of text.pieces()) yield { text: readable(piece) };
  yield { json: '"' };
  if (!text.isUtf8) yield* base64Field(text);
  yield { json: tail.after };
}

async function* base64Field(text: LongText): AsyncGenerator<LinePiece> {
  yield { json: ',"bytes":"' };
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of text.pieces()) {
    const bytes = Buffer.concat([rest, piece]);
    // Three bytes are four characters.
    const end = bytes.length - (bytes.length % 3);
    rest = Buffer.from(bytes.subarray(end));
    yield { json: bytes.toString('base64', 0, end) };
  }
  yield { json: `${rest.toString('base64')}"` };
}

/**
 * Reads a line of a workload.
 * @throws AppError `store_unusable` when it is none.
 */
export function parseStatementLine(line: string): StatementRecord {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch (error) {
    throw new WrongLine('a line is not JSON', error);
  }
  if (!isStatementRecord(record)) {
    throw new WrongLine('a line is not a statement');
  }
  return record;
}

/** A line that is no record. */
export class WrongLine extends AppError {
  /** What is wrong, without the place. */
  readonly what: string;

  constructor(what: string, cause?: unknown) {
    super('store_unusable', `The record is damaged: ${what}`, { cause });
    this.what = what;
  }
}

function isStatementRecord(value: unknown): value is StatementRecord {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as Partial<Record<keyof StatementRecord, unknown>>;
  return (
    typeof record.seq === 'number' &&
    typeof record.time === 'string' &&
    typeof record.session === 'number' &&
    typeof record.kind === 'string' &&
    typeof record.sql === 'string'
  );
}
