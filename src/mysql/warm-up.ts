import type { LogSettings, WarmUpAnswer } from '../core/server-log.ts';
import { messageOf } from '../core/errors.ts';
import type { MysqlConnection } from './connection.ts';
import { listProcesses } from './processlist.ts';
import { noteWarmUp, RECORDER_SCHEMA } from './recorder-schema.ts';

/**
 * A warm-up: for a while new sessions have their slow log on, by the server's default for sessions. What
 * they prepare is logged with its values when the general log comes on later: MariaDB decides that at
 * PREPARE, by the general log or the session's slow log (tried on 10.5, 10.11 and 11.8: sql_prepare.cc,
 * `Prepared_statement::set_params`; `long_query_time` has no part in it, so nothing need be written).
 *
 * The marker says that the slow log is on for us, and in which life of the server it was switched on: a
 * server that was restarted has forgotten it. An event of the server's own ends it, should we not.
 */
const END_EVENT = `${RECORDER_SCHEMA}.warm_up_end`;

/** The server ends it by itself so long after we should have. */
const MARGIN_S = 60;

export async function isSlowLogOn(connection: MysqlConnection): Promise<boolean> {
  return (await connection.value('SELECT @@GLOBAL.slow_query_log')) === '1';
}

/** The id of the newest session that is there now: those that come later have a greater one. */
export async function newestSession(connection: MysqlConnection): Promise<number> {
  const ids = (await listProcesses(connection)).map(({ id }) => id);
  return Math.max(connection.id, ...ids);
}

/** Why no warm-up is needed with these settings of the owner's; null where one is. */
export function whyCovered({ generalLog, slowLog }: LogSettings): string | null {
  if (generalLog) return "the server's general log is on already";
  return slowLog ? "the server's slow log is on already" : null;
}

/**
 * Switches the session default on. The marker is there, and says so before it is done.
 * @returns as `ServerLog.warmUp`.
 */
export async function switchOn(
  connection: MysqlConnection,
  serverStart: number,
): Promise<WarmUpAnswer> {
  await noteWarmUp(connection, serverStart);
  await connection.run('SET GLOBAL slow_query_log = ON');
  return { is: 'on', after: await newestSession(connection) };
}

/**
 * Switches it off again, if it is on, and then says in the marker that it is not on for us any more.
 * @param isMarked false where somebody dropped the marker.
 * @returns a warning where somebody else did before us; null else.
 */
export async function switchOff(
  connection: MysqlConnection,
  isMarked: boolean,
): Promise<string | null> {
  const wasOn = await isSlowLogOn(connection);
  if (wasOn) await connection.run('SET GLOBAL slow_query_log = OFF');
  if (isMarked) await noteWarmUp(connection, null);
  await connection.attempt(`DROP EVENT IF EXISTS ${END_EVENT}`);
  return wasOn ? null : 'Somebody switched slow_query_log off during the warm-up; it is left off';
}

/**
 * Has the server end it by itself after so many milliseconds and a minute, in the place of what was asked
 * for before.
 * @returns why it will not, half a sentence; null when it will, if its event scheduler is on.
 */
export async function setEnd(connection: MysqlConnection, afterMs: number): Promise<string | null> {
  await connection.attempt(`DROP EVENT IF EXISTS ${END_EVENT}`);
  const seconds = Math.ceil(Math.max(afterMs, 0) / 1_000) + MARGIN_S;
  try {
    await connection.run(
      `CREATE EVENT ${END_EVENT} ON SCHEDULE AT CURRENT_TIMESTAMP + INTERVAL ${seconds} SECOND
         COMMENT 'ends a warm-up when the captures recorder does not'
         DO SET GLOBAL slow_query_log = OFF`,
    );
    return null;
  } catch (error) {
    if (connection.isLost) throw error;
    return messageOf(error);
  }
}
