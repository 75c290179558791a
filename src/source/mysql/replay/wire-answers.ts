import { Malformed } from '../connection/server-errors.ts';

/** What an answer begins with, by the command that it is for. */
export type AnswerKind = 'result' | 'prepared';

/** Who is told what the server says. */
export interface AnswerTaker {
  /** An answer is complete; its values stand in the reader until the next one begins. */
  answered(): void;
  /** The server wants a file of ours. @param sequence the number that our packet has to have. */
  askedForFile(sequence: number): void;
}

const HEADER_BYTES = 4;
const LONGEST_PAYLOAD = 0xffffff;
const OK = 0x00;
const ERROR = 0xff;
const END = 0xfe;
const FILE_WANTED = 0xfb;
const LONGEST_END = 9;
/** So much of a packet is looked at: of an OK the header and three numbers; of an error its text. */
const LOOKED_AT = 32;
const LOOKED_AT_ERROR = 1024;
const IN_TRANSACTION = 1;
const MORE_RESULTS = 8;
const NO_BACKSLASH_ESCAPES = 512;

/** Where the reader is within an answer. */
const BEGINNING = 0;
const COLUMNS = 1;
const ROWS = 2;
const DESCRIPTIONS = 3;

/**
 * Reads answers off the bytes that a server sends, however they are cut, and keeps nothing of rows: they are
 * counted and passed over by the lengths in their packets' headers
 * (https://mariadb.com/kb/en/0-packet/, https://mariadb.com/kb/en/result-set-packets/). Expects the protocol
 * of 4.1 with its EOF packets, and no session tracking.
 */
export class AnswerReader {
  /** Of the answer that was read last, or is being read. 0 for none, else the server's number of the first error. */
  code = 0;
  message = '';
  rows = 0;
  changed = 0;
  statement = 0;
  placeholders = 0;
  /** null where it did not say: an error says nothing of it. */
  isInTransaction: boolean | null = null;
  /** Of the session, by the last answer that said. */
  hasBackslashEscapes = true;

  readonly #taker: AnswerTaker;
  #state = BEGINNING;
  #kind: AnswerKind = 'result';
  /** Ends of lists that are still to come of a prepared statement's description. */
  #lists = 0;
  /** Bytes of the packet in hand that are passed over. */
  #skip = 0;
  /** Whether that packet had the longest payload: the next one goes on with it. */
  #goesOn = false;
  /** The number that the next packet of this answer has; -1 for any. */
  #sequence = -1;
  /** The beginning of a packet whose rest has not come yet. */
  readonly #held = Buffer.allocUnsafe(HEADER_BYTES + LOOKED_AT_ERROR);
  #heldBytes = 0;

  constructor(taker: AnswerTaker) {
    this.#taker = taker;
  }

  /**
   * Makes ready for an answer. Each has to be announced before its first byte is pushed.
   * @param sequence the number of its first packet; -1 for any. The packets of a command and those of its answer
   *   are numbered through.
   */
  expect(kind: AnswerKind, sequence = 1): void {
    this.#kind = kind;
    this.#state = BEGINNING;
    this.#sequence = sequence;
    this.code = 0;
    this.message = '';
    this.rows = 0;
    this.changed = 0;
    this.statement = 0;
    this.placeholders = 0;
    this.isInTransaction = null;
  }

