import { isUtf8 } from 'node:buffer';
import { isReadable, Lexer, quoted, unescaped, type Escapes } from './lexer.ts';
import { HIDDEN, SecretFinder, type Span } from './secret-finder.ts';

/** What stands in the place of a secret; in a literal, so that the statement still parses. */
export const REDACTED = '<redacted>';

// The shortest statement with a secret is longer.
const SHORTEST = 14;

// What a statement that reads or writes rows must contain to hold a secret, and what any other must.
// Three words alike in length: V8 skips ahead then (with a fourth it took twice as long).
const IN_ROWS = /passw|ident|crypt/i;
export const IN_OTHERS =
  /passw|passphr|pwd|ident|crypt|authent|\suser\s|connection|_auth|secret_key|access_key|external_|ssl_mat|challenge_r/i;

/**
 * Whether a statement has to be looked at by `redactSecrets`. Asked for every statement: 40 ns for the
 * shorter ones of sysbench, 100 ns for one of 190 characters, 0.7 ms for one of 1 MB.
 */
export function mayHoldSecret(sql: string): boolean {
  if (sql.length < SHORTEST) return false;
  switch (sql.charCodeAt(0) | 0x20) {
    case 0x73: // SELECT, but not SET
    case 0x64: // DELETE, but not DROP
      if ((sql.charCodeAt(2) | 0x20) !== 0x6c) return IN_OTHERS.test(sql);
      break;
    case 0x69: // INSERT
    case 0x75: // UPDATE
      if (/authent/i.test(sql)) return true;
      break;
    default:
      return IN_OTHERS.test(sql);
  }
  return IN_ROWS.test(sql) || (sql.includes(';') && IN_OTHERS.test(sql));
}

/**
 * The statement without the passwords of the server's own accounts and connections: of `IDENTIFIED
 * BY` and its relatives, `SET PASSWORD`, `MASTER_PASSWORD`, `PASSWORD()`, connection strings of
 * tables; also in statements that the server refuses, and in literals and comments that hold such a
 * statement. Rather too much is taken out than too little; null when nothing is.
 */
export function redactSecrets(sql: string): string | null {
  // Whether a backslash escapes depends on the session's sql_mode and character set, which the
  // text does not tell: what is a secret in any reading is taken out.
  const readings: Escapes[] = ['always'];
  if (sql.includes('\\')) readings.push('never');
  if (/[\u0080-\uffff]\\/.test(sql)) readings.push('not-after-high');
  const found = readings.map((escapes) => secretSpans(sql, escapes, 0));
  // But the server itself wrote a text with its mark, and its quotes match in the right reading.
  const right =
    readings.length === 1 || !sql.includes(HIDDEN)
      ? []
      : found.filter((spans, i) => hides(sql, spans) && isReadable(sql, readings[i] ?? 'always'));
  const spans = (right.length > 0 ? right : found).flat();
  spans.push(...hiddenOptions(sql));
  if (spans.length === 0) return null;
  return replaced(sql, spans);
}

/** Whether the server's mark for a secret is among these. */
function hides(sql: string, spans: readonly Span[]): boolean {
  return spans.some(
    ({ start, end }) => end === start + HIDDEN.length && sql.startsWith(HIDDEN, start),
  );
}

/** Statements whose options MySQL writes anew, without escaping a quote in them (5.6 and 9.7). */
const UNESCAPED =
  /^(?:CREATE SERVER|ALTER SERVER|CHANGE MASTER|CHANGE REPLICATION SOURCE|START SLAVE|START REPLICA|START GROUP_REPLICATION) /;
const HIDDEN_OPTION = new RegExp(`(?<=PASSWORD (?:= )?)('?)${HIDDEN}\\1(?=[ ,]|$)`, 'g');

/**
 * The server's marks in such statements, found by what it writes before them: after `HOST = 'it's'`
 * a mark can seem to stand in a literal.
 */
