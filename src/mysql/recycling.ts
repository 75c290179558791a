import type { EndedSession, ServerSession } from '../core/server-log.ts';
import { AppError } from '../core/errors.ts';
import type { MysqlConnection } from './connection.ts';
import { codeOf } from './errors.ts';
import { noteLockPlugin } from './recorder-schema.ts';

/**
 * Ends idle sessions, so that their pools connect anew and prepare under the log. What a session holds that
 * others wait for, or that it would lose without knowing, shows as a metadata lock: a table of an open
 * transaction or of LOCK TABLES, a user lock, a HANDLER (tried on MariaDB 10.5, 10.11 and 11.8). MariaDB
 * lists these through a plugin that comes with the server and is not installed by default; GET_LOCK shows
 * nowhere else.
 */
const LOCKS = 'information_schema.METADATA_LOCK_INFO';
const PLUGIN = 'metadata_lock_info';

/** What has to hold of a session that is ended, with its id in the place of `ID`. */
const IS_FREE = `COMMAND = 'Sleep'
  AND ID NOT IN (SELECT THREAD_ID FROM ${LOCKS})
  AND ID NOT IN (SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX)`;

/** Whether the server can list who holds which lock. */
export async function canListLocks(connection: MysqlConnection): Promise<boolean> {
  const count = await connection.value(
    `SELECT COUNT(*) FROM information_schema.PLUGINS WHERE PLUGIN_NAME = '${PLUGIN}' AND PLUGIN_STATUS = 'ACTIVE'`,
  );
  return count !== '0';
}

/**
 * Makes sure that the server lists locks: installs the plugin where nobody has, having written that down.
 * @returns whether it is there because of us.
 * @throws AppError `remote_failed` where it cannot be had.
 */
export async function installLockPlugin(connection: MysqlConnection): Promise<boolean> {
  if (await canListLocks(connection)) return false;
  await noteLockPlugin(connection, true);
  try {
    await connection.run(`INSTALL SONAME '${PLUGIN}'`);
    return true;
  } catch (error) {
    if (connection.isLost) throw error;
    await noteLockPlugin(connection, false);
    throw new AppError(
      'remote_failed',
      `It cannot be known which sessions hold a lock: the plugin ${PLUGIN} cannot be installed`,
      {
        hint: `An administrator can install it: INSTALL SONAME '${PLUGIN}'; or let the account do so: GRANT INSERT, DELETE ON mysql.plugin`,
        cause: error,
      },
    );
  }
}

/** Takes the plugin away that we installed, and then says so in the marker. */
export async function removeLockPlugin(connection: MysqlConnection): Promise<void> {
  try {
    await connection.run(`UNINSTALL SONAME '${PLUGIN}'`);
  } catch (error) {
    // Somebody else took it away.
    if (connection.isLost || codeOf(error) !== 'ER_SP_DOES_NOT_EXIST') throw error;
  }
  await noteLockPlugin(connection, false);
}

/** The sessions that are idle and hold nothing, those idle for longest first. */
async function listFree(
  connection: MysqlConnection,
): Promise<(ServerSession & { db: string | null })[]> {
  const rows = await connection.rows(
    `SELECT ID, USER, HOST, DB, TIME_MS FROM information_schema.PROCESSLIST WHERE ${IS_FREE} ORDER BY TIME_MS DESC`,
  );
  return rows.map(([id, user, host, db, ms]) => ({
    id: Number(id),
    user: user ?? null,
    host: host == null || host === '' ? null : host.replace(/:\d+$/, ''),
    db: db ?? null,
    seconds: Math.max(Number(ms ?? 0), 0) / 1_000,
    isIdle: true,
  }));
}

/**
 * Ends up to `most` of the sessions that are wanted and free. Whether one is free is asked again by the
 * statement that ends it: between the two lie microseconds, not a round trip. (KILL takes no subquery.)
 * @param ranInside told how many statements ran inside of one of ours, as Queries counts: the IF, and the
 *   KILL (tried on MariaDB 10.5, 10.11 and 11.8).
 */
export async function endFree(
  connection: MysqlConnection,
  isWanted: (session: ServerSession) => boolean,
  most: number,
  ranInside: (statements: number) => void,
): Promise<EndedSession[]> {
  const ended: EndedSession[] = [];
  for (const session of await listFree(connection)) {
    if (ended.length >= most) break;
    if (!isWanted(session)) continue;
    const { id, user, host, db } = session;
    ranInside(1);
    try {
      await connection.run(
        `BEGIN NOT ATOMIC IF EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ${id} AND ${IS_FREE}) THEN KILL CONNECTION ${id}; END IF; END`,
      );
    } catch (error) {
      // It ended by itself.
      if (codeOf(error) !== 'ER_NO_SUCH_THREAD') throw error;
      continue;
    }
    const isThere = await connection.value(
      `SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = ${id} AND COMMAND <> 'Killed'`,
    );
    if (isThere !== '0') continue;
    ranInside(1);
    ended.push({ session: id, user, host, db, idleSeconds: session.seconds });
  }
  return ended;
}
