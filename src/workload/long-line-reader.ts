import type { LongText, StatementRecord } from '../core/workloads/statements.ts';
import { characterEnd } from '../sql/characters.ts';
import { TextScan } from '../sql/text-scan.ts';
import { freeAtOnce } from './tally/freed-memory.ts';
import { LONGEST_LINE, parseStatementLine } from './statement-line.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Of `\u0001`, without its last character. */
const LONGEST_CUT_ESCAPE = 5;
/** Characters of the text that stay in the record. */
const BEGINNING = 64 * 1024;
const NOTHING = Buffer.alloc(0);

/** What comes before the text: in a string a quote has a backslash before it, so nothing else is this. */
const BEFORE_TEXT = /"kind":"[a-z_]*","sql":"/;
const LONGEST_BEFORE_TEXT = 64 * 1024;
const BYTES_FIELD = Buffer.from(',"bytes":"');

/** A long statement without its text. */
export type LongRecord = StatementRecord & { readonly long: Pick<LongText, 'furtherStatements'> };

/**
 * Reads a line in pieces, in bounded memory: the record has the beginning of its text alone, and none of
 * its bytes.
 */
export class LongLineReader {
  readonly #onText: (text: string) => void;
  readonly #onBytes: (base64: string) => void;
  readonly #scan = new TextScan();
  #place: 'before' | 'text' | 'behind' | 'bytes' | 'end' = 'before';
  #before = '';
  #beginning = '';
  #behind = '';
  #rest: Buffer = NOTHING;
  #bytes = 0;
  #isDamaged = false;

  /** @param onText gets the statement's text, piece by piece. @param onBytes gets its bytes as base64. */
  constructor(
    onText: (text: string) => void = () => undefined,
    onBytes: (base64: string) => void = () => undefined,
  ) {
    this.#onText = onText;
    this.#onBytes = onBytes;
  }

  push(piece: Buffer): void {
    this.#bytes += piece.length;
    // Behind its text a line has some flags, and no line is longer than a statement makes it.
    const isEndless = this.#bytes > LONGEST_LINE || this.#rest.length > LONGEST_BEFORE_TEXT;
    if (isEndless) this.#damage();
    let left = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    this.#rest = NOTHING;
    while (left.length > 0 && !this.#isDamaged) {
      const at = this.#read(left);
      if (at === 0) break;
      left = left.subarray(at);
    }
    this.#rest = this.#isDamaged ? NOTHING : Buffer.from(left);
  }

  #damage(): void {
    this.#isDamaged = true;
    this.#rest = NOTHING;
    this.#before = '';
    this.#beginning = '';
  }

  /** The record once the line is whole. @throws AppError `store_unusable` when it is none. */
  record(): LongRecord {
    const end = this.#isDamaged ? '' : this.#behind + this.#rest.toString('utf8');
    const text = JSON.stringify(this.#beginning);
    const record = parseStatementLine(`${this.#before}${text}${end}`);
    const { furtherStatements } = this.#scan;
    return { ...record, long: { furtherStatements } };
  }

  /** Reads on. @returns how many bytes were read; 0 when more are needed. */
  #read(bytes: Buffer): number {
    switch (this.#place) {
      case 'before': {
        const text = bytes.toString('latin1', 0, LONGEST_BEFORE_TEXT);
        const found = BEFORE_TEXT.exec(text);
        if (found === null) {
          this.#isDamaged = bytes.length > LONGEST_BEFORE_TEXT;
          return 0;
        }
        const end = found.index + found[0].length;
        this.#before = bytes.toString('utf8', 0, end - 1);
        this.#place = 'text';
        return end;
      }
      case 'text':
        return this.#text(bytes);
      case 'behind':
        if (bytes.length < BYTES_FIELD.length) return 0;
        this.#place = bytes.subarray(0, BYTES_FIELD.length).equals(BYTES_FIELD) ? 'bytes' : 'end';
        return this.#place === 'bytes' ? BYTES_FIELD.length : 0;
      case 'bytes': {
        const end = bytes.indexOf(QUOTE);
        this.#onBytes(bytes.toString('latin1', 0, end === -1 ? bytes.length : end));
        if (end === -1) return bytes.length;
        this.#place = 'end';
        return end + 1;
      }
      case 'end':
        return 0;
    }
  }

  #text(bytes: Buffer): number {
    const quote = endOfString(bytes);
    const end = quote === -1 ? wholeEnd(bytes) : quote;
    if (end > 0) {
      let text: string;
      try {
        text = String(JSON.parse(`"${bytes.toString('utf8', 0, end)}"`));
      } catch {
        this.#isDamaged = true;
        return 0;
      }
      this.#scan.push(Buffer.from(text));
      this.#onText(text);
      if (this.#beginning.length < BEGINNING) this.#beginning += text.slice(0, BEGINNING);
    }
    if (quote === -1) return end;
    this.#place = 'behind';
    return quote + 1;
  }
}

