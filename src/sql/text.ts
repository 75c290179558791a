import { endOfComment, Lexer } from './lexer.ts';

// Of a text as a whole, in the reading in which a backslash escapes. Every function is linear in the text.

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

const SEMICOLON = 0x3b;

/** The statements of a text, split at `;` outside of literals, quoted names and comments. */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  const lexer = new Lexer(sql);
  let start = 0;
  while (lexer.next()) {
    if (lexer.kind !== 'symbol' || sql.charCodeAt(lexer.start) !== SEMICOLON) continue;
    statements.push(sql.slice(start, lexer.start));
    start = lexer.end;
  }
  if (start < sql.length) statements.push(sql.slice(start));
  return statements;
}

/** Whether the text has a `?` that is a placeholder: outside of literals, quoted names, comments. */
export function hasPlaceholder(sql: string): boolean {
  if (!sql.includes('?')) return false;
  const lexer = new Lexer(sql);
  while (lexer.next()) if (lexer.kind === 'placeholder') return true;
  return false;
}

/** The database that a `USE` statement names; null when the text is none. */
export function databaseOfUse(sql: string): string | null {
  const match = /^use\b\s*(`(?:[^`]|``)+`|"(?:[^"]|"")+"|[^\s;`"]+)\s*;?\s*$/i.exec(
    withoutLeadingComments(withoutComments(sql)),
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

/** The text with a space in the place of each comment. */
function withoutComments(sql: string): string {
  const lexer = new Lexer(sql);
  let code = '';
  while (lexer.next()) code += lexer.kind === 'comment' ? ' ' : lexer.text;
  return code;
}
