import type { ServerIdentity } from '../core/server-log.ts';
import { AppError } from '../core/errors.ts';
import type { MysqlConnection } from './connection.ts';

/** What differs between MariaDB and MySQL for the recorder; everything else is the same for both. */
export interface Flavor {
  readonly name: ServerIdentity['flavor'];
  /** Columns of the log table that we put in place of the server's own. */
  readonly logColumns: string;
  /** Whether the text column may hold bytes that are not valid UTF-8. */
  readonly textIsBlob: boolean;
  /** Privilege that switches the log, as the server names it. */
  readonly switchPrivilege: string;
  /** Other privileges that imply it. */
  readonly switchAlternatives: readonly string[];
  /** What `CREATE DATABASE` can remember of who made it; empty where it cannot. */
  schemaComment(comment: string): string;
  /** Settings of a session that are wished for, not needed. */
  readonly sessionSettings: readonly string[];
  /** Expression for the position in the binary log where a replica would go on; null without. */
  readonly gtid: string;
}

/**
 * As `SHOW CREATE TABLE mysql.general_log` has them, but for the text. utf8mb4 keeps 4-byte
 * characters whole, where the server's utf8mb3 turns them into the text `\xF0\x9F…`; LONGTEXT keeps
 * statements beyond 16 MiB. Never a blob on MariaDB: it cuts statements short (tried).
 */
const MARIADB_COLUMNS = `
  event_time TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
  user_host MEDIUMTEXT CHARACTER SET utf8mb3 NOT NULL,
  thread_id BIGINT(21) UNSIGNED NOT NULL,
  server_id INT(10) UNSIGNED NOT NULL,
  command_type VARCHAR(64) CHARACTER SET utf8mb3 NOT NULL,
  argument LONGTEXT CHARACTER SET utf8mb4 NOT NULL`;

/**
 * MySQL 5.7 to 8.4 (scripts/mysql_system_tables.sql): the text is a blob that holds the bytes as they
 * were received; a LONGBLOB keeps what is longer than 16 MiB.
 */
const MYSQL_COLUMNS = `
  event_time TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
  user_host MEDIUMTEXT CHARACTER SET utf8 NOT NULL,
  thread_id BIGINT UNSIGNED NOT NULL,
  server_id INT UNSIGNED NOT NULL,
  command_type VARCHAR(64) CHARACTER SET utf8 NOT NULL,
  argument LONGBLOB NOT NULL`;

const mariadb: Flavor = {
  name: 'mariadb',
  logColumns: MARIADB_COLUMNS,
  textIsBlob: false,
  switchPrivilege: 'SUPER',
  switchAlternatives: [],
  schemaComment: (comment) => ` COMMENT '${comment}'`,
  sessionSettings: ['max_statement_time = 0', "character_set_results = 'utf8mb4'"],
  gtid: "NULLIF(@@GLOBAL.gtid_current_pos, '')",
};

const mysql: Flavor = {
  name: 'mysql',
  logColumns: MYSQL_COLUMNS,
  textIsBlob: true,
  switchPrivilege: 'SYSTEM_VARIABLES_ADMIN',
  switchAlternatives: ['SUPER'],
  schemaComment: () => '',
  sessionSettings: [
    'max_execution_time = 0',
    // Both would have CREATE TABLE refuse, or add a column to, a table without a primary key.
    'sql_require_primary_key = 0',
    'sql_generate_invisible_primary_key = 0',
  ],
  gtid: "NULLIF(@@GLOBAL.gtid_executed, '')",
};

const mysql57: Flavor = { ...mysql, switchPrivilege: 'SUPER', switchAlternatives: [] };

/** What `version` says of a server: `10.11.6-MariaDB-log`, `8.4.2`, `5.7.44-log`. */
export function flavorOf(version: string): Flavor {
  if (/mariadb/i.test(version)) return mariadb;
  return Number.parseInt(version, 10) >= 8 ? mysql : mysql57;
}

/** Asks the server who it is. @throws AppError `remote_failed`. */
export async function identify(connection: MysqlConnection): Promise<ServerIdentity> {
  const row = await connection.row(
    'SELECT VERSION(), @@GLOBAL.hostname, @@GLOBAL.port, @@GLOBAL.datadir',
  );
  const [version, hostname, port, dataFolder] = row ?? [];
  if (version == null || hostname == null || port == null) {
    throw new AppError('remote_failed', 'The server does not say who it is');
  }
  const flavor = flavorOf(version);
  // MariaDB has no uuid: its server_uid is made of the network card and the port, and is the same
  // for two servers of one machine that were cloned.
  const uuid =
    flavor.name === 'mysql'
      ? ((await connection.row("SHOW GLOBAL VARIABLES LIKE 'server_uuid'"))?.[1] ?? null)
      : null;
  return {
    flavor: flavor.name,
    version,
    key: uuid ?? `${hostname}:${port}:${dataFolder ?? ''}`,
    hostname,
    port: Number(port),
    uuid,
  };
}
