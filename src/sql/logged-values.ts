import type { BoundValue } from '../core/replays/target.ts';
import type { Escapes } from './lexer.ts';
import { ANY_LOGGED_BYTE, isLoggedByte, LOGGED_BYTE_LENGTH } from './lexer.ts';

// How servers log the values of an execute, asked of MariaDB 10.11.18 and 11.8.9, MySQL 9.7.4 and 5.6.24 with values
// of every type of the binary protocol, bound by hand:
// - integers and decimal numbers as they are (`-1`, `18446744073709551615`, `123.450`); a double as the shortest
//   text that has its value (`42`, `0.1`, `1e20`), a float as the double that it is, NaN and infinities as 0;
// - strings, blobs and JSON as `'…'` with `\0 \n \r \Z \' \" \\`, a tab as it is; in sessions with
//   NO_BACKSLASH_ESCAPES only quotes are escaped, by doubling; in gbk, sjis and their like `X'E927'` (MariaDB) and
//   `0xE927` (MySQL); other bytes raw, which a record has as `\xFF`, escaped once more (`\\xFF`) on MariaDB;
// - dates and times as `DATE'…'`, `TIMESTAMP'…'`, `TIME'…'` on MariaDB, as `'…'` with microseconds on MySQL 9.7,
//   without on 5.6;
// - NULL. What the server cannot convert (MariaDB: YEAR, BIT, INT24 by those who send it) is NULL as well.
// A text of 1 MB was whole, and data that was sent ahead (COM_STMT_SEND_LONG_DATA) stands in its place.

/** A value of a logged execute, and where it ends. */
export interface LoggedValue {
  readonly value: BoundValue;
  readonly end: number;
}

const NUMBER = /[-+]?(?:\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?/iy;
const NULL = /NULL\b/y;
const TEMPORAL = /(?:DATE|TIMESTAMP|TIME)(?=')/y;
const HEX = /X'([0-9A-F]*)'|0x([0-9A-F]+)/iy;

/**
 * The value that a server logged at a place of a text; null for what is none.
 * @param hasLoggedBytes whether `\xFF` in the text stands for a byte.
 */
export function loggedValueAt(
  sql: string,
  start: number,
  escapes: Escapes,
  hasLoggedBytes: boolean,
): LoggedValue | null {
  const first = sql.charAt(start);
  if (first === "'") return stringAt(sql, start, escapes, hasLoggedBytes);
  if (first === 'N') {
    return matches(NULL, sql, start) ? { value: null, end: start + 'NULL'.length } : null;
  }
  if (first === 'D' || first === 'T') {
    return matches(TEMPORAL, sql, start)
      ? stringAt(sql, TEMPORAL.lastIndex, escapes, hasLoggedBytes)
      : null;
  }
  HEX.lastIndex = start;
  const hex = HEX.exec(sql);
  if (hex !== null) {
    const text = Buffer.from(hex[1] ?? hex[2] ?? '', 'hex');
    return { value: { type: 'text', text }, end: HEX.lastIndex };
  }
  NUMBER.lastIndex = start;
  const number = NUMBER.exec(sql);
  if (number === null) return null;
  return { value: numberOf(number), end: NUMBER.lastIndex };
}

/** A number with a point can be a decimal one: as a double only where that is the same number. */
function numberOf([text, fraction, exponent]: RegExpExecArray): BoundValue {
  if (fraction === undefined && exponent === undefined && !text.includes('.')) {
    return { type: 'integer', text };
  }
  const isDouble = exponent !== undefined || String(Number(text)) === text;
  return { type: isDouble ? 'double' : 'text', text };
}

function stringAt(
  sql: string,
  quote: number,
  escapes: Escapes,
  hasLoggedBytes: boolean,
): LoggedValue | null {
  const end = escapes === 'never' ? endOfDoubled(sql, quote) : endOfEscaped(sql, quote);
  if (end === -1) return null;
  const text = sql.slice(quote + 1, end - 1);
  if (escapes === 'never') {
    return { value: { type: 'text', text: text.replaceAll("''", "'") }, end };
  }
  return {
    value: { type: 'text', text: text.includes('\\') ? unescaped(text, hasLoggedBytes) : text },
    end,
  };
}

/** A literal in which a backslash escapes: a server never doubles a quote there. */
function endOfEscaped(sql: string, quote: number): number {
  for (let at = quote + 1; ;) {
    const end = sql.indexOf("'", at);
    if (end === -1) return -1;
    let before = end;
    while (before > quote + 1 && sql.charAt(before - 1) === '\\') before--;
    if ((end - before) % 2 === 0) return end + 1;
    at = end + 1;
  }
}

function endOfDoubled(sql: string, quote: number): number {
  for (let at = quote + 1; ;) {
    const end = sql.indexOf("'", at);
    if (end === -1) return -1;
    if (sql.charAt(end + 1) !== "'") return end + 1;
    at = end + 2;
  }
}

/** Also before a byte that begins no character. */
const ESCAPE = /\\([^])/g;
const MEANINGS: Readonly<Record<string, string>> = { '0': '\0', n: '\n', r: '\r', Z: '\x1a' };
const ESCAPED_BYTE = /^\\\\x[89A-F][0-9A-F]/;

/** The value between the quotes, as a string or, where bytes were logged as `\xFF`, in bytes. */
function unescaped(text: string, hasLoggedBytes: boolean): string | Uint8Array {
  if (!hasLoggedBytes || !ANY_LOGGED_BYTE.test(text)) {
    return text.replaceAll(ESCAPE, (_whole, letter: string) => MEANINGS[letter] ?? letter);
  }
  const pieces: Uint8Array[] = [];
  let plain = '';
  for (let i = 0; i < text.length; i++) {
    const isByte = isLoggedByte(text, i);
    if (isByte || (text.charAt(i) === '\\' && ESCAPED_BYTE.test(text.slice(i, i + 5)))) {
      const start = isByte ? i : i + 1;
      pieces.push(Buffer.from(plain));
      plain = '';
      i = start + LOGGED_BYTE_LENGTH - 1;
      pieces.push(Uint8Array.of(Number.parseInt(text.slice(i - 1, i + 1), 16)));
    } else if (text.charAt(i) === '\\') {
      i++;
      const letter = text.charAt(i);
      plain += MEANINGS[letter] ?? letter;
    } else plain += text.charAt(i);
  }
  pieces.push(Buffer.from(plain));
  return Buffer.concat(pieces);
}

function matches(what: RegExp, sql: string, start: number): boolean {
  what.lastIndex = start;
  return what.test(sql);
}
