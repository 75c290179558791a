import { AppError } from '../../../core/errors.ts';
import type { MysqlConnection } from '../connection/mysql-connection.ts';
import type { LogEngine } from '../connection/flavor.ts';
import type { ServerDisk } from './server-disk.ts';
import { formatBytes } from '../../../core/units.ts';

const GIB = 2 ** 30;

/**
 * Where less is free, the log tables are CSV from the start; and below the second number the next one
 * is. A MyISAM table that meets a full disk makes every client of the server wait, logins too, 60 s at a
 * time and not to be ended by KILL (my_wait_for_free_space; 117 s were seen). So it must never meet one:
 * the space is looked at five times a second, the next table comes within half a second, and a disk that
 * is filled with 1.2 GB/s loses 1.2 GiB meanwhile (tried, on two busy cores).
 */
const MYISAM_FROM = 4 * GIB;
export const MYISAM_DOWN_TO = 2 * GIB;

/** The engine for our log tables, and one sentence that says why. */
export interface EngineChoice {
  readonly engine: LogEngine;
  /** Without a full stop. */
  readonly why: string;
}

/**
 * The engine for our log tables on this server; an error where it has, or allows, none that will do. A CSV
 * log table gives up the row when the disk is full, so it is what is used wherever the free space is
 * not known. MyISAM, where it is known, costs less on MariaDB (0.62 against 0.52 of the statements/s
 * without a log; on MySQL 9.7 0.46 against 0.45) and holds true timestamps, where CSV has each session's
 * local time.
 */
export async function chooseEngine(
  connection: MysqlConnection,
  disk: ServerDisk | null,
): Promise<EngineChoice | AppError> {
  const rows = await connection.rows(
    "SELECT ENGINE FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT')",
  );
  const there = new Set(rows.map(([engine]) => engine?.toLowerCase()));
  // MySQL's own way to forbid engines; MariaDB has no such variable.
  const disabled = (
    await connection.row("SHOW GLOBAL VARIABLES LIKE 'disabled_storage_engines'")
  )?.[1];
  const forbidden = new Set((disabled ?? '').split(',').map((name) => name.trim().toLowerCase()));
  const isAllowed = (engine: LogEngine): boolean =>
    there.has(engine.toLowerCase()) && !forbidden.has(engine.toLowerCase());
  const free = (await disk?.space())?.free ?? null;
  if (isAllowed('MyISAM') && free !== null && free >= MYISAM_FROM) {
    return {
      engine: 'MyISAM',
      why: `the server's disk has ${formatBytes(free)} free, which is watched: below ${formatBytes(MYISAM_DOWN_TO)} the recorder switches to CSV`,
    };
  }
  if (!isAllowed('CSV')) return noEngine(isAllowed('MyISAM'));
  if (!isAllowed('MyISAM')) return { engine: 'CSV', why: 'the server allows no MyISAM tables' };
  const why =
    free === null
      ? "the free space of the server's disk is not known here"
      : `the server's disk has only ${formatBytes(free)} free`;
  return {
    engine: 'CSV',
    why: `${why}, and when a disk is full a MyISAM log table makes every client wait; CSV leaves the row out`,
  };
}

function noEngine(allowsMyisam: boolean): AppError {
  return new AppError(
    'remote_failed',
    allowsMyisam
      ? 'The server allows no CSV tables, and a MyISAM log table is safe only where the free space of its disk is known'
      : 'The server allows neither MyISAM nor CSV tables, and a log table can be of no other engine',
    { hint: 'See disabled_storage_engines in its configuration.' },
  );
}

/** The engine of a log table as the server names it; null where there is no such table. */
export function engineOf(connection: MysqlConnection, table: string): Promise<string | null> {
  return ofTable(connection, table, 'ENGINE');
}

/** What information_schema says of a table, whose name may be in backquotes; null where there is no such table. */
export function ofTable(
  connection: MysqlConnection,
  table: string,
  column: 'ENGINE' | 'CREATE_TIME' | 'TABLE_COMMENT',
): Promise<string | null> {
  const [schema = '', name = ''] = table
    .replaceAll('`', '')
    .split('.')
    .map((part) => part.replaceAll("'", "''"));
  return connection.value(
    `SELECT ${column} FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${schema}' AND TABLE_NAME = '${name}'`,
  );
}

/**
 * Makes sure that a log table of ours is of an engine that was asked for: in an InnoDB table the rows
 * of transactions that are rolled back would vanish, and each statement would wait for a flush.
 * @throws AppError `remote_failed`.
 */
export async function requireEngine(connection: MysqlConnection, table: string): Promise<void> {
  const made = await engineOf(connection, table);
  if (made === 'MyISAM' || made === 'CSV') return;
  throw new AppError(
    'remote_failed',
    `The server made the log table with the engine ${made ?? '(none)'}, not the requested MyISAM or CSV`,
    { hint: 'See enforce_storage_engine and disabled_storage_engines in its configuration.' },
  );
}
