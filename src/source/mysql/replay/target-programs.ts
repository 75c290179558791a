import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { ProgramKind, TargetProgram } from '../../../core/replays/target.ts';
import type { MysqlConnection, Row } from '../connection/mysql-connection.ts';

/** Of the server's own programs, in `mysql` and `sys`, the text is known; others may have put theirs there. Whose one is, not everybody sees. */
export const BY_OTHERS =
  "COALESCE(DEFINER, '') NOT IN ('mysql.sys@localhost', 'mariadb.sys@localhost')";
/** A longer one counts as not seen. */
const LONGEST_BODY = 256 * 1024;
/** In characters: one that is packed. */
const LONG_BODY = 512;
/** On a server with many databases the lists are made from files. */
const LOOK_MS = 60_000;

const KINDS: Readonly<Record<string, ProgramKind>> = {
  PROCEDURE: 'procedure',
  FUNCTION: 'function',
  // MariaDB's; the body and what is declared of it are of one name.
  PACKAGE: 'package',
  'PACKAGE BODY': 'package',
  TRIGGER: 'trigger',
  EVENT: 'event',
  VIEW: 'view',
};

/** An empty body is one that may not be seen; a function in JavaScript is one that we do not read. */
function bodyOf(column: string): string {
  return `IF(LENGTH(${column}) BETWEEN 1 AND ${LONGEST_BODY}, ${column}, NULL)`;
}

const QUERIES = [
  `SELECT ROUTINE_TYPE, ROUTINE_SCHEMA, ROUTINE_NAME, NULL, IF(ROUTINE_BODY = 'SQL', ${bodyOf('ROUTINE_DEFINITION')}, NULL) FROM information_schema.ROUTINES WHERE ${BY_OTHERS}`,
  `SELECT 'TRIGGER', TRIGGER_SCHEMA, TRIGGER_NAME, EVENT_OBJECT_TABLE, ${bodyOf('ACTION_STATEMENT')} FROM information_schema.TRIGGERS WHERE ${BY_OTHERS}`,
  `SELECT 'EVENT', EVENT_SCHEMA, EVENT_NAME, NULL, ${bodyOf('EVENT_DEFINITION')} FROM information_schema.EVENTS WHERE ${BY_OTHERS}`,
  `SELECT 'VIEW', TABLE_SCHEMA, TABLE_NAME, NULL, ${bodyOf('VIEW_DEFINITION')} FROM information_schema.VIEWS WHERE ${BY_OTHERS}`,
];

/** The programs of a server that an account sees. @throws AppError `remote_failed`, also for more than 64 MiB of them. */
export async function readPrograms(control: MysqlConnection): Promise<TargetProgram[]> {
  const programs: TargetProgram[] = [];
  const take = ([type, database, name, table = null, body = null]: Row): void => {
    const kind = KINDS[type ?? ''];
    if (kind === undefined || database == null || name == null) return;
    const head = { kind, database, name, table };
    programs.push(
      body === null || body.length < LONG_BODY ? { ...head, body } : packed(head, body),
    );
  };
  for (const query of QUERIES) await control.each(query, take, LOOK_MS);
  return programs;
}

/** Its body is unpacked each time it is read: those of a large application take 16 MB, and packed a tenth of that. */
function packed(head: Omit<TargetProgram, 'body'>, body: string): TargetProgram {
  const bytes = zstdCompressSync(body);
  return {
    ...head,
    get body() {
      return zstdDecompressSync(bytes).toString('utf8');
    },
  };
}
