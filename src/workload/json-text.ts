import { isUtf8 } from 'node:buffer';

const BACKSLASH = 0x5c;
const LOWER_U = 0x75;
const ZERO = 0x30;
/** `\\u0001`. */
const LONGEST_ESCAPE = 6;
const HEX = Buffer.from('0123456789abcdef');

/** By byte: 0 for itself, the letter behind the backslash, or `u`. */
const ESCAPES = new Uint8Array(256);
ESCAPES.fill(LOWER_U, 0, 0x20);
for (const [byte, letter] of [
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [0x22, '"'],
  [BACKSLASH, '\\'],
] as const) {
  ESCAPES[byte] = letter.charCodeAt(0);
}

/** What of a text was written as JSON: bytes read of it, and where the target is filled up to. */
export interface Escaped {
  readonly read: number;
  readonly used: number;
}

/**
 * The text as it can be escaped: itself, or what replaces bytes that are no UTF-8. Cut it between
 * characters.
 */
export function readable(text: Buffer): Buffer {
  return isUtf8(text) ? text : Buffer.from(text.toString('utf8'));
}

/**
 * Writes UTF-8 as the inside of a JSON string, byte for byte as JSON.stringify does, as far as there is
 * room. Without a string in between: 64 MiB of strings that are thrown away made the heap 40 MB larger.
 */
export function escapeInto(text: Buffer, from: number, target: Buffer, start: number): Escaped {
  const { length } = text;
  const last = target.length - LONGEST_ESCAPE;
  let read = from;
  let used = start;
  while (read < length && used <= last) {
    const byte = text[read++] ?? 0;
    const escape = ESCAPES[byte] ?? 0;
    if (escape === 0) {
      target[used++] = byte;
      continue;
    }
    target[used++] = BACKSLASH;
    target[used++] = escape;
    if (escape !== LOWER_U) continue;
    target[used++] = ZERO;
    target[used++] = ZERO;
    target[used++] = HEX[byte >> 4] ?? 0;
    target[used++] = HEX[byte & 15] ?? 0;
  }
  return { read, used };
}
