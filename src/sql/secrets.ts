import { isUtf8 } from 'node:buffer';
import { eachSignificant, type Reading, type Token } from './lexer.ts';
import { isReadable, readingsOf } from './readings.ts';
import { quoted, unescaped } from './string-literals.ts';
import { firstPlaceOfSecret } from './long-secrets.ts';
import { SecretFinder, type HeldSecrets } from './secret-finder.ts';
import type { TextKind } from './secret-place.ts';
import { merged, replaced, replacedWithin, type Span } from './secret-spans.ts';
import { HIDDEN } from './secret-words.ts';

/**
 * The statement without the passwords of the server's own accounts and connections: of `IDENTIFIED
 * BY` and its relatives, `SET PASSWORD`, `MASTER_PASSWORD`, `PASSWORD()`, connection strings of
 * tables; also in statements that the server refuses, and in literals and comments that hold such a
 * statement. Rather too much is taken out than too little; null when nothing is.
 */
export function redactSecrets(sql: string): string | null {
  // Whether a backslash escapes depends on the session's sql_mode and character set, and whether a
  // comment is run on the server's version: what is a secret in any reading is taken out.
  const readings = readingsOf(sql);
  const found = readings.map((reading) => secretSpans(sql, 'statement', reading, 0).spans);
  // But the server itself wrote a text with its mark, and its quotes match in the right reading.
  const right =
    readings.length === 1 || !sql.includes(HIDDEN)
      ? []
      : found.filter((spans, i) => hides(sql, spans) && isReadable(sql, readings[i] ?? {}));
  const spans = (right.length > 0 ? right : found).flat().filter(({ start, end }) => end > start);
  if (!sql.includes(HIDDEN) && !readings.some((reading) => isReadable(sql, reading))) {
    // A quote is missing or too many: nobody knows what is in a literal.
    const start = firstPlaceOfSecret(sql);
    if (start !== -1) spans.push({ start, end: sql.length, text: null, isClosed: true });
  }
  spans.push(...hiddenOptions(sql));
  return spans.length === 0 ? null : replaced(sql, spans);
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
const NESTED =
  /pas+[wor]|passphr|pwd|dentif|ident|crypt|connection|secret|access_key|sst_auth|challenge_r|external|(?:\W|\\xA0)user\W|mysql\W|keyring/i;

function secretSpans(
  sql: string,
  kind: TextKind,
  reading: Reading,
  depth: number,
): { spans: Span[]; takesSecret: boolean } {
  const finder = new SecretFinder(sql, kind, (tokens, held) =>
    secretsHeldBy(sql, tokens, held, reading, depth),
  );
  eachSignificant(sql, reading, (token, next) => {
    finder.see(token, next);
  });
  return finder.finish();
}

/** What stands between a literal's quotes, or a comment's marks, and how it is written. */
interface Held {
  readonly token: Token;
  readonly value: string;
  readonly write: (value: string) => string;
}

/** The secrets in literals that make one text, or in a comment; null when there are none. */
function secretsHeldBy(
  sql: string,
  tokens: readonly Token[],
  kind: TextKind,
  reading: Reading,
  depth: number,
): HeldSecrets | null {
  const [only] = tokens;
  if (tokens.length === 1 && only !== undefined && only.kind !== 'hex') {
    if (!NESTED.test(sql.slice(only.start, only.end).replaceAll('\\', ''))) return null;
  }
  const parts = tokens.map((token) => held(sql, token, reading));
  const values = parts.map(({ value }) => value);
  // Pieces may have been parted by a separator, CONCAT_WS(' ', …).
  const joints = parts.length > 1 ? ['', ' '] : [''];
  const results = joints
    .map((joint) => ({ joint, text: values.join(joint) }))
    .filter(({ text }) => NESTED.test(text))
    .map(({ joint, text }) => {
      if (depth >= DEEPEST) {
        const whole: Span = { start: 0, end: text.length, text: null, isClosed: false };
        return { joint, text, spans: [whole], takesSecret: false };
      }
      return { joint, text, ...secretSpans(text, kind, reading, depth + 1) };
    });
  const takesSecret = results.some((result) => result.takesSecret);
  const best = results.find(({ spans }) => spans.length > 0);
  if (best === undefined) return takesSecret ? { spans: [], isOpen: false, takesSecret } : null;
  const { joint, text } = best;
  const last = best.spans.at(-1);
  // What ends where a secret is to begin goes on in another literal: CONCAT('… BY ''', @p, 'x''').
  const isOpen = last !== undefined && last.end >= text.length && !last.isClosed;
  const secrets = merged(best.spans);
  const spans: Span[] = [];
  let at = 0;
  for (const { token, value, write } of parts) {
    const without = replacedWithin(value, at, secrets);
    at += value.length + joint.length;
    if (without === value) continue;
    spans.push({ start: token.start, end: token.end, text: write(without), isClosed: true });
  }
  return { spans, isOpen, takesSecret };
}

const COMMENT = /^(\/\*(?:M?!\d*)?|#|--)(.*?)(\*\/|\n)?$/s;

function held(sql: string, token: Token, { escapes }: Reading): Held {
  const { kind, start, end, quote, isClosed } = token;
  const text = sql.slice(start, end);
  if (kind === 'comment') {
    const [, mark = '', value = '', closing = ''] = COMMENT.exec(text) ?? [];
    return { token, value, write: (other) => mark + other + closing };
  }
  if (kind === 'string') {
    const character = sql.charAt(quote);
    const raw = sql.slice(quote + 1, isClosed ? end - 1 : end);
    const value = unescaped(raw, character, escapes);
    const prefix = sql.slice(start, quote);
    return { token, value, write: (other) => prefix + quoted(other, character, escapes) };
  }
  // A text in hexadecimal.
  const digits = text.slice(2).replaceAll("'", '');
  const value = kind === 'hex' ? Buffer.from(digits, 'hex').toString('utf8') : '';
  return { token, value, write: (other) => quoted(other, "'", escapes) };
}
