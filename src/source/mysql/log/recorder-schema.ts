import { hostname } from 'node:os';
import type { LogSettings } from './log-settings.ts';
import type { Obstacle, ServerInspection } from '../../../core/environments/server-inspection.ts';
import { AppError } from '../../../core/errors.ts';
import { parseMarker, type Marker } from './marker.ts';
import {
  DROP_MS,
  literal,
  type MysqlConnection,
  type Row,
} from '../connection/mysql-connection.ts';
import { codeOf } from '../connection/server-errors.ts';
import type { Flavor } from '../connection/flavor.ts';
import { whoseIsLive } from './log-table.ts';

/** The schema on the server that holds what is ours, and nothing else. */
export const RECORDER_SCHEMA = 'captures';

export const MARKER_TABLE = 'captures_marker';
export const MARKER = `${RECORDER_SCHEMA}.${MARKER_TABLE}`;

// How a log table of ours is told from the owner's: a comment stays with a table that is renamed.
export const OUR_COMMENT = 'log table of the captures recorder';

/** Names of our tables; each says what a crash left behind. */
export const TABLES = {
  /** What a version before the slots swapped in. */
  oldNext: `${RECORDER_SCHEMA}.next_log`,
  /** The live table, in the middle of a swap, where no name can be had that dumps do not list. */
  transit: `${RECORDER_SCHEMA}.swap_log`,
  /** The owner's log table while ours is in its place. */
  owners: `${RECORDER_SCHEMA}.owners_log`,
  /** Ours, after the owner's went back. */
  retired: `${RECORDER_SCHEMA}.retired_log`,
  /** A generation that another program changed, while it is made whole; and what it was before. */
  joined: `${RECORDER_SCHEMA}.joined_log`,
  joinedParts: [`${RECORDER_SCHEMA}.joined_part_1`],
} as const;

const STRAY = 'stray_log_';

/** A name for a log table of somebody else's that was in the place of ours: kept, for it is theirs. */
export function strayTable(): string {
  return `${RECORDER_SCHEMA}.${STRAY}${Date.now()}`;
}

const SLOT = /^log_(\d+)$/;
const OLD_FROZEN = /^frozen_(\d+)$/;

/** A log table of ours that is not live: see `LogSlots`. */
export function slotTable(number: number): string {
  return `${RECORDER_SCHEMA}.log_${number}`;
}

/** The frozen table of a generation, as a version before the slots named it. */
export function oldFrozenTable(generation: number): string {
  return `${RECORDER_SCHEMA}.frozen_${generation}`;
}

/** Of the marker: what versions before the warm-ups did not have. */
const LATER_COLUMNS = ['warm_since BIGINT NULL', 'lock_plugin TINYINT NULL'];

type SchemaState = ServerInspection['schema']['state'];

/** What of a recorder is on the server. */
export interface SchemaContents {
  readonly state: SchemaState;
  readonly marker: Marker | null;
  /** Names without the schema. */
  readonly tables: ReadonlySet<string>;
  /** Numbers of the slots, ascending. */
  readonly slots: readonly number[];
  /** Generations whose tables have the names of a version before the slots, ascending. */
  readonly oldFrozen: readonly number[];
  /** Whether the schema exists, empty or not. */
  readonly exists: boolean;
}

/** Looks at the schema; changes nothing. */
export async function readSchema(
  connection: MysqlConnection,
  storeId: string,
): Promise<SchemaContents> {
  const exists =
    (await connection.value(
      `SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '${RECORDER_SCHEMA}'`,
    )) !== '0';
  if (!exists) {
    return { state: 'none', marker: null, tables: new Set(), slots: [], oldFrozen: [], exists };
  }
  const rows = await connection.rows(
    `SELECT TABLE_NAME, TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${RECORDER_SCHEMA}'`,
  );
  const tables = new Set(rows.map(([name]) => name ?? ''));
  const hasLogTables = rows.some(([, comment]) => comment === OUR_COMMENT);
  const numbered = (pattern: RegExp): number[] =>
    Array.from(tables, (name) => pattern.exec(name)?.[1])
      .filter((number) => number !== undefined)
      .map(Number)
      .sort((one, other) => one - other);
  const marker = tables.has(MARKER_TABLE) ? await readMarker(connection) : 'none';
  // A recorder's server logs to its table, whatever was done to the clock or to the marker.
  const isFromDump =
    typeof marker !== 'string' &&
    marker.isOlderThanTable &&
    (await whoseIsLive(connection)) !== 'ours';
  const state = isFromDump ? 'from-dump' : stateOf(marker, tables, hasLogTables, storeId);
  return {
    state,
    marker: typeof marker === 'string' ? null : marker,
    tables,
    slots: numbered(SLOT),
    oldFrozen: numbered(OLD_FROZEN),
    exists,
  };
}

