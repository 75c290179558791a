import type { StatementRecord } from '../core/workloads/statements.ts';
import { REDACTED } from '../sql/secret-spans.ts';
import { hidesPreparedText } from '../sql/session-statements.ts';
import { readAsClient } from './client-text.ts';
import { LONG_TEXT, textPieces } from './text-pieces.ts';

/**
 * What stands before the statements. Failed statements are recorded like good ones (`--force`), and
 * without `--binary-mode` the client changes line ends inside strings. Neither is needed to be safe. With
 * `--comments` statements keep their comments, and the server gets these lines as well.
 */
export const SQL_HEADER = [
  '-- Recorded by captures: every statement as the server received it, in that order.',
  '-- The sessions are mixed into one stream, so transactions of different sessions interleave.',
  '-- To run it: mysql --binary-mode --force --default-character-set=utf8mb4',
  '',
  '',
].join('\n');

/**
 * Turns records into SQL text for a MySQL client, each under a comment line that says where it comes
 * from. Statements that cannot be run as they stand (values unknown, cut short) or that a client could
 * misread are comments. Whatever the records hold, the text makes a client run recorded statements
 * only: never a client command, never a piece of a comment; with named commands or without them, and
 * also where a recorded statement has set NO_BACKSLASH_ESCAPES. The meaning is that under the server's
 * default SQL mode.
 *
 * Pass the returned `db` to the next call, and the same map.
 * @param db the database that the text so far has selected; null when none, or when a statement may
 *   have changed it.
 * @param unprepared by session, the PREPARE whose text the server did not write there (MySQL): it stands
 *   in the session's next record. Changed by the call.
 * @param notRun how many statements are comments only, by the reason. Changed by the call.
 */
export function formatSql(
  records: readonly StatementRecord[],
  db: string | null = null,
  unprepared = new Map<number, string>(),
  notRun = new Map<string, number>(),
): { pieces: readonly Buffer[]; db: string | null } {
  const out = new Pieces();
  let selected = db;
  for (const record of records) {
    selected = addRecord(out, withPrepared(record, unprepared), selected, notRun);
  }
  return { pieces: out.all(), db: selected };
}

/** The record, or the PREPARE of the record before with the text that this one has. */
function withPrepared(record: StatementRecord, unprepared: Map<number, string>): StatementRecord {
  const { session, kind, sql, flags = [] } = record;
  const prepare = unprepared.get(session);
  unprepared.delete(session);
  if (kind === 'query' && flags.includes('partial') && hidesPreparedText(sql)) {
    unprepared.set(session, sql.slice(0, sql.lastIndexOf('...')));
  }
  const isText = kind === 'prepare' && flags.length === 0 && record.bytes === undefined;
  if (prepare === undefined || !isText) return record;
  const text = sql.replaceAll('\\', '\\\\').replaceAll("'", "''");
  return { ...record, kind: 'query', sql: `${prepare}'${text}'` };
}

/** A text of 65 MiB holds fewer than 10^8 of them, so that a number of eight digits is always free. */
const MOST_DIGITS = 8;

class Pieces {
  readonly #done: Buffer[] = [];
  #text = '';

