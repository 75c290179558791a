import { AppError } from '../core/errors.ts';
import type { MysqlConnection } from './connection.ts';
import type { LogEngine } from './flavor.ts';

/**
 * In the order of preference. These two are what MariaDB and MySQL both allow for a log table. On
 * MariaDB MyISAM costs less (0.83 against 0.67 of the queries per second without a log); on MySQL 9.7
 * as much (0.46 against 0.45). It holds true timestamps, where CSV has each session's local time.
 */
const ENGINES: readonly LogEngine[] = ['MyISAM', 'CSV'];

/** The engine for our log tables on this server; null where it has, or allows, none that will do. */
export async function chooseEngine(connection: MysqlConnection): Promise<LogEngine | null> {
  const rows = await connection.rows(
    "SELECT ENGINE FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT')",
  );
  const there = new Set(rows.map(([engine]) => engine?.toLowerCase()));
  // MySQL's own way to forbid engines; MariaDB has no such variable.
  const disabled = (
    await connection.row("SHOW GLOBAL VARIABLES LIKE 'disabled_storage_engines'")
  )?.[1];
  const forbidden = new Set((disabled ?? '').split(',').map((name) => name.trim().toLowerCase()));
  return (
    ENGINES.find((one) => there.has(one.toLowerCase()) && !forbidden.has(one.toLowerCase())) ?? null
  );
}

/** Why nothing can be recorded where `chooseEngine` finds none. */
export function noEngine(): AppError {
  return new AppError(
    'remote_failed',
    'The server allows neither MyISAM nor CSV tables, and a log table can be of no other engine',
    { hint: 'See disabled_storage_engines in its configuration.' },
  );
}

/**
 * Makes sure that a log table of ours is of the engine that was asked for: in an InnoDB table the rows
 * of transactions that are rolled back would vanish, and each statement would wait for a flush.
 * @throws AppError `remote_failed`.
 */
export async function requireEngine(
  connection: MysqlConnection,
  table: string,
  engine: LogEngine,
): Promise<void> {
  const [schema = '', name = ''] = table.split('.');
  const made = await connection.value(
    `SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${schema}' AND TABLE_NAME = '${name}'`,
  );
  if (made?.toLowerCase() === engine.toLowerCase()) return;
  throw new AppError(
    'remote_failed',
    `The server made the log table with the engine ${made ?? '(none)'} where ${engine} was asked for`,
    { hint: 'See enforce_storage_engine and disabled_storage_engines in its configuration.' },
  );
}
