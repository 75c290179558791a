import type { ServerIdentity } from '../../../core/source.ts';
import { AppError } from '../../../core/errors.ts';
import type { MysqlConnection } from './mysql-connection.ts';

interface Wish {
  readonly privilege: string;
  readonly database: string;
  /** `*` for all. */
  readonly table: string;
  readonly purpose: string;
}

/** Engines that servers allow for a log table and that we use. */
export const LOG_ENGINES = ['MyISAM', 'CSV'] as const;
export type LogEngine = (typeof LOG_ENGINES)[number];

interface SchemaSign {
  /** Appended to CREATE DATABASE. */
  readonly clause: string;
  /** Column of information_schema.SCHEMATA, and what it holds then. */
  readonly column: string;
  readonly value: string;
}

/** A privilege and those that imply it, each as its server names it. */
export interface ImpliedPrivilege {
  readonly privilege: string;
  readonly alternatives: readonly string[];
}

/** A MySQL-family server: both names stand in records. */
export interface MysqlIdentity extends ServerIdentity {
  readonly flavor: 'mariadb' | 'mysql';
}

/**
 * What differs between the servers for the recorder; everything else is the same for all of them. Run
 * on MariaDB 10.5, 10.11, 11.8 and MySQL 9.7; what stands here of versions between is read.
 */
