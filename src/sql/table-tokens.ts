import { knownWord, knownWordAt } from './keyword-positions.ts';
import { Lexer } from './lexer.ts';

/** Stands for every name without quotes: the finder of tables asks for keywords alone. */
const NAME = 'name';
/** Stands for every name in quotes. */
const QUOTED = '`';
const LITERAL = '?';

const MOST = 50_000;

/** The words, names and symbols of a text, one beside the other: of a long one the first 50,000. */
export class TableTokens {
  /** Keywords in capitals, symbols, `?` for a literal, `` ` `` for a name in quotes, `name` for another. */
  readonly words: string[] = [];
  /** Where each begins and ends, one behind the other. */
  readonly #places: number[] = [];
  readonly #sql: string;

  /** Linear in the text. */
  constructor(sql: string) {
    this.#sql = sql;
    const lexer = new Lexer(sql);
    let before = '';
    while (this.words.length < MOST && lexer.next()) {
      const { kind, start, end } = lexer;
      if (kind === 'space' || kind === 'comment') continue;
      if (kind === 'word') {
        const isName = before === '.' || before === '@';
        before = isName ? NAME : (knownWordAt(sql, start, end)?.text ?? NAME);
      } else if (kind === 'symbol') before = lexer.text;
      else if (kind === 'name' || (kind === 'number' && before === '.')) before = QUOTED;
      else before = LITERAL;
      this.words.push(before);
      this.#places.push(start, end);
    }
  }

  /** What a token is where it is a name, without quotes; undefined for what cannot be one. */
  nameAt(at: number): string | undefined {
    const word = this.words[at];
    const start = this.#places[2 * at];
    if (word === undefined || start === undefined) return undefined;
    const text = this.#sql.slice(start, this.#places[2 * at + 1]);
    if (word === QUOTED) return unquoted(text);
    if (word === NAME) return text;
    return knownWord(text)?.isReserved === false ? text : undefined;
  }
}

/** A name in backquotes without them; or the digits that a name is without quotes. */
function unquoted(text: string): string {
  if (!text.startsWith('`')) return text;
  const lexer = new Lexer(text);
  lexer.next();
  return text.slice(1, lexer.isClosed ? -1 : undefined).replaceAll('``', '`');
}
