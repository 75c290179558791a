import { knownWord } from './keyword-positions.ts';
import { Lexer } from './lexer.ts';

/** The words, names and symbols of a text, one beside the other. */
export interface TableTokens {
  /** Keywords in capitals, symbols, `?` for a literal, `` ` `` for a name in quotes, else the word. */
  readonly words: readonly string[];
  /** What the token is where it is a name, without quotes; undefined for what cannot be one. */
  readonly names: readonly (string | undefined)[];
}

const MOST = 50_000;

/** The tokens of a text that say which tables it names; of a long one the first 50,000. */
export function readTableTokens(sql: string): TableTokens {
  const words: string[] = [];
  const names: (string | undefined)[] = [];
  const lexer = new Lexer(sql);
  while (words.length < MOST && lexer.next()) {
    const { kind } = lexer;
    if (kind === 'space' || kind === 'comment') continue;
    if (kind === 'word') {
      const { text } = lexer;
      const known = knownWord(text);
      const before = words.at(-1);
      if (known === null || before === '.' || before === '@') add(text, text);
      else add(known.text, known.isReserved ? undefined : text);
    } else if (kind === 'name') {
      add('`', lexer.text.slice(1, lexer.isClosed ? -1 : undefined).replaceAll('``', '`'));
    } else if (kind === 'symbol') add(lexer.text, undefined);
    else if (kind === 'number' && words.at(-1) === '.') add('`', lexer.text);
    else add('?', undefined);
  }
  return { words, names };

  function add(word: string, name: string | undefined): void {
    words.push(word);
    names.push(name);
  }
}
