import type { CounterReading } from '../../../core/verification/server-counters.ts';
import { EDGE_COUNTERS } from '../counters/edges.ts';
import { OWN_SHARE_SINCE } from '../../../core/metrics/metric-source.ts';
import type { CommandTally } from './command-tally.ts';
import type { MysqlConnection, Row } from './mysql-connection.ts';
import type { LogTableReader } from '../reading/log-table-reader.ts';

/** Of the sampled counters, those that a server also keeps for each session. */
export const SESSION_COUNTERS: readonly string[] = [
  'Questions',
  'Com_select',
  'Com_insert',
  'Com_update',
  'Com_delete',
  'Com_replace',
  'Com_commit',
  'Com_rollback',
  'Com_stmt_execute',
  'Slow_queries',
  'Rows_read',
  'Rows_sent',
  'Handler_update',
  'Handler_delete',
  'Bytes_received',
  'Bytes_sent',
];

/** What a sample holds: what metrics are made of, and `Uptime`, which tells a restart. */
export const SAMPLED_COUNTERS: readonly string[] = [
  'Uptime',
  ...SESSION_COUNTERS,
  'Threads_running',
  'Threads_connected',
  'Innodb_rows_read',
  'Innodb_rows_inserted',
  'Innodb_rows_updated',
  'Innodb_rows_deleted',
  'Innodb_data_reads',
  'Innodb_data_writes',
  'Innodb_log_writes',
  'Innodb_buffer_pool_read_requests',
  'Innodb_buffer_pool_reads',
];

/**
 * The server's counters, by the names it gives them; those that it does not have are absent. Asks for
 * these alone: the whole of SHOW GLOBAL STATUS is 600 rows.
 */