  /** @param end how many bytes of the chunk are there. @throws Malformed for what no server sends: of no more use then. */
  push(chunk: Buffer, end = chunk.length): void {
    let at = 0;
    while (at < end) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, end - at);
        this.#skip -= passed;
        at += passed;
        continue;
      }
      if (this.#heldBytes > 0) {
        at = this.#goOnWithHeld(chunk, at, end);
        continue;
      }
      const wanted = wantedOf(chunk, at, end);
      if (end - at < wanted) {
        chunk.copy(this.#held, 0, at, end);
        this.#heldBytes = end - at;
        return;
      }
      at += this.#take(chunk, at);
      if (at > end) this.#skip = at - end;
      else if (this.#state === ROWS) at = this.#passRows(chunk, at, end);
    }
  }

  /** Passes over rows that lie whole in the chunk. @returns where what is none of them begins. */
  #passRows(chunk: Buffer, from: number, end: number): number {
    let at = from;
    while (end - at > HEADER_BYTES && !this.#goesOn) {
      const length = (chunk[at] ?? 0) | ((chunk[at + 1] ?? 0) << 8) | ((chunk[at + 2] ?? 0) << 16);
      const next = at + HEADER_BYTES + length;
      const first = chunk[at + HEADER_BYTES] ?? 0;
      if (first >= END || length === 0 || length === LONGEST_PAYLOAD || next > end) return at;
      if (chunk[at + 3] !== this.#sequence) return at;
      this.#sequence = (this.#sequence + 1) & 0xff;
      this.rows++;
      at = next;
    }
    return at;
  }

  /** Adds to the beginning of a packet until it can be looked at. @returns where the chunk goes on. */
  #goOnWithHeld(chunk: Buffer, from: number, end: number): number {
    const held = this.#held;
    let at = from;
    for (;;) {
      const missing = wantedOf(held, 0, this.#heldBytes) - this.#heldBytes;
      if (missing <= 0) break;
      const added = Math.min(missing, end - at);
      if (added === 0) return at;
      chunk.copy(held, this.#heldBytes, at, at + added);
      this.#heldBytes += added;
      at += added;
    }
    const bytes = this.#heldBytes;
    this.#heldBytes = 0;
    const taken = this.#take(held, 0);
    // What was looked at is the whole of it, or the rest is passed over.
    this.#skip = taken - bytes;
    return at;
  }

  /** Takes the packet that begins there. @returns its bytes, those that are to be passed over among them. */
  #take(buffer: Buffer, at: number): number {
    const length = (buffer[at] ?? 0) | ((buffer[at + 1] ?? 0) << 8) | ((buffer[at + 2] ?? 0) << 16);
    const sequence = buffer[at + 3] ?? 0;
    const begin = at + HEADER_BYTES;
    const first = length === 0 ? -1 : (buffer[begin] ?? 0);
    if (sequence !== this.#sequence && this.#sequence !== -1 && first !== ERROR) {
      throw new Malformed('packets out of order');
    }
    this.#sequence = (sequence + 1) & 0xff;
    const isRest = this.#goesOn;
    this.#goesOn = length === LONGEST_PAYLOAD;
    if (!isRest) {
      if (first === ERROR) this.#takeError(buffer, begin, length);
      else if (this.#state === ROWS) {
        if (first === END && length < LONGEST_END) this.#endRows(buffer, begin);
        else this.rows++;
      } else if (this.#state === BEGINNING) this.#begin(buffer, begin, length, first);
      else if (first === END && length < LONGEST_END) this.#endList(buffer, begin);
    }
    return HEADER_BYTES + length;
  }

  #begin(buffer: Buffer, begin: number, length: number, first: number): void {
    if (this.#kind === 'prepared') {
      if (first !== OK || length < 9) throw new Malformed('no answer to a PREPARE');
      this.statement = buffer.readUInt32LE(begin + 1);
      const columns = buffer.readUInt16LE(begin + 5);
      this.placeholders = buffer.readUInt16LE(begin + 7);
      this.#lists = (columns > 0 ? 1 : 0) + (this.placeholders > 0 ? 1 : 0);
      if (this.#lists > 0) this.#state = DESCRIPTIONS;
      else this.#taker.answered();
    } else if (first === OK) {
      const changed = numberAt(buffer, begin + 1);
      const statusAt = changed.next + numberAt(buffer, changed.next).size;
      if (statusAt + 2 > begin + length) throw new Malformed('an OK that is too short');
      // A statement that changes nothing that can be counted says so by the largest number there is.
      if (changed.value <= Number.MAX_SAFE_INTEGER) this.changed += changed.value;
      this.#endResult(buffer.readUInt16LE(statusAt));
    } else if (first === END && length < LONGEST_END) {
      // To a COM_SET_OPTION.
      this.#endRows(buffer, begin);
    } else if (first === FILE_WANTED) {
      this.#taker.askedForFile(this.#sequence);
      this.#sequence = -1;
    } else if (first > 0) {
      this.#state = COLUMNS;
    } else {
      throw new Malformed('an empty packet');
    }
  }

  #endList(buffer: Buffer, begin: number): void {
    if (this.#state === COLUMNS) {
      this.#state = ROWS;
      return;
    }
    if (--this.#lists > 0) return;
    this.#endRows(buffer, begin);
  }

  #endRows(buffer: Buffer, begin: number): void {
    this.#endResult(buffer.readUInt16LE(begin + 3));
  }

  #endResult(status: number): void {
    this.isInTransaction = (status & IN_TRANSACTION) !== 0;
    this.hasBackslashEscapes = (status & NO_BACKSLASH_ESCAPES) === 0;
    this.#state = BEGINNING;
    // An answer may have several results, of which only the last says that none follows.
    if ((status & MORE_RESULTS) === 0) this.#taker.answered();
  }

  /** A number, perhaps `#` and five characters of state, then the text. */
  #takeError(buffer: Buffer, begin: number, length: number): void {
    if (length < 3) throw new Malformed('an error that is too short');
    const end = begin + Math.min(length, LOOKED_AT_ERROR);
    this.code = buffer.readUInt16LE(begin + 1);
    const hasState = length >= 9 && buffer[begin + 3] === 0x23;
    this.message = buffer.toString('utf8', begin + (hasState ? 9 : 3), end);
    this.isInTransaction = null;
    this.#state = BEGINNING;
    this.#taker.answered();
  }
}

/** How many bytes of the packet that begins there have to be there before it is taken. */
function wantedOf(buffer: Buffer, at: number, end: number): number {
  if (end - at < HEADER_BYTES) return HEADER_BYTES;
  const length = (buffer[at] ?? 0) | ((buffer[at + 1] ?? 0) << 8) | ((buffer[at + 2] ?? 0) << 16);
  if (length === 0) return HEADER_BYTES;
  if (end - at === HEADER_BYTES) return HEADER_BYTES + 1;
  const most = buffer[at + HEADER_BYTES] === ERROR ? LOOKED_AT_ERROR : LOOKED_AT;
  return HEADER_BYTES + Math.min(length, most);
}

interface CodedNumber {
  readonly value: number;
  readonly size: number;
  readonly next: number;
}

/** A length-encoded integer (https://mariadb.com/kb/en/protocol-data-types/#length-encoded-integers). */
function numberAt(buffer: Buffer, at: number): CodedNumber {
  const first = buffer[at] ?? 0;
  if (first < 0xfb) return { value: first, size: 1, next: at + 1 };
  if (first === 0xfc) return { value: buffer.readUInt16LE(at + 1), size: 3, next: at + 3 };
  if (first === 0xfd) return { value: buffer.readUIntLE(at + 1, 3), size: 4, next: at + 4 };
  const value = buffer.readUInt32LE(at + 1) + buffer.readUInt32LE(at + 5) * 2 ** 32;
  return { value, size: 9, next: at + 9 };
}
