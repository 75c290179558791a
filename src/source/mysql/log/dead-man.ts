import { messageOf } from '../../../core/errors.ts';
import { codeOf } from '../connection/server-errors.ts';
import { literal, type MysqlConnection } from '../connection/mysql-connection.ts';
import { logsToTable, recordingOutput, sameOutput, type LogSettings } from './log-settings.ts';
import { quotedAccount } from '../connection/privileges.ts';
import { beat, MARKER, RECORDER_SCHEMA } from './recorder-schema.ts';

/**
 * The dead-man switch: an event of the server's own scheduler that restores the log's settings when
 * the heartbeat in the marker stops, so that a recorder that never comes back does not fill the
 * server's disk. The tables stay as they are: the next recorder reads what was logged until then.
 */
const EVENT = `${RECORDER_SCHEMA}.dead_man`;

const LONGEST_INTERVAL_S = 60;

/** The event looks ten times within the time it waits for, at least once a minute. */
function intervalSeconds(afterMs: number): number {
  return Math.min(Math.max(Math.round(afterMs / 10_000), 1), LONGEST_INTERVAL_S);
}

/** What the switch runs: the owner's settings, and never on what was off. Empty: nothing to restore. */
function restoringStatements(settings: LogSettings): string[] {
  if (logsToTable(settings)) return [];
  const off = settings.generalLog ? [] : ['SET GLOBAL general_log = OFF'];
  const output = sameOutput(recordingOutput(settings), settings.logOutput)
    ? []
    : [`SET GLOBAL log_output = ${literal(settings.logOutput)}`];
  return [...off, ...output];
}

/**
 * The CREATE EVENT, for MariaDB and MySQL alike; null where there is nothing to restore, because the
 * owner logs to the table anyway.
 *
 * What an event runs is written to the general log as a client's statement would be (tried: conditions
 * are not, SET and UPDATE are), in a session without a Connect row and under an id that is new each
 * time. So nothing but a condition is run until it goes off, and then the id is left in the marker, for
 * the next recorder to leave that row out. `sql_log_bin` is switched off where the account may: else
 * the trace in the marker goes to the replicas, which have no such table.
 *
 * It looks for the first time after an interval: without STARTS it runs as it is made, when no heartbeat
 * can be old, and its thread is one more that might be a client's at the first edge of a window (tried on
 * MySQL 9.7 at load 5: at 3 of 36 starts, and verify's bounds were 3 apart instead of 2).
 * @param afterMs how old the heartbeat has to be.
 */
export function deadManStatement(
  settings: LogSettings,
  afterMs: number,
  mayLeaveBinaryLog: boolean,
): string | null {
  const statements = restoringStatements(settings);
  if (statements.length === 0) return null;
  const body = [
    ...statements,
    ...(mayLeaveBinaryLog ? ['SET SESSION sql_log_bin = 0'] : []),
    `UPDATE ${MARKER} SET switched_off_at = SYSDATE(6), switched_off_by = CONNECTION_ID() WHERE id = 1`,
  ];
  const interval = `${intervalSeconds(afterMs)} SECOND`;
  return `CREATE EVENT ${EVENT} ON SCHEDULE EVERY ${interval} STARTS CURRENT_TIMESTAMP + INTERVAL ${interval}
    COMMENT 'restores the general log when the captures recorder is silent'
    DO BEGIN
      IF @@GLOBAL.general_log = 1 AND FIND_IN_SET('TABLE', @@GLOBAL.log_output) > 0 AND EXISTS (
        SELECT 1 FROM ${MARKER} WHERE switched_off_at IS NULL
          AND heartbeat < NOW(6) - INTERVAL ${Math.round(afterMs * 1000)} MICROSECOND
      ) THEN
        ${body.map((statement) => `${statement};`).join('\n        ')}
      END IF;
    END`;
}

/** Forgets that the switch went off: until then it does not go off again. */
export async function forgetSwitchOff(connection: MysqlConnection): Promise<void> {
  await connection.run(`UPDATE ${MARKER} SET switched_off_at = NULL, switched_off_by = NULL`);
}

/**
 * Puts the switch there, in the place of one that is there already, or takes it away (`afterMs` null).
 * Also sets the heartbeat.
 * @returns why the server will not do it, one sentence with what to run; null when all is well.
 */
export async function setDeadMan(
  connection: MysqlConnection,
  settings: LogSettings,
  afterMs: number | null,
): Promise<string | null> {
  await beat(connection);
  await removeDeadMan(connection);
  if (afterMs === null) return null;
  const mayLeaveBinaryLog = (await connection.value('SELECT @@SESSION.sql_log_bin')) === '0';
  const statement = deadManStatement(settings, afterMs, mayLeaveBinaryLog);
  if (statement === null) return null;
  const account = (await connection.value('SELECT CURRENT_USER()')) ?? '';
  const scheduler = await readScheduler(connection);
  // With the scheduler off it is made all the same: then switching that on is all there is to do.
  if (scheduler === 'DISABLED') return deadManObstacle(scheduler, true, account);
  try {
    await connection.run(statement);
  } catch (error) {
    if (connection.isLost) throw error;
    if (codeOf(error) !== 'ER_DBACCESS_DENIED_ERROR') return `${LOST} (${messageOf(error)})`;
    return deadManObstacle(scheduler, false, account);
  }
  return deadManObstacle(scheduler, true, account);
}

/** Takes the switch away; nothing happens where there is none, or none could be made. */
export async function removeDeadMan(connection: MysqlConnection): Promise<void> {
  await connection.attempt(`DROP EVENT IF EXISTS ${EVENT}`);
}

/** `ON`, `OFF` or `DISABLED`, as the server's configuration and its owner have set it. */
export async function readScheduler(connection: MysqlConnection): Promise<string> {
  const value = await connection.value('SELECT @@GLOBAL.event_scheduler');
  return value === '1' ? 'ON' : value === null || value === '0' ? 'OFF' : value.toUpperCase();
}

const LOST =
  'The server cannot switch its log off by itself: if the recorder never returns, the log keeps growing there';

/** Why there can be no switch on a server, and what to run; null when there can. */
export function deadManObstacle(
  scheduler: string,
  mayMakeEvents: boolean,
  account: string,
): string | null {
  if (!mayMakeEvents) {
    return `${LOST}. Run there: ${eventGrant(account)}${scheduler === 'OFF' ? `; ${SCHEDULER_ON}` : ''}`;
  }
  if (scheduler === 'OFF') return `${LOST}. Run there: ${SCHEDULER_ON}`;
  if (scheduler === 'DISABLED') {
    return `${LOST}. Its event scheduler is DISABLED: set event_scheduler=ON in its configuration and restart it`;
  }
  return null;
}

const SCHEDULER_ON = 'SET GLOBAL event_scheduler = ON';

function eventGrant(account: string): string {
  return `GRANT EVENT ON ${RECORDER_SCHEMA}.* TO ${quotedAccount(account)}`;
}
