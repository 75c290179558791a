import { LONG_TEXT } from '../../../core/workloads/statements.ts';

/** Where the bytes of the packets of one chunk lie; a packet's payload begins at `start`. */
export interface PacketSpan {
  buffer: Buffer;
  start: number;
  end: number;
}

/** Is called for what the packets of a chunk hold, in their order. */
export interface PacketTaker {
  /** A packet. The span is one object, used again for each. */
  take(span: PacketSpan): void;
  /** A piece of a packet of `LONG_TEXT` bytes and more, which is never joined. */
  piece(bytes: Buffer, isLast: boolean): void;
}

const HEADER_BYTES = 4;
const LONGEST_PAYLOAD = 0xffffff;
const NOTHING = Buffer.alloc(0);

/**
 * Cuts the byte stream of a server's answer into packets
 * (https://mariadb.com/kb/en/0-packet/): three bytes of length, one of sequence, the payload; a
 * payload of 16 MiB - 1 goes on in the next packet. A packet that lies whole in a chunk is not copied,
 * and one that spans chunks is copied once, however many they are. A long one is handed on as it comes:
 * a cell can have a gigabyte.
 */
export class PacketCutter {
  #parts: Buffer[] = [];
  #partBytes = 0;
  /** Bytes that must be there before it is worth joining the parts. */
  #needed = HEADER_BYTES;
  /** Bytes that are still to come of a packet that is handed on in pieces. */
  #left = 0;
  #isLong = false;
  /** Whether that packet goes on in the next one. */
  #goesOn = false;

  push(chunk: Buffer, taker: PacketTaker): void {
    let buffer = chunk;
    if (this.#parts.length > 0) {
      this.#parts.push(chunk);
      this.#partBytes += chunk.length;
      if (this.#partBytes < this.#needed) return;
      buffer = Buffer.concat(this.#parts, this.#partBytes);
      this.#parts = [];
      this.#partBytes = 0;
    }
    const span: PacketSpan = { buffer, start: 0, end: 0 };
    const end = buffer.length;
    let at = this.#left > 0 ? this.#handOn(buffer, 0, taker) : 0;
    let needed = HEADER_BYTES;
    while (end - at >= HEADER_BYTES) {
      const length =
        (buffer[at] ?? 0) | ((buffer[at + 1] ?? 0) << 8) | ((buffer[at + 2] ?? 0) << 16);
      if (length >= LONG_TEXT || this.#isLong) {
        this.#isLong = true;
        this.#left = length;
        this.#goesOn = length === LONGEST_PAYLOAD;
        at = this.#handOn(buffer, at + HEADER_BYTES, taker);
        continue;
      }
      if (end - at < HEADER_BYTES + length) {
        needed = HEADER_BYTES + length;
        break;
      }
      span.start = at + HEADER_BYTES;
      at = span.start + length;
      span.end = at;
      taker.take(span);
    }
    if (at < end) {
      const rest = buffer.subarray(at);
      this.#parts = [rest];
      this.#partBytes = rest.length;
      this.#needed = needed;
    }
  }

  /** Hands on what is there of a long packet. @returns where it ends in the buffer. */
  #handOn(buffer: Buffer, at: number, taker: PacketTaker): number {
    const end = Math.min(at + this.#left, buffer.length);
    this.#left -= end - at;
    const isLast = this.#left === 0 && !this.#goesOn;
    if (isLast) this.#isLong = false;
    taker.piece(end === at ? NOTHING : buffer.subarray(at, end), isLast);
    return end;
  }
}

export const NULL_FIELD = 0xfb;

/**
 * Where the bytes of a length-encoded field begin, and how many there are; null for NULL
 * (https://mariadb.com/kb/en/protocol-data-types/).
 */
export function fieldAt(buffer: Buffer, at: number): { begin: number; length: number | null } {
  const first = buffer[at] ?? 0;
  if (first === NULL_FIELD) return { begin: at + 1, length: null };
  if (first < NULL_FIELD) return { begin: at + 1, length: first };
  const bytes = first === 0xfc ? 2 : first === 0xfd ? 3 : 8;
  return { begin: at + 1 + bytes, length: buffer.readUIntLE(at + 1, Math.min(bytes, 6)) };
}

/** The fields of a row of the text protocol (https://mariadb.com/kb/en/resultset-row/). */
export function textsOf({ buffer, start, end }: PacketSpan): (string | null)[] {
  const fields: (string | null)[] = [];
  for (let at = start; at < end;) {
    const { begin, length } = fieldAt(buffer, at);
    at = begin + (length ?? 0);
    fields.push(length === null ? null : buffer.toString('utf8', begin, at));
  }
  return fields;
}