  /** @param encoding latin1 for a text of bytes that are not UTF-8. */
  add(text: string, encoding: 'utf8' | 'latin1' = 'utf8'): void {
    if (encoding === 'utf8' && text.length <= LONG_TEXT) {
      this.#text += text;
      if (this.#text.length > LONG_TEXT) this.#end();
      return;
    }
    this.#end();
    for (const piece of textPieces(text)) this.#done.push(Buffer.from(piece, encoding));
  }

  addComment(text: string): void {
    for (let at = 0; at <= text.length;) {
      const newline = text.indexOf('\n', at);
      const end = newline === -1 ? text.length : newline;
      this.add(`-- ${oneLine(text.slice(at, end))}\n`);
      at = end + 1;
    }
  }

  all(): readonly Buffer[] {
    this.#end();
    return this.#done;
  }

  #end(): void {
    if (this.#text !== '') this.#done.push(Buffer.from(this.#text));
    this.#text = '';
  }
}

function addRecord(
  out: Pieces,
  record: StatementRecord,
  db: string | null,
  notRun: Map<string, number>,
): string | null {
  const flags = record.flags ?? [];
  if (flags.includes('echo')) return db;
  const isStatement = record.kind === 'query' || record.kind === 'execute';
  const marks = [...(record.kind === 'query' ? [] : [record.kind]), ...flags];
  out.add(`-- ${placeOf(record)}${marks.length === 0 ? '' : `: ${marks.join(', ')}`}\n`);
  if (!isStatement) {
    if (record.sql !== '') out.addComment(record.sql);
    return db;
  }

  const bytes = record.bytes === undefined ? null : Buffer.from(record.bytes, 'base64');
  const reading = readAsClient(bytes === null ? record.sql : bytes.toString('latin1'));
  const { text } = reading;
  const encoding = bytes === null ? 'utf8' : 'latin1';
  const obstacle = obstacleOf(record, reading.isSafe, reading.hasCode);
  if (obstacle !== null) {
    notRun.set(obstacle, (notRun.get(obstacle) ?? 0) + 1);
    out.add(`-- not run: ${obstacle}\n`);
    out.addComment(record.sql);
    return db;
  }

  let selected = db;
  if (record.db !== null && record.db !== selected) {
    out.add(`USE \`${record.db.replaceAll('`', '``')}\`;\n`);
    selected = record.db;
  }
  const [first] = reading.semicolons;
  const endsItself =
    reading.semicolons.length === 1 && first !== undefined && text.slice(first + 1).trim() === '';
  if (reading.semicolons.length === 0 || endsItself) {
    out.add(text, encoding);
    out.add(endsItself ? '\n' : reading.endsInLineComment ? '\n;\n' : ';\n');
  } else {
    const delimiter = delimiterFor(text);
    out.add(`DELIMITER ${delimiter}\n`);
    out.add(text, encoding);
    out.add(`\n${delimiter}\nDELIMITER ;\n`);
  }
  return /\buse\b/i.test(text) ? null : selected;
}

function obstacleOf(record: StatementRecord, isSafe: boolean, hasCode: boolean): string | null {
  if (record.flags?.includes('unreplayable') === true) {
    return 'prepared before the recording began, its values are unknown';
  }
  if (record.flags?.includes('partial') === true) {
    return hidesPreparedText(record.sql)
      ? "its text is in the session's next record"
      : 'its text was cut short';
  }
  // Run as it stands, it would make the mark the password.
  if (record.flags?.includes('redacted') === true && record.sql.includes(REDACTED)) {
    return 'a password was taken out of it';
  }
  if (!hasCode) return 'there is nothing in it to run';
  if (!isSafe) return 'a client would read it differently from the server';
  if (record.db !== null && /[\0-\x1f\x7f\\]/.test(record.db)) {
    return "its database's name cannot be written for a client";
  }
  return null;
}

function placeOf(record: StatementRecord): string {
  const who =
    record.user === null && record.host === null
      ? 'user unknown'
      : `${record.user ?? '?'}@${record.host ?? '?'}`;
  const where = record.db === null ? 'no database known' : `db ${record.db}`;
  return oneLine(`${record.seq} ${record.time} session ${record.session} ${who} ${where}`);
}

// Control, format (bidi, zero-width) and line-separating characters: what could end a comment line or
// show it as something else.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu;

function oneLine(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** `$$`, or `$$` and the smallest number that stands behind none in the text: one walk through it. */
function delimiterFor(text: string): string {
  let at = text.indexOf('$$');
  if (at === -1) return '$$';
  const taken = new Set<number>();
  for (; at !== -1; at = text.indexOf('$$', at + 1)) {
    // In `$$12` there is `$$1` as well.
    const digits = /^\d*/.exec(text.slice(at + 2, at + 2 + MOST_DIGITS))?.[0] ?? '';
    for (let length = 1; length <= digits.length; length++) {
      taken.add(Number(digits.slice(0, length)));
    }
  }
  let n = 1;
  while (taken.has(n)) n++;
  return `$$${n}`;
}
