import { eachSignificant, Lexer, type Reading, type Token } from './lexer.ts';
import { isReadable, readingsOf } from './readings.ts';
import { quoted, unescaped } from './string-literals.ts';
import type { Pseudonyms } from './pseudonyms.ts';
import { REDACTED } from './secret-spans.ts';
import { StatementContext } from './statement-context.ts';

/**
 * The statement with a pseudonym in the place of every literal that can be data, and without what
 * its comments say; null when that changes nothing. It can be parsed where the statement can, and
 * does the same to the same columns. What stays: see docs/fidelity.md.
 */
export function redactLiterals(sql: string, pseudonyms: Pseudonyms): string | null {
  const found = readingOf(sql);
  const context = new StatementContext(sql);
  let text = '';
  let at = 0;
  eachSignificant(sql, found ?? {}, (token, next) => {
    if (at === sql.length) return;
    const { kind, start, end } = token;
    if (found === null && kind === 'string') {
      // Nobody can tell where this literal ends.
      text += sql.slice(at, start + 1) + pseudonyms.string(sql.slice(start + 1));
      at = sql.length;
      return;
    }
    const replacement =
      kind === 'comment' ? emptied(sql.slice(start, end)) : literalFor(token, next);
    if (kind !== 'comment') context.see(token, next);
    if (replacement === null) return;
    text += sql.slice(at, start) + replacement;
    at = end;
  });
  if (at === 0) return null;
  text += sql.slice(at);
  return text === sql ? null : text;

  function literalFor(token: Token, next: Token | null): string | null {
    if (token.kind === 'string') return stringFor(token, next);
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

  function stringFor({ start, end, quote, isClosed }: Token, next: Token | null): string | null {
    const mark = sql.charAt(quote);
    const reading = found?.escapes ?? 'always';
    const raw = sql.slice(quote + 1, isClosed ? end - 1 : end);
    const value = unescaped(raw, mark, reading);
    if (value === '' || value === REDACTED || context.keepsString(value, next)) return null;
    const prefix = sql.slice(start, quote);
    if (context.isStatement()) {
      const inner = redactLiterals(value, pseudonyms);
      return inner === null ? null : prefix + quoted(inner, mark, reading);
    }
    if (context.isObject()) return prefix + quoted(objectFor(value, pseudonyms), mark, reading);
    const token = context.isPattern()
      ? value.replaceAll(/[^%]+/g, (part) => pseudonyms.string(part))
      : pseudonyms.string(value);
    return prefix + mark + token + (isClosed ? mark : '');
  }
}

/** A JSON object with other values under the same names; another string for what is none. */
function objectFor(text: string, pseudonyms: Pseudonyms): string {
  try {
    return JSON.stringify(JSON.parse(text), (_name, value: unknown) => {
      if (typeof value === 'string') return pseudonyms.string(value);
      return typeof value === 'number' ? Number(pseudonyms.number(String(value))) : value;
    });
  } catch {
    return pseudonyms.string(text);
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

/** Whether every literal ends; else a quote is missing somewhere, or too many. */
function areClosed(sql: string, reading: Reading): boolean {
  const lexer = new Lexer(sql, reading);
  while (lexer.next()) if (!lexer.isClosed) return false;
  return true;
}

/**
 * How a statement is to be read: in the one way in which every literal ends and none is followed by a
 * letter. null when there is none, or more than one in which backslashes mean something else.
 */
function readingOf(sql: string): Reading | null {
  const all = readingsOf(sql);
  const [first] = all;
  if (first === undefined) return null;
  const isPlain = all.every(({ runs }) => runs === first.runs) && !hasEscapedQuote(sql);
  if (all.length === 1 || isPlain) return areClosed(sql, first) ? first : null;
  const readable = all.filter((reading) => isReadable(sql, reading));
  const [found] = readable;
  if (found === undefined) return null;
  const isOne = readable.every(({ escapes }) => escapes === found.escapes);
  return isOne || !hasEscapedQuote(sql) ? found : null;
}
