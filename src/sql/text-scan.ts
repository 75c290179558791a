import { Lexer, type Token, type TokenKind } from './lexer.ts';

/**
 * Looks once through a text that comes in pieces, in the reading in which a backslash escapes: what
 * `Lexer` says of the whole text, however it is cut. 2 to 7 ns a byte.
 */
export class TextScan {
  /** Whether there is a `?` outside of literals, quoted names and comments. */
  hasPlaceholder = false;
  /** Statements behind the first one: how often code follows a `;`. */
  furtherStatements = 0;

  /** A `;` was passed, and no code since. */
  #isBetween = false;
  /** What has the next piece read as it would be behind this one; and the comments with code around it. */
  #rest = '';
  #depth = 0;

  push(bytes: Buffer): void {
    // One character a byte: what is looked for is ASCII.
    const text = this.#rest + bytes.toString('latin1');
    const lexer = new Lexer(text);
    lexer.depth = this.#depth;
    this.#rest = '';
    for (; lexer.next(); this.#depth = lexer.depth) {
      if (lexer.end === text.length) {
        this.#rest = restOf(lexer, text);
        // The next piece says what it is.
        if (this.#rest === lexer.text) return;
      }
      this.#see(lexer.kind, text.charCodeAt(lexer.start) === SEMICOLON);
    }
  }

  #see(kind: TokenKind, isSemicolon: boolean): void {
    if (kind === 'space' || kind === 'comment') return;
    if (kind === 'placeholder') this.hasPlaceholder = true;
    if (this.#isBetween && !isSemicolon) this.furtherStatements++;
    this.#isBetween = isSemicolon;
  }
}

const SEMICOLON = 0x3b;

/** Of the last token of a piece: what it goes on with, in a few characters, where it may go on. */
export function restOf(token: Token, text: string): string {
  const { kind, start, end, quote, isClosed } = token;
  if (!isClosed) {
    return text.charAt(quote) + (kind === 'name' ? '' : escapeAtEnd(text, quote + 1));
  }
  if (kind === 'comment' && text.startsWith('/*', start)) {
    // `/*M` may become the mark of code.
    if (end - start <= '/*M'.length) return text.slice(start);
    if (end - start >= '/**/'.length && text.endsWith('*/')) return '';
    return text.endsWith('*') ? '/* *' : '/* ';
  }
  if (kind === 'comment') {
    if (text.endsWith('\n')) return '';
    return end - start === '--'.length && !text.startsWith('#', start) ? '--' : '#';
  }
  const isPart = kind === 'symbol' ? /^[-/*]$/ : /^\/\*/;
  return isPart.test(text.slice(start, start + 2)) ? text.slice(start) : '';
}

/** The backslash at the end of a piece that escapes the first character of the next; empty for none. */
function escapeAtEnd(text: string, from: number): string {
  let at = text.length;
  while (at > from && text.charAt(at - 1) === '\\') at--;
  return (text.length - at) % 2 === 1 ? '\\' : '';
}
