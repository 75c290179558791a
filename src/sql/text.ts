import { endOfComment, Lexer } from './lexer.ts';
import { Words } from './words.ts';

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
  const words = new Words(sql);
  if (words.next() !== 'USE') return null;
  words.next();
  const { name } = words;
  const end = words.next();
  return end === '' || end === ';' ? name : null;
}

/** The database that `DROP DATABASE` drops; null when the text drops none. */
export function databaseOfDrop(sql: string): string | null {
  const words = new Words(sql);
  if (words.next() !== 'DROP') return null;
  const what = words.next();
  if (what !== 'DATABASE' && what !== 'SCHEMA') return null;
  if (words.next() === 'IF' && words.next() === 'EXISTS') words.next();
  return words.name;
}
