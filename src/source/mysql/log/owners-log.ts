import type { Marker } from './marker.ts';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../../core/errors.ts';
import { type MysqlConnection, WHOLE_TABLE_MS } from '../connection/mysql-connection.ts';
import type { LogSlots } from './log-slots.ts';
import {
  exchange,
  isLockWait,
  LIVE_TABLE,
  LOG_COLUMNS,
  repair,
  saysDamaged,
  whenUnread,
} from './log-table.ts';
import { NO_SENTINEL, readSentinel, type Sentinel } from './sentinel.ts';
import { PendingStatement } from '../reading/pending-statement.ts';
import {
  noteAppended,
  noteAppending,
  noteCopied,
  readSchema,
  TABLES,
  type SchemaContents,
} from './recorder-schema.ts';

const ALL_ROWS = '18446744073709551615';

async function countRows(connection: MysqlConnection, table: string): Promise<number> {
  return Number((await connection.value(`SELECT COUNT(*) FROM ${table}`, WHOLE_TABLE_MS)) ?? 0);
}

/** Rows of a table of ours that are the owner's to have: all but the sentinels. */
async function countLogged(connection: MysqlConnection, table: string): Promise<number> {
  return countRows(connection, `${table} WHERE ${NO_SENTINEL}`);
}

/**
 * Copies rows of a log table to the end of the owner's, from row `skip` on, sentinels not counted.
 * @returns how many.
 */
async function copyToOwners(
  connection: MysqlConnection,
  source: string,
  skip: number,
): Promise<number> {
  // A CSV log table keeps times as text, in the zone of the session that wrote them: for most
  // sessions that is the server's.
  const text = await textForOwners(connection);
  await connection.run('SET SESSION time_zone = @@GLOBAL.time_zone');
  try {
    return await connection.run(
      `INSERT INTO ${TABLES.owners} (${LOG_COLUMNS}, argument) SELECT ${LOG_COLUMNS}, ${text} FROM ${source} WHERE ${NO_SENTINEL} LIMIT ${skip}, ${ALL_ROWS}`,
      WHOLE_TABLE_MS,
    );
  } finally {
    await connection.run("SET SESSION time_zone = '+00:00'");
  }
}

// The bytes of a character of four: the first, and the others.
const FIRST_BYTES = [0xf0, 0xf1, 0xf2, 0xf3, 0xf4];
const OTHER_BYTES = Array.from({ length: 0x40 }, (_, i) => 0x80 + i);

/**
 * The expression that writes `argument` as the server itself would have written it to the owner's
 * table: where that holds no characters of four bytes, as the text `\xF0\x9F\x98\x80`.
 *
 * Each such character is torn into its bytes first, an `\x` before each, and then one byte after the
 * other is spelled: in text that is whole none of them ever stands behind an `x`. With REPLACE, which
 * moves the rest of the text at each find, 0.72 MB of 80,000 emoji took MariaDB 10.11 14 seconds, and
 * 70 MB for ever; this takes 0.2 seconds, and for 70 MB, of which the column takes 16, 4.5.
 */
async function textForOwners(connection: MysqlConnection): Promise<string> {
  const column = await connection.row(
    "SELECT CHARACTER_SET_NAME, CHARACTER_OCTET_LENGTH FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'captures' AND TABLE_NAME = 'owners_log' AND COLUMN_NAME = 'argument'",
  );
  const [charset, longest] = column ?? [];
  // MySQL's column is a blob, which has no character set and holds every byte.
  if (charset !== 'utf8' && charset !== 'utf8mb3') return 'argument';
  // What is behind the column's end is cut off anyhow; no character that is cut here begins before it.
  // Of bytes, because regular expressions of MariaDB 10.5 know no characters of four.
  const bytes = `LEFT(CONVERT(argument USING binary), ${Number(longest) + 3})`;
  let spelled = `REGEXP_REPLACE(${bytes}, '([\\\\xF0-\\\\xF4])([\\\\x80-\\\\xBF])([\\\\x80-\\\\xBF])([\\\\x80-\\\\xBF])', '${[1, 2, 3, 4].map((n) => `\\\\\\\\x\\\\${n}`).join('')}')`;
  for (const byte of [...FIRST_BYTES, ...OTHER_BYTES]) {
    const hex = byte.toString(16).toUpperCase();
    // Behind it, so that the server looks for a byte that is rare.
    spelled = `REGEXP_REPLACE(${spelled}, '(?<=x)\\\\x${hex}', '${hex}')`;
  }
  return `IF(LENGTH(CONVERT(argument USING utf8mb3)) <> LENGTH(argument), ${spelled}, argument)`;
}

