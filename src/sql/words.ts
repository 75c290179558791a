import { Lexer } from './lexer.ts';

/** The tokens of a text one by one, without white space and comments, for rules that go by words. */
export class Words {
  readonly #lexer: Lexer;
  #word = '';
  /** The token before the last one, as `next` returned it. */
  before = '';

  constructor(sql: string) {
    this.#lexer = new Lexer(sql);
  }

  /** The next token, in capitals; `'` for a string, which may be long; empty behind the last. */
  next(): string {
    this.before = this.#word;
    this.#word = '';
    while (this.#word === '' && this.#lexer.next()) {
      const { kind } = this.#lexer;
      if (kind === 'space' || kind === 'comment') continue;
      this.#word = kind === 'string' ? "'" : this.#lexer.text.toUpperCase();
    }
    return this.#word;
  }

  /** Moves on to the first of these; false when none follows. */
  find(...wanted: readonly string[]): boolean {
    while (this.next() !== '') if (wanted.includes(this.#word)) return true;
    return false;
  }

  /** The name that the last token is, without its quotes; null when it is none. */
  get name(): string | null {
    if (this.#word === '') return null;
    const { kind, text, quote, isClosed } = this.#lexer;
    if (kind === 'word') return text;
    const mark = text.charAt(0);
    if (quote === -1 || !isClosed || (mark !== '`' && mark !== '"')) return null;
    return text.slice(1, -1).replaceAll(mark + mark, mark);
  }
}

/** The words of a list with spaces between them. */
export function wordSet(list: string): ReadonlySet<string> {
  return new Set(list.split(/\s+/));
}
