/**
 * Just enough of MySQL's lexical rules to know what of a statement's text is code and what is a
 * literal, a quoted name or a comment. Every function is linear in the text.
 */

const QUOTES = new Set(["'", '"', '`']);

/** Where the comment that begins at `start` ends, or `start` when none begins there. */
export function endOfComment(sql: string, start: number): number {
  const character = sql.charAt(start);
  if (character === '#') return endOfLine(sql, start);
  if (character === '-' && sql.charAt(start + 1) === '-') {
    // The servers want a space or control character behind the dashes: `5--3` is 8.
    const isComment = /^(?:[\0- \x7f\xa0]|\\xA0|$)/.test(sql.slice(start + 2, start + 6));
    return isComment ? endOfLine(sql, start) : start;
  }
  if (character === '/' && sql.charAt(start + 1) === '*') {
    // `/*! … */` and `/*M! … */` hold code that the server runs.
    if (/^M?!/.test(sql.slice(start + 2, start + 4))) return start;
    const end = sql.indexOf('*/', start + 2);
    return end === -1 ? sql.length : end + 2;
  }
  return start;
}

function endOfLine(sql: string, start: number): number {
  const end = sql.indexOf('\n', start);
  return end === -1 ? sql.length : end + 1;
}

/** Where the literal or quoted name that begins at `start` ends: just behind its last quote. */
export function endOfQuoted(sql: string, start: number): number {
  const quote = sql.charAt(start);
  for (let i = start + 1; i < sql.length; i++) {
    const character = sql.charAt(i);
    if (character === '\\' && quote !== '`') {
      i++;
    } else if (character === quote) {
      if (sql.charAt(i + 1) !== quote) return i + 1;
      i++;
    }
  }
  return sql.length;
}

/** The text without its leading white space and comments. */
export function withoutLeadingComments(sql: string): string {
  let i = 0;
  while (i < sql.length) {
    if (sql.charAt(i) <= ' ') {
      i++;
      continue;
    }
    const end = endOfComment(sql, i);
    if (end === i) break;
    i = end;
  }
  return sql.slice(i);
}

/** The statements of a text, split at `;` outside of literals, quoted names and comments. */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let start = 0;
  let i = 0;
  while (i < sql.length) {
    const character = sql.charAt(i);
    if (QUOTES.has(character)) {
      i = endOfQuoted(sql, i);
    } else if (character === ';') {
      statements.push(sql.slice(start, i));
      start = ++i;
    } else {
      const end = endOfComment(sql, i);
      i = end === i ? i + 1 : end;
    }
  }
  if (start < sql.length) statements.push(sql.slice(start));
  return statements;
}

/** Whether the text has a `?` that is a placeholder: outside of literals, quoted names, comments. */
export function hasPlaceholder(sql: string): boolean {
  if (!sql.includes('?')) return false;
  let i = 0;
  while (i < sql.length) {
    const character = sql.charAt(i);
    if (character === '?') return true;
    if (QUOTES.has(character)) {
      i = endOfQuoted(sql, i);
    } else {
      const end = endOfComment(sql, i);
      i = end === i ? i + 1 : end;
    }
  }
  return false;
}

/** The database that a `USE` statement names; null when the text is none. */
export function databaseOfUse(sql: string): string | null {
  const match = /^use\b\s*(`(?:[^`]|``)+`|"(?:[^"]|"")+"|[^\s;`"]+)\s*;?\s*$/i.exec(
    withoutLeadingComments(withoutTrailingComments(sql)),
  );
  const name = match?.[1];
  if (name === undefined) return null;
  const quote = name.charAt(0);
  if (quote !== '`' && quote !== '"') return name;
  return name.slice(1, -1).replaceAll(quote + quote, quote);
}

/** The database that `DROP DATABASE` drops; null when the text drops none. */
export function databaseOfDrop(sql: string): string | null {
  const match = /^drop\s+(?:database|schema)\s+(?:if\s+exists\s+)?(`(?:[^`]|``)+`|[^\s;`]+)/i.exec(
    withoutLeadingComments(sql),
  );
  const name = match?.[1];
  if (name === undefined) return null;
  return name.startsWith('`') ? name.slice(1, -1).replaceAll('``', '`') : name;
}

function withoutTrailingComments(sql: string): string {
  let code = '';
  let i = 0;
  while (i < sql.length) {
    const character = sql.charAt(i);
    if (QUOTES.has(character)) {
      const end = endOfQuoted(sql, i);
      code += sql.slice(i, end);
      i = end;
      continue;
    }
    const end = endOfComment(sql, i);
    if (end === i) {
      code += character;
      i++;
    } else {
      code += ' ';
      i = end;
    }
  }
  return code;
}
