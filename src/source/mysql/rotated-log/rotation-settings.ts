import { AppError } from '../../../core/errors.ts';
import type { PrivilegeNeed } from '../../../core/environments/server-inspection.ts';
import type { ServerIdentity } from '../../../core/source.ts';
import type { MysqlConnection } from '../connection/mysql-connection.ts';
import { flavorOf, isRdsFolder } from '../connection/flavor.ts';
import {
  logsToTable,
  readLogSettings,
  readServerOffset,
  type LogSettings,
} from '../log/log-settings.ts';
import { has, needOf, parseGrants, quotedAccount } from '../connection/privileges.ts';
import { BACKUP_TABLE, ROTATION } from './rotation.ts';
import { SessionZones } from '../reading/session-zones.ts';
import type { RowForm } from '../reading/statement-decoder.ts';

const BACKUP = "TABLE_SCHEMA = 'mysql' AND TABLE_NAME = 'general_log_backup'";
/** A text is cut between two characters: the last of them, of up to four bytes, may not have fitted. */
const LONGEST_CHARACTER = 4;

/** As `readLogSettings`; of the live table, which the account cannot see, the backup is a copy. */
export async function readRotatedSettings(connection: MysqlConnection): Promise<LogSettings> {
  const settings = await readLogSettings(connection);
  if (settings.tableEngine !== null) return settings;
  const tableEngine = await connection.value(
    `SELECT ENGINE FROM information_schema.TABLES WHERE ${BACKUP}`,
  );
  return { ...settings, tableEngine };
}

/** Bytes of the backup table; the live one cannot be seen. */
export async function backupBytes(connection: MysqlConnection): Promise<number> {
  const bytes = await connection.value(
    `SELECT DATA_LENGTH FROM information_schema.TABLES WHERE ${BACKUP}`,
  );
  return Number(bytes ?? 0);
}

/** How the rows of the server's own log table are to be understood. */
export async function readForm(connection: MysqlConnection): Promise<RowForm> {
  const [type, bytes] =
    (await connection.row(
      `SELECT DATA_TYPE, CHARACTER_OCTET_LENGTH FROM information_schema.COLUMNS WHERE ${BACKUP} AND COLUMN_NAME = 'argument'`,
    )) ?? [];
  const { tableEngine } = await readRotatedSettings(connection);
  return {
    anyBytes: type?.endsWith('blob') === true,
    cutAt: bytes == null ? Infinity : Number(bytes) - LONGEST_CHARACTER + 1,
    zones: tableEngine === 'CSV' ? new SessionZones(await readServerOffset(connection)) : null,
  };
}

/** Why nothing arrives in the log table, which only the server's owner can change; null when it does. */
export function whyLogIsOff(settings: LogSettings, server: ServerIdentity): AppError | null {
  if (logsToTable(settings)) return null;
  const { hostname, port } = server;
  const what = settings.generalLog
    ? `The general log of ${hostname}:${port} goes to ${settings.logOutput}, not to its table`
    : `The general log of ${hostname}:${port} is off`;
  return new AppError('remote_failed', `${what}, and only its parameter group can change that`, {
    hint: { code: 'see_how_to_switch_log_on', environment: null },
  });
}

/**
 * Whether a server's log can only be rotated, by RDS's procedure: it is there, or the server is RDS's
 * (an account that may not execute it does not see it), and the account may not set what is global.
 */
export async function isRotatedOnly(
  connection: MysqlConnection,
  grants: readonly string[] | null,
  version: string,
): Promise<boolean> {
  const { switchPrivilege, switchAlternatives } = flavorOf(version);
  const given = parseGrants(grants ?? []);
  if ([switchPrivilege, ...switchAlternatives].some((name) => has(given, name, '*', '*'))) {
    return false;
  }
  const [schema = '', name = ''] = ROTATION.split('.');
  const row = await connection.row(
    `SELECT @@GLOBAL.datadir, (SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '${schema}' AND ROUTINE_NAME = '${name}')`,
  );
  const [dataFolder, count] = row ?? [];
  return isRdsFolder(dataFolder ?? '') || Number(count ?? 0) > 0;
}

const TO_PROCEDURE =
  /^GRANT (?:.*\b)?EXECUTE\b.* ON PROCEDURE `?mysql`?\.`?rds_rotate_general_log`? TO /i;

/** What the recorder needs where it only rotates; see `privilegeNeeds`. */
export function rotationNeeds(lines: readonly string[] | null, account: string): PrivilegeNeed[] {
  const grants = parseGrants(lines ?? []);
  const execute = {
    privilege: 'EXECUTE',
    scope: ROTATION,
    purpose: 'rotates the log, to read what was rotated',
    required: true,
    isPresent:
      has(grants, 'EXECUTE', 'mysql', '*') || (lines ?? []).some((line) => TO_PROCEDURE.test(line)),
  };
  const select = {
    privilege: 'SELECT',
    scope: BACKUP_TABLE,
    purpose: 'reads the log that was rotated',
    required: true,
    isPresent: has(grants, 'SELECT', 'mysql', 'general_log_backup'),
  };
  const process = {
    privilege: 'PROCESS',
    scope: '*.*',
    purpose:
      'knows the user, host and database of sessions that are open before the start, and sees when the server is about to rotate by itself',
    required: false,
    isPresent: has(grants, 'PROCESS', '*', '*'),
  };
  return [
    {
      ...needOf(execute, lines, account),
      grant: `GRANT EXECUTE ON PROCEDURE ${ROTATION} TO ${quotedAccount(account)}`,
    },
    needOf(select, lines, account),
    needOf(process, lines, account),
  ];
}
