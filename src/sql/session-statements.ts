import { splitStatements, withoutLeadingComments } from './text.ts';

const FIRST_WORD = /^(?:use|drop|prepare|execute|load)\b/i;
const ANY_WORD = /\b(?:use|drop|prepare|execute|load)\b/i;

/**
 * Whether a query can be one that is followed: cheap, for it looks at every statement. The first
 * letters u, d, p, e, l are the words'; a comment or white space may come first, and a word may stand
 * behind a `;`.
 */
export function mayChangeSession(sql: string): boolean {
  switch (sql.charCodeAt(0)) {
    case 0x55: // U
    case 0x75: // u
    case 0x44: // D
    case 0x64: // d
    case 0x50: // P
    case 0x70: // p
    case 0x45: // E
    case 0x65: // e
    case 0x4c: // L
    case 0x6c: // l
      if (FIRST_WORD.test(sql)) return true;
      break;
    case 0x2f: // / of a comment
    case 0x23: // # of a comment
    case 0x2d: // - of a comment
    case 0x20:
    case 0x09:
    case 0x0a:
    case 0x0d:
      return ANY_WORD.test(sql);
    default:
  }
  const semicolon = sql.indexOf(';');
  return semicolon !== -1 && semicolon < sql.length - 1 && ANY_WORD.test(sql);
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

/** The name in what follows PREPARE or EXECUTE, as the server compares it. */
export function preparedName(rest: string): string {
  const name = /^\s*(`(?:[^`]|``)+`|[^\s;]+)/.exec(rest)?.[1] ?? '';
  return (name.startsWith('`') ? name.slice(1, -1) : name).toLowerCase();
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
