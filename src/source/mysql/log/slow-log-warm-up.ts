import type { LogSettings } from './log-settings.ts';
import type { WarmUpAnswer } from '../../../core/warm-ups/source-sessions.ts';
import type { MysqlConnection } from '../connection/mysql-connection.ts';
import { listProcesses } from '../connection/processlist.ts';
import { requireUnlogged } from '../connection/recorder-session.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { Marker } from './marker.ts';
import { claimSchema, MARKER, noteWarmUp, readSchema, RECORDER_SCHEMA } from './recorder-schema.ts';
import type { RecorderTables } from './recorder-tables.ts';

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

async function isSlowLogOn(connection: MysqlConnection): Promise<boolean> {
  return (await connection.value('SELECT @@GLOBAL.slow_query_log')) === '1';
}

/** The id of the newest session that is there now: those that come later have a greater one. */
async function newestSession(connection: MysqlConnection): Promise<number> {
  const ids = (await listProcesses(connection)).map(({ id }) => id);
  return Math.max(connection.id, ...ids);
}

/** Why no warm-up is needed with these settings of the owner's; null where one is. */
function whyCovered({ generalLog, slowLog }: LogSettings): string | null {
  if (generalLog) return "the server's general log is on already";
  return slowLog ? "the server's slow log is on already" : null;
}

/**
 * Switches the session default on. The marker is there, and says so before it is done.
 * @returns as `WarmUps.keepOn`.
 */
async function switchOn(connection: MysqlConnection, serverStart: number): Promise<WarmUpAnswer> {
  await noteWarmUp(connection, serverStart);
  await connection.run('SET GLOBAL slow_query_log = ON');
  return { is: 'on', after: await newestSession(connection) };
}

/**
 * Switches it off again, if it is on, and then says in the marker that it is not on for us any more.
 * @param isMarked false where somebody dropped the marker.
 * @returns a warning where somebody else did before us; null else.
 */
async function switchOff(connection: MysqlConnection, isMarked: boolean): Promise<string | null> {
  const wasOn = await isSlowLogOn(connection);
  if (wasOn) await connection.run('SET GLOBAL slow_query_log = OFF');
  if (isMarked) await noteWarmUp(connection, null);
  await connection.attempt(`DROP EVENT IF EXISTS ${END_EVENT}`);
  return wasOn ? null : 'Somebody switched slow_query_log off during the warm-up; it stays off';
}

/**
 * Has the server end it by itself a minute after it should be over, or when we are silent for an hour. What
 * it did is in the marker then: a slow log that is switched on later is not taken for ours.
 * @param forMs how long it is to last yet.
 * @param before when it would by now, by our monotonic clock; null: not asked yet.
 * @returns when it will, if its event scheduler is on.
 */
async function setEnd(
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

/** The warm-up on one server. */
export class SlowLogWarmUp {
  readonly #tables: RecorderTables;
  readonly #heartbeat: Heartbeat;
  /** As the store knows it; the marker, which others can drop, knows it, too. */
  #warmSince: number | null = null;
  /** When the server ends it by itself, by our monotonic clock; null: not asked yet. */
  #warmEnd: number | null = null;

  constructor(tables: RecorderTables, heartbeat: Heartbeat) {
    this.#tables = tables;
    this.#heartbeat = heartbeat;
  }

  /** @param serverStart the start of the server in which it was switched on; null for not. */
  wasOnSince(serverStart: number | null): void {
    this.#warmSince = serverStart;
  }

  /** Whether it is on in this life of the server, by the marker or, without one, by the store. */
  isOn(marker: Marker | null): boolean {
    return (marker === null ? this.#warmSince : marker.warmSince) === this.#tables.serverStart;
  }

  /** See `WarmUps.keepOn`. */
  async keepOn(settings: LogSettings, forMs: number): Promise<WarmUpAnswer> {
    const control = this.#tables.control;
    if (this.#tables.flavor.hasValues === 'always') {
      return { is: 'needless', why: 'this server logs the values of every prepared statement' };
    }
    const covered = whyCovered(settings);
    if (covered !== null) return { is: 'needless', why: covered };
    const { marker } = await readSchema(control, this.#tables.storeId);
    const isMarkedOn = marker?.warmSince === this.#tables.serverStart;
    // By the store, too: one that was killed between the marker and the setting was never on.
    const wasOn = this.#warmSince === this.#tables.serverStart && (marker === null || isMarkedOn);
    if (wasOn && !(await isSlowLogOn(control))) {
      await switchOff(control, marker !== null);
      this.#warmSince = null;
      return { is: 'ended', why: 'somebody switched slow_query_log off' };
    }
    const isMarked = isMarkedOn && marker.nonce === this.#tables.nonce;
    if (!isMarked) {
      await requireUnlogged(control, this.#tables.flavor);
      await claimSchema(control, this.#tables.flavor, this.#tables.owner, settings);
    } else await this.#heartbeat.beat();
    this.#heartbeat.isMarked = true;
    this.#warmEnd = await setEnd(control, forMs, isMarked ? this.#warmEnd : null);
    if (isMarked && wasOn) return { is: 'goes_on' };
    const answer = await switchOn(control, this.#tables.serverStart);
    this.#warmSince = this.#tables.serverStart;
    return wasOn ? { is: 'goes_on' } : answer;
  }

  /** See `WarmUps.newestCovered`. */
  async newestCovered(): Promise<number | null> {
    return (await isSlowLogOn(this.#tables.control)) ? newestSession(this.#tables.control) : null;
  }

  /** Ends one of ours. @returns warnings. */
  async end(settings: LogSettings): Promise<string[]> {
    const { marker } = await readSchema(this.#tables.control, this.#tables.storeId);
    const since = marker === null ? this.#warmSince : marker.warmSince;
    this.#warmSince = null;
    this.#warmEnd = null;
    if (since === null) return [];
    // A server that was restarted since has forgotten it: what it is set to is its owner's.
    if (since !== this.#tables.serverStart || settings.slowLog) {
      if (marker !== null) await noteWarmUp(this.#tables.control, null);
      return [];
    }
    const warning = await switchOff(this.#tables.control, marker !== null);
    return warning === null ? [] : [warning];
  }
}
