import { knownWordAt, type KnownWord } from './keyword-positions.ts';
import { Lexer } from './lexer.ts';
import { unescaped } from './string-literals.ts';
import { wordSet } from './words.ts';

/**
 * What a token of a digest is: a value, a word without quotes, a name in quotes, an operator or other
 * symbol, an optimizer hint.
 */
export type DigestTokenKind = 'value' | 'word' | 'name' | 'symbol' | 'hint';

/** The character sets that can stand before a literal: `_latin1'…'`. */
const INTRODUCER =
  /^_(?:armscii8|ascii|big5|binary|cp(?:125[0167]|85[02]|866|932)|dec8|eucjpms|euckr|gb(?:18030|2312|k)|geostd8|greek|hebrew|hp8|keybcs2|koi8[ru]|latin[1257]|mac(?:ce|roman)|sjis|swe7|tis620|ucs2|ujis|utf(?:16|16le|32|8|8mb3|8mb4))$/i;
const TYPED = wordSet('DATE TIME TIMESTAMP');
const HINTED = wordSet('SELECT INSERT REPLACE UPDATE DELETE');
/** Operators of several characters; the longer first. */
const OPERATORS = ['<=>', '->>', '<=', '>=', '<>', '!=', '<<', '>>', '||', '&&', '->', '@@'];
/** By the code of a symbol: 1 where one of them can begin. */
const BEGINS_OPERATOR = new Uint8Array(0x80);
for (const operator of OPERATORS) BEGINS_OPERATOR[operator.charCodeAt(0)] = 1;
const AT = 0x40;
const BACKSLASH = 0x5c;

/**
 * Hands over the tokens of a text for its digest: adjacent string literals, `_latin1'…'` and `DATE '…'`
 * are one value, a hint is one token where the servers read hints; `@'a'` is a name as `` @`a` `` is, unless it is
 * the host of an account. Linear in the text.
 * @param see also gets the keyword that a `word` may be; null for what can be a name only.
 */
export function eachDigestToken(
  sql: string,
  see: (kind: DigestTokenKind, text: string, word: KnownWord | null) => void,
): void {
  const lexer = new Lexer(sql);
  /** A word that can belong to the literal behind it; empty for none. */
  let held = '';
  let heldWord: KnownWord | null = null;
  let last = '';
  let lastWord: KnownWord | null = null;
  let beforeLast = '';
  let isBehindString = false;
  let lastKind: DigestTokenKind = 'symbol';
  /** Whether the `@` that came last can begin a variable. */
  let beginsVariable = false as boolean;
  /** Behind the operator that has been handed over. */
  let operatorEnd = 0;
  while (lexer.next()) {
    const { kind, start } = lexer;
    if (kind === 'space' || start < operatorEnd) continue;
    if (kind === 'comment') {
      if (sql.startsWith('/*+', start) && HINTED.has(last.toUpperCase())) hint(lexer.text);
      continue;
    }
    const isString = kind === 'string';
    if (isString && isBehindString) continue;
    const isLiteral = isString || kind === 'hex' || kind === 'bit';
    if (held !== '') {
      const belongs = isString || (isLiteral && held.startsWith('_'));
      if (!belongs) see('word', held, heldWord);
      held = '';
    }
    if (isString && last === '@' && beginsVariable && lexer.isClosed) {
      const quote = sql.charAt(start);
      if (quote === "'" || quote === '"') {
        isBehindString = false;
        const name = unescaped(sql.slice(start + 1, lexer.end - 1), quote, 'always');
        pass('name', name.replaceAll('`', '``'));
        continue;
      }
    }
    isBehindString = isString;
    switch (kind) {
      case 'word': {
        const { text } = lexer;
        const word = knownWordAt(sql, start, lexer.end);
        if (last !== '.' && last !== '@' && canBeOfLiteral(text, word)) {
          held = text;
          heldWord = word;
          beforeLast = last;
          last = text;
          lastWord = word;
          lastKind = 'word';
        } else pass('word', text, word);
        break;
      }
      case 'name':
        if (lexer.isClosed) pass('name', sql.slice(start + 1, lexer.end - 1));
        else pass('value', '?');
        break;
      case 'symbol':
        symbol(start);
        break;
      case 'number':
        // A name in `t.1`, none in `1.2.3`.
        if (last === '.' && beforeLast !== '?') pass('name', lexer.text);
        else pass('value', '?');
        break;
      case 'string':
      case 'hex':
      case 'bit':
      case 'placeholder':
        pass('value', '?');
    }
  }
  if (held !== '') see('word', held, heldWord);

  function pass(kind: DigestTokenKind, text: string, word: KnownWord | null = null): void {
    beforeLast = last;
    last = text;
    lastWord = word;
    lastKind = kind;
    see(kind, text, word);
  }

  function symbol(start: number): void {
    const first = sql.charCodeAt(start);
    if (first === BACKSLASH && sql.charAt(start + 1) === 'N') {
      operatorEnd = start + 2;
      pass('value', '?');
      return;
    }
    if (BEGINS_OPERATOR[first] === 1) {
      const operator = OPERATORS.find((one) => sql.startsWith(one, start));
      if (operator !== undefined) {
        operatorEnd = start + operator.length;
        pass('symbol', operator);
        return;
      }
    }
    // `root@'%'` is an account, `SELECT @'a'` has a variable.
    if (first === AT) {
      beginsVariable =
        lastKind === 'symbol' ? last !== ')' : lastKind === 'word' && lastWord?.isReserved === true;
    }
    pass('symbol', lexer.text);
  }

  function hint(text: string): void {
    if (held !== '') see('word', held, heldWord);
    held = '';
    const end = text.endsWith('*/') && text.length > 4 ? text.length - 2 : text.length;
    see('hint', text.slice(3, end), null);
  }
}

function canBeOfLiteral(text: string, word: KnownWord | null): boolean {
  return word === null ? text.startsWith('_') && INTRODUCER.test(text) : TYPED.has(word.text);
}
