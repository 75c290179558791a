import type { OpenTransaction, SessionState } from '../../../core/source.ts';
import type { MysqlConnection } from '../connection/mysql-connection.ts';
import type { OwnConnections } from '../connection/own-connections.ts';
import { isOwnThread, listProcesses } from '../connection/processlist.ts';
import type { SessionTracker } from './session-tracker.ts';

/** The client sessions that are there now, without `own`; other users' only with PROCESS. */
export async function listSessions(
  connection: MysqlConnection,
  own: OwnConnections,
): Promise<SessionState[]> {
  const sessions: SessionState[] = [];
  for (const process of await listProcesses(connection)) {
    const { id, user, host, db } = process;
    if (own.ownsSession(id, user) || isOwnThread(process)) continue;
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

/** How often the server is asked which sessions are there. */
const LOOK_INTERVAL_MS = 60_000;

/** Forgets the sessions of clients that broke off, for which the log has no row. */
export class GoneSessions {
  readonly #tracker: SessionTracker;
  #lookedAt = performance.now();

  constructor(tracker: SessionTracker) {
    this.#tracker = tracker;
  }

  /** Asks the server when a minute has passed. Call it when everything frozen is read. */
  async lookWhenDue(connection: MysqlConnection): Promise<void> {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_INTERVAL_MS) return;
    this.#lookedAt = now;
    this.#tracker.reconcile(await listAllIds(connection));
  }
}

/** Our own account, as `USER_PRIVILEGES` writes it. */
const GRANTEE =
  "CONCAT(QUOTE(LEFT(CURRENT_USER(), CHAR_LENGTH(CURRENT_USER()) - CHAR_LENGTH(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)) - 1)), '@', QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)))";

/** The ids of all connections; null where it is not certain that the server shows others than ours. */
async function listAllIds(connection: MysqlConnection): Promise<ReadonlySet<number> | null> {
  const processes = await listProcesses(connection);
  const { user } = connection.address;
  if (processes.every((one) => one.user === user)) {
    const count = await connection.value(
      `SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'PROCESS' AND GRANTEE = ${GRANTEE}`,
    );
    if (Number(count) === 0) return null;
  }
  return new Set(processes.map(({ id }) => id));
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
  const rows = await connection.list(
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
    rows = await connection.list(
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
