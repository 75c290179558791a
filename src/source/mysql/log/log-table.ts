import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../../core/errors.ts';
import { codeOf, errnoOf, storageErrorOf } from '../connection/server-errors.ts';
import { literal, type MysqlConnection, WHOLE_TABLE_MS } from '../connection/mysql-connection.ts';
import type { ServerInstant } from '../../../core/source.ts';
import type { Flavor } from '../connection/flavor.ts';
import { engineOf } from './log-engine.ts';
import { timesIn } from './log-times.ts';
import { OUR_COMMENT, RECORDER_SCHEMA, TABLES } from './recorder-schema.ts';
import { addSentinel, type Sentinel } from './sentinel.ts';

/** The table that the server logs to; never read while it is live (readers stall every client). */
export const LIVE_TABLE = 'mysql.general_log';

/** The columns that every log table has, the owner's and ours, but for the text, `argument`. */
export const LOG_COLUMNS = 'event_time, user_host, thread_id, server_id, command_type';

/** Makes an empty log table of ours. */
export async function makeLogTable(
  connection: MysqlConnection,
  flavor: Flavor,
  table: string,
): Promise<void> {
  await connection.run(
    `CREATE TABLE ${table} (${flavor.logColumns}) ENGINE = ${flavor.engine} COMMENT = '${OUR_COMMENT}'`,
  );
}

/**
 * Makes an empty log table as the server comes with, set aside: for an owner whose own one was dropped.
 * Makes the schema, too, where it was dropped with it.
 */
export async function makeOwnersTable(
  connection: MysqlConnection,
  flavor: Flavor,
  engine: string,
): Promise<void> {
  await connection.run(
    `CREATE DATABASE IF NOT EXISTS ${RECORDER_SCHEMA}${flavor.schemaSign.clause}`,
  );
  await connection.run(
    `CREATE TABLE ${TABLES.owners} (${flavor.ownersColumns}) ENGINE = ${literal(engine)} DEFAULT CHARACTER SET utf8 COLLATE utf8_general_ci COMMENT = 'General log'`,
  );
}

/** Whose the live table is; `missing` when the server has none. */
export async function whoseIsLive(
  connection: MysqlConnection,
): Promise<'ours' | 'owners' | 'missing'> {
  const row = await connection.row(
    "SELECT TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'mysql' AND TABLE_NAME = 'general_log'",
  );
  if (row === null) return 'missing';
  return row[0] === OUR_COMMENT ? 'ours' : 'owners';
}

/** Bytes of the live log table and of the frozen ones, from the server's own book-keeping. */
export async function logBytes(connection: MysqlConnection): Promise<number> {
  const bytes = await connection.value(
    `SELECT SUM(DATA_LENGTH) FROM information_schema.TABLES
     WHERE (TABLE_SCHEMA = 'mysql' AND TABLE_NAME = 'general_log')
       OR (TABLE_SCHEMA = '${RECORDER_SCHEMA}' AND (TABLE_NAME LIKE 'log\\_%' OR TABLE_NAME LIKE 'frozen\\_%'))`,
  );
  return Number(bytes ?? 0);
}

/**
 * Puts `incoming` in the place of the live log table, which becomes `outgoing`: one statement, with
 * the log left on, that loses nothing.
 */
export async function exchange(
  connection: MysqlConnection,
  outgoing: string,
  incoming: string,
): Promise<void> {
  await whenLockFree(async () => {
    await whenUnread(connection);
    await withoutQueueing(() =>
      connection.run(
        `RENAME TABLE ${LIVE_TABLE}${NO_QUEUE} TO ${outgoing}, ${incoming} TO ${LIVE_TABLE}`,
      ),
    );
  });
}

/**
 * Has a RENAME of the log table fail at once where somebody has that open (MariaDB; a comment for MySQL,
 * which has no such word). One that waits in the queue makes a deadlock of the next statement of a
 * transaction that has read the log table, for that statement is logged: MariaDB rolls the transaction
 * back without an error (10.11: 20 of 279 that read mysql.general_log, between two INSERTs).
 */
export const NO_QUEUE = ' /*M! NOWAIT */';

/**
 * How long it is tried again; of 100 clients at full speed one try in 23 finds nobody writing. Less than
 * the second of lock_wait_timeout: what has queued on MySQL does not queue again at once.
 */
const UNQUEUED_MS = 900;

/** Runs what has NO_QUEUE in it again and again, for so long. @throws AppError what the last try threw. */
export async function withoutQueueing<T>(run: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + UNQUEUED_MS;
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (codeOf(error) !== 'ER_LOCK_WAIT_TIMEOUT' || performance.now() > deadline) throw error;
    }
    await delay(1);
  }
}

