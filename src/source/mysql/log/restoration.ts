import type { LogSettings } from '../../../core/environments/server-inspection.ts';
import { AppError } from '../../../core/errors.ts';
import type { MysqlConnection } from '../connection/mysql-connection.ts';
import { codeOf } from '../connection/server-errors.ts';
import { recordingOutput, readLogSettings, sameOutput } from './log-settings.ts';
import { LIVE_TABLE, whoseIsLive } from './log-table.ts';
import { MARKER } from './recorder-schema.ts';

/** What an account without a privilege on a table is told, whether the table is there or not. */
const HIDDEN: ReadonlySet<string> = new Set([
  'ER_TABLEACCESS_DENIED_ERROR',
  'ER_DBACCESS_DENIED_ERROR',
  'ER_ACCESS_DENIED_ERROR',
  'ER_SPECIFIC_ACCESS_DENIED_ERROR',
]);

/**
 * Makes sure that what seems not to be on the server is not there: to an account that lost its privileges
 * the marker, our tables and the log table look like missing ones.
 * @throws AppError `remote_failed` when it cannot be told.
 */
export async function requireSight(connection: MysqlConnection): Promise<void> {
  for (const table of [LIVE_TABLE, MARKER]) {
    try {
      await connection.rows(`SELECT 1 FROM ${table} LIMIT 0`);
    } catch (error) {
      if (connection.isLost) throw error;
      if (!HIDDEN.has(codeOf(error) ?? '')) continue;
      throw new AppError(
        'remote_failed',
        `The account may not see ${table} any more, so its log cannot be restored`,
        {
          hint: 'Give it its privileges back. To see them: captures env check ENVIRONMENT',
          cause: error,
        },
      );
    }
  }
}

/**
 * Makes sure that nothing of what was set for the recording is left: reads it back.
 * @param settings the owner's, of before.
 * @param wasWarm whether the slow log was on for a warm-up of ours.
 * @throws AppError `remote_failed` when something of ours is still in force.
 */
export async function requireRestored(
  connection: MysqlConnection,
  settings: LogSettings,
  wasWarm: boolean,
): Promise<void> {
  const now = await readLogSettings(connection);
  const left: string[] = [];
  if (now.generalLog && !settings.generalLog) left.push('general_log is ON');
  if (wasWarm && now.slowLog && !settings.slowLog) left.push('slow_query_log is ON');
  const isOurs = sameOutput(now.logOutput, recordingOutput(settings));
  if (isOurs && !sameOutput(now.logOutput, settings.logOutput)) {
    left.push(`log_output is ${now.logOutput}`);
  }
  if ((await whoseIsLive(connection)) === 'ours') left.push(`${LIVE_TABLE} is the recorder's`);
  if (left.length === 0) return;
  throw new AppError('remote_failed', `The server's log is not as it was: ${left.join(', ')}`, {
    hint: 'It is tried again. To see what the account may do: captures env check ENVIRONMENT',
  });
}
