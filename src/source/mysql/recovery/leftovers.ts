import type { Leftovers } from '../../../core/environments/server-inspection.ts';
import { type MysqlConnection, WHOLE_TABLE_MS } from '../connection/mysql-connection.ts';
import type { Flavor } from '../connection/flavor.ts';
import { saysFileMissing } from '../connection/server-errors.ts';
import { LIVE_TABLE, saysDamaged, whoseIsLive } from '../log/log-table.ts';
import {
  hasOurSign,
  liveGeneration,
  MARKER_TABLE,
  oldFrozenTable,
  RECORDER_SCHEMA,
  type SchemaContents,
  slotTable,
} from '../log/recorder-schema.ts';
import { settingsThen, type LogSettings } from '../log/log-settings.ts';
import { readSentinel } from '../log/sentinel.ts';

/**
 * What a recorder has on the server, whichever store's: enough to restore the server without that
 * store. Changes nothing.
 * @param now what its log is set to.
 * @returns null when there is nothing of a recorder's, the schema is not a recorder's, or a dump carried it.
 */
export async function findLeftovers(
  connection: MysqlConnection,
  contents: SchemaContents,
  flavor: Flavor,
  now: LogSettings,
): Promise<Leftovers | null> {
  const { state, tables, marker } = contents;
  const isLive = (await whoseIsLive(connection)) === 'ours';
  // Somebody may have dropped the marker, or the schema. But without our sign an empty schema is one
  // that an administrator made for us.
  const tablesOfLog = [...contents.slots.map(slotTable), ...contents.oldFrozen.map(oldFrozenTable)];
  const isThere =
    isLive ||
    tables.has(MARKER_TABLE) ||
    tablesOfLog.length > 0 ||
    (await hasOurSign(connection, flavor));
  if (state === 'foreign' || state === 'from-dump' || !isThere) return null;
  const sign = marker === null ? null : await lastSignOf(connection);
  if (isLive) tablesOfLog.push(LIVE_TABLE);
  const settings = marker?.settings ?? null;
  const restoresTo = settingsThen(settings, isLive, now);
  return {
    storeId: marker?.storeId ?? null,
    recorder: marker?.recorder ?? null,
    lastSign: sign?.at ?? null,
    silentMs: sign?.silentMs ?? null,
    settings,
    restoresTo,
    lostSettings: settings === null ? lostSettings(restoresTo, now) : null,
    tables: [...tables].sort(),
    statements: await countStatements(connection, tablesOfLog),
    batch: await findGeneration(connection, contents, isLive),
  };
}

function lostSettings({ generalLog, logOutput }: LogSettings, now: LogSettings): string {
  const was =
    generalLog === now.generalLog
      ? 'it is left as it is'
      : 'it is switched off, which may be wrong';
  return `The server has lost what its log was set to: ${was} (general_log ${generalLog ? 'ON' : 'OFF'}, log_output ${logOutput})`;
}

async function lastSignOf(
  connection: MysqlConnection,
): Promise<{ at: string; silentMs: number } | null> {
  const row = await connection.row(
    `SELECT heartbeat, TIMESTAMPDIFF(MICROSECOND, heartbeat, NOW(6)) FROM ${RECORDER_SCHEMA}.${MARKER_TABLE}`,
  );
  const [at, microseconds] = row ?? [];
  if (at == null || microseconds == null) return null;
  // The server's clock may have been set back since.
  const silentMs = Math.max(0, Math.floor(Number(microseconds) / 1_000));
  return { at: `${at.replace(' ', 'T')}Z`, silentMs };
}

/** The generation that the live table was made for; where it does not say, one behind all others. */
async function findGeneration(
  connection: MysqlConnection,
  contents: SchemaContents,
  isLive: boolean,
): Promise<number> {
  const live = isLive ? await generationOf(connection, LIVE_TABLE) : null;
  if (live !== null) return liveGeneration(contents, contents.oldFrozen, live);
  const frozen = [...contents.oldFrozen];
  for (const number of contents.slots) {
    frozen.push((await generationOf(connection, slotTable(number))) ?? 0);
  }
  frozen.sort((one, other) => one - other);
  return liveGeneration(contents, frozen, 1);
}

/** The generation that a log table of ours was made for; null where it does not say. */
async function generationOf(connection: MysqlConnection, table: string): Promise<number | null> {
  try {
    return (await readSentinel(connection, table))?.generation ?? null;
  } catch (error) {
    // Damaged by the server's death.
    if (!saysDamaged(error) && !saysFileMissing(error)) throw error;
    return null;
  }
}

/**
 * Rows in the log tables of ours but for their sentinels. MyISAM has the number in a table's header, so that also that of the
 * live table costs its loggers nothing.
 */
async function countStatements(
  connection: MysqlConnection,
  tables: readonly string[],
): Promise<number | null> {
  let statements = 0;
  for (const table of tables) {
    try {
      const rows = Number(
        (await connection.value(`SELECT COUNT(*) FROM ${table}`, WHOLE_TABLE_MS)) ?? 0,
      );
      statements += Math.max(0, rows - 1);
    } catch (error) {
      if (connection.isLost) throw error;
      // Damaged by the server's death, or dropped this moment by a recorder that is running.
      return null;
    }
  }
  return statements;
}