/** Who has locks on a table, where the server says so. */
export const LOCK_TABLE = 'performance_schema.metadata_locks';

const UNREAD_PAUSE_MS = 100;
const MOST_LOOKS = 50;
/** On a busy machine a dump is in the schema `mysql` for over a second. */
const MOST_LOOKS_AT_VISITORS = 30;

/**
 * Waits until no transaction has the live log table open, where the server says who has (MySQL), and for
 * three seconds until nothing runs in its schema or ours, for a dump is about to open one. A RENAME
 * that waits for such a transaction makes a deadlock of its next statement, which is logged: and MySQL
 * rolls the transaction back, without an error (9.7: mysqldump --single-transaction, which looks at the
 * columns of mysql.general_log within its own, failed in 24 of 125 runs).
 * @throws AppError `remote_failed` when that takes more than five seconds.
 */
export async function whenUnread(connection: MysqlConnection): Promise<void> {
  for (let look = 0; look < MOST_LOOKS; look++) {
    try {
      // First this: what ends meanwhile is seen by the locks that it held.
      const visitors = await connection.value(
        `SELECT COUNT(*) FROM performance_schema.threads
           WHERE PROCESSLIST_DB IN ('${RECORDER_SCHEMA}', 'mysql') AND PROCESSLIST_TIME < 1`,
      );
      // Loggers have other locks, and no longer than it takes to write a row.
      const readers = await connection.value(
        `SELECT COUNT(*) FROM ${LOCK_TABLE} WHERE OBJECT_SCHEMA = 'mysql' AND OBJECT_NAME = 'general_log'
           AND LOCK_TYPE IN ('SHARED_READ', 'SHARED_HIGH_PRIO') AND LOCK_DURATION = 'TRANSACTION'`,
      );
      const isPatient = look < MOST_LOOKS_AT_VISITORS;
      if (readers === '0' && (visitors === '0' || !isPatient)) return;
    } catch (error) {
      // May not be asked, or is not there to be asked.
      if (connection.isLost) throw error;
      return;
    }
    await delay(UNREAD_PAUSE_MS);
  }
  throw new AppError('remote_failed', `A transaction has the log table ${LIVE_TABLE} open`, {
    hint: 'The recorder continues when that transaction ends: a dump with --single-transaction is one.',
  });
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;
const ATTEMPTS = 8;

/**
 * Runs a statement that waits for the log table's lock, again when the wait timed out. While it waits
 * every client's statements wait too; `lock_wait_timeout=1` bounds that to a second, and the pauses
 * let them through in between.
 */
export async function whenLockFree<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (!isLockWait(error) || attempt === ATTEMPTS) throw error;
      await delay(Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS));
    }
  }
}

/** ER_STATEMENT_TIMEOUT: `max_statement_time` exceeded (MariaDB's mysqld_error.h). */
const TIME_EXCEEDED = 1969;

/** Whether a statement waited in vain for a lock. */
export function isLockWait(error: unknown): boolean {
  return codeOf(error) === 'ER_LOCK_WAIT_TIMEOUT' || errnoOf(error) === TIME_EXCEEDED;
}

/** Error numbers of a table that a server's death left damaged (mysqld_error.h, my_base.h). */
const DAMAGE: ReadonlySet<string> = new Set([
  'ER_CRASHED_ON_USAGE',
  'ER_CRASHED_ON_REPAIR',
  'ER_NOT_KEYFILE',
  'ER_OLD_KEYFILE',
  'ER_1194',
  'ER_1195',
  'ER_1034',
  'ER_1035',
  'HA_ERR_CRASHED',
  'HA_ERR_WRONG_IN_RECORD',
  'HA_ERR_CRASHED_ON_REPAIR',
  'HA_ERR_CRASHED_ON_USAGE',
  // The index has no header, or the definition none: the server died while it wrote them.
  'HA_ERR_NOT_A_TABLE',
  'ER_NOT_FORM_FILE',
  // Of the index; of the rows it is EE_FILENOTFOUND, and nothing brings them back.
  'ER_FILE_NOT_FOUND',
  // "Can't find record": MariaDB's CSV engine does not open a damaged table and gives the last error of
  // its thread, which as a rule is the end of another table (ha_tina::open; seen on 10.5.23).
  'ER_KEY_NOT_FOUND',
  'ER_1032',
]);

/** HA_ERR_FILE_TOO_SHORT: what MySQL 9.7 says of a MyISAM table whose end is not on the disk. */
const TOO_SHORT = 175;

