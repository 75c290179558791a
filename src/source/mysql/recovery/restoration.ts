import { AppError } from '../../../core/errors.ts';
import { DROP_MS, literal, type MysqlConnection } from '../connection/mysql-connection.ts';
import { codeOf } from '../connection/server-errors.ts';
import { releaseLock } from '../connection/recorder-lock.ts';
import { requireLogOff, requireUnlogged } from '../connection/recorder-session.ts';
import { displacedTables } from '../log/changed-log.ts';
import { removeDeadMan } from '../log/dead-man.ts';
import { ROOM_TABLE, SPARE_TABLE } from '../log/disk-guard.ts';
import type { FrozenTables } from '../log/frozen-tables.ts';
import type { IdleSessionRecycling } from '../log/idle-session-recycling.ts';
import {
  logsToTable,
  readLogSettings,
  recordingOutput,
  sameOutput,
  type LogSettings,
} from '../log/log-settings.ts';
import { exchange, LIVE_TABLE, whenLockFree, whoseIsLive } from '../log/log-table.ts';
import { restoreWhileLogging, takeBackIncomplete } from '../log/live-exchange.ts';
import { appendGeneration } from '../log/owners-log.ts';
import type { OwnersQueue } from '../log/owners-queue.ts';
import {
  claimSchema,
  MARKER,
  readSchema,
  releaseSchema,
  requireOurs,
  type SchemaContents,
  strayTable,
  TABLES,
} from '../log/recorder-schema.ts';
import type { RecorderTables } from '../log/recorder-tables.ts';
import type { Sentinel } from '../log/sentinel.ts';
import type { SlowLogWarmUp } from '../log/slow-log-warm-up.ts';

/** What an account without a privilege on a table is told, whether the table is there or not. */
const HIDDEN: ReadonlySet<string> = new Set([
  'ER_TABLEACCESS_DENIED_ERROR',
  'ER_DBACCESS_DENIED_ERROR',
  'ER_ACCESS_DENIED_ERROR',
  'ER_SPECIFIC_ACCESS_DENIED_ERROR',
]);

/**
 * Makes sure that what seems not to be on the server is not there: to an account that lost its privileges
 * the marker, our tables and the log table look like missing ones.
 * @throws AppError `remote_failed` when it cannot be told.
 */
async function requireSight(connection: MysqlConnection): Promise<void> {
  for (const table of [LIVE_TABLE, MARKER]) {
    try {
      await connection.rows(`SELECT 1 FROM ${table} LIMIT 0`);
    } catch (error) {
      if (connection.isLost) throw error;
      if (!HIDDEN.has(codeOf(error) ?? '')) continue;
      throw new AppError(
        'remote_failed',
        `The account may not see ${table} any more, so its log cannot be restored`,
        {
          hint: {
            code: 'see_privileges',
            environment: null,
            before: 'Grant its privileges again.',
          },
          cause: error,
        },
      );
    }
  }
}

/**
 * Makes sure that nothing of what was set for the recording is left: reads it back.
 * @param settings the owner's, of before.
 * @param wasWarm whether the slow log was on for a warm-up of ours.
 * @throws AppError `remote_failed` when something of ours is still in force.
 */
async function requireRestored(
  connection: MysqlConnection,
  settings: LogSettings,
  wasWarm: boolean,
): Promise<void> {
  const now = await readLogSettings(connection);
  const left: string[] = [];
  if (now.generalLog && !settings.generalLog) left.push('general_log is ON');
  if (wasWarm && now.slowLog && !settings.slowLog) left.push('slow_query_log is ON');
  const isOurs = sameOutput(now.logOutput, recordingOutput(settings));
  if (isOurs && !sameOutput(now.logOutput, settings.logOutput)) {
    left.push(`log_output is ${now.logOutput}`);
  }
  if ((await whoseIsLive(connection)) === 'ours') left.push(`${LIVE_TABLE} is the recorder's`);
  if (left.length === 0) return;
  throw new AppError('remote_failed', `The server's log is not as it was: ${left.join(', ')}`, {
    hint: { code: 'see_privileges', environment: null, before: 'It is tried again.' },
  });
}

/** What restoring works with. */
interface Parts {
  readonly tables: RecorderTables;
  readonly frozen: FrozenTables;
  readonly queue: OwnersQueue;
  readonly warmUp: SlowLogWarmUp;
  readonly recycling: IdleSessionRecycling;
  /** Opens a connection that leaves no trace in the log. */
  readonly connect: () => Promise<MysqlConnection>;
}

/**
 * Restores the settings, the owner's log table and rows; drops our tables, our schema too when we made it
 * and it is empty; releases the lock.
 * @param generation that the live table is, at least.
 * @returns warnings, one sentence each.
 */
export async function restoreServer(
  parts: Parts,
  settings: LogSettings,
  generation: number,
): Promise<string[]> {
  const { tables, queue, warmUp, recycling } = parts;
  const { control, flavor, storeId } = tables;
  tables.guard.close();
  const contents = await tables.slots.refresh(storeId, 0);
  requireOurs(contents);
  const warnings: string[] = [];
  const isLive = (await whoseIsLive(control)) === 'ours';
  const { marker } = contents;
  const wasWarm = warmUp.isOn(marker);
  const isChanged = wasWarm || recycling.hasLockPlugin(marker);
  if (isLive || marker !== null || contents.tables.size > 0 || isChanged) {
    warnings.push(...(await warmUp.end(settings)));
    warnings.push(...(await restoreSettings(tables, settings)));
    await requireUnlogged(control, flavor);
    const live = tables.liveOf(contents, generation);
    warnings.push(...(await restoreTable(parts, settings, contents, live)));
    warnings.push(...queue.takeWarnings());
    await requireRestored(control, settings, wasWarm);
    // Last, and not worth a failure: nobody is harmed by a list of locks.
    warnings.push(...(await recycling.finishAnyway()));
    await dropOurs(tables);
  } else {
    await requireSight(control);
  }
  warnings.push(...(await releaseSchema(control, flavor, storeId)));
  await releaseLock(control);
  return warnings;
}

