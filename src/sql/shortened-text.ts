import { Lexer, type Token } from './lexer.ts';
import { restOf } from './text-scan.ts';

/** In characters: beyond it what comes is left out but for its end. */
const LONGEST_BEGINNING = 2 * 1024 * 1024;
const LONGEST_END = 64 * 1024;
/** Of a token that goes on in the next piece. */
const LONGEST_REST = 64 * 1024;
const LONGEST_LITERAL = 8;
const LONGEST_NUMBER = 20;
/** Of `0x…`: an even number of digits. */
const SHORT_HEX = 4;
const LONGEST_HINT = 4 * 1024;
/** What parts words and is nothing. */
const NOTHING = '/**/';
const CUT_MARK = /\/\*M?!\d{0,6}$/;
const LONGEST_MARK = 16;
const BETWEEN_ROWS = /\) ?, ?\(/g;

/**
 * Makes of a text that comes in pieces, of any length, one of two megabytes at most that has the same
 * digest: long literals are short ones, comments are gone. Of an INSERT of so many rows that this is too
 * much, rows in its middle are left out.
 */
export class ShortenedText {
  #beginning: string[] = [];
  #length = 0;
  #end = '';
  #isCut = false;
  #rest = '';
  #depth = 0;

  /** What comes next. */
  push(piece: string): void {
    const text = this.#rest + piece;
    // The digits of a mark belong to it: `/*!5` and `0700`.
    const [mark = ''] = CUT_MARK.exec(text.slice(-LONGEST_MARK)) ?? [];
    this.#read(text.slice(0, text.length - mark.length), false);
    this.#rest += mark;
  }

  /** The text; nothing may be pushed any more. */
  text(): string {
    this.#read(this.#rest, true);
    let beginning = this.#beginning.join('');
    let end = this.#end;
    if (this.#isCut) {
      const tail = beginning.slice(-LONGEST_END);
      const last = Array.from(tail.matchAll(BETWEEN_ROWS)).at(-1);
      const next = end.search(BETWEEN_ROWS);
      if (last !== undefined && next !== -1) {
        beginning = beginning.slice(0, beginning.length - tail.length + last.index + 1);
        end = end.slice(next + 1);
      }
    }
    return beginning + end;
  }

  #read(text: string, isLast: boolean): void {
    const lexer = new Lexer(text);
    lexer.depth = this.#depth;
    this.#rest = '';
    for (; lexer.next(); this.#depth = lexer.depth) {
      if (lexer.end === text.length && !isLast) {
        const goesOn = this.#keepRest(lexer, text);
        if (goesOn) return;
      }
      this.#add(shortened(lexer, text));
    }
  }

  /** Of the last token of a piece, keeps what the next piece is read behind. @returns whether that is all. */
  #keepRest(token: Token, text: string): boolean {
    const { kind, start, end, quote, isClosed } = token;
    const length = end - start;
    const isLong = length > (kind === 'comment' ? LONGEST_HINT : LONGEST_REST);
    const isLiteral = kind === 'string' || kind === 'hex' || kind === 'bit';
    if (isLong && kind === 'number') this.#rest = '1.5e1';
    else if (isLong && isLiteral && quote === -1) this.#rest = text.slice(start, start + SHORT_HEX);
    else if ((isLiteral && quote !== -1) || (isLong && kind === 'comment')) {
      const rest = restOf(token, text);
      this.#rest = rest === '' || quote === -1 ? rest : text.slice(start, quote) + rest;
    } else if (!isLong) this.#rest = text.slice(start);
    return this.#rest !== '' && (!isClosed || kind !== 'comment' || !isLong);
  }

  #add(part: string): void {
    if (this.#length < LONGEST_BEGINNING) {
      this.#beginning.push(part);
      this.#length += part.length;
      if (this.#beginning.length > 10_000) this.#beginning = [this.#beginning.join('')];
      return;
    }
    this.#end += part;
    if (this.#end.length <= 2 * LONGEST_END) return;
    this.#isCut = true;
    this.#end = this.#end.slice(-LONGEST_END);
  }
}

function shortened({ kind, start, end, quote, isClosed }: Token, text: string): string {
  const length = end - start;
  switch (kind) {
    case 'space':
      // The mark of a comment: two dashes before it would begin one before a blank.
      return text.charCodeAt(start) > 0x20 ? NOTHING : ' ';
    case 'comment':
      return text.startsWith('/*+', start) && length <= LONGEST_HINT
        ? text.slice(start, end)
        : NOTHING;
    case 'string':
    case 'hex':
    case 'bit':
      if (length <= LONGEST_LITERAL || !isClosed) return text.slice(start, end);
      return quote === -1 ? '0x00' : `${text.slice(start, quote + 1)}00${text.charAt(quote)}`;
    case 'number':
      return length <= LONGEST_NUMBER ? text.slice(start, end) : '1.5e1';
    case 'name':
    case 'placeholder':
    case 'symbol':
    case 'word':
      return text.slice(start, end);
  }
}