/** Makes an empty table in the place of the owner's where somebody dropped that. */
type ReplaceDropped = () => Promise<void>;

/** How far the append of a generation is, from what the marker and the owner's log say. */
async function progressOf(
  connection: MysqlConnection,
  marker: Marker | null,
  generation: number,
): Promise<{ base: number; done: number; isComplete: boolean }> {
  if (marker?.appending === generation && marker.ownerRows !== null) {
    if (marker.isAppended) return { base: marker.ownerRows, done: 0, isComplete: true };
    // Begun and not finished: nobody else writes to a table that is set aside, so what it has more
    // than before is what was copied.
    const rows = await countRows(connection, TABLES.owners);
    // Fewer than before: a repair has dropped what was no whole row any more.
    const done = Math.max(0, rows - marker.ownerRows);
    return { base: marker.ownerRows, done, isComplete: false };
  }
  const base =
    marker?.isAppended === true && marker.ownerRows !== null
      ? marker.ownerRows
      : await countRows(connection, TABLES.owners);
  return { base, done: 0, isComplete: false };
}

/**
 * Appends a frozen generation to the owner's log table that is set aside; exactly once, however often
 * it is called and wherever it was interrupted. Generations are appended in their order.
 * A table that the death of the server damaged is repaired first.
 * @param replaceDropped called where the owner's table is gone; nothing is appended where it is not
 *   there afterwards.
 */
export async function appendGeneration(
  connection: MysqlConnection,
  storeId: string,
  slots: LogSlots,
  generation: number,
  replaceDropped: ReplaceDropped,
): Promise<void> {
  if (!slots.has(generation)) return;
  const table = slots.tableOf(generation);
  const append = (): Promise<void> =>
    appendOnce(connection, storeId, generation, table, replaceDropped);
  try {
    await append();
  } catch (error) {
    if (!saysDamaged(error)) throw error;
    await repair(connection, table);
    await repair(connection, TABLES.owners);
    await append();
  }
}

async function appendOnce(
  connection: MysqlConnection,
  storeId: string,
  generation: number,
  table: string,
  replaceDropped: ReplaceDropped,
): Promise<void> {
  let { marker, tables } = await readSchema(connection, storeId);
  if (!tables.has('owners_log')) {
    await replaceDropped();
    ({ marker, tables } = await readSchema(connection, storeId));
    if (!tables.has('owners_log')) return;
  }
  // Its table is still there because somebody had it locked when it was to be emptied.
  if (marker?.appending != null && generation < marker.appending) return;
  const { base, done, isComplete } = await progressOf(connection, marker, generation);
  if (isComplete) return;
  if (done === 0) await noteAppending(connection, generation, base);
  const copied = await copyToOwners(connection, table, done);
  await noteAppended(connection, base + done + copied);
}

// Rows that may be copied while every client waits: a few milliseconds' worth.
const FEW_ROWS = 5000;
// Of texts full of characters of four bytes so much takes a tenth of a second (10.11).
const FEW_BYTES = 256 * 1024;
const ATTEMPTS = 6;
const PAUSE_MS = 200;

/** What restoring needs besides the server's own statements. */
interface GivingBack {
  readonly connect: () => Promise<MysqlConnection>;
  readonly slots: LogSlots;
  readonly sentinelOf: (generation: number) => Sentinel;
  /** Makes a frozen generation whole that another program changed. */
  readonly mend: (generation: number) => Promise<void>;
  readonly replaceDropped: ReplaceDropped;
}

