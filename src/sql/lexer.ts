/**
 * What a piece of a statement's text is:
 * - `space`: white space, and the marks of a comment that holds code (`/*!50700`, its end);
 * - `comment`: a comment, optimizer hints among them;
 * - `word`: a keyword, or a name without quotes; `name`: a name in backquotes;
 * - `string`: `'…'`, `"…"`, `N'…'`; `hex`: `0x…`, `x'…'`; `bit`: `0b…`, `b'…'`; `number`: without its sign;
 * - `placeholder`: `?`; `symbol`: one other character, or `:=`.
 */
export type TokenKind =
  | 'space'
  | 'comment'
  | 'word'
  | 'name'
  | 'string'
  | 'hex'
  | 'bit'
  | 'number'
  | 'placeholder'
  | 'symbol';

/**
 * Where a backslash escapes the character behind it: everywhere in a literal; nowhere
 * (`NO_BACKSLASH_ESCAPES`); everywhere but behind a byte of 0x80 and more, which in Shift-JIS and GBK
 * it can be the second half of. A text alone does not say which holds.
 */
export type Escapes = 'always' | 'never' | 'not-after-high';

const BACKSLASH = 0x5c;

/** Whether the server runs what stands in a comment that begins so: `/*!80016`, `/*M!100616`, `/*!`. */
export type RunsComment = (mark: string) => boolean;

/** How a text is to be read, as far as the text itself does not tell. */
export interface Reading {
  readonly escapes: Escapes;
  readonly runs: RunsComment;
  /** Whether double quotes hold a name, in which nothing escapes (`ANSI_QUOTES`). */
  readonly isAnsi: boolean;
}

export const runsEvery: RunsComment = () => true;

/** A token of a text, as `Lexer` and `eachSignificant` hand it out. */
export interface Token {
  readonly kind: TokenKind;
  readonly start: number;
  readonly end: number;
  readonly quote: number;
  readonly isClosed: boolean;
}

/**
 * Cuts a text into tokens that leave nothing out, as the servers do: any control character and a
 * no-break space (0xA0 is white space in latin1) part words, and two dashes begin a comment before
 * them. A cursor rather than a list: a statement may have megabytes. Linear in the text.
 */
export class Lexer implements Token {
  readonly #sql: string;
  readonly #escapes: Escapes;
  readonly #runs: RunsComment;
  readonly #isAnsi: boolean;

  /** How many comments that hold code are open behind the token. */
  depth = 0;
  kind: TokenKind = 'space';
  start = 0;
  end = 0;
  /** Where the opening quote of a string, name, hex or bit literal stands; -1 without one. */
  quote = -1;
  /** False for a literal or name whose closing quote is missing. */
  isClosed = true;

  /** @param from where the first token begins. */
  constructor(
    sql: string,
    { escapes = 'always', runs = runsEvery, isAnsi = false }: Partial<Reading> = {},
    from = 0,
  ) {
    this.end = from;
    this.#sql = sql;
    this.#escapes = escapes;
    this.#runs = runs;
    this.#isAnsi = isAnsi;
  }

  /** Moves to the next token; false behind the last. */
  next(): boolean {
    const sql = this.#sql;
    const start = this.end;
    if (start >= sql.length) return false;
    this.start = start;
    this.quote = -1;
    this.isClosed = true;
    const code = sql.charCodeAt(start);
    // First what there is most of.
    if (isWordCode(code) && !isDigit(code)) return this.#word(start, code);
    if (isSpaceCode(code)) return this.#is('space', endOfSpace(sql, start));
    if (code === BACKSLASH && isLoggedByte(sql, start)) {
      const isSpace = sql.startsWith(LOGGED_SPACE, start);
      return isSpace
        ? this.#is('space', endOfSpace(sql, start))
        : this.#is('word', endOfWord(sql, start));
    }
    if (isDigit(code)) return this.#number(start);
    switch (code) {
      case 0x27: // '
        return this.#quoted('string', start);
      case 0x22: // "
        return this.#quoted(this.#isAnsi ? 'name' : 'string', start);
      case 0x60: // `
        return this.#quoted('name', start);
      case 0x3f: // ?
        return this.#is('placeholder', start + 1);
      case 0x2e: // .
        if (isDigit(sql.charCodeAt(start + 1)) && !isWordCode(sql.charCodeAt(start - 1))) {
          return this.#is('number', endOfExponent(sql, endOfDigits(sql, start + 1)));
        }
        return this.#is('symbol', start + 1);
      case 0x3a: // :
        return this.#is('symbol', sql.charCodeAt(start + 1) === 0x3d ? start + 2 : start + 1);
      case 0x2a: // * of the end of a comment that holds code
        if (this.depth > 0 && sql.charCodeAt(start + 1) === 0x2f) {
          this.depth--;
          return this.#is('space', start + 2);
        }
        return this.#is('symbol', start + 1);
      case 0x23: // #
      case 0x2d: // -
      case 0x2f: // /
        return this.#commentOrSymbol(start);
      default:
        return this.#is('symbol', start + 1);
    }
  }