function stateOf(
  marker: Marker | 'none' | 'no row' | 'not ours',
  tables: ReadonlySet<string>,
  hasLogTables: boolean,
  storeId: string,
): SchemaState {
  // A marker without its row is what our own crash at the very beginning leaves, and what a server's
  // crash leaves that does not flush each commit (innodb_flush_log_at_trx_commit other than 1).
  if (marker === 'no row') return 'none';
  // Somebody dropped it: the lock of the server says whether a recorder is running.
  if (marker === 'none' && hasLogTables) return 'none';
  // An empty schema: an administrator made it for us. Tables of others that we had to put somewhere
  // stay in it when we leave.
  if (typeof marker === 'string') {
    const isOthers = Array.from(tables).some((name) => !name.startsWith(STRAY));
    return isOthers ? 'foreign' : 'none';
  }
  return marker.storeId === storeId ? 'ours' : 'other-store';
}

async function readMarker(connection: MysqlConnection): Promise<Marker | 'no row' | 'not ours'> {
  const row = await markerRow(connection);
  if (row === 'not ours') return row;
  if (row === null) return 'no row';
  return parseMarker(row);
}

async function markerRow(connection: MysqlConnection): Promise<Row | null | 'not ours'> {
  // A marker of an older version has no warm-up, one of a yet older one no nonce.
  for (const newer of ['nonce, warm_since, lock_plugin', 'nonce, NULL, NULL', 'NULL, NULL, NULL']) {
    try {
      return await connection.row(
        `SELECT store_id, made_schema, settings, recorder, appending, owner_rows, is_appended, switched_off_at, switched_off_by, copied_rows, ${newer},
           (SELECT CREATE_TIME > heartbeat + INTERVAL 1 SECOND FROM information_schema.TABLES
              WHERE TABLE_SCHEMA = '${RECORDER_SCHEMA}' AND TABLE_NAME = '${MARKER_TABLE}') FROM ${MARKER}`,
      );
    } catch (error) {
      if (connection.isLost) throw error;
    }
  }
  // A table of this name with other columns is not our marker.
  return 'not ours';
}

/**
 * The generation that the live log table is: behind everything frozen and everything appended. One
 * that is being appended to the owner's log has to keep its number, or its rows would be doubled.
 */
export function liveGeneration(
  { marker }: SchemaContents,
  frozen: readonly number[],
  atLeast: number,
): number {
  const { appending = null, isAppended = false } = marker ?? {};
  const behindAppend = appending === null ? 0 : isAppended ? appending + 1 : appending;
  return Math.max(atLeast, (frozen.at(-1) ?? 0) + 1, behindAppend);
}

/**
 * Why the schema is not this store's to use; null where it is, or there is none.
 * @param where the server, as the sentence names it.
 * @param recorder whose it is; null where that is not known.
 */
export function schemaConflict(
  state: SchemaState,
  where: string,
  recorder: string | null,
): Obstacle | null {
  const schema = `The schema "${RECORDER_SCHEMA}" on ${where}`;
  switch (state) {
    case 'none':
    case 'ours':
      return null;
    case 'foreign':
      return {
        what: `${schema} was not made by a recorder`,
        hint: 'The recorder needs that name and never touches a schema of others: rename it.',
      };
    case 'from-dump':
      return {
        what: `${schema} came with a dump of a server that was being recorded`,
        hint: `No recorder runs on this server, and the schema holds nothing of it. To remove it: DROP DATABASE ${RECORDER_SCHEMA}`,
      };
    case 'other-store':
      return {
        what: `${schema} belongs to the recorder of another store (${recorder ?? 'unknown'})`,
        hint: { code: 'held_by_other_store', environment: null },
      };
  }
}

/** @throws AppError `conflict` when the schema is not this store's to use. */
export function requireOurs({ state, marker }: SchemaContents): void {
  const conflict = schemaConflict(state, 'the server', marker?.recorder ?? null);
  if (conflict !== null) throw new AppError('conflict', conflict.what, { hint: conflict.hint });
}

/**
 * Makes the schema and the marker where they are missing.
 * @throws AppError `conflict` for a schema that is not ours.
 */
export async function claimSchema(
  connection: MysqlConnection,
  flavor: Flavor,
  { storeId, nonce }: { readonly storeId: string; readonly nonce: string },
  settings: LogSettings,
): Promise<void> {
  const contents = await readSchema(connection, storeId);
  requireOurs(contents);
  if (!contents.exists) {
    await connection.run(
      `CREATE DATABASE IF NOT EXISTS ${RECORDER_SCHEMA}${flavor.schemaSign.clause}`,
    );
  }
  if (contents.marker === null) {
    const madeSchema = !contents.exists || (await hasOurSign(connection, flavor));
    await connection.run(`CREATE TABLE IF NOT EXISTS ${MARKER} (
      id TINYINT NOT NULL PRIMARY KEY,
      store_id VARCHAR(190) NOT NULL,
      made_schema TINYINT NOT NULL,
      settings TEXT NULL,
      recorder VARCHAR(255) NOT NULL,
      heartbeat TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
      appending BIGINT NULL,
      owner_rows BIGINT NULL,
      is_appended TINYINT NOT NULL DEFAULT 0,
      switched_off_at TIMESTAMP(6) NULL,
      switched_off_by BIGINT NULL,
      copied_rows BIGINT NULL,
      nonce VARCHAR(64) NULL,
      ${LATER_COLUMNS.join(',\n      ')}
    ) DEFAULT CHARACTER SET utf8mb4 COMMENT 'what the captures recorder changed on this server'`);
    await connection.run(
      `INSERT INTO ${MARKER} (id, store_id, nonce, made_schema, settings, recorder) VALUES (1, ${literal(storeId)}, ${literal(nonce)}, ${madeSchema ? 1 : 0}, ${literal(JSON.stringify(settings))}, ${literal(recorderName())})`,
    );
  } else {
    await connection.run(
      `UPDATE ${MARKER} SET nonce = ${literal(nonce)}, settings = ${literal(JSON.stringify(settings))}, recorder = ${literal(recorderName())}, heartbeat = NOW(6)`,
    );
  }
}

