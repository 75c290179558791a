import type { LogSettings } from '../../../core/environments/server-inspection.ts';
import type { WarmUpAnswer } from '../../../core/source.ts';
import type { MysqlConnection } from '../connection/mysql-connection.ts';
import { listProcesses } from '../connection/processlist.ts';
import { MARKER, noteWarmUp, RECORDER_SCHEMA } from './recorder-schema.ts';

/**
 * A warm-up: for a while new sessions have their slow log on, by the server's default for sessions. What
 * they prepare is logged with its values when the general log comes on later: MariaDB decides that at
 * PREPARE, by the general log or the session's slow log (tried on 10.5, 10.11 and 11.8: sql_prepare.cc,
 * `Prepared_statement::set_params`; `long_query_time` has no part in it, so nothing need be written).
 *
 * The marker says that the slow log is on for us, and in which life of the server it was switched on: a
 * server that was restarted has forgotten it. An event of the server's own ends it, should we not: when its
 * time is up, and sooner when the recorder is gone, for which it is put off again and again.
 */
const END_EVENT = `${RECORDER_SCHEMA}.warm_up_end`;

/** The server ends it by itself so long after we should have. */
const MARGIN_MS = 60_000;
/** And so long after our last sign of life; put off when half of that is over. */
const SILENCE_MS = 3_600_000;
/** It is put off, or brought forward, when it would be wrong by more. */
const SLACK_MS = 5_000;

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
 * @returns as `OpenSource.warmUp`.
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
 * Has the server end it by itself a minute after it should be over, or when we are silent for an hour. What
 * it did is in the marker then: whoever switches the slow log on later is not taken for us.
 * @param forMs how long it is to last yet.
 * @param before when it would by now, by our monotonic clock; null: not asked yet.
 * @returns when it will, if its event scheduler is on.
 */
export async function setEnd(
  connection: MysqlConnection,
  forMs: number,
  before: number | null,
): Promise<number> {
  const now = performance.now();
  const last = now + Math.max(forMs, 0) + MARGIN_MS;
  const end = Math.min(last, now + SILENCE_MS);
  const isGood =
    before !== null &&
    before <= last + SLACK_MS &&
    before >= Math.min(last - SLACK_MS, now + SILENCE_MS / 2);
  if (isGood) return before;
  // Else the trace in the marker goes to the replicas, which have no such table.
  const isUnlogged = (await connection.value('SELECT @@SESSION.sql_log_bin')) === '0';
  await connection.attempt(`DROP EVENT IF EXISTS ${END_EVENT}`);
  await connection.attempt(
    `CREATE EVENT ${END_EVENT} ON SCHEDULE AT CURRENT_TIMESTAMP + INTERVAL ${Math.ceil((end - now) / 1_000)} SECOND
       COMMENT 'ends a warm-up when the captures recorder does not'
       DO BEGIN
         IF EXISTS (SELECT 1 FROM ${MARKER} WHERE warm_since IS NOT NULL) THEN
           SET GLOBAL slow_query_log = OFF;${isUnlogged ? ' SET SESSION sql_log_bin = 0;' : ''}
           UPDATE ${MARKER} SET warm_since = NULL;
         END IF;
       END`,
  );
  return end;
}