/**
 * Puts the owner's log table back while logging to the table goes on, without a hole and without
 * changing the order: the last rows of ours are appended to theirs while every logger waits.
 *
 * Rows can't be inserted into a live log table, nor can it be locked. So: `control` holds a shared
 * metadata lock on the live table; `stopper` asks for a rename of it and queues, and every logger
 * queues behind that; `control` reads the live table into the owner's, which the stopper's rename does
 * not involve, and lets go of the owner's by rolling back to a savepoint; `mover` asks for the real
 * exchange and queues too; the stopper is ended, `control` commits, and the mover is next in line.
 * Measured under 8 clients at full speed, 30 times: no row lost, none out of order, clients stalled
 * for 9 to 22 ms. `lock_wait_timeout=1` bounds it.
 *
 * The stopper's rename is an ordinary swap of the live generation, so that even when it should be
 * carried out (the control connection lost) nothing has happened that is not understood. How far the
 * copy is is written down on the mover's connection, before its exchange can be carried out, and not
 * within the transaction that holds the lock.
 *
 * @param generation of the live table.
 * @throws AppError `remote_failed` when it did not succeed within bounds; nothing is lost then, and
 *   it can be called again.
 */
export async function restoreWhileLogging(
  tools: GivingBack,
  control: MysqlConnection,
  storeId: string,
  generation: number,
): Promise<void> {
  const connections: MysqlConnection[] = [];
  try {
    for (let i = 0; i < 2; i++) connections.push(await tools.connect());
    const [stopper, mover] = connections;
    if (stopper === undefined || mover === undefined) return;
    let live = generation;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      live = await shrinkLive(tools, control, storeId, live);
      const session = { stopper, mover, control };
      if (await exchangeBehindWaitingLoggers(session, tools.slots, storeId, live)) return;
      await delay(PAUSE_MS * attempt);
    }
  } finally {
    await Promise.all(connections.map((connection) => connection.close()));
  }
  throw new AppError(
    'remote_failed',
    "The server's own log table could not be restored: some session reads the log table all the time",
    {
      hint: {
        code: 'retried_or_recover',
        environment: null,
        before: 'End the statements that read mysql.general_log.',
      },
    },
  );
}

/** Whether there is more than clients may wait for; as if, for a table that is damaged. */
async function hasMuch(control: MysqlConnection): Promise<boolean> {
  try {
    // O(1) on MyISAM, whose row count is in its header: no reader that anybody would wait for.
    if ((await countRows(control, LIVE_TABLE)) > FEW_ROWS) return true;
    const bytes = await control.value(
      "SELECT DATA_LENGTH FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'mysql' AND TABLE_NAME = 'general_log'",
    );
    return Number(bytes) > FEW_BYTES;
  } catch (error) {
    if (!saysDamaged(error)) throw error;
    return true;
  }
}

/** Appends what is frozen, and what is live when it is much. @returns the live generation then. */
async function shrinkLive(
  { slots, sentinelOf, mend, replaceDropped }: GivingBack,
  control: MysqlConnection,
  storeId: string,
  generation: number,
): Promise<number> {
  let live = Math.max(generation, ...slots.frozen.map((number) => number + 1));
  const isMuch = await hasMuch(control);
  // Without it another program has changed the table: it can be put right when it is frozen.
  if (isMuch || (await readSentinel(control, LIVE_TABLE)) === null) {
    await slots.swap(live, sentinelOf(live + 1));
    live++;
  }
  for (const number of slots.frozen) {
    await mend(number);
    await appendGeneration(control, storeId, slots, number, replaceDropped);
    await slots.release(number);
  }
  await slots.prepare(sentinelOf(live + 1));
  return live;
}

interface Connections {
  readonly stopper: MysqlConnection;
  readonly mover: MysqlConnection;
  readonly control: MysqlConnection;
}

