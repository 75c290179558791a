/** What a text can begin with before its first word: white space, and the marks of comments. */
const BEFORE_WORD = ' \t\n\r/#-';
const LETTER = 1;
const BEFORE = 2;

/**
 * Tells cheaply of most texts that no statement in them begins with one of some words: asked of every
 * statement, by its first letter. A comment or white space may come first, and a word may stand behind
 * a `;`.
 */
export class FirstWords {
  /** What a text's first character can be here. A table: a Set takes 15 ns more a statement. */
  readonly #beginnings = new Uint8Array(0x80);
  readonly #first: RegExp;
  readonly #any: RegExp;

  /** @param words in small letters. */
  constructor(...words: readonly string[]) {
    for (const word of words) {
      const code = word.charCodeAt(0);
      this.#beginnings[code] = LETTER;
      this.#beginnings[code & ~0x20] = LETTER;
    }
    for (const character of BEFORE_WORD) this.#beginnings[character.charCodeAt(0)] = BEFORE;
    this.#first = new RegExp(`^(?:${words.join('|')})\\b`, 'i');
    this.#any = new RegExp(`\\b(?:${words.join('|')})\\b`, 'i');
  }

  mayBeIn(sql: string): boolean {
    const beginning = this.#beginnings[sql.charCodeAt(0)];
    if (beginning === BEFORE) return this.#any.test(sql);
    if (beginning === LETTER && this.#first.test(sql)) return true;
    const semicolon = sql.indexOf(';');
    return semicolon !== -1 && semicolon < sql.length - 1 && this.#any.test(sql);
  }
}
