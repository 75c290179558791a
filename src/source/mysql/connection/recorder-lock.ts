import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../../core/errors.ts';
import type { LockHolder } from '../../../core/environments/server-inspection.ts';
import type { OwnConnection } from '../../../core/source.ts';
import type { MysqlConnection } from './mysql-connection.ts';
import { listProcesses } from './processlist.ts';

/** One recorder a server, whichever store it belongs to: a lock that ends with its connection. */
const LOCK = "'captures:tap'";

// How long a connection of a dead recorder may take to be noticed as such by the server.
const PATIENCE_S = 2;
const AFTER_KILL_S = 5;
// A look at the server by a command, or the good-bye of a connection, is as a rule over by then.
const LEAVING_MS = 1_000;
const KILLED_MS = 5_000;
const LOOK_MS = 50;

/**
 * Takes the lock, from a connection of ours of before a crash too: one of `own` that was opened since
 * the server's start, for it numbers its connections from 1 again after each. Then ends whatever else
 * of `own` is still there: a daemon that was suspended in the middle of a read holds the table that it
 * reads, and would go on with what it was about to do (seen: DROP waited for it for ever, the log grew
 * to 3.2 GB).
 * @throws AppError `conflict` naming the holder when it is none of ours; `remote_failed` while the
 *   server is still busy with one of ours.
 */
export async function lockFor(
  connection: MysqlConnection,
  own: readonly OwnConnection[],
  since: number,
): Promise<void> {
  const ids = own
    .filter(({ serverStart }) => serverStart === null || serverStart === since)
    .map(({ connectionId }) => connectionId)
    .filter((id) => id !== connection.id);
  if (!(await takeLock(connection))) await endLockHolder(connection, ids);
  await endConnections(connection, ids);
}

/**
 * Ends the connections of a recorder before this one, and waits until they are gone. One that the
 * server cannot end just now is no reason to wait for longer: what it holds, the next swap says.
 */
async function endConnections(connection: MysqlConnection, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return;
  const [id, user] =
    (await connection.row("SELECT CONNECTION_ID(), SUBSTRING_INDEX(USER(), '@', 1)")) ?? [];
  // A proxy gives out ids of its own: they say nothing of those in the process list.
  if (Number(id) !== connection.id) return;
  const find = async (): Promise<number[]> =>
    (await listProcesses(connection))
      .filter((process) => ids.includes(process.id) && process.user === user)
      .map((process) => process.id);
  const began = performance.now();
  const killed = new Set<number>();
  for (;;) {
    const there = await find();
    const waited = performance.now() - began;
    if (there.length === 0 || waited >= LEAVING_MS + KILLED_MS) return;
    if (waited >= LEAVING_MS) {
      for (const one of there.filter((other) => !killed.has(other))) {
        killed.add(one);
        await connection.attempt(`KILL CONNECTION ${one}`);
      }
    }
    await delay(LOOK_MS);
  }
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
 * @throws AppError `conflict` naming the holder when it is none of ours; `remote_failed` when the
 *   server does not end ours: it may be at a statement that cannot be interrupted.
 */
async function endLockHolder(
  connection: MysqlConnection,
  ownConnectionIds: readonly number[],
): Promise<void> {
  // The server numbers its connections from 1 again after a restart: the same id can be a stranger's.
  const own = await connection.value("SELECT SUBSTRING_INDEX(USER(), '@', 1)");
  const isOurs = (holder: LockHolder): boolean =>
    ownConnectionIds.includes(holder.connectionId) && holder.user === own;
  const holder = await findLockHolder(connection);
  if (holder !== null && !isOurs(holder)) throw held(holder);
  // Where there is no holder, it is just leaving: the server forgets the holder a moment before
  // it frees the lock.
  if (await takeLock(connection, PATIENCE_S)) return;
  if (holder !== null) {
    await connection.attempt(`KILL CONNECTION ${holder.connectionId}`);
    if (await takeLock(connection, AFTER_KILL_S)) return;
  }
  const last = await findLockHolder(connection);
  throw last !== null && isOurs(last) ? busy(last) : held(last);
}

function busy({ connectionId }: LockHolder): AppError {
  return new AppError(
    'remote_failed',
    `The server is still busy with a statement of the recorder's own connection ${connectionId}, which timed out`,
    {
      hint: "The recorder continues when that statement ends; check whether the server's disk is stuck.",
    },
  );
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
