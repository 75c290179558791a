import type { ValuesOutlook } from '../../../core/environments/server-inspection.ts';
import type { ServerSession } from '../../../core/warm-ups/source-sessions.ts';
import type { MysqlConnection } from '../connection/mysql-connection.ts';
import type { Flavor } from '../connection/flavor.ts';
import { isOwnThread, listProcesses } from '../connection/processlist.ts';
import { readServerStart } from '../connection/recorder-session.ts';
import type { LogSettings } from '../log/log-settings.ts';

/**
 * Looks at what decides whether values are logged; changes nothing.
 * @param owners the owner's settings: during a recording or a warm-up those in the marker.
 * @param isSetByOwner whether the account can set none of them.
 */
export async function readValuesOutlook(
  connection: MysqlConnection,
  flavor: Flavor,
  owners: LogSettings,
  isSetByOwner: boolean,
): Promise<ValuesOutlook> {
  const row = await connection.row(
    `SELECT @@GLOBAL.general_log, @@GLOBAL.slow_query_log, @@GLOBAL.long_query_time,
       @@GLOBAL.log_queries_not_using_indexes, @@GLOBAL.slow_query_log_file`,
  );
  const [generalLog, slowLog, longerThan, withoutIndex, file] = row ?? [];
  const status = await connection.rows(
    "SHOW GLOBAL STATUS WHERE Variable_name IN ('Uptime', 'Prepared_stmt_count')",
  );
  const counter = (name: string): number | null => {
    const value = status.find(([one]) => one === name)?.[1];
    return value == null ? null : Number(value);
  };
  const coveredBy = generalLog === '1' ? 'general_log' : slowLog === '1' ? 'slow_log' : null;
  const isAlways = flavor.hasValues === 'always';
  return {
    logged: flavor.hasValues,
    coveredBy: isAlways ? null : coveredBy,
    ownersLog: isAlways
      ? null
      : owners.generalLog
        ? 'general_log'
        : owners.slowLog
          ? 'slow_log'
          : null,
    sinceStart: coveredBy !== null && (await isOfConfiguration(connection, flavor, coveredBy)),
    serverStart: await readServerStart(connection, flavor),
    uptime: counter('Uptime') ?? 0,
    prepared: counter('Prepared_stmt_count'),
    sessions: await clientSessions(connection),
    slowLog: {
      longerThan: Number(longerThan ?? 10),
      withoutIndex: withoutIndex === '1',
      output: owners.logOutput,
      file: file ?? '',
    },
    warmUpObstacle: isSetByOwner && !isAlways ? SET_BY_OWNER : null,
  };
}

export const SET_BY_OWNER = 'The slow log of this server can be set only in its parameter group';

/** Whether a setting is as the server was started with; false where it does not say (MySQL). */
async function isOfConfiguration(
  connection: MysqlConnection,
  { name }: Flavor,
  log: 'general_log' | 'slow_log',
): Promise<boolean> {
  if (name !== 'mariadb') return false;
  const variable = log === 'general_log' ? 'GENERAL_LOG' : 'SLOW_QUERY_LOG';
  const origin = await connection.value(
    `SELECT GLOBAL_VALUE_ORIGIN FROM information_schema.SYSTEM_VARIABLES WHERE VARIABLE_NAME = '${variable}'`,
  );
  return origin === 'CONFIG';
}

/** Of other accounts only with PROCESS; ours are those of our own account. */
export async function clientSessions(connection: MysqlConnection): Promise<ServerSession[]> {
  const own = connection.address.user;
  return (await listProcesses(connection))
    .filter((process) => process.user !== own && !isOwnThread(process))
    .map(({ id, user, host, command, seconds }) => ({
      id,
      user: user === 'unauthenticated user' ? null : user,
      host,
      seconds,
      isIdle: command === 'Sleep',
    }));
}