export interface Flavor {
  readonly name: MysqlIdentity['flavor'];
  /** Engine of the log tables that we make. */
  readonly engine: LogEngine;
  /** Columns of the log table that we put in place of the server's own. */
  readonly logColumns: string;
  /** Columns of the server's own log table. */
  readonly ownersColumns: string;
  /** Whether the text column may hold bytes that are not valid UTF-8. */
  readonly textIsBlob: boolean;
  /** Bytes from which on a text may have been cut by its column; Infinity where none is. */
  readonly cutAt: number;
  /** See `SessionTracker`: where the Prepare row stands when the server prepares again. */
  readonly preparesFirst: boolean;
  /** Privilege that switches the log, as the server names it. */
  readonly switchPrivilege: string;
  /** Other privileges that imply it. */
  readonly switchAlternatives: readonly string[];
  /**
   * What makes `sql_log_off` hold; null where the privilege to switch the log is enough. MySQL 8 lets an
   * account set it, answers 1 when it is asked, and logs on unless the account has this (tried on 9.7).
   */
  readonly logOff: ImpliedPrivilege | null;
  /** What changes tables while `read_only` is on. */
  readonly readOnly: ImpliedPrivilege;
  /** What sets `sql_log_bin`; null where the privilege to switch the log covers it. */
  readonly binaryLog: ImpliedPrivilege | null;
  /** What exempts from the server's own max_user_connections; null where nothing does (tried). */
  readonly anyConnections: ImpliedPrivilege | null;
  /** What else is wished for, not needed: what it is for stands in `purpose`. */
  readonly wishes: readonly Wish[];
  /** Expression: whether the server is read-only for everybody; null where there is no such thing. */
  readonly superReadOnly: string | null;
  /** What such a server's log does not say, one sentence each. */
  readonly limits: readonly string[];
  /** What of a schema shows that we made it, before anything is in it. */
  readonly schemaSign: SchemaSign;
  /** Settings of a session that are wished for, not needed, by name; older versions lack some. */
  readonly sessionSettings: Readonly<Record<string, string>>;
  /** The table that has the server's status. */
  readonly statusTable: string;
  /**
   * Whether an execute is logged with its values: `always`, or where the general log or the slow log of
   * its session was on `when_prepared` (MariaDB 10.5, 10.11, 11.8: tried, MySQL 5.7: read; MySQL 9.7
   * always: tried).
   */
  readonly hasValues: 'always' | 'when_prepared';
  /**
   * Names for the live table in the middle of a swap, to be tried in this order. There for a few
   * milliseconds, it must not be seen by a dump that lists tables and opens them then: see `LogSlots`.
   */
  readonly transits: readonly string[];
  /** Empties a log table of ours that somebody else may have open. */
  readonly emptying: (table: string) => string;
  /** Put in front of the RENAME of a swap, during which clients may wait: the longest that it may take. */
  readonly renameBound: string;
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
 * As MySQL 9.7 has them: the text is a blob that holds the bytes as they were received. The server
 * checks this definition and writes nothing into a log table with another one: with LONGBLOB two
 * lines of its error log a statement ("Incorrect definition of table mysql.general_log") and no row.
 */
const MYSQL_COLUMNS = `
  event_time TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
  user_host MEDIUMTEXT CHARACTER SET utf8 NOT NULL,
  thread_id BIGINT UNSIGNED NOT NULL,
  server_id INT UNSIGNED NOT NULL,
  command_type VARCHAR(64) CHARACTER SET utf8 NOT NULL,
  argument MEDIUMBLOB NOT NULL`;

/** As a server has them: of the table's own character set. */
const ownersColumns = (columns: string): string =>
  columns.replace('LONGTEXT', 'MEDIUMTEXT').replaceAll(/ CHARACTER SET \w+/g, '');
/** mysqldump, mydumper and MySQL Shell leave the schema `sys` out (MariaDB from 10.6, MySQL from 5.7). */
const IN_SYS = 'sys.captures_swap';
const SYS_TRANSIT: Wish = {
  privilege: 'SELECT, INSERT, CREATE, DROP, ALTER',
  database: 'sys',
  table: 'captures_swap',
  purpose: 'keeps mysqldump from failing now and then',
};
// Servers leave files that are named like temporary tables out of every list. MariaDB 10.11.19 and
// 11.8.9 refuse the name, 10.5.23 takes it.
const HIDDEN = 'captures.`#mysql50##sql-captures`';
const LISTED = 'captures.swap_log';

const SCHEMA_COMMENT = 'made by the captures recorder';

const mariadb: Flavor = {
  name: 'mariadb',
  engine: 'MyISAM',
  logColumns: MARIADB_COLUMNS,
  ownersColumns: ownersColumns(MARIADB_COLUMNS),
  textIsBlob: false,
  cutAt: Infinity,
  preparesFirst: false,
  switchPrivilege: 'SUPER',
  switchAlternatives: [],
  logOff: null,
  // SUPER was split in 10.5 and went on to imply its parts, until 10.11 (MDEV-29596) and 11.0
  // (MDEV-29668).
  readOnly: { privilege: 'READ_ONLY ADMIN', alternatives: [] },
  binaryLog: { privilege: 'BINLOG ADMIN', alternatives: [] },
  anyConnections: { privilege: 'CONNECTION ADMIN', alternatives: [] },
  wishes: [SYS_TRANSIT],
  superReadOnly: null,
  schemaSign: {
    clause: ` COMMENT '${SCHEMA_COMMENT}'`,
    column: 'SCHEMA_COMMENT',
    value: SCHEMA_COMMENT,
  },
  sessionSettings: {
    max_statement_time: '0',
    character_set_results: "'utf8mb4'",
    // A log table can be of few engines: the one that the owner enforces for tables is none of them.
    enforce_storage_engine: 'NULL',
  },
  statusTable: 'information_schema.GLOBAL_STATUS',
  hasValues: 'when_prepared',
  transits: [HIDDEN, IN_SYS, LISTED],
  // Fails at once where somebody has it locked.
  emptying: (table) => `TRUNCATE TABLE ${table} NOWAIT`,
  // A little longer than lock_wait_timeout, whose error says more.
  renameBound: 'SET STATEMENT max_statement_time = 1.2 FOR ',
  gtid: "NULLIF(@@GLOBAL.gtid_current_pos, '')",
  limits: [],
};
const mariadb1011: Flavor = {
  ...mariadb,
  binaryLog: { privilege: 'BINLOG ADMIN', alternatives: ['SUPER'] },
  anyConnections: { privilege: 'CONNECTION ADMIN', alternatives: ['SUPER'] },
};
const mariadb105: Flavor = {
  ...mariadb1011,
  // Needs no schema sys, which MariaDB has from 10.6 on.
  wishes: [],
  readOnly: { privilege: 'READ_ONLY ADMIN', alternatives: ['SUPER'] },
};

const SCHEMA_COLLATION = 'utf8mb4_roman_ci';

const mysql: Flavor = {
  name: 'mysql',
  engine: 'MyISAM',
  logColumns: MYSQL_COLUMNS,
  ownersColumns: ownersColumns(MYSQL_COLUMNS),
  textIsBlob: true,
  // A MEDIUMBLOB: 16 MiB less one byte.
  cutAt: 2 ** 24 - 1,
  preparesFirst: true,
  switchPrivilege: 'SYSTEM_VARIABLES_ADMIN',
  switchAlternatives: ['SUPER'],
  logOff: { privilege: 'CONNECTION_ADMIN', alternatives: ['SUPER'] },
  readOnly: { privilege: 'CONNECTION_ADMIN', alternatives: ['SUPER'] },
  binaryLog: null,
  anyConnections: null,
  wishes: [
    SYS_TRANSIT,
    {
      privilege: 'SELECT',
      database: 'performance_schema',
      table: '*',
      purpose:
        'counts the statements that the server cannot parse, which its log leaves out, keeps swaps from ending a mysqldump --single-transaction, and reads how long statements took',
    },
  ],
  superReadOnly: '@@GLOBAL.super_read_only',
  // MySQL has no comments on schemas: a collation that nobody chooses is the sign. Our tables name
  // character sets of their own.
  schemaSign: {
    clause: ` CHARACTER SET utf8mb4 COLLATE ${SCHEMA_COLLATION}`,
    column: 'DEFAULT_COLLATION_NAME',
    value: SCHEMA_COLLATION,
  },
  sessionSettings: {
    max_execution_time: '0',
    // Both would have CREATE TABLE refuse, or add a column to, a table without a primary key.
    sql_require_primary_key: '0',
    sql_generate_invisible_primary_key: '0',
    // Else it tells the size of a table as it was up to a day ago: 3,480 bytes of 10,971,192.
    information_schema_stats_expiry: '0',
  },
  statusTable: 'performance_schema.global_status',
  hasValues: 'always',
  transits: [IN_SYS, LISTED],
  // No less quick on MyISAM and CSV, and, unlike TRUNCATE, nothing that keeps readers waiting.
  emptying: (table) => `DELETE FROM ${table}`,
  renameBound: '',
  // A set of several servers is written over several lines.
  gtid: "NULLIF(REPLACE(@@GLOBAL.gtid_executed, '\\n', ''), '')",
  limits: [
    'MySQL logs no statement that it cannot parse, unless it was started with log_raw, and writes <secret> in the place of passwords',
  ],
};

const mysql57: Flavor = {
  ...mysql,
  hasValues: 'when_prepared',
  switchPrivilege: 'SUPER',
  switchAlternatives: [],
  logOff: null,
  readOnly: { privilege: 'SUPER', alternatives: [] },
};

/** The oldest that can be recorded: MySQL 5.6 has another log table, with times in whole seconds. */
const OLDEST_MYSQL = 507;

/** What `version` says of a server: `10.11.6-MariaDB-log`, `8.4.2`, `5.7.44-log`. */
export function flavorOf(version: string): Flavor {
  const number = numberOf(version);
  if (isMariadb(version)) {
    if (number < 1011) return mariadb105;
    return number < 1100 ? mariadb1011 : mariadb;
  }
  return number >= 800 ? mysql : mysql57;
}

function isTooOld(version: string): boolean {
  return !isMariadb(version) && numberOf(version) < OLDEST_MYSQL;
}

function isMariadb(version: string): boolean {
  return /mariadb/i.test(version);
}

/** 1011 of `10.11.6-MariaDB-log`. */
function numberOf(version: string): number {
  // A MariaDB that replicates to old MySQL puts 5.5.5- in front.
  const [, major = '0', minor = '0'] = /^(?:5\.5\.5-(?=1))?(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) * 100 + Number(minor);
}

/** Asks a server that is to be recorded who it is. @throws AppError `remote_failed`, also for one that is too old. */
export async function identify(connection: MysqlConnection): Promise<MysqlIdentity> {
  const server = await readIdentity(connection);
  if (isTooOld(server.version)) {
    throw new AppError('remote_failed', `MySQL ${server.version} is too old to be recorded`, {
      hint: 'captures records MySQL from 5.7 on, and MariaDB.',
    });
  }
  return server;
}

/** Asks a server for its name and version. @throws AppError `remote_failed`. */
export async function readIdentity(connection: MysqlConnection): Promise<MysqlIdentity> {
  const row = await connection.row(
    'SELECT VERSION(), @@GLOBAL.hostname, @@GLOBAL.port, @@GLOBAL.datadir',
  );
  const [version, hostname, port, dataFolder] = row ?? [];
  if (version == null || hostname == null || port == null) {
    throw new AppError('remote_failed', 'The server does not say who it is');
  }
  const flavor = flavorOf(version);
  return {
    flavor: flavor.name,
    version,
    ...(await keyOf(connection, flavor, { hostname, port, dataFolder: dataFolder ?? '' })),
    hostname,
    port: Number(port),
  };
}

/** Where every RDS instance has its data. */
const RDS_DATA = '/rdsdbdata/';

/** Whether a server with this data folder is one of RDS's. */
export function isRdsFolder(dataFolder: string): boolean {
  return dataFolder.startsWith(RDS_DATA);
}

/** What tells a server from every other, as far as it can tell itself. */
async function keyOf(
  connection: MysqlConnection,
  flavor: Flavor,
  place: { readonly hostname: string; readonly port: string; readonly dataFolder: string },
): Promise<Pick<ServerIdentity, 'key' | 'uuid'>> {
  const { hostname, port, dataFolder } = place;
  if (flavor.name === 'mysql') {
    const uuid = (await connection.row("SHOW GLOBAL VARIABLES LIKE 'server_uuid'"))?.[1] ?? null;
    if (uuid !== null) return { key: uuid, uuid };
  }
  // MariaDB has no uuid: its server_uid is made of the network card and the port, and is the same
  // for two servers of one machine that were cloned. An RDS instance has another host and the same
  // server_id after a failover.
  if (isRdsFolder(dataFolder)) {
    return {
      key: `rds:${(await connection.value('SELECT @@GLOBAL.server_id')) ?? ''}`,
      uuid: null,
    };
  }
  return { key: `${hostname}:${port}:${dataFolder}`, uuid: null };
}