async function exchangeBehindWaitingLoggers(
  { stopper, mover, control }: Connections,
  slots: LogSlots,
  storeId: string,
  live: number,
): Promise<boolean> {
  const { marker } = await readSchema(control, storeId);
  const progress = await progressOf(control, marker, live);
  let done = progress.done;
  if (marker?.appending !== live) await noteAppending(control, live, progress.base);

  const end = async (connection: MysqlConnection, pending: PendingStatement): Promise<void> => {
    if (!pending.isOver) await control.attempt(`KILL QUERY ${connection.id}`);
    await pending.end;
  };
  let stop: PendingStatement | null = null;
  let move: PendingStatement | null = null;
  try {
    await whenUnread(control);
    await control.run('START TRANSACTION');
    await control.rows(`SELECT 1 FROM ${LIVE_TABLE} LIMIT 0`);
    await control.run('SAVEPOINT before_copy');
    stop = new PendingStatement(stopper.run(slots.swapStatement));
    if (!(await isQueued(control, stopper, stop))) return false;
    // A logger that had the table when the stopper queued may still be writing its row: look again.
    for (let look = 0; look < 3; look++) {
      done += await copyToOwners(control, LIVE_TABLE, done);
      if ((await countLogged(control, LIVE_TABLE)) <= done) break;
    }
    await control.run('ROLLBACK TO SAVEPOINT before_copy');
    // A crash behind the exchange must not hide what is found by the look behind it.
    await noteCopied(mover, done);
    move = new PendingStatement(
      mover.run(
        `RENAME TABLE ${LIVE_TABLE} TO ${TABLES.retired}, ${TABLES.owners} TO ${LIVE_TABLE}`,
      ),
    );
    if (!(await isQueued(control, mover, move)) || stop.isOver) {
      await end(mover, move);
      return false;
    }
    await end(stopper, stop);
    await control.run('COMMIT');
    await move.end;
    if (move.error !== null) {
      if (isLockWait(move.error)) return false;
      throw move.error;
    }
  } catch (error) {
    if (isLockWait(error)) return false;
    throw error;
  } finally {
    if (move !== null) await end(mover, move);
    if (stop !== null) {
      await end(stopper, stop);
      if (stop.error === null) slots.swapped(live);
    }
    if (!control.isLost) await control.attempt('ROLLBACK');
  }
  if ((await countLogged(control, TABLES.retired)) <= done) return true;
  // A logger wrote a row after the last look: ours goes back in for another round.
  await exchange(control, TABLES.owners, TABLES.retired);
  return false;
}

/**
 * Looks at an exchange that was carried out and then not looked at, because the recorder died: a row
 * that a logger wrote after the last copy is in our retired table alone. Puts ours back then, for
 * another round; what the owner's log has got since stays in it.
 */
export async function takeBackIncomplete(
  control: MysqlConnection,
  { marker, tables }: SchemaContents,
): Promise<boolean> {
  if (marker?.copiedRows == null || marker.appending === null) return false;
  if (!tables.has('retired_log') || tables.has('owners_log')) return false;
  if ((await countLogged(control, TABLES.retired)) <= marker.copiedRows) return false;
  await exchange(control, TABLES.owners, TABLES.retired);
  const rows = await countRows(control, TABLES.owners);
  await noteAppending(control, marker.appending, rows - marker.copiedRows);
  return true;
}

const LONGEST_QUEUE_WAIT_MS = 800;

/** Waits until a rename waits for the table's lock. @returns false when it ended or never did. */
async function isQueued(
  control: MysqlConnection,
  connection: MysqlConnection,
  pending: PendingStatement,
): Promise<boolean> {
  const deadline = performance.now() + LONGEST_QUEUE_WAIT_MS;
  while (performance.now() < deadline && !pending.isOver) {
    const state = await control.value(
      `SELECT STATE FROM information_schema.PROCESSLIST WHERE ID = ${connection.id}`,
    );
    if (state === 'Waiting for table metadata lock') return true;
  }
  return false;
}
