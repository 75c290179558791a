import { AppError } from '../core/errors.ts';
import type { LogSettings, ServerLoad, ServerOutlook } from '../core/server-log.ts';
import type { MysqlConnection } from './connection.ts';
import { readLogSettings, recordingOutput, sameOutput } from './log-settings.ts';
import { LIVE_TABLE } from './log-table.ts';
import { prepareSession } from './recorder-session.ts';
import { readSchema, RECORDER_SCHEMA, TABLES } from './recorder-schema.ts';

const COUNTERS = [
  'Questions',
  'Bytes_received',
  'Com_stmt_prepare',
  'Com_stmt_execute',
  'Com_stmt_close',
  'Connections',
] as const;
type Counters = Record<(typeof COUNTERS)[number], number>;

const LOOK = `SHOW GLOBAL STATUS WHERE Variable_name IN (${COUNTERS.map((name) => `'${name}'`).join(', ')})`;
/** The second look is the one statement of ours between the two: its text, a length and a command. */
const OWN_BYTES = LOOK.length + 5;

/** See `ServerLogs.lookAhead`. Sends SELECT, SHOW and settings of its own session alone. */
export async function lookAhead(
  connection: MysqlConnection,
  pause: () => Promise<void>,
): Promise<ServerOutlook> {
  await prepareSession(connection);
  // While somebody records, the owner's settings are those in the marker.
  const { marker } = await readSchema(connection, '');
  const settings = marker?.settings ?? (await readLogSettings(connection));
  const before = await readLoad(connection);
  const began = performance.now();
  await pause();
  const after = await readLoad(connection);
  const seconds = (performance.now() - began) / 1000;
  return {
    load: loadBetween(before, after, seconds),
    settingsWhileRecording: {
      ...settings,
      generalLog: true,
      logOutput: recordingOutput(settings),
      tableEngine: 'MyISAM',
    },
    undo: undoStatements(settings),
  };
}

async function readLoad(connection: MysqlConnection): Promise<Counters> {
  const values = new Map((await connection.rows(LOOK)).map(([name, value]) => [name, value]));
  const counters = COUNTERS.map((name) => [name, Number(values.get(name) ?? NaN)] as const);
  const load = Object.fromEntries(counters) as Counters;
  if (Number.isFinite(load.Questions)) return load;
  throw new AppError('remote_failed', 'The server does not say how many statements it receives');
}

function loadBetween(before: Counters, after: Counters, seconds: number): ServerLoad {
  const grown = (name: keyof Counters): number => Math.max(0, after[name] - before[name] || 0);
  const statements = Math.max(0, grown('Questions') - 1);
  const prepared = grown('Com_stmt_prepare') + grown('Com_stmt_close');
  return {
    seconds,
    statements,
    // A connection is a row when it comes and one when it goes.
    rows: statements + prepared + 2 * grown('Connections'),
    executes: Math.min(grown('Com_stmt_execute'), statements),
    bytes: Math.max(0, grown('Bytes_received') - OWN_BYTES),
  };
}

/**
 * What to run by hand when nothing of ours is left to do it: the owner's table back, their settings,
 * our schema gone, with what was not read of the log. Each may be left out where it was done already.
 */
function undoStatements(settings: LogSettings): string[] {
  const output = recordingOutput(settings);
  return [
    'SET SESSION sql_log_bin = 0',
    ...(settings.generalLog ? [] : ['SET GLOBAL general_log = OFF']),
    ...(sameOutput(output, settings.logOutput)
      ? []
      : [`SET GLOBAL log_output = '${settings.logOutput}'`]),
    `RENAME TABLE ${LIVE_TABLE} TO ${TABLES.retired}, ${TABLES.owners} TO ${LIVE_TABLE}`,
    `DROP DATABASE ${RECORDER_SCHEMA}`,
  ];
}
