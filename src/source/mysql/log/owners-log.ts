import { type MysqlConnection, WHOLE_TABLE_MS } from '../connection/mysql-connection.ts';
import type { LogSlots } from './log-slots.ts';
import { LOG_COLUMNS, repair, saysDamaged } from './log-table.ts';
import type { Marker } from './marker.ts';
import { noteAppended, noteAppending, readSchema, TABLES } from './recorder-schema.ts';
import { NO_SENTINEL } from './sentinel.ts';

const ALL_ROWS = '18446744073709551615';

export async function countRows(connection: MysqlConnection, table: string): Promise<number> {
  return Number((await connection.value(`SELECT COUNT(*) FROM ${table}`, WHOLE_TABLE_MS)) ?? 0);
}

/** Rows of a table of ours that are the owner's to have: all but the sentinels. */
export async function countLogged(connection: MysqlConnection, table: string): Promise<number> {
  return countRows(connection, `${table} WHERE ${NO_SENTINEL}`);
}

/**
 * Copies rows of a log table to the end of the owner's, from row `skip` on, sentinels not counted.
 * @returns how many.
 */
export async function copyToOwners(
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
export type ReplaceDropped = () => Promise<void>;

/** How far the append of a generation is, from what the marker and the owner's log say. */
export async function progressOf(
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
