import type { LogInterruption, ServerInstant } from '../../../core/source.ts';
import { instant } from '../connection/server-clock.ts';
import { WHOLE_TABLE_MS } from '../connection/mysql-connection.ts';
import { logsToTable, readLogSettings } from './log-settings.ts';
import { LIVE_TABLE, readRepaired, REPAIRED, repairIfDamaged, whoseIsLive } from './log-table.ts';
import { timesIn } from './log-times.ts';
import { type SchemaContents, TABLES } from './recorder-schema.ts';
import type { RecorderTables } from './recorder-tables.ts';
import { readSentinel } from './sentinel.ts';

/** Nothing of ours is there any more, in the middle of a record. */
const RESTORED_MEANWHILE: LogInterruption = {
  cause: 'log_switched_off',
  from: null,
  to: null,
  reason:
    'Somebody restored the server while no recorder was there, as a recovery from another store does: its log was off until the recorder came back',
};

/**
 * Sets the owner's table aside and puts one of ours in its place. Where ours is there already, or
 * was, it is frozen for what it holds, and the new one says what may be missing before it.
 * @returns the generation that the live table is.
 */
export async function putOursInPlace(
  tables: RecorderTables,
  generation: number,
): Promise<{ live: number; warnings: string[] }> {
  const control = tables.control;
  const contents = await tables.slots.refresh(tables.storeId, generation - 1);
  const whose = await whoseIsLive(control);
  const live = tables.liveOf(contents, generation);
  if (!contents.tables.has('owners_log') && whose !== 'ours') {
    // A first generation follows on nothing, a later one on what was recorded until then.
    const interruption = generation > 1 ? RESTORED_MEANWHILE : null;
    await tables.slots.prepare({ ...tables.sentinel(live), interruption });
    if (whose === 'missing') {
      await tables.slots.putInPlace(null);
      return { live, warnings: ['The server had no table mysql.general_log'] };
    }
    await tables.slots.putInPlace(TABLES.owners);
    return { live, warnings: (await repairIfDamaged(control, TABLES.owners)) ? [REPAIRED] : [] };
  }
  const isLogging = logsToTable(await readLogSettings(control));
  if (whose === 'ours' && isLogging && (await tables.isOfThisStart(LIVE_TABLE))) {
    return { live, warnings: [] };
  }
  const warnings: string[] = [];
  // In the place of one that is gone: reading it looks for where ours went.
  if (whose === 'missing') await tables.slots.standIn(live);
  // All of it is read: of a table that lost its end the beginning is in order.
  const read = (): Promise<LogInterruption> => interruptionOf(tables, contents, whose, isLogging);
  const { found: interruption, wasDamaged } = await readRepaired(control, LIVE_TABLE, read);
  if (wasDamaged) warnings.push(REPAIRED);
  const next = { ...tables.sentinel(live + 1), interruption };
  if (whose === 'missing') {
    await tables.slots.prepare(next);
    await tables.slots.putInPlace(null);
  } else {
    await tables.slots.swap(live, next);
  }
  return { live: live + 1, warnings };
}

/** What may be missing between the live table that is there and the one that takes its place. */
async function interruptionOf(
  tables: RecorderTables,
  { marker }: SchemaContents,
  whose: 'ours' | 'owners' | 'missing',
  isLogging: boolean,
): Promise<LogInterruption> {
  const control = tables.control;
  const sentinel = whose === 'missing' ? null : await readSentinel(control, LIVE_TABLE);
  if (
    sentinel !== null &&
    sentinel.serverStart !== tables.serverStart &&
    marker?.switchedOffAt == null
  ) {
    return restarted(tables, sentinel.writtenAt, isLogging);
  }
  const since = sentinel?.writtenAt ?? null;
  const from =
    whose === 'missing' ? null : (await timesIn(control, LIVE_TABLE, { since, before: null })).last;
  if (marker?.switchedOffAt != null) {
    return {
      cause: 'log_switched_off',
      from: marker.switchedOffAt,
      to: null,
      reason: `The dead-man switch on the server switched the log off at ${marker.switchedOffAt}: the recorder had been silent for too long`,
    };
  }
  if (!isLogging) {
    return {
      cause: 'log_switched_off',
      from,
      to: null,
      reason: "Somebody switched the server's log off while no recorder was running",
    };
  }
  return {
    cause: 'log_table_changed',
    from,
    to: null,
    reason: "Another program put a table of its own in the place of the server's log table",
  };
}

/**
 * What may be missing where the server was restarted while a table of ours was live. A log that is
 * switched on again before the recorder is back goes to the same table, and of its rows none
 * says in which life of the server it was written: the server may have been restarted twice, and its
 * start is known to the second. So from the instant at which the table was made (the drain knows
 * better where rows of before it are the last ones) to the first row behind the second in which the
 * server started; to the next table's first where none was, or the log is off.
 */
async function restarted(
  tables: RecorderTables,
  writtenAt: ServerInstant,
  isLogging: boolean,
): Promise<LogInterruption> {
  const started = tables.serverStart;
  const at = new Date(started * 1_000).toISOString();
  // All of it is read: of a table that lost its end the beginning is in order.
  const behind = await tables.control.value(
    `SELECT MIN(IF(event_time >= FROM_UNIXTIME(${started} + 1), event_time, NULL)) FROM ${LIVE_TABLE}`,
    WHOLE_TABLE_MS,
  );
  // Nothing is said by times of a clock that was set back, or in each session's own zone.
  const canTell = isLogging && writtenAt < at && tables.flavor.engine !== 'CSV';
  const first = canTell ? behind : null;
  return {
    cause: 'server_restarted',
    from: writtenAt,
    to: first === null ? null : instant(first),
    reason:
      first === null
        ? `The server was restarted at ${at}, so its log was off until the recorder returned`
        : `The server was restarted at ${at}; somebody else, or its configuration, had its log on again before the recorder returned`,
  };
}
