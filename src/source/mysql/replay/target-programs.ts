import type { ProgramKind, TargetProgram } from '../../../core/replays/target.ts';
import type { MysqlConnection } from '../connection/mysql-connection.ts';

const NOT_OURS = `('sys', 'mysql', 'information_schema', 'performance_schema')`;
/** A longer one counts as not seen. */
const LONGEST_BODY = 256 * 1024;
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
  `SELECT ROUTINE_TYPE, ROUTINE_SCHEMA, ROUTINE_NAME, NULL, IF(ROUTINE_BODY = 'SQL', ${bodyOf('ROUTINE_DEFINITION')}, NULL) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA NOT IN ${NOT_OURS}`,
  `SELECT 'TRIGGER', TRIGGER_SCHEMA, TRIGGER_NAME, EVENT_OBJECT_TABLE, ${bodyOf('ACTION_STATEMENT')} FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA NOT IN ${NOT_OURS}`,
  `SELECT 'EVENT', EVENT_SCHEMA, EVENT_NAME, NULL, ${bodyOf('EVENT_DEFINITION')} FROM information_schema.EVENTS WHERE EVENT_SCHEMA NOT IN ${NOT_OURS}`,
  `SELECT 'VIEW', TABLE_SCHEMA, TABLE_NAME, NULL, ${bodyOf('VIEW_DEFINITION')} FROM information_schema.VIEWS WHERE TABLE_SCHEMA NOT IN ${NOT_OURS}`,
];

/** The programs of a server that an account sees. @throws AppError `remote_failed`, also for more than 64 MiB of them. */
export async function readPrograms(control: MysqlConnection): Promise<TargetProgram[]> {
  const programs: TargetProgram[] = [];
  for (const query of QUERIES) {
    for (const [type, database, name, table, body] of await control.list(query, LOOK_MS)) {
      const kind = KINDS[type ?? ''];
      if (kind === undefined || database == null || name == null) continue;
      programs.push({ kind, database, name, table: table ?? null, body: body ?? null });
    }
  }
  return programs;
}
