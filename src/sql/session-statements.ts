import { FirstWords } from './first-words.ts';
import { splitStatements, withoutLeadingComments } from './text.ts';
import { Words } from './words.ts';

const FOLLOWED = new FirstWords('use', 'drop', 'prepare', 'execute', 'load');

/** Whether a query can be one that is followed: cheap, for it looks at every statement. */
export function mayChangeSession(sql: string): boolean {
  return FOLLOWED.mayBeIn(sql);
}

/** The statements of a text that the session runs itself: not those of the bodies of procedures. */
export function ownStatements(sql: string): string[] {
  const statements: string[] = [];
  let isBody = false;
  for (const statement of splitStatements(sql)) {
    if (isBody) {
      isBody = !/^end\b(?!\s+(?:if|case|loop|while|repeat|for)\b)/i.test(codeOf(statement));
      continue;
    }
    isBody = BODY.test(codeOf(statement));
    if (!isBody) statements.push(statement);
  }
  return statements;
}

const BODY =
  /^(?:begin\s+not\b|if\b|case\b|loop\b|while\b|repeat\b|for\b|(?:create|alter)\b[^(]*\b(?:procedure|function|trigger|event|package)\b.*\bbegin\b)/is;

/** A statement without comments before it and without the marks of one that holds it: `/*!40000 … *\/`. */
export function codeOf(statement: string): string {
  const code = withoutLeadingComments(statement);
  if (!code.startsWith('/*')) return code;
  const inner = /^\/\*M?!(\d*)(.*?)(?:\*\/\s*)?$/s.exec(code);
  return inner === null ? code : withoutLeadingComments(inner[2] ?? '');
}

/** The name that PREPARE, EXECUTE, DEALLOCATE or DROP PREPARE has, as the server compares it; empty for none. */
export function preparedName(statement: string): string {
  const words = new Words(statement);
  const first = words.next();
  if (first === 'DEALLOCATE' || first === 'DROP') words.next();
  words.next();
  return words.name?.toLowerCase() ?? '';
}

/** The text of a PREPARE as its row will bear it, where it is one plain literal; else null. */
export function preparedText(source: string): string | null {
  const literal = /^\s*(?:'((?:[^'\\]|'')*)'|"((?:[^"\\]|"")*)")\s*;?\s*$/.exec(source);
  if (literal === null) return null;
  const [, single, double = ''] = literal;
  const text = single === undefined ? double.replaceAll('""', '"') : single.replaceAll("''", "'");
  return /^[ -~]*$/.test(text) ? trimmed(text) : null;
}

/** The server drops what ends a statement before it writes a Prepare row. */
export function trimmed(sql: string): string {
  return sql.replace(/^\s+/, '').replace(/[\s;]+$/, '');
}

/**
 * Whether the row of a PREPARE has three dots in the place of the text, as MySQL 9.7 writes it: the
 * text stands in the Prepare row behind it alone.
 */
export function hidesPreparedText(statement: string): boolean {
  return /^prepare\s.*\sfrom\s+\.\.\.[\s;]*$/is.test(statement);
}

/** Whether a text can be a prepared one with its placeholders replaced by values. */
export function isValuesOf(text: string, prepared: string): boolean {
  const [first = '', ...others] = prepared.split('?');
  if (!text.startsWith(first) || !text.endsWith(others.at(-1) ?? first)) return false;
  let at = first.length;
  for (const part of others) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return true;
}
