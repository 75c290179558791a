import type { StatementRecord } from '../core/statements.ts';
import { hidesPreparedText } from '../sql/session-statements.ts';
import { readAsClient } from './client-text.ts';

/**
 * What stands before the statements. Failed statements are recorded like good ones (`--force`), and
 * without `--binary-mode` the client changes line ends inside strings.
 */
export const SQL_HEADER = [
  '-- Recorded by captures: every statement as the server received it, in that order.',
  '-- The sessions are mixed into one stream, so transactions of different sessions interleave.',
  '-- To run it: mysql --binary-mode --force --skip-named-commands --default-character-set=utf8mb4',
  '',
  '',
].join('\n');

/**
 * Turns records into SQL text for a MySQL client, each under a comment line that says where it comes
 * from. Statements that cannot be run as they stand (values unknown, cut short) or that a client could
 * misread are comments. Whatever the records hold, the text makes a client run recorded statements
 * only: never a client command, never a piece of a comment. Judged for the server's default SQL mode;
 * under NO_BACKSLASH_ESCAPES a statement with a backslash in a string may be cut wrongly.
 *
 * Pass the returned `db` to the next call, and the same map.
 * @param db the database that the text so far has selected; null when none, or when a statement may
 *   have changed it.
 * @param unprepared by session, the PREPARE whose text the server did not write there (MySQL): it stands
 *   in the session's next record. Changed by the call.
 */
export function formatSql(
  records: readonly StatementRecord[],
  db: string | null = null,
  unprepared = new Map<number, string>(),
): { text: Buffer; db: string | null } {
  const out = new Pieces();
  let selected = db;
  for (const record of records) {
    selected = addRecord(out, withPrepared(record, unprepared), selected);
  }
  return { text: out.buffer(), db: selected };
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

class Pieces {
  readonly #done: Buffer[] = [];
  #text = '';

  add(text: string): void {
    this.#text += text;
  }

  addBytes(bytes: Buffer): void {
    this.#done.push(Buffer.from(this.#text), bytes);
    this.#text = '';
  }

  buffer(): Buffer {
    const last = Buffer.from(this.#text);
    return this.#done.length === 0 ? last : Buffer.concat([...this.#done, last]);
  }
}

function addRecord(out: Pieces, record: StatementRecord, db: string | null): string | null {
  const flags = record.flags ?? [];
  if (flags.includes('echo')) return db;
  const isStatement = record.kind === 'query' || record.kind === 'execute';
  const marks = [...(record.kind === 'query' ? [] : [record.kind]), ...flags];
  out.add(`-- ${placeOf(record)}${marks.length === 0 ? '' : `: ${marks.join(', ')}`}\n`);
  if (!isStatement) {
    if (record.sql !== '') out.add(commented(record.sql));
    return db;
  }

  const bytes = record.bytes === undefined ? null : Buffer.from(record.bytes, 'base64');
  const text = bytes === null ? record.sql : bytes.toString('latin1');
  const reading = readAsClient(text);
  const obstacle = obstacleOf(record, reading.isSafe, reading.hasCode);
  if (obstacle !== null) {
    out.add(`-- not run: ${obstacle}\n${commented(record.sql)}`);
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
    addText(out, text, bytes);
    out.add(endsItself ? '\n' : reading.endsInLineComment ? '\n;\n' : ';\n');
  } else {
    const delimiter = delimiterFor(text);
    out.add(`DELIMITER ${delimiter}\n`);
    addText(out, text, bytes);
    out.add(`\n${delimiter}\nDELIMITER ;\n`);
  }
  return /\buse\b/i.test(text) ? null : selected;
}

function addText(out: Pieces, text: string, bytes: Buffer | null): void {
  if (bytes === null) out.add(text);
  else out.addBytes(bytes);
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
  if (!hasCode) return 'there is nothing in it to run';
  if (!isSafe) return 'a client would read it otherwise than the server did';
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

function commented(text: string): string {
  return text
    .split('\n')
    .map((line) => `-- ${oneLine(line)}\n`)
    .join('');
}

function delimiterFor(text: string): string {
  let delimiter = '$$';
  for (let n = 1; text.includes(delimiter); n++) delimiter = `$$${n}`;
  return delimiter;
}
