import { Lexer, type Escapes } from './lexer.ts';
import { tablesOf } from './tables.ts';
import { wordSet } from './words.ts';

interface Piece {
  readonly isName: boolean;
  /** The name without quotes, or the text. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Behind these the name of a database stands by itself, and before it perhaps `IF [NOT] EXISTS`. */
const DATABASE = wordSet('DATABASE SCHEMA');
const ROUTINES = wordSet('CALL PROCEDURE FUNCTION TRIGGER EVENT PACKAGE SEQUENCE');

/**
 * A statement with other names for the databases that it names: before a table, a routine or a column, in USE, and
 * where it creates or drops one. An alias of the same name is left. Linear in the text.
 * @param names recorded to new.
 */
export function mappedNames(
  sql: string,
  names: ReadonlyMap<string, string>,
  escapes: Escapes = 'always',
): string {
  let isNamed = false;
  for (const name of names.keys()) isNamed ||= sql.includes(name);
  if (!isNamed) return sql;
  const pieces = piecesOf(sql, escapes);
  let tables: ReadonlySet<string> | null = null;
  const isTable = (name: string): boolean => {
    tables ??= new Set(tablesOf(sql, { escapes }).map(({ table }) => table));
    return tables.has(name);
  };
  let mapped = '';
  let from = 0;
  for (const [at, piece] of pieces.entries()) {
    const target = piece.isName ? names.get(piece.text) : undefined;
    if (target === undefined || !isDatabase(pieces, at, isTable)) continue;
    mapped += `${sql.slice(from, piece.start)}\`${target.replaceAll('`', '``')}\``;
    from = piece.end;
  }
  return mapped + sql.slice(from);
}

function isDatabase(
  pieces: readonly Piece[],
  at: number,
  isTable: (name: string) => boolean,
): boolean {
  const text = (offset: number): string => pieces[at + offset]?.text ?? '';
  const word = (offset: number): string => text(offset).toUpperCase();
  if (text(-1) === '.' || text(-1) === '@') return false;
  if (text(1) === '.') {
    // `database.table.column`, `database.routine(`, `CALL database.routine`.
    if (text(3) === '.' || text(3) === '(' || ROUTINES.has(word(-1))) return true;
    return isTable(`${text(0)}.${text(2)}`);
  }
  let before = -1;
  if (word(before) === 'EXISTS') before -= word(before - 1) === 'NOT' ? 3 : 2;
  if (DATABASE.has(word(before)) || (word(before) === 'USE' && at === 1)) return true;
  // SHOW TABLES FROM database, SHOW COLUMNS FROM table FROM database.
  const isShow = pieces[0]?.text.toUpperCase() === 'SHOW';
  return isShow && (word(-1) === 'FROM' || word(-1) === 'IN') && !isTable(text(0));
}

function piecesOf(sql: string, escapes: Escapes): Piece[] {
  const pieces: Piece[] = [];
  const lexer = new Lexer(sql, { escapes });
  while (lexer.next()) {
    const { kind, start, end, isClosed } = lexer;
    if (kind === 'space' || kind === 'comment') continue;
    const isName = kind === 'word' || (kind === 'name' && isClosed);
    const text = kind === 'name' ? sql.slice(start + 1, end - 1).replaceAll('``', '`') : lexer.text;
    pieces.push({ isName, text, start, end });
  }
  return pieces;
}
