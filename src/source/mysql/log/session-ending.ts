import type { EndedSession, ServerSession } from '../../../core/warm-ups/source-sessions.ts';
import { AppError } from '../../../core/errors.ts';
import type { MysqlConnection } from '../connection/mysql-connection.ts';
import { codeOf } from '../connection/server-errors.ts';
import { noteLockPlugin } from './recorder-schema.ts';

/**
 * Ends idle sessions, so that their pools connect anew and prepare under the log. What a session holds that
 * others wait for, or that it would lose without knowing, shows as a metadata lock: a table of an open
 * transaction or of LOCK TABLES, a user lock, a HANDLER (tried on MariaDB 10.5, 10.11 and 11.8). MariaDB
 * lists these through a plugin that comes with the server and is not installed by default; GET_LOCK shows
 * nowhere else. A transaction that has touched no table yet shows in neither list (BEGIN), and INNODB_TRX is
 * as old as 0.1 s, or older where somebody reads it all the time (trx0i_s.cc, CACHE_MIN_IDLE_TIME): of
 * those the log itself tells.
 */
const LOCKS = 'information_schema.METADATA_LOCK_INFO';
const PLUGIN = 'metadata_lock_info';

/** Threads of replication sleep, too, and are nobody's session. */
const IS_FREE = `COMMAND = 'Sleep' AND USER <> 'system user'
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

/**
 * Takes the plugin away that we installed, and then says so in the marker.
 * @param isMarked false where somebody dropped the marker.
 */
export async function removeLockPlugin(
  connection: MysqlConnection,
  isMarked: boolean,
): Promise<void> {
  try {
    await connection.run(`UNINSTALL SONAME '${PLUGIN}'`);
  } catch (error) {
    // Somebody else took it away.
    if (connection.isLost || codeOf(error) !== 'ER_SP_DOES_NOT_EXIST') throw error;
  }
  if (isMarked) await noteLockPlugin(connection, false);
}

/** The session ended by itself between the IF and the KILL; it is not idle any more, or was gone before. */
const NOT_ENDED: ReadonlySet<string | null> = new Set(['ER_NO_SUCH_THREAD', 'ER_SIGNAL_EXCEPTION']);

interface FreeSession extends ServerSession {
  readonly db: string | null;
  /** Of its last command: the same, and it has been idle ever since. */
  readonly queryId: string;
}

/** The sessions that are idle and hold no lock, those idle for longest first. */
async function listFree(connection: MysqlConnection): Promise<FreeSession[]> {
  const rows = await connection.list(
    `SELECT ID, USER, HOST, DB, TIME_MS, QUERY_ID FROM information_schema.PROCESSLIST WHERE ${IS_FREE} ORDER BY TIME_MS DESC`,
  );
  return rows.map(([id, user, host, db, ms, queryId]) => ({
    id: Number(id),
    user: user ?? null,
    host: host == null || host === '' ? null : host.replace(/:\d+$/, ''),
    db: db ?? null,
    seconds: Math.round(Math.max(Number(ms ?? 0), 0)) / 1_000,
    isIdle: true,
    queryId: String(Number(queryId)),
  }));
}

/**
 * Ends up to `most` of the sessions that hold no lock and are wanted. The statement that ends one asks
 * whether it has been idle since it was listed: from that to the KILL it is about 0.1 ms. (KILL takes no
 * subquery.) It fails where the session is not idle any more: to look afterwards whether the session is
 * gone tells nothing for sure, since a session that is ending shows as "Busy" for an instant.
 * @param isWanted asked with how long the session has been idle, as of the list.
 * @param ranInside told how many statements ran inside of one of ours, as Queries counts: the IF, and the
 *   KILL or the SIGNAL, also a KILL of a session that is gone (tried on MariaDB 10.5, 10.11 and 11.8).
 */
export async function endFree(
  connection: MysqlConnection,
  isWanted: (session: ServerSession) => boolean,
  most: number,
  ranInside: (statements: number) => void,
): Promise<EndedSession[]> {
  const ended: EndedSession[] = [];
  const free = (await listFree(connection)).filter(isWanted);
  for (const { id, user, host, db, seconds, queryId } of free.slice(0, most)) {
    ranInside(2);
    try {
      await connection.run(
        `BEGIN NOT ATOMIC IF EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ${id} AND COMMAND = 'Sleep' AND QUERY_ID = ${queryId}) THEN KILL CONNECTION ${id}; ELSE SIGNAL SQLSTATE '45000'; END IF; END`,
      );
    } catch (error) {
      if (!NOT_ENDED.has(codeOf(error))) throw error;
      continue;
    }
    ended.push({ session: id, user, host, db, idleSeconds: seconds });
  }
  return ended;
}
