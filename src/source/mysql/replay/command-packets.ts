import type { BoundValue } from '../../../core/replays/target.ts';

/** Commands of the protocol by their number (MariaDB's and MySQL's include/mysql_com.h). */
const COM_QUIT = 0x01;
const COM_INIT_DB = 0x02;
const COM_QUERY = 0x03;
const COM_STMT_PREPARE = 0x16;
const COM_STMT_EXECUTE = 0x17;
const COM_STMT_CLOSE = 0x19;
const COM_SET_OPTION = 0x1b;
const COM_RESET_CONNECTION = 0x1f;

const HEADER_BYTES = 4;
const LONGEST_PAYLOAD = 0xffffff;

const DOUBLE = 0x05;
const LONGLONG = 0x08;
const NEWDECIMAL = 0xf6;
const VAR_STRING = 0xfd;
const UNSIGNED = 0x80;

type Text = string | Uint8Array;

export function query(text: Text): Buffer {
  return ofText(COM_QUERY, text);
}

export function prepare(text: Text): Buffer {
  return ofText(COM_STMT_PREPARE, text);
}

export function initDb(database: string): Buffer {
  return ofText(COM_INIT_DB, database);
}

export const RESET = inPackets(Buffer.from([COM_RESET_CONNECTION]));
export const QUIT = inPackets(Buffer.from([COM_QUIT]));
/** Whether a text may have several statements. */
export const SEVERAL_ON = inPackets(Buffer.from([COM_SET_OPTION, 0, 0]));
export const SEVERAL_OFF = inPackets(Buffer.from([COM_SET_OPTION, 1, 0]));

export function closeStatement(statement: number): Buffer {
  const packet = Buffer.allocUnsafe(HEADER_BYTES + 5);
  packet.writeUInt32LE(5, 0);
  packet[HEADER_BYTES] = COM_STMT_CLOSE;
  packet.writeUInt32LE(statement, HEADER_BYTES + 1);
  return packet;
}

/**
 * A COM_STMT_EXECUTE with the types of its values, without a cursor
 * (https://mariadb.com/kb/en/com_stmt_execute/). Integers that have more than 64 bits go as decimal numbers.
 */
export function execute(statement: number, values: readonly BoundValue[]): Buffer {
  const { length: count } = values;
  const parts: Buffer[] = [];
  const nulls = (count + 7) >> 3;
  // Behind the command: the statement, no cursor, one iteration.
  const fixed = Buffer.alloc(10 + (count === 0 ? 0 : nulls + 1 + 2 * count));
  fixed[0] = COM_STMT_EXECUTE;
  fixed.writeUInt32LE(statement, 1);
  fixed.writeUInt32LE(1, 6);
  parts.push(fixed);
  let typeAt = 10 + nulls + 1;
  if (count > 0) fixed[10 + nulls] = 1;
  for (let index = 0; index < count; index++) {
    const value = values[index] ?? null;
    if (value === null) {
      const at = 10 + (index >> 3);
      fixed[at] = (fixed[at] ?? 0) | (1 << (index & 7));
      fixed[typeAt] = VAR_STRING;
    } else {
      const bound = bytesOf(value);
      fixed[typeAt] = bound.type;
      if (bound.isUnsigned) fixed[typeAt + 1] = UNSIGNED;
      if (bound.length !== null) parts.push(bound.length);
      parts.push(bound.bytes);
    }
    typeAt += 2;
  }
  return inPackets(parts.length === 1 ? fixed : Buffer.concat(parts));
}

interface BoundBytes {
  readonly type: number;
  readonly isUnsigned: boolean;
  /** The length as it is coded in front of the bytes; null for those of a fixed length. */
  readonly length: Buffer | null;
  readonly bytes: Buffer;
}

const MOST_SIGNED = 2n ** 63n - 1n;
const MOST_UNSIGNED = 2n ** 64n - 1n;
/** So many digits and fewer are exact as a number of JavaScript. */
const EXACT_LENGTH = 15;