  /** The token's text. */
  get text(): string {
    return this.#sql.slice(this.start, this.end);
  }

  #is(kind: TokenKind, end: number): true {
    this.kind = kind;
    this.end = end;
    return true;
  }

  #commentOrSymbol(start: number): true {
    const sql = this.#sql;
    const end = endOfComment(sql, start);
    if (end !== start) return this.#is('comment', end);
    const [mark] = EXECUTABLE.exec(sql.slice(start, start + 10)) ?? [];
    if (mark === undefined) return this.#is('symbol', start + 1);
    if (!this.#runs(mark)) return this.#is('comment', endOfSkipped(sql, start + 2));
    this.depth++;
    return this.#is('space', start + mark.length);
  }

  #word(start: number, code: number): true {
    const sql = this.#sql;
    if (sql.charCodeAt(start + 1) === 0x27) {
      const prefix = code | 0x20;
      if (prefix === 0x6e) return this.#quoted('string', start + 1);
      if (prefix === 0x78) return this.#quoted('hex', start + 1);
      if (prefix === 0x62) return this.#quoted('bit', start + 1);
    }
    return this.#is('word', endOfWord(sql, start));
  }

  #number(start: number): true {
    const sql = this.#sql;
    const end = endOfDigits(sql, start);
    const code = sql.charCodeAt(end);
    if (code === 0x2e) return this.#is('number', endOfExponent(sql, endOfDigits(sql, end + 1)));
    if (!isWordCode(code)) return this.#is('number', end);
    const exponent = endOfExponent(sql, end);
    if (exponent !== end && !isWordCode(sql.charCodeAt(exponent))) {
      return this.#is('number', exponent);
    }
    const wordEnd = endOfWord(sql, start);
    // A name may begin with digits; 0x and 0b are small letters only, in MySQL too.
    if (end === start + 1 && sql.charCodeAt(start) === 0x30) {
      const prefix = code | 0x20;
      if (prefix === 0x78 && isHex(sql, end + 1, wordEnd)) return this.#is('hex', wordEnd);
      if (prefix === 0x62 && isBits(sql, end + 1, wordEnd)) return this.#is('bit', wordEnd);
    }
    return this.#is('word', wordEnd);
  }

  #quoted(kind: TokenKind, quote: number): true {
    this.quote = quote;
    const end = endOfQuoted(this.#sql, quote, kind === 'name' ? 'never' : this.#escapes);
    this.isClosed = end !== -1;
    return this.#is(kind, end === -1 ? this.#sql.length : end);
  }
}

/** Where the comment that begins at `start` ends, or `start` when none begins there. */
export function endOfComment(sql: string, start: number): number {
  const character = sql.charAt(start);
  if (character === '#') return endOfLine(sql, start);
  if (character === '-' && sql.charAt(start + 1) === '-') {
    // The servers want a space or control character behind the dashes: `5--3` is 8.
    const isComment = /^(?:[\0- \x7f\xa0]|\\xA0|$)/.test(sql.slice(start + 2, start + 6));
    return isComment ? endOfLine(sql, start) : start;
  }
  if (character === '/' && sql.charAt(start + 1) === '*') {
    // `/*! … */` and `/*M! … */` hold code that the server runs.
    if (/^M?!/.test(sql.slice(start + 2, start + 4))) return start;
    const end = sql.indexOf('*/', start + 2);
    return end === -1 ? sql.length : end + 2;
  }
  return start;
}

function endOfLine(sql: string, start: number): number {
  const end = sql.indexOf('\n', start);
  return end === -1 ? sql.length : end + 1;
}

/** The mark of a comment that holds code, with its version: five or six digits. */
const EXECUTABLE = /^\/\*M?!(?:\d{5,6})?/;

/**
 * Behind a comment with code that the server does not run: another comment may stand in it.
 * (`consume_comment` in sql_lex.cc of both servers.)
 */
function endOfSkipped(sql: string, start: number): number {
  for (let i = start; ;) {
    const end = sql.indexOf('*/', i);
    if (end === -1) return sql.length;
    const inner = sql.indexOf('/*', i);
    if (inner === -1 || inner > end) return end + 2;
    const innerEnd = sql.indexOf('*/', inner + 2);
    if (innerEnd === -1) return sql.length;
    i = innerEnd + 2;
  }
}