async function readCounters(
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
 * @param times what the server has of the connection that reads times; null where it is not open.
 * @param lastLost id of the connection of ours that was lost last; null where none was. Its share is
 *   not known any more, so this tells the samples before from those after.
 * @throws AppError `remote_failed`, or as `LogTableReader.rowsOf`.
 */
export async function sampleWithoutOwn(
  control: MysqlConnection,
  reader: LogTableReader | null,
  times: Readonly<Record<string, number>> | null,
  lastLost: number | null,
): Promise<Record<string, number>> {
  const counters = await untorn(
    () => readQuestions(control),
    () => readCounters(control, SAMPLED_COUNTERS),
    ({ Questions = 0 }) => Questions,
  );
  const shares = [await readSessionCounters(control)];
  if (reader !== null) shares.push(toCounters(await reader.rowsOf(OF_SESSION)));
  if (times !== null) shares.push(times);
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

/** What the server has of a connection of `SESSION_COUNTERS`. @throws AppError `remote_failed`. */
export async function readSessionCounters(
  connection: MysqlConnection,
): Promise<Readonly<Record<string, number>>> {
  return toCounters(await connection.rows(OF_SESSION));
}

/** Which connection of several kinds was lost last. */
export class LatestLoss {
  #before: readonly (number | null)[] = [];
  #latest: number | null = null;

  /** @param lost the id of the last one of each kind; null where none was. */
  of(...lost: readonly (number | null)[]): number | null {
    for (const [kind, id] of lost.entries()) {
      if (id !== (this.#before[kind] ?? null)) this.#latest = id;
    }
    this.#before = lost;
    return this.#latest;
  }
}

/**
 * Counters of SQL statements that say nothing of statements: the protocol's own commands are counted in
 * them as well, logged or not (tried on MariaDB 10.11 and MySQL 9.7: a COM_INIT_DB that fails has no row
 * and is in Com_change_db), or what they run is counted a second time (EXECUTE). SET in all of its forms
 * is left out of the rows as well.
 */
const NOT_OF_STATEMENTS: ReadonlySet<string> = new Set([
  'Com_admin_commands',
  'Com_alter_user_default_role',
  'Com_change_db',
  'Com_execute_immediate',
  'Com_execute_sql',
  'Com_flush',
  'Com_kill',
  'Com_multi',
  'Com_set_option',
  'Com_set_password',
  'Com_set_resource_group',
  'Com_set_role',
  'Com_show_fields',
]);

/**
 * What a record is compared with: `EDGE_COUNTERS` and what is made of others, and our own share of them
 * at that instant.
 * @throws AppError `remote_failed`.
 */
export async function readEdgeCounters(
  connection: MysqlConnection,
  family: 'mariadb' | 'mysql',
  tally: CommandTally,
): Promise<CounterReading> {
  const unparsed = family === 'mysql' ? await readUnparsed(connection) : {};
  const reading = await untorn(
    () => readQuestions(connection),
    async () => ({ counters: await readCommandCounters(connection), own: tally.counts() }),
    ({ counters: { Questions = 0 } }) => Questions,
  );
  return { counters: { ...reading.counters, ...unparsed }, own: reading.own };
}

/** Clients that come and go faster than this are not waited for. */
const MOST_READINGS = 5;

/**
 * A reading whose Questions lie between one before and one after it. The server sums its sessions one
 * after another, and one that ends meanwhile is counted not at all, or twice, with all that it ever did:
 * beside clients that come and go one of some 2,000 readings was too low by 3,000, which is what a
 * session had sent (tried on MariaDB 10.5, 10.11, 11.8 and MySQL 9.7).
 */
export async function untorn<T>(
  questions: () => Promise<number>,
  read: () => Promise<T>,
  questionsOf: (reading: T) => number,
): Promise<T> {
  let before = await questions();
  for (let readings = 1; ; readings++) {
    const reading = await read();
    const after = await questions();
    const count = questionsOf(reading);
    if ((before <= count && count <= after) || readings === MOST_READINGS) return reading;
    before = after;
  }
}

async function readQuestions(connection: MysqlConnection): Promise<number> {
  return (await readCounters(connection, ['Questions']))['Questions'] ?? 0;
}

async function readCommandCounters(connection: MysqlConnection): Promise<Record<string, number>> {
  const rows = await connection.rows(
    `SHOW GLOBAL STATUS WHERE Variable_name LIKE 'Com\\_%' OR Variable_name IN (${quoted(EDGE_COUNTERS)})`,
  );
  const counters: Record<string, number> = {};
  let statements = 0;
  for (const [name, count] of Object.entries(toCounters(rows))) {
    if (EDGE.has(name)) counters[name] = count;
    if (isOfStatements(name)) statements += count;
  }
  return { ...counters, Statements: statements };
}

const EDGE: ReadonlySet<string> = new Set(EDGE_COUNTERS);

function isOfStatements(name: string): boolean {
  return name.startsWith('Com_') && !name.startsWith('Com_stmt_') && !NOT_OF_STATEMENTS.has(name);
}

/**
 * `Unparsed`; empty where performance_schema may not be read, or is off. Its events are what has no row,
 * exactly (56 forms tried on MySQL 9.7.4): `sql/error` also of unknown variables and engines, bodies of
 * procedures, names without a database; not of a PREPARE, a hint or a SIGNAL that says syntax error.
 */
async function readUnparsed(connection: MysqlConnection): Promise<Record<string, number>> {
  try {
    const row = await connection.row(
      `SELECT SUM(COUNT_STAR) FROM performance_schema.events_statements_summary_global_by_event_name
       WHERE EVENT_NAME IN ('statement/sql/error', 'statement/com/Error')`,
    );
    const count = row?.[0];
    return count == null ? {} : { Unparsed: Number(count) };
  } catch (error) {
    if (connection.isLost) throw error;
    return {};
  }
}

function statusQuery(scope: 'GLOBAL' | 'SESSION', wanted: readonly string[]): string {
  return `SHOW ${scope} STATUS WHERE Variable_name IN (${quoted(wanted)})`;
}

const OF_SESSION = statusQuery('SESSION', SESSION_COUNTERS);

function quoted(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ');
}

function toCounters(rows: readonly Row[]): Record<string, number> {
  const counters: Record<string, number> = {};
  for (const [name, value] of rows) {
    const count = Number(value ?? NaN);
    if (name != null && Number.isFinite(count)) counters[name] = count;
  }
  return counters;
}
