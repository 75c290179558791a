import { knownWord, knownWordAt } from './keyword-positions.ts';
import { Lexer, type Reading } from './lexer.ts';

/** Stands for every name without quotes: the finder of tables asks for keywords alone. */
const NAME = 'name';
/** Stands for every name in quotes. */
const QUOTED = '`';
const LITERAL = '?';

const MOST = 50_000;
/** Of the text that is looked at now: with new arrays for each there was twice as much garbage. */
const shared: { readonly words: string[]; readonly places: number[] } = { words: [], places: [] };

/**
 * The words, names and symbols of a text, one beside the other: of a long one the first 50,000. Those of one
 * text at a time: the next takes their place.
 */
export class TableTokens {
  readonly #words = shared.words;
  /** Where each begins and ends, one behind the other. */
  readonly #places = shared.places;
  readonly #sql: string;
  readonly length: number;

  /** Linear in the text. */
  constructor(sql: string, reading: Partial<Reading> = {}) {
    this.#sql = sql;
    const lexer = new Lexer(sql, reading);
    let before = '';
    let count = 0;
    while (count < MOST && lexer.next()) {
      const { kind, start, end } = lexer;
      if (kind === 'space' || kind === 'comment') continue;
      if (kind === 'word') {
        const isName = before === '.' || before === '@';
        before = isName ? NAME : (knownWordAt(sql, start, end)?.text ?? NAME);
      } else if (kind === 'symbol') before = lexer.text;
      else if (kind === 'name' || (kind === 'number' && before === '.')) before = QUOTED;
      else before = LITERAL;
      this.#words[count] = before;
      this.#places[2 * count] = start;
      this.#places[2 * count + 1] = end;
      count++;
    }
    this.length = count;
  }

  /** Keywords in capitals, symbols, `?` for a literal, `` ` `` for a name in quotes, `name` for another. */
  wordAt(at: number): string {
    return at >= 0 && at < this.length ? (this.#words[at] ?? '') : '';
  }

  /** What a token is where it is a name, without quotes; undefined for what cannot be one. */
  nameAt(at: number): string | undefined {
    const word = this.wordAt(at);
    if (word === '') return undefined;
    const text = this.#sql.slice(this.#places[2 * at], this.#places[2 * at + 1]);
    if (word === QUOTED) return unquoted(text);
    if (word === NAME) return text;
    return knownWord(text)?.isReserved === false ? text : undefined;
  }
}

/** A name in backquotes (or double quotes) without them; or the digits that a name is without quotes. */
function unquoted(text: string): string {
  const mark = text.charAt(0);
  if (mark !== '`' && mark !== '"') return text;
  const lexer = new Lexer(text, { isAnsi: true });
  lexer.next();
  return text.slice(1, lexer.isClosed ? -1 : undefined).replaceAll(mark + mark, mark);
}
