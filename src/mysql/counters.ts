import { OWN_SHARE_SINCE, SAMPLED_COUNTERS, SESSION_COUNTERS } from '../core/server-metrics.ts';
import type { MysqlConnection, Row } from './connection.ts';
import type { LogTableReader } from './log-table-reader.ts';

/**
 * The server's counters, by the names it gives them; those that it does not have are absent. Asks for
 * these alone: the whole of SHOW GLOBAL STATUS is 600 rows.
 */
export async function readCounters(
  connection: MysqlConnection,
  wanted: readonly string[],
): Promise<Record<string, number>> {
  return toCounters(await connection.rows(statusQuery('GLOBAL', wanted)));
}

/**
 * The counters of `SAMPLED_COUNTERS` without what our own connections did: the drain reads each row
 * of the log once, so that 4,000 point selects with a row each were 8,046 in Rows_read and 1.0 MB
 * instead of 0.6 MB in Bytes_sent (MariaDB 10.11). The server says what a session's share is.
 * @param reader idle; null where none is open.
 * @param lastLost id of the connection of ours that was lost last; null where none was. Its share is
 *   not known any more, so this tells the samples before from those after.
 * @throws AppError `remote_failed`, or as `LogTableReader.rowsOf`.
 */
export async function sampleWithoutOwn(
  control: MysqlConnection,
  reader: LogTableReader | null,
  lastLost: number | null,
): Promise<Record<string, number>> {
  const counters = await readCounters(control, SAMPLED_COUNTERS);
  const query = statusQuery('SESSION', SESSION_COUNTERS);
  const shares = [toCounters(await control.rows(query))];
  if (reader !== null) shares.push(toCounters(await reader.rowsOf(query)));
  const leaveOut = (name: string, own: number): void => {
    const all = counters[name];
    if (all !== undefined) counters[name] = all - own;
  };
  for (const share of shares) {
    for (const [name, own] of Object.entries(share)) leaveOut(name, own);
  }
  leaveOut('Threads_connected', shares.length);
  leaveOut('Threads_running', 1);
  counters[OWN_SHARE_SINCE] = lastLost ?? control.id;
  return counters;
}

/**
 * Errors that MySQL raises when a statement is run, never while it is parsed: these are frequent, and
 * their statements have a row in the log.
 */
const ERRORS_AT_RUN_TIME = [
  'ER_DUP_ENTRY',
  'ER_LOCK_WAIT_TIMEOUT',
  'ER_LOCK_DEADLOCK',
  'ER_NO_SUCH_TABLE',
  'ER_BAD_TABLE_ERROR',
  'ER_TABLE_EXISTS_ERROR',
  'ER_BAD_FIELD_ERROR',
  'ER_BAD_DB_ERROR',
  'ER_DB_CREATE_EXISTS',
  'ER_ACCESS_DENIED_ERROR',
  'ER_DATA_TOO_LONG',
  'ER_WARN_DATA_OUT_OF_RANGE',
  'ER_TRUNCATED_WRONG_VALUE',
  'ER_TRUNCATED_WRONG_VALUE_FOR_FIELD',
  'ER_DIVISION_BY_ZERO',
  'ER_WARN_DEPRECATED_SYNTAX',
  'ER_QUERY_INTERRUPTED',
  'ER_SIGNAL_EXCEPTION',
  'ER_ROW_IS_REFERENCED_2',
  'ER_NO_REFERENCED_ROW_2',
  'ER_BAD_NULL_ERROR',
  'ER_CHECK_CONSTRAINT_VIOLATED',
] as const;

/**
 * What MySQL's `performance_schema` says of statements that it may not have logged, because it could
 * not parse them: `Parse_errors` (syntax errors and empty queries) and `Other_errors`. Empty where it
 * may not be read, or is off.
 */
export async function readParseErrors(
  connection: MysqlConnection,
): Promise<Record<string, number>> {
  const syntax = "ERROR_NAME IN ('ER_PARSE_ERROR', 'ER_EMPTY_QUERY')";
  const known = ERRORS_AT_RUN_TIME.map((name) => `'${name}'`).join(', ');
  try {
    const row = await connection.row(
      `SELECT SUM(IF(${syntax}, SUM_ERROR_RAISED, 0)), SUM(IF(${syntax} OR ERROR_NAME IN (${known}), 0, SUM_ERROR_RAISED))
       FROM performance_schema.events_errors_summary_global_by_error`,
    );
    const [parse, others] = row ?? [];
    if (parse == null || others == null) return {};
    return { Parse_errors: Number(parse), Other_errors: Number(others) };
  } catch (error) {
    if (connection.isLost) throw error;
    return {};
  }
}

function statusQuery(scope: 'GLOBAL' | 'SESSION', wanted: readonly string[]): string {
  const names = wanted.map((name) => `'${name}'`).join(', ');
  return `SHOW ${scope} STATUS WHERE Variable_name IN (${names})`;
}

function toCounters(rows: readonly Row[]): Record<string, number> {
  const counters: Record<string, number> = {};
  for (const [name, value] of rows) {
    const count = Number(value ?? NaN);
    if (name != null && Number.isFinite(count)) counters[name] = count;
  }
  return counters;
}
