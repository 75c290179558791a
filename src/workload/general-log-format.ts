import type { StatementKind, StatementRecord } from '../core/workloads/statements.ts';
import { LONG_TEXT, textPieces } from './text-pieces.ts';

/**
 * The server's words for its commands, but for executes: what reads such a log passes over its `Execute` lines
 * (pt-query-digest 3.2.1 counted the 184,380 statements of a sysbench run as one command of administration). What
 * `other` was is not in the record.
 */
const COMMANDS: Readonly<Record<StatementKind, string>> = {
  connect: 'Connect',
  init_db: 'Init DB',
  change_user: 'Change user',
  query: 'Query',
  prepare: 'Prepare',
  execute: 'Query',
  close: 'Close stmt',
  quit: 'Quit',
  other: 'Other',
};

/** Further sessions are told of again where there are more at once: nothing but a line more. */
const MOST_SESSIONS = 100_000;

const SPACE = 0x20;
// What a reader of such a log takes for the beginning of another line of it, within a statement. The
// time may be missing, as in the log of MySQL 5.6, so that the second line of `SELECT\n  1 AS one` is one.
const LOOKS_STAMPED =
  /(?:\d{6}[ \t]+\d{1,2}:\d\d:\d\d|\d{4}-\d{1,2}-\d{1,2}T\d\d:\d\d:\d\d\.\d+(?:Z|[-+]?\d\d:\d\d)?)[ \t\r\f\v]+\d/y;
const LOOKS_INDENTED = /([ \t\r\f\v]+)\d+[ \t\r\f\v]\w+(?![^ \t\r\f\v\n])/y;

/** The server that the log is said to be of. */
export interface LoggedServer {
  readonly version: string;
}

/**
 * Statements as MySQL 8 writes its general log to a file, which pt-query-digest and vt read. A session
 * that was open before the record begins has a `Connect` line of our own before its first: those programs
 * learn users and databases from these lines alone. An execute is a `Query`, an echo an `Execute`. A line of a statement that would be read as one of the log
 * gets a space before its time, or loses its indentation.
 */
export async function* formatGeneralLog(
  records: AsyncIterable<readonly StatementRecord[]>,
  server: LoggedServer | null,
): AsyncGenerator<Buffer> {
  const version = (server?.version ?? 'unknown').replaceAll(/[^\x20-\x7e]/g, '?');
  yield Buffer.from(
    `captures, Version: ${version}. started with:\nTcp port: 0  Unix socket: (null)\nTime                 Id Command    Argument\n`,
  );
  const open = new Set<number>();
  for await (const part of records) {
    let text = '';
    for (const record of part) {
      const { session, kind, time, bytes } = record;
      if (kind === 'quit') open.delete(session);
      else if (!open.has(session)) {
        if (open.size >= MOST_SESSIONS) open.clear();
        open.add(session);
        if (kind !== 'connect') text += connectLine(record);
      }
      text += `${time}\t${String(session).padStart(5)} ${commandOf(record)}\t`;
      if (bytes === undefined && record.sql.length <= LONG_TEXT) {
        text += `${record.sql.includes('\n') ? [...argument(record.sql)].join('') : record.sql}\n`;
        continue;
      }
      yield Buffer.from(text);
      text = '\n';
      // A character a byte, so that a line is looked at and kept as it is.
      const [argued, encoding] =
        bytes === undefined
          ? ([record.sql, 'utf8'] as const)
          : ([Buffer.from(bytes, 'base64').toString('latin1'), 'latin1'] as const);
      for (const part of argument(argued)) {
        for (const piece of textPieces(part)) yield Buffer.from(piece, encoding);
      }
    }
    yield Buffer.from(text);
  }
}

/** An echo is the server's second line for a statement that the line before it already is. */
function commandOf({ kind, flags }: StatementRecord): string {
  return flags?.includes('echo') === true ? 'Execute' : COMMANDS[kind];
}

function connectLine({ time, session, user, host, db }: StatementRecord): string {
  if (user === null) return '';
  const where = db === null ? '' : ` on ${oneWord(db)}`;
  return `${time}\t${String(session).padStart(5)} Connect\t${oneWord(user)}@${oneWord(host ?? '')}${where} using TCP/IP\n`;
}

/** Names may hold anything: a line end in one would begin another line. */
function oneWord(name: string): string {
  return name.replaceAll(/[\r\n]/g, '?');
}

/** The parts of a statement's text, in which no line looks like one of the log. */
function* argument(sql: string): Generator<string> {
  let from = 0;
  for (let newline = sql.indexOf('\n'); newline !== -1; newline = sql.indexOf('\n', newline + 1)) {
    const line = newline + 1;
    const first = sql.charCodeAt(line);
    // Nearly every line begins with a letter, or with spaces and one.
    if (first >= 0x30 && first <= 0x39) {
      LOOKS_STAMPED.lastIndex = line;
      if (!LOOKS_STAMPED.test(sql)) continue;
      yield `${sql.slice(from, line)} `;
      from = line;
    } else if (first <= SPACE) {
      LOOKS_INDENTED.lastIndex = line;
      const indentation = LOOKS_INDENTED.exec(sql)?.[1];
      if (indentation === undefined) continue;
      yield sql.slice(from, line);
      from = line + indentation.length;
    }
  }
  yield sql.slice(from);
}
