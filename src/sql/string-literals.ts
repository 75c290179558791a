import { isLoggedByte, type Escapes } from './lexer.ts';

/** The value of a string literal's text between its quotes. */
export function unescaped(text: string, quote: string, escapes: Escapes): string {
  let value = text.includes(quote + quote) || text.includes('\\') ? '' : text;
  if (value === text) return text;
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i);
    if (character === quote) {
      value += quote;
      i++;
    } else if (character === '\\' && isLoggedByte(text, i)) {
      value += character;
    } else if (
      character === '\\' &&
      (escapes === 'always' || (escapes === 'not-after-high' && !(text.charCodeAt(i - 1) >= 0x80)))
    ) {
      i++;
      const next = text.charAt(i);
      value += ESCAPED[next] ?? next;
    } else {
      value += character;
    }
  }
  return value;
}

const ESCAPED: Readonly<Record<string, string>> = {
  '0': '\0',
  b: '\b',
  n: '\n',
  r: '\r',
  t: '\t',
  Z: '\x1a',
  // Kept by the server until LIKE reads them.
  '%': '\\%',
  _: '\\_',
};

/** A string literal of `value`, that reads the same wherever `unescaped(…, escapes)` was right. */
export function quoted(value: string, quote: string, escapes: Escapes): string {
  const doubled = value.replaceAll(quote, quote + quote);
  const escaped = doubled.replaceAll(/\\(?!x[89A-F][0-9A-F])/g, '\\\\');
  return quote + (escapes === 'never' ? doubled : escaped) + quote;
}
