import type { TableTokens } from './table-tokens.ts';

/** A place in the tokens of a text, which moves on. */
export class TableCursor {
  readonly #words: readonly string[];
  readonly #names: readonly (string | undefined)[];
  at = 0;

  constructor({ words, names }: TableTokens) {
    this.#words = words;
    this.#names = names;
  }

  get length(): number {
    return this.#words.length;
  }

  get isEnd(): boolean {
    return this.at >= this.#words.length;
  }

  get word(): string {
    return this.#words[this.at] ?? '';
  }

  ahead(by: number): string {
    return this.#words[this.at + by] ?? '';
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
    return this.#names[this.at];
  }

  /** Moves behind a name, and returns its parts. */
  parts(): string[] {
    const parts: string[] = [];
    for (;;) {
      if (this.name === undefined) return parts;
      parts.push(this.name);
      this.at++;
      if (this.word !== '.') return parts;
      this.at++;
    }
  }
}
