import type { ValuesOutlook } from '../../../core/environments/server-inspection.ts';
import type { ServerSession } from '../../../core/source.ts';
import type { MysqlConnection } from '../connection/mysql-connection.ts';
import type { Flavor } from '../connection/flavor.ts';
import { isOwnThread, listProcesses } from '../connection/processlist.ts';
import { readServerStart } from '../connection/recorder-session.ts';

/** Looks at what decides whether values are logged; changes nothing. */
export async function readValuesOutlook(
  connection: MysqlConnection,
  flavor: Flavor,
): Promise<ValuesOutlook> {
  const row = await connection.row(
    `SELECT @@GLOBAL.general_log, @@GLOBAL.slow_query_log, @@GLOBAL.long_query_time,
       @@GLOBAL.log_queries_not_using_indexes, @@GLOBAL.log_output, @@GLOBAL.slow_query_log_file`,
  );
  const [generalLog, slowLog, longerThan, withoutIndex, output, file] = row ?? [];
  const status = await connection.rows(
    "SHOW GLOBAL STATUS WHERE Variable_name IN ('Uptime', 'Prepared_stmt_count')",
  );
  const counter = (name: string): number | null => {
    const value = status.find(([one]) => one === name)?.[1];
    return value == null ? null : Number(value);
  };
  const coveredBy = generalLog === '1' ? 'general_log' : slowLog === '1' ? 'slow_log' : null;
  return {
    logged: flavor.hasValues,
    coveredBy: flavor.hasValues === 'always' ? null : coveredBy,
    sinceStart: coveredBy !== null && (await isOfConfiguration(connection, flavor, coveredBy)),
    serverStart: await readServerStart(connection, flavor),
    uptime: counter('Uptime') ?? 0,
    prepared: counter('Prepared_stmt_count'),
    sessions: await clientSessions(connection),
    slowLog: {
      longerThan: Number(longerThan ?? 10),
      withoutIndex: withoutIndex === '1',
      output: output ?? 'FILE',
      file: file ?? '',
    },
  };
}

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
