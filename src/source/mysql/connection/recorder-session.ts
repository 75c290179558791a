import { AppError } from '../../../core/errors.ts';
import type { MysqlIdentity } from './flavor.ts';
import type { MysqlConnection } from './mysql-connection.ts';
import { type Flavor, flavorOf, identify } from './flavor.ts';
import { hasOneOf, parseGrants, quotedAccount, readGrants } from './privileges.ts';

/**
 * Makes a connection one that leaves no trace: not in the log, not in the binary log. What the
 * account may not set is gone without: its own rows are left out by connection id then.
 * @param identifyServer refuses servers that we have no use for.
 */
export async function prepareSession(
  connection: MysqlConnection,
  identifyServer = identify,
): Promise<MysqlIdentity> {
  await connection.attempt('SET SESSION sql_log_off = 1');
  await connection.attempt('SET SESSION sql_log_bin = 0');
  await connection.run(
    // A reader whose process was suspended holds the table that it reads for as long, and nobody can
    // drop it. One that is cut off because our disk is slow goes on from where it had committed.
    'SET SESSION lock_wait_timeout = 1, net_write_timeout = 60, wait_timeout = 86400, sql_select_limit = DEFAULT',
  );
  // transaction_read_only can be the server's default.
  await connection.run('SET SESSION TRANSACTION READ WRITE');
  const server = await identifyServer(connection);
  const { sessionSettings } = flavorOf(server.version);
  const names = Object.keys(sessionSettings).map((name) => `'${name}'`);
  const rows = await connection.rows(
    `SHOW SESSION VARIABLES WHERE Variable_name IN (${names.join(', ')})`,
  );
  const known = new Set(rows.map(([name]) => name));
  for (const [name, value] of Object.entries(sessionSettings)) {
    // MySQL counts a SET of what it does not know with the statements that it cannot parse.
    if (known.has(name)) await connection.attempt(`SET SESSION ${name} = ${value}`);
  }
  return server;
}

/**
 * Makes sure that what this session does to tables stays out of the binary log: replicas would follow
 * a RENAME of `mysql.general_log`, lose rows of their own log, and stop when they are recorded too.
 * @throws AppError `remote_failed` with the GRANT that helps.
 */
export async function requireUnlogged(
  connection: MysqlConnection,
  { binaryLog, switchPrivilege }: Flavor,
): Promise<void> {
  const row = await connection.row('SELECT @@GLOBAL.log_bin, @@SESSION.sql_log_bin');
  if (row?.[0] !== '1' || row[1] === '0') return;
  const account = (await connection.value('SELECT CURRENT_USER()')) ?? '';
  const privilege = binaryLog?.privilege ?? switchPrivilege;
  throw new AppError(
    'remote_failed',
    `The account lacks ${privilege}: its changes of log tables would go to the replicas of this server`,
    { hint: `Run there: GRANT ${privilege} ON *.* TO ${quotedAccount(account)};` },
  );
}

/**
 * Makes sure that `sql_log_off` holds. While the owner's table is put back under logging, loggers wait
 * for the exchange: among them we would, who are to oversee it (MySQL 9.7, tried: 1 s each time, and
 * then the exchange is given up).
 * @throws AppError `remote_failed` with the GRANT that helps.
 */
export async function requireLogOff(
  connection: MysqlConnection,
  { logOff }: Flavor,
): Promise<void> {
  if (logOff === null) return;
  const lines = await readGrants(connection);
  if (lines === null || hasOneOf(parseGrants(lines), logOff)) return;
  const account = (await connection.value('SELECT CURRENT_USER()')) ?? '';
  throw new AppError(
    'remote_failed',
    `The account lacks ${logOff.privilege}: the server's own log table can't be restored while the server logs to it`,
    { hint: `Run there: GRANT ${logOff.privilege} ON *.* TO ${quotedAccount(account)};` },
  );
}

/**
 * When the server started, by its own clock, in whole seconds. The same number for as long as it runs,
 * whatever is done to its clock: the uptime is counted from it, and both are read in one statement.
 */
export async function readServerStart(
  connection: MysqlConnection,
  { statusTable }: Flavor,
): Promise<number> {
  try {
    const start = await connection.value(
      `SELECT UNIX_TIMESTAMP() - CAST(VARIABLE_VALUE AS SIGNED) FROM ${statusTable} WHERE VARIABLE_NAME = 'UPTIME'`,
    );
    if (start !== null) return Number(start);
  } catch (error) {
    // MySQL can be built without performance_schema.
    if (connection.isLost) throw error;
  }
  const uptime = (await connection.row("SHOW GLOBAL STATUS LIKE 'Uptime'"))?.[1] ?? '0';
  return Number(await connection.value('SELECT UNIX_TIMESTAMP()')) - Number(uptime);
}