/** Sets the log as it was; what somebody else changed meanwhile is left. @returns warnings. */
async function restoreSettings(tables: RecorderTables, settings: LogSettings): Promise<string[]> {
  const control = tables.control;
  const warnings: string[] = [];
  const now = await readLogSettings(control);
  if (now.generalLog && !settings.generalLog) {
    await control.run('SET GLOBAL general_log = OFF');
  } else if (!now.generalLog && settings.generalLog && tables.guard.stopped !== null) {
    await control.run('SET GLOBAL general_log = ON');
  } else if (!now.generalLog && settings.generalLog) {
    warnings.push('Somebody switched general_log off during the recording; it stays off');
  }
  if (sameOutput(now.logOutput, settings.logOutput)) return warnings;
  if (sameOutput(now.logOutput, recordingOutput(settings))) {
    await control.run(`SET GLOBAL log_output = ${literal(settings.logOutput)}`);
  } else {
    warnings.push(
      `Somebody set log_output to ${now.logOutput} during the recording; it stays so (it was ${settings.logOutput})`,
    );
  }
  return warnings;
}

/**
 * Puts the owner's log table back in its place, with what was logged meanwhile where they log to it.
 * @param live the generation that our live table is.
 * @returns warnings.
 */
async function restoreTable(
  parts: Parts,
  settings: LogSettings,
  contents: SchemaContents,
  live: number,
): Promise<string[]> {
  const { tables, frozen, queue } = parts;
  const { control } = tables;
  if (await takeBackIncomplete(control, contents)) {
    const again = await readSchema(control, tables.storeId);
    return restoreTable(parts, settings, again, tables.liveOf(again, live));
  }
  const whose = await whoseIsLive(control);
  if (!contents.tables.has('owners_log')) {
    if (whose !== 'ours') return [];
    await control.run(`DROP TABLE IF EXISTS ${TABLES.retired}`);
    if (settings.tableEngine === null) {
      await whenLockFree(() => control.run(`RENAME TABLE ${LIVE_TABLE} TO ${TABLES.retired}`));
      return [];
    }
    if (contents.marker === null) {
      await claimSchema(control, tables.flavor, tables.owner, settings);
    }
    await queue.replaceDropped(settings.tableEngine);
    const again = await readSchema(control, tables.storeId);
    return restoreTable(parts, settings, again, tables.liveOf(again, live));
  }
  await control.run(`DROP TABLE IF EXISTS ${TABLES.retired}`, DROP_MS);
  if (whose === 'missing') {
    await control.run(`RENAME TABLE ${TABLES.owners} TO ${LIVE_TABLE}`);
    return [
      "Somebody dropped the server's log table during the recording; the previous one is restored",
    ];
  }
  const warnings = (await displacedTables(control, 'mysql')).map(
    (table) =>
      `Another program moved a log table of the recorder's to ${table.replaceAll('`', '')}; it is left there`,
  );
  if (whose === 'owners' && logsToTable(settings)) {
    // What was logged into it is the owner's to have; the table itself is kept aside.
    await tables.slots.swap(live, tables.sentinel(live + 1));
    await frozen.mend(live, null);
    const again = await readSchema(control, tables.storeId);
    return [...warnings, ...(await restoreTable(parts, settings, again, live + 1))];
  }
  if (whose === 'owners') {
    const stray = strayTable();
    await exchange(control, stray, TABLES.owners);
    return [
      ...warnings,
      `Somebody put a log table in the place of the recorder's; it is kept as ${stray}`,
    ];
  }
  if (!logsToTable(settings)) {
    await exchange(control, TABLES.retired, TABLES.owners);
    return warnings;
  }
  const mend = async (generation: number): Promise<void> => {
    await frozen.mend(generation, null);
  };
  const replaceDropped = (): Promise<void> => queue.replaceWhereOursIsLive();
  const now = await readLogSettings(control);
  if (logsToTable(now)) {
    await requireLogOff(control, tables.flavor);
    // With the two that it opens we have three connections.
    frozen.closeReader();
    const tools = {
      connect: (): Promise<MysqlConnection> => parts.connect(),
      slots: tables.slots,
      sentinelOf: (generation: number): Sentinel => tables.sentinel(generation),
      mend,
      replaceDropped,
    };
    await restoreWhileLogging(tools, control, tables.storeId, live);
  } else {
    // Nothing is logged to the table any more: what there is can be moved at leisure.
    await tables.slots.swap(live, tables.sentinel(live + 1));
    for (const number of tables.slots.frozen) {
      await mend(number);
      await appendGeneration(control, tables.storeId, tables.slots, number, replaceDropped);
      await tables.slots.release(number);
    }
    await exchange(control, TABLES.retired, TABLES.owners);
  }
  return warnings;
}

/** Drops what we made, and nothing else. */
async function dropOurs(tables: RecorderTables): Promise<void> {
  await removeDeadMan(tables.control);
  await tables.slots.dropAll(await readSchema(tables.control, tables.storeId));
  const { oldNext, retired, joined, joinedParts } = TABLES;
  for (const table of [oldNext, retired, joined, ...joinedParts, SPARE_TABLE, ROOM_TABLE]) {
    await tables.control.run(`DROP TABLE IF EXISTS ${table}`, DROP_MS);
  }
}
