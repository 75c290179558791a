import type { TableTokens } from './table-tokens.ts';

/** A place in the tokens of a text, which moves on. */
export class TableCursor {
  readonly #tokens: TableTokens;
  at = 0;

  constructor(tokens: TableTokens) {
    this.#tokens = tokens;
  }

  get length(): number {
    return this.#tokens.length;
  }

  get isEnd(): boolean {
    return this.at >= this.#tokens.length;
  }

  get word(): string {
    return this.#tokens.wordAt(this.at);
  }

  ahead(by: number): string {
    return this.#tokens.wordAt(this.at + by);
  }

  /** Passes over a word where it is the next one. */
  pass(...words: readonly string[]): boolean {
    const isThere = words.includes(this.word);
    if (isThere) this.at++;
    return isThere;
  }

  passAll(words: ReadonlySet<string>): void {
    while (words.has(this.word)) this.at++;
  }

  /** Moves behind the next of these words of this statement, in brackets or not; false for none. */
  find(...words: readonly string[]): boolean {
    while (!this.isEnd && this.word !== ';') {
      this.at++;
      if (words.includes(this.ahead(-1))) return true;
    }
    return false;
  }

  /** The name here without its dots; undefined where there is none. */
  get name(): string | undefined {
    return this.#tokens.nameAt(this.at);
  }

  /** Moves behind a name, and returns its parts. */
  parts(): string[] {
    const parts: string[] = [];
    for (;;) {
      const { name } = this;
      if (name === undefined) return parts;
      parts.push(name);
      this.at++;
      if (this.word !== '.') return parts;
      this.at++;
    }
  }
}