/** Behind the closing quote; -1 when there is none. */
function endOfQuoted(sql: string, start: number, escapes: Escapes): number {
  const quote = sql.charCodeAt(start);
  const { length } = sql;
  for (let i = start + 1; i < length; i++) {
    const code = sql.charCodeAt(i);
    if (code === quote) {
      if (sql.charCodeAt(i + 1) !== quote) return i + 1;
      i++;
    } else if (code === BACKSLASH && escapes !== 'never') {
      if (escapes === 'always' || sql.charCodeAt(i - 1) < 0x80) i++;
    }
  }
  return -1;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

const NO_BREAK_SPACE = 0xa0;

/** Which ASCII characters can be of a name without quotes: 1 for letters, digits, `_` and `$`. */
const IS_WORD = new Uint8Array(0x80);
for (const character of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$') {
  IS_WORD[character.charCodeAt(0)] = 1;
}

/** Of a name without quotes; beyond ASCII, everything. */
function isWordCode(code: number): boolean {
  return code < 0x80 ? IS_WORD[code] === 1 : code !== NO_BREAK_SPACE && code >= 0x80;
}

/**
 * MariaDB logs a byte that is not valid in the log's character set, as of a session in latin1, as the
 * text `\xA0`; nothing else begins with a backslash outside of literals but `\N`.
 */
const LOGGED_SPACE = '\\xA0';
const LOGGED_BYTE = /\\x[89A-F][0-9A-F]/y;
/** Finds such a byte anywhere. */
export const ANY_LOGGED_BYTE = /\\x[89A-F][0-9A-F]/;
export const LOGGED_BYTE_LENGTH = 4;

/** Whether a byte stands here as MariaDB logs one that is not valid: `\\xE9`. */
export function isLoggedByte(sql: string, start: number): boolean {
  LOGGED_BYTE.lastIndex = start;
  return LOGGED_BYTE.test(sql);
}

/** What parts words. The servers refuse most control characters, and log the statement. */
function isSpaceCode(code: number): boolean {
  return code <= 0x20 || code === NO_BREAK_SPACE;
}

function endOfSpace(sql: string, start: number): number {
  for (let i = start; ;) {
    while (i < sql.length && isSpaceCode(sql.charCodeAt(i))) i++;
    if (sql.charCodeAt(i) !== BACKSLASH || !sql.startsWith(LOGGED_SPACE, i)) return i;
    i += LOGGED_BYTE_LENGTH;
  }
}

function endOfWord(sql: string, start: number): number {
  for (let i = start; ;) {
    while (i < sql.length && isWordCode(sql.charCodeAt(i))) i++;
    const isLetter = sql.charCodeAt(i) === BACKSLASH && !sql.startsWith(LOGGED_SPACE, i);
    if (!isLetter || !isLoggedByte(sql, i)) return i;
    i += LOGGED_BYTE_LENGTH;
  }
}

function endOfDigits(sql: string, start: number): number {
  let i = start;
  while (isDigit(sql.charCodeAt(i))) i++;
  return i;
}

/** Behind `e+10`; `start` when there is no exponent. */
function endOfExponent(sql: string, start: number): number {
  if ((sql.charCodeAt(start) | 0x20) !== 0x65) return start;
  const sign = sql.charCodeAt(start + 1);
  const digits = sign === 0x2b || sign === 0x2d ? start + 2 : start + 1;
  const end = endOfDigits(sql, digits);
  return end === digits ? start : end;
}

function isHex(sql: string, start: number, end: number): boolean {
  return end > start && /^[0-9a-f]+$/i.test(sql.slice(start, end));
}

function isBits(sql: string, start: number, end: number): boolean {
  return end > start && /^[01]+$/.test(sql.slice(start, end));
}

/**
 * Hands over the tokens of a text but white space, and with each the one behind it that is no
 * comment: null behind the last.
 */
export function eachSignificant(
  sql: string,
  reading: Partial<Reading>,
  see: (token: Token, next: Token | null) => void,
): void {
  const lexer = new Lexer(sql, reading);
  let token: Token | null = null;
  let comments: Token[] = [];
  while (lexer.next()) {
    const { kind, start, end, quote, isClosed } = lexer;
    if (kind === 'space') continue;
    const next: Token = { kind, start, end, quote, isClosed };
    if (kind === 'comment') {
      comments.push(next);
      continue;
    }
    pass(next);
    token = next;
  }
  pass(null);

  function pass(next: Token | null): void {
    if (token !== null) see(token, next);
    if (comments.length === 0) return;
    for (const comment of comments) see(comment, next);
    comments = [];
  }
}
