import type { OpenTransaction, SessionState } from '../core/server-log.ts';
import type { MysqlConnection } from './connection.ts';
import type { OwnConnections } from './own-connections.ts';
import { listProcesses } from './processlist.ts';

/** The server's own threads, which receive no statements from anybody. */
const OWN_THREADS: ReadonlySet<string> = new Set([
  'Daemon',
  'Slave_IO',
  'Slave_SQL',
  'Slave_worker',
]);

/** The client sessions that are there now, without `own`; other users' only with PROCESS. */
export async function listSessions(
  connection: MysqlConnection,
  own: OwnConnections,
): Promise<SessionState[]> {
  const sessions: SessionState[] = [];
  for (const { id, user, host, db, command } of await listProcesses(connection)) {
    if (own.ownsSession(id, user)) continue;
    if (OWN_THREADS.has(command) || user === 'system user') continue;
    sessions.push({
      session: id,
      user: user === 'unauthenticated user' ? null : user,
      host,
      db,
      memory: null,
    });
  }
  return sessions;
}

/**
 * The default databases of those of these sessions that have been idle since `sinceMs`, by our
 * monotonic clock; empty without PROCESS.
 * @param hasMilliseconds whether the server tells them (MariaDB).
 */
export async function listIdleDatabases(
  connection: MysqlConnection,
  hasMilliseconds: boolean,
  sessions: readonly number[],
  sinceMs: number,
): Promise<{ session: number; db: string | null }[]> {
  // Whole seconds, rounded: one that shows 2 has been idle for more than 1.
  const idle = hasMilliseconds ? 'TIME_MS' : '(TIME - 1) * 1000';
  const rows = await connection.rows(
    `SELECT ID, DB, ${idle} FROM information_schema.PROCESSLIST WHERE COMMAND = 'Sleep' AND ID IN (${sessions.join()})`,
  );
  // Counted until the answer is here: what has been idle for longer was so at `sinceMs`.
  const idleMs = performance.now() - sinceMs;
  return rows
    .filter(([, , shown]) => Number(shown) >= idleMs)
    .map(([id, db]) => ({ session: Number(id), db: db ?? null }));
}

/** Transactions that are open now; empty without PROCESS. */
export async function listOpenTransactions(
  connection: MysqlConnection,
  own: OwnConnections,
): Promise<OpenTransaction[]> {
  // The view shows local times of the server; UNIX_TIMESTAMP reads them in the session's zone.
  let rows;
  try {
    await connection.run("SET SESSION time_zone = 'SYSTEM'");
    rows = await connection.rows(
      'SELECT trx_mysql_thread_id, UNIX_TIMESTAMP(trx_started) FROM information_schema.INNODB_TRX',
    );
  } catch (error) {
    if (connection.isLost) throw error;
    return [];
  } finally {
    await connection.attempt("SET SESSION time_zone = '+00:00'");
  }
  return rows
    .map(([id, since]) => ({
      session: Number(id),
      since: since == null ? null : new Date(Number(since) * 1000).toISOString(),
    }))
    .filter(({ session }) => session !== 0 && !own.ownsSession(session, null));
}
