import { OPTION_SECRET } from './secret-words.ts';

// What the text of one literal, with its quotes, tells by itself.

/** `mysql://user:password@host`, of tables that lie elsewhere: what is to stand there; null for nothing at all. */
export function redactedConnection(text: string): { text: string | null } | null {
  if (!/[:@]|pwd|passw/i.test(text) || /^.\w+:\/\/[^:]*$/.test(text)) return null;
  const url = /^(.\w+:\/\/[^:@/]*:).*(@[^@]*)$/s.exec(text);
  return { text: url === null ? null : `${url[1] ?? ''}<redacted>${url[2] ?? ''}` };
}

/**
 * `password "x"` in the COMMENT of a SPIDER table or the options of a CONNECT table: whether it is
 * there, or would be if a quote before it were not missing.
 * @param behind the character behind the literal.
 */
export function hasOptionSecret(
  text: string,
  isClosed: boolean,
  behind: string,
): 'yes' | 'behind' | 'no' {
  // Without the closing quote: a comment that ends with `password` tells none.
  const open = isClosed ? text.slice(0, -1) : text;
  if (OPTION_SECRET.test(open)) return 'yes';
  // CREATE SERVER 's … OPTIONS (PASSWORD 'secret')
  return /[\w$\u0080-\uffff]/.test(behind) && OPTION_SECRET.test(`${open}'`) ? 'behind' : 'no';
}
