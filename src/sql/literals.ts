import { isReadable, Lexer, quoted, unescaped, type Escapes } from './lexer.ts';
import type { Pseudonyms } from './pseudonyms.ts';
import { REDACTED } from './secrets.ts';
import { StatementContext } from './statement-context.ts';

/**
 * The statement with a pseudonym in the place of every literal that can be data, and without what
 * its comments say; null when that changes nothing. It can be parsed where the statement can, and
 * does the same to the same columns. What stays: see docs/fidelity.md.
 */
export function redactLiterals(sql: string, pseudonyms: Pseudonyms): string | null {
  const escapes = readingOf(sql);
  const context = new StatementContext(sql);
  const lexer = new Lexer(sql, escapes ?? 'always');
  let text = '';
  let at = 0;
  while (lexer.next()) {
    const { kind, start } = lexer;
    if (kind === 'space') continue;
    if (escapes === null && kind === 'string' && hasEscapedQuote(lexer.text)) {
      // Nobody can tell where this literal ends.
      return text + sql.slice(at, start + 1) + pseudonyms.string(sql.slice(start + 1));
    }
    const replacement = kind === 'comment' ? emptied(lexer.text) : literalFor(lexer);
    if (kind !== 'comment') context.see(lexer);
    if (replacement === null) continue;
    text += sql.slice(at, start) + replacement;
    at = lexer.end;
  }
  if (at === 0) return null;
  text += sql.slice(at);
  return text === sql ? null : text;

  function literalFor(token: Lexer): string | null {
    if (token.kind === 'string') return stringFor(token);
    if (token.kind === 'number') {
      const number = sql.slice(token.start, token.end);
      return context.keepsNumber(number) ? null : pseudonyms.number(number);
    }
    if ((token.kind !== 'hex' && token.kind !== 'bit') || context.keepsSettings()) return null;
    const from = token.quote === -1 ? token.start + 2 : token.quote + 1;
    const to = token.quote !== -1 && token.isClosed ? token.end - 1 : token.end;
    const digits = sql.slice(from, to);
    const other = token.kind === 'hex' ? pseudonyms.hex(digits) : pseudonyms.bits(digits);
    return sql.slice(token.start, from) + other + sql.slice(to, token.end);
  }

  function stringFor({ start, end, quote, isClosed }: Lexer): string | null {
    const mark = sql.charAt(quote);
    const reading = escapes ?? 'always';
    const raw = sql.slice(quote + 1, isClosed ? end - 1 : end);
    const value = unescaped(raw, mark, reading);
    if (value === '' || value === REDACTED || context.keepsString(value, end)) return null;
    const prefix = sql.slice(start, quote);
    if (context.isStatement()) {
      const inner = redactLiterals(value, pseudonyms);
      return inner === null ? null : prefix + quoted(inner, mark, reading);
    }
    const token = context.isPattern()
      ? value.replaceAll(/[^%]+/g, (part) => pseudonyms.string(part))
      : pseudonyms.string(value);
    return prefix + mark + token + (isClosed ? mark : '');
  }
}

/** A comment with nothing in it; optimizer hints stay. */
function emptied(comment: string): string {
  if (comment.startsWith('/*+')) return comment.replaceAll(/'[^']*'|"[^"]*"/g, "''");
  if (comment.startsWith('/*')) return comment.endsWith('*/') ? '/* */' : '/* ';
  const line = comment.endsWith('\n') ? '\n' : '';
  return (comment.startsWith('#') ? '#' : '-- ') + line;
}

function hasEscapedQuote(sql: string): boolean {
  return sql.includes("\\'") || sql.includes('\\"');
}

/**
 * How a statement's backslashes are to be read: in the one way in which every literal ends and none
 * is followed by a letter. null when there is none, or more than one.
 */
function readingOf(sql: string): Escapes | null {
  if (!hasEscapedQuote(sql)) return 'always';
  const readings: Escapes[] = ['always', 'never'];
  if (/[\u0080-\uffff]\\/.test(sql)) readings.push('not-after-high');
  const readable = readings.filter((escapes) => isReadable(sql, escapes));
  return readable.length === 1 ? (readable[0] ?? null) : null;
}