/** Whether an error says that a table was left damaged. */
export function saysDamaged(error: unknown): boolean {
  return DAMAGE.has(codeOf(error) ?? '') || storageErrorOf(error) === TOO_SHORT;
}

/** The warning for a table that had to be repaired. */
export const REPAIRED =
  "The server's log table was damaged by a crash of the server and has been repaired";

/**
 * Repairs a log table that is not live. After a server that was killed `REPAIR TABLE` brought every
 * acknowledged row back (tried). Where it cannot read the index, that is made anew from the rows: a
 * server that is killed while it makes or empties a table leaves an index of no bytes (tried: with one
 * that was empty, zeroed, cut or gone all rows came back, on MariaDB 10.5, 10.11, 11.8 and MySQL 9.7).
 * @returns what it says of rows that it could not bring back; null when nothing is missing.
 */
export async function repair(connection: MysqlConnection, table: string): Promise<string | null> {
  const texts = await repairMessages(connection, `REPAIR TABLE ${table}`);
  const isRefused = texts.some(({ type }) => type === 'error');
  if (isRefused && (await engineOf(connection, table)) === 'MyISAM') {
    const anew = await repairMessages(connection, `REPAIR TABLE ${table} USE_FRM`);
    if (!anew.some(({ type }) => type === 'error')) {
      return 'its index could not be read, and only the index says how many there were';
    }
  }
  const isFewer = texts.some(({ text }) => {
    const [, before, after] = /^Number of rows changed from (\d+) to (\d+)$/.exec(text) ?? [];
    return Number(after) < Number(before);
  });
  // What it found wrong is told as `info`, a table beyond repair as `error`.
  const found = texts.filter(({ type }) => type === 'info' || type === 'error');
  if (!isFewer && found.length === 0) return null;
  return texts.map(({ text }) => text).join('; ');
}

async function repairMessages(
  connection: MysqlConnection,
  sql: string,
): Promise<{ readonly type: string; readonly text: string }[]> {
  const messages = await connection.rows(sql, WHOLE_TABLE_MS);
  return messages.map((row) => ({ type: (row[2] ?? '').toLowerCase(), text: row[3] ?? '' }));
}

/** What is known of a frozen table that was repaired. */
interface Repaired {
  /** What the repair says is missing; null where it says nothing. */
  readonly said: string | null;
  /** Whether the server has not died since the table was made. */
  readonly isOfThisStart: boolean;
  /** When it was frozen, by the server's clock; null where unknown. */
  readonly until: ServerInstant | null;
}

/** Writes down at the end of a frozen table what a repair could not bring back; nothing where nothing is. */
export async function noteLoss(
  connection: MysqlConnection,
  table: string,
  { tap, generation, serverStart }: Pick<Sentinel, 'tap' | 'generation' | 'serverStart'>,
  { said, isOfThisStart, until }: Repaired,
): Promise<void> {
  const isCsv = (await engineOf(connection, table)) === 'CSV';
  // CSV never says: it keeps what stands before the first row that is not whole. One that the death of
  // the server left is its last, and was of a statement that had no answer.
  const lost = said ?? (isCsv && isOfThisStart ? 'what is behind a torn row is gone' : null);
  if (lost === null) return;
  const { first, last } = await timesIn(connection, table, { since: null, before: until });
  await addSentinel(connection, table, {
    tap,
    generation,
    serverStart,
    interruption: {
      cause: 'log_table_damaged',
      from: isCsv ? last : first,
      to: isCsv ? until : last,
      reason: `A crash of the server, or a full disk, damaged its log table, and the repair may not have brought every row back (${lost})`,
    },
  });
}

/** Reads a log table that nobody logs to; repairs it when it is damaged, and reads it again then. */
export async function readRepaired<T>(
  connection: MysqlConnection,
  table: string,
  read: () => Promise<T>,
): Promise<{ readonly found: T; readonly wasDamaged: boolean }> {
  try {
    return { found: await read(), wasDamaged: false };
  } catch (error) {
    if (!saysDamaged(error)) throw error;
    await repair(connection, table);
    return { found: await read(), wasDamaged: true };
  }
}

/** Repairs a table when its beginning cannot be read. @returns whether it was damaged. */
export async function repairIfDamaged(
  connection: MysqlConnection,
  table: string,
): Promise<boolean> {
  const read = (): Promise<unknown> => connection.rows(`SELECT 1 FROM ${table} LIMIT 1`);
  return (await readRepaired(connection, table, read)).wasDamaged;
}
