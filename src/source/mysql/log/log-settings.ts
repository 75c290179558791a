import type { ServerSettings } from '../../../core/source.ts';
import type { MysqlConnection } from '../connection/mysql-connection.ts';

/** What a server's log was set to before we touched it; saved in the store before anything is changed. */
export interface LogSettings extends ServerSettings {
  readonly generalLog: boolean;
  /** As the server spells it, for example `FILE` or `FILE,TABLE`. */
  readonly logOutput: string;
  readonly slowLog: boolean;
  /** Engine of `mysql.general_log`; null when the table is missing. */
  readonly tableEngine: string | null;
}

/** What the server's log is set to now. The log table itself is not touched. */
export async function readLogSettings(connection: MysqlConnection): Promise<LogSettings> {
  const row = await connection.row(
    'SELECT @@GLOBAL.general_log, @@GLOBAL.log_output, @@GLOBAL.slow_query_log',
  );
  const [generalLog, logOutput, slowLog] = row ?? [];
  const tableEngine = await connection.value(
    "SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'mysql' AND TABLE_NAME = 'general_log'",
  );
  return {
    generalLog: generalLog === '1',
    logOutput: logOutput ?? 'FILE',
    slowLog: slowLog === '1',
    tableEngine,
  };
}

/** What `ServerSettings` of a server of ours say. */
export function logSettingsOf(settings: ServerSettings): LogSettings {
  const { generalLog, logOutput, slowLog, tableEngine } = settings;
  return {
    generalLog: generalLog === true,
    logOutput: typeof logOutput === 'string' ? logOutput : 'FILE',
    slowLog: slowLog === true,
    tableEngine: typeof tableEngine === 'string' ? tableEngine : null,
  };
}

function goesTo({ logOutput }: Pick<LogSettings, 'logOutput'>, where: 'FILE' | 'TABLE'): boolean {
  return logOutput.split(',').includes(where);
}

/** Whether the general log goes to its table: of an owner's it must have no hole afterwards. */
export function logsToTable(settings: Pick<LogSettings, 'generalLog' | 'logOutput'>): boolean {
  return settings.generalLog && goesTo(settings, 'TABLE');
}

/**
 * What `log_output` has to be while we record: the table, and the file too when a log of the owner
 * goes there, for one setting governs the general and the slow log. Spelt as the server spells it.
 */
export function recordingOutput(settings: LogSettings): string {
  const needsFile = (settings.generalLog || settings.slowLog) && goesTo(settings, 'FILE');
  return needsFile ? 'FILE,TABLE' : 'TABLE';
}

/** What the owner should know about while these settings are changed for a recording. */
export function settingsWarnings(settings: LogSettings): string[] {
  const warnings: string[] = [];
  if (recordingOutput(settings) === 'FILE,TABLE') {
    warnings.push(
      settings.generalLog
        ? "The server's general log goes to its file as before, and to the table for the recording"
        : "While recording, every statement is also written to the server's general log file, because its slow log goes to a file",
    );
  }
  if (settings.slowLog && !goesTo(settings, 'TABLE')) {
    warnings.push('While recording, slow queries are also written to the table mysql.slow_log');
  }
  return warnings;
}

/** Whether two spellings of `log_output` mean the same. */
export function sameOutput(one: string, other: string): boolean {
  const parts = (text: string): string => text.split(',').sort().join(',');
  return parts(one) === parts(other);
}

/** How far the server's own time zone is from UTC now, in milliseconds. */
export async function readServerOffset(connection: MysqlConnection): Promise<number> {
  const minutes = await connection.value(
    "SELECT ROUND(TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', @@GLOBAL.time_zone)) / 60)",
  );
  return Number(minutes ?? 0) * 60_000;
}

/**
 * What a server's log is to be set to when a lost recorder's changes are undone. Where nothing says what
 * it was before it is left as it is, but never logging to a table that goes away: it is off then.
 * @param isInstalled whether the server's log table is the recorder's.
 */
export function settingsThen(
  settings: LogSettings | null,
  isInstalled: boolean,
  now: LogSettings,
): LogSettings {
  if (settings !== null) return settings;
  // The engine of a new server's table, should theirs be gone.
  return isInstalled ? { ...now, generalLog: false, tableEngine: 'CSV' } : now;
}