function bytesOf(value: Exclude<BoundValue, null>): BoundBytes {
  switch (value.type) {
    case 'integer':
      return integerBytes(value.text);
    case 'double': {
      const bytes = Buffer.allocUnsafe(8);
      bytes.writeDoubleLE(Number(value.text));
      return { type: DOUBLE, isUnsigned: false, length: null, bytes };
    }
    case 'text':
      return textBytes(VAR_STRING, value.text);
  }
}

function integerBytes(text: string): BoundBytes {
  const bytes = Buffer.allocUnsafe(8);
  if (text.length <= EXACT_LENGTH) {
    const number = Number(text);
    bytes.writeInt32LE(number | 0, 0);
    bytes.writeInt32LE(Math.floor(number / 2 ** 32), 4);
    return { type: LONGLONG, isUnsigned: false, length: null, bytes };
  }
  const number = BigInt(text.startsWith('+') ? text.slice(1) : text);
  if (number < -MOST_SIGNED - 1n || number > MOST_UNSIGNED) return textBytes(NEWDECIMAL, text);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, number));
  return { type: LONGLONG, isUnsigned: number > MOST_SIGNED, length: null, bytes };
}

function textBytes(type: number, text: Text): BoundBytes {
  const bytes = typeof text === 'string' ? Buffer.from(text) : asBuffer(text);
  return { type, isUnsigned: false, length: codedLength(bytes.length), bytes };
}

/** As https://mariadb.com/kb/en/protocol-data-types/#length-encoded-integers. */
function codedLength(length: number): Buffer {
  if (length < 0xfb) return Buffer.from([length]);
  const coded = Buffer.allocUnsafe(length < 0x10000 ? 3 : length < 0x1000000 ? 4 : 9);
  coded[0] = coded.length === 3 ? 0xfc : coded.length === 4 ? 0xfd : 0xfe;
  coded.writeUIntLE(length, 1, Math.min(coded.length - 1, 6));
  if (coded.length === 9) coded.writeUInt16LE(0, 7);
  return coded;
}

/** Whether a command takes several packets. */
export function isInSeveral(command: Buffer): boolean {
  return command.length >= HEADER_BYTES + LONGEST_PAYLOAD;
}

function ofText(command: number, text: Text): Buffer {
  const length = 1 + Buffer.byteLength(text);
  const whole = roomFor(length);
  const begin = whole.length - length;
  whole[begin] = command;
  if (typeof text === 'string') whole.write(text, begin + 1);
  else whole.set(text, begin + 1);
  return withHeaders(whole, length);
}

function inPackets(payload: Buffer): Buffer {
  const whole = roomFor(payload.length);
  payload.copy(whole, whole.length - payload.length);
  return withHeaders(whole, payload.length);
}

function roomFor(length: number): Buffer {
  const count = Math.floor(length / LONGEST_PAYLOAD) + 1;
  return Buffer.allocUnsafe(length + count * HEADER_BYTES);
}

/**
 * A command with the headers of its packets. One of 16 MiB less a byte and more goes in several, the last
 * of which is shorter, or empty (https://mariadb.com/kb/en/0-packet/#packet-splitting).
 * @param whole the command at its end, which is moved to where it belongs: a second copy of a long one would count.
 */
function withHeaders(whole: Buffer, length: number): Buffer {
  const first = whole.length - length;
  let at = 0;
  for (let sequence = 0, begin = 0; at < whole.length; sequence++, begin += LONGEST_PAYLOAD) {
    const payload = Math.min(LONGEST_PAYLOAD, length - begin);
    if (at + HEADER_BYTES !== first + begin) {
      whole.copyWithin(at + HEADER_BYTES, first + begin, first + begin + payload);
    }
    whole.writeUInt32LE(payload, at);
    whole[at + 3] = sequence & 0xff;
    at += HEADER_BYTES + payload;
  }
  return whole;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