/** Whether the schema says of itself that we made it, also before the marker's row is there to say so. */
export async function hasOurSign(
  connection: MysqlConnection,
  { schemaSign }: Flavor,
): Promise<boolean> {
  const value = await connection.value(
    `SELECT ${schemaSign.column} FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '${RECORDER_SCHEMA}'`,
  );
  return value === schemaSign.value;
}

function recorderName(): string {
  return `${hostname()}, pid ${process.pid}`;
}

/** Says on the server's side that the recorder is alive. @returns false where the marker has no row. */
export async function beat(connection: MysqlConnection): Promise<boolean> {
  return (await connection.run(`UPDATE ${MARKER} SET heartbeat = NOW(6)`)) > 0;
}

/**
 * Writes down that the slow log is on for us since before this start of the server; null: not for us.
 */
export function noteWarmUp(connection: MysqlConnection, serverStart: number | null): Promise<void> {
  return noteLater(connection, `warm_since = ${serverStart ?? 'NULL'}`, serverStart !== null);
}

/** Writes down whether the plugin that lists locks is on the server because we installed it. */
export function noteLockPlugin(connection: MysqlConnection, isOurs: boolean): Promise<void> {
  return noteLater(connection, `lock_plugin = ${isOurs ? 1 : 0}`, isOurs);
}

/** Sets what a marker of an older version, of a recording that was under way when this one came, has not. */
async function noteLater(
  connection: MysqlConnection,
  assignment: string,
  isNeeded: boolean,
): Promise<void> {
  const note = `UPDATE ${MARKER} SET ${assignment}, heartbeat = NOW(6)`;
  try {
    await connection.run(note);
  } catch (error) {
    if (codeOf(error) !== 'ER_BAD_FIELD_ERROR') throw error;
    if (!isNeeded) return;
    await connection.run(
      `ALTER TABLE ${MARKER} ${LATER_COLUMNS.map((column) => `ADD COLUMN ${column}`).join(', ')}`,
    );
    await connection.run(note);
  }
}

/** Writes down which append to the owner's log is about to begin, and from how many rows. */
export async function noteAppending(
  connection: MysqlConnection,
  generation: number,
  ownerRows: number,
): Promise<void> {
  await connection.run(
    `UPDATE ${MARKER} SET appending = ${generation}, owner_rows = ${ownerRows}, is_appended = 0, copied_rows = NULL`,
  );
}

/** Writes down, before it is made, that the owner's log is another one, which is empty. */
export async function noteEmptied(connection: MysqlConnection): Promise<void> {
  await connection.run(
    `UPDATE ${MARKER} SET owner_rows = 0, copied_rows = NULL WHERE owner_rows IS NOT NULL`,
  );
}

/** Writes down how many rows of the live log the owner's has, just before it goes back to its place. */
export async function noteCopied(connection: MysqlConnection, rows: number): Promise<void> {
  await connection.run(`UPDATE ${MARKER} SET copied_rows = ${rows}`);
}

/** Writes down that an append is complete, and how many rows the owner's log has now. */
export async function noteAppended(connection: MysqlConnection, ownerRows: number): Promise<void> {
  await connection.run(`UPDATE ${MARKER} SET is_appended = 1, owner_rows = ${ownerRows}`);
}

/** Drops the marker, and the schema when we made it and nothing is left in it. */
export async function releaseSchema(
  connection: MysqlConnection,
  flavor: Flavor,
  storeId: string,
): Promise<string[]> {
  const contents = await readSchema(connection, storeId);
  if (!contents.exists || contents.state === 'foreign') return [];
  const madeSchema = contents.marker?.madeSchema ?? (await hasOurSign(connection, flavor));
  const others = Array.from(contents.tables).filter((name) => name !== MARKER_TABLE);
  if (others.length > 0) {
    await connection.run(`DROP TABLE IF EXISTS ${MARKER}`);
    return [
      `The schema "${RECORDER_SCHEMA}" is left on the server: it holds tables that are not the recorder's (${others.join(', ')})`,
    ];
  }
  // One statement, so that no crash leaves a schema whose maker is forgotten.
  await connection.run(
    madeSchema ? `DROP DATABASE IF EXISTS ${RECORDER_SCHEMA}` : `DROP TABLE IF EXISTS ${MARKER}`,
    DROP_MS,
  );
  return [];
}