function hiddenOptions(sql: string): Span[] {
  if (!sql.includes(HIDDEN) || !UNESCAPED.test(sql)) return [];
  return [...sql.matchAll(HIDDEN_OPTION)].map(({ 0: mark, index }) => {
    return { start: index, end: index + mark.length, text: null, isClosed: true };
  });
}

/** A statement's text as it is recorded: `bytes` only where it is not valid UTF-8. */
export interface StatementText {
  readonly sql: string;
  readonly bytes: Buffer | null;
}

/** The text with `redact` done to it; null when that changes nothing. */
export function redactText(
  { sql, bytes }: StatementText,
  redact: (sql: string) => string | null,
): StatementText | null {
  if (bytes === null) {
    const text = redact(sql);
    return text === null ? null : { sql: text, bytes: null };
  }
  // One character a byte: what the rules look at is ASCII.
  const text = redact(bytes.toString('latin1'));
  if (text === null) return null;
  const redacted = Buffer.from(text, 'latin1');
  return { sql: redacted.toString('utf8'), bytes: isUtf8(redacted) ? null : redacted };
}

const DEEPEST = 4;

/** What a literal or comment must contain to be read as a statement itself. */
const NESTED = /passw|ident|encrypt|challenge_r/i;

function secretSpans(sql: string, escapes: Escapes, depth: number): Span[] {
  const finder = new SecretFinder(sql, depth > 0, (literal) =>
    nestedSecrets(sql, literal, escapes, depth),
  );
  const lexer = new Lexer(sql, escapes);
  while (lexer.next()) finder.see(lexer);
  return finder.finish();
}

/** What is to stand for a literal or comment that holds statements with secrets; null for itself. */
function nestedSecrets(
  sql: string,
  token: Pick<Lexer, 'kind' | 'start' | 'end' | 'quote' | 'isClosed'>,
  escapes: Escapes,
  depth: number,
): { text: string; isOpen: boolean } | null {
  const { kind, start, end, quote, isClosed } = token;
  const inner = kind === 'comment' ? sql.slice(start, end) : null;
  const raw = inner ?? sql.slice(quote + 1, isClosed ? end - 1 : end);
  if (!NESTED.test(raw)) return null;
  if (depth >= DEEPEST) return { text: `'${REDACTED}'`, isOpen: true };
  if (inner !== null) {
    const mark = /^(?:#|--|\/\*)/.exec(inner)?.[0] ?? '';
    const finder = nested(inner.slice(mark.length), escapes, depth);
    return finder === null ? null : { text: mark + finder.text, isOpen: false };
  }
  const character = sql.charAt(quote);
  const found = nested(unescaped(raw, character, escapes), escapes, depth);
  if (found === null) return null;
  const text = sql.slice(start, quote) + quoted(found.text, character, escapes);
  return { text, isOpen: found.isOpen };
}

function nested(
  value: string,
  escapes: Escapes,
  depth: number,
): { text: string; isOpen: boolean } | null {
  const spans = secretSpans(value, escapes, depth + 1);
  const last = spans.at(-1);
  if (last === undefined) return null;
  // What ends where a secret is to begin goes on in another literal: CONCAT('… BY ''', 'x', '''').
  const isOpen = last.end >= value.length && !last.isClosed;
  return { text: replaced(value, spans), isOpen };
}

/** The text with every span replaced; spans that overlap or touch become one. */
function replaced(sql: string, spans: Span[]): string {
  spans.sort((a, b) => a.start - b.start || b.end - a.end);
  let text = '';
  let at = 0;
  for (let i = 0; i < spans.length;) {
    const first = spans[i];
    if (first === undefined) break;
    let { end } = first;
    let next = i + 1;
    let substitute = first.text;
    for (; (spans[next]?.start ?? Infinity) < end; next++) {
      const other = spans[next];
      if (other === undefined) break;
      if (other.start !== first.start || other.end !== first.end || other.text !== first.text) {
        substitute = null;
      }
      end = Math.max(end, other.end);
    }
    text += sql.slice(at, first.start) + (substitute ?? `'${REDACTED}'`);
    at = end;
    i = next;
  }
  return text + sql.slice(at);
}
