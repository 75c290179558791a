import { AppError } from '../core/errors.ts';
import type { LockHolder, OwnConnection } from '../core/server-log.ts';
import type { MysqlConnection } from './connection.ts';
import { listProcesses } from './processlist.ts';

/** One recorder a server, whichever store it belongs to: a lock that ends with its connection. */
const LOCK = "'captures:tap'";

// How long a connection of a dead recorder may take to be noticed as such by the server.
const PATIENCE_S = 2;
const AFTER_KILL_S = 5;

/**
 * Takes the lock, from a connection of ours of before a crash too: one of `own` that was opened since
 * the server's start, for it numbers its connections from 1 again after each.
 * @throws AppError `conflict` naming the holder when it is none of ours.
 */
export async function lockFor(
  connection: MysqlConnection,
  own: readonly OwnConnection[],
  since: number,
): Promise<void> {
  if (await takeLock(connection)) return;
  const ids = own
    .filter(({ serverStart }) => serverStart === null || serverStart === since)
    .map(({ connectionId }) => connectionId);
  await endLockHolder(connection, ids);
}

/** Takes the lock if it is free. @returns whether we have it. */
async function takeLock(connection: MysqlConnection, waitSeconds = 0): Promise<boolean> {
  return (await connection.value(`SELECT GET_LOCK(${LOCK}, ${waitSeconds})`)) === '1';
}

export async function releaseLock(connection: MysqlConnection): Promise<void> {
  await connection.rows(`SELECT RELEASE_LOCK(${LOCK})`);
}

/** The connection that holds the lock; null when it is free. */
export async function readLockHolder(connection: MysqlConnection): Promise<number | null> {
  const id = await connection.value(`SELECT IS_USED_LOCK(${LOCK})`);
  return id === null ? null : Number(id);
}

/** Who holds the lock; null when it is free. Without PROCESS the user and host stay unknown. */
export async function findLockHolder(connection: MysqlConnection): Promise<LockHolder | null> {
  const id = await readLockHolder(connection);
  if (id === null) return null;
  const holder = (await listProcesses(connection)).find((process) => process.id === id);
  return { connectionId: id, user: holder?.user ?? null, host: holder?.host ?? null };
}

/**
 * Takes the lock from a connection of ours of before a crash: waits for the server to notice that
 * nobody is there, then ends it.
 * @throws AppError `conflict` naming the holder when it is none of ours.
 */
async function endLockHolder(
  connection: MysqlConnection,
  ownConnectionIds: readonly number[],
): Promise<void> {
  const holder = await findLockHolder(connection);
  if (holder === null) {
    // Whoever held it is leaving: the server forgets the holder a moment before it frees the lock.
    if (await takeLock(connection, PATIENCE_S)) return;
    throw held(await findLockHolder(connection));
  }
  if (!ownConnectionIds.includes(holder.connectionId)) throw held(holder);
  // The server numbers its connections from 1 again after a restart: the same id can be a stranger's.
  const own = await connection.value("SELECT SUBSTRING_INDEX(USER(), '@', 1)");
  if (holder.user !== own) throw held(holder);
  if (await takeLock(connection, PATIENCE_S)) return;
  await connection.attempt(`KILL CONNECTION ${holder.connectionId}`);
  if (await takeLock(connection, AFTER_KILL_S)) return;
  throw held(await findLockHolder(connection));
}

function held(holder: LockHolder | null): AppError {
  const who =
    holder?.user == null
      ? 'another connection'
      : `${holder.user}@${holder.host ?? 'unknown'} (connection ${holder.connectionId})`;
  return new AppError('conflict', `Another recorder holds this server's log: ${who}`, {
    hint: 'One recorder records a server for every capture of its store; stop that one first.',
  });
}
