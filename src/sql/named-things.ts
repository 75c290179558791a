import { Lexer, type Reading } from './lexer.ts';
import { multiByteTexts } from './multi-byte-texts.ts';
import { readingsOf } from './readings.ts';

/** A name in a text, with what qualifies it in front of it: `shop.orders` has two parts. */
export interface NamedThing {
  /** As written, without quotes. */
  readonly parts: readonly string[];
  /** The word or symbol before it, in capitals. */
  readonly before: string;
  /** Whether a bracket opens behind it. */
  readonly isCalled: boolean;
}

const LOGGED_BYTE = /\\+x[89A-F][0-9A-F]/g;

/**
 * Everything in a text that can be a name, keywords among it, in every way in which the text can be read. Linear in
 * the text.
 */
export function namedIn(sql: string): NamedThing[] {
  // Where the log has a byte as \xHH, it is one of a name.
  return [sql.replace(LOGGED_BYTE, '\u00ff'), ...multiByteTexts(sql)].flatMap((text) => {
    const readings: Partial<Reading>[] = readingsOf(text);
    const all = text.includes('"')
      ? readings.flatMap((one) => [one, { ...one, isAnsi: true }])
      : readings;
    return all.flatMap((reading) => namedBy(text, reading));
  });
}

function namedBy(sql: string, reading: Partial<Reading>): NamedThing[] {
  const found: NamedThing[] = [];
  const lexer = new Lexer(sql, reading);
  let parts: string[] = [];
  /** Before the name that is read, and the last token. */
  let before = '';
  let last = '';
  const end = (next: string): void => {
    if (parts.length > 0) found.push({ parts, before, isCalled: next === '(' });
    parts = [];
  };
  while (lexer.next()) {
    const { kind } = lexer;
    if (kind === 'space' || kind === 'comment') continue;
    const isName = kind === 'word' || kind === 'name' || (kind === 'number' && last === '.');
    if (isName) {
      if (parts.length === 0 || last !== '.') {
        end('');
        before = last;
      }
      parts.push(nameOf(lexer));
      last = kind === 'word' ? lexer.text.toUpperCase() : '`';
      continue;
    }
    const text = kind === 'symbol' ? lexer.text : "'";
    if (text !== '.') end(text);
    last = text;
  }
  end('');
  return found;
}

function nameOf({ kind, text, isClosed }: Lexer): string {
  if (kind !== 'name') return text;
  const mark = text.charAt(0);
  return text.slice(1, isClosed ? -1 : undefined).replaceAll(mark + mark, mark);
}