/** A text that grows, in memory that is given back at once when it has become a string. */
class GrowingText {
  #bytes = Buffer.alloc(0);
  #length = 0;

  add(text: string): void {
    const needed = this.#length + 3 * text.length;
    if (needed > this.#bytes.length) {
      const before = this.#bytes;
      this.#bytes = Buffer.allocUnsafeSlow(Math.max(needed, Math.ceil(1.5 * before.length)));
      before.copy(this.#bytes, 0, 0, this.#length);
      freeAtOnce(before);
    }
    this.#length += this.#bytes.write(text, this.#length);
  }

  take(): string {
    const text = this.#bytes.toString('utf8', 0, this.#length);
    freeAtOnce(this.#bytes);
    return text;
  }
}

/** Strings of such pieces die among the new objects; larger ones stay until all of the memory is looked through. */
const SMALL_PIECE = 32 * 1024;

/** Reads a line in pieces as a record with all of its text, which is in memory twice for a moment. */
export class WholeLineReader {
  readonly #sql = new GrowingText();
  #bytes: string | null = null;
  readonly #reader = new LongLineReader(
    (text) => this.#sql.add(text),
    (base64) => {
      this.#bytes = (this.#bytes ?? '') + base64;
    },
  );

  push(piece: Buffer): void {
    for (let at = 0; at < piece.length; at += SMALL_PIECE) {
      this.#reader.push(piece.subarray(at, at + SMALL_PIECE));
    }
  }

  /** The record once the line is whole. @throws AppError `store_unusable` when it is none. */
  record(): StatementRecord {
    const { seq, time, session, user, host, db, kind, flags } = this.#reader.record();
    return {
      ...{ seq, time, session, user, host, db, kind, sql: this.#sql.take() },
      ...(this.#bytes === null ? {} : { bytes: this.#bytes }),
      ...(flags === undefined ? {} : { flags }),
    };
  }
}

/** Where the string ends that these bytes go on with; -1 when it does not. */
function endOfString(bytes: Buffer): number {
  for (let at = bytes.indexOf(QUOTE); at !== -1; at = bytes.indexOf(QUOTE, at + 1)) {
    if (backslashesBefore(bytes, at) % 2 === 0) return at;
  }
  return -1;
}

/** Where to cut so that neither an escape nor a character is. */
function wholeEnd(bytes: Buffer): number {
  let end = bytes.length;
  const escape = bytes.lastIndexOf(BACKSLASH);
  if (
    escape !== -1 &&
    escape >= end - LONGEST_CUT_ESCAPE &&
    backslashesBefore(bytes, escape) % 2 === 0
  ) {
    const isUnicode = bytes[escape + 1] === 0x75;
    if (escape + (isUnicode ? 6 : 2) > end) end = escape;
  }
  return characterEnd(bytes, end);
}

function backslashesBefore(bytes: Buffer, at: number): number {
  let count = 0;
  while (bytes[at - count - 1] === BACKSLASH) count++;
  return count;
}
