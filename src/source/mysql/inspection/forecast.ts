import { AppError } from '../../../core/errors.ts';
import type {
  PreparedOutlook,
  ServerLoad,
  ServerOutlook,
} from '../../../core/environments/server-inspection.ts';
import { literal, type MysqlConnection } from '../connection/mysql-connection.ts';
import { measuredCost } from './measured-cost.ts';
import { chooseEngine } from '../log/log-engine.ts';
import type { ServerDisk } from '../log/server-disk.ts';
import {
  readLogSettings,
  recordingOutput,
  sameOutput,
  type LogSettings,
} from '../log/log-settings.ts';
import { LIVE_TABLE } from '../log/log-table.ts';
import { prepareSession } from '../connection/recorder-session.ts';
import { readSchema, RECORDER_SCHEMA, TABLES } from '../log/recorder-schema.ts';

const COUNTERS = [
  'Questions',
  'Bytes_received',
  'Com_stmt_prepare',
  'Com_stmt_execute',
  'Com_stmt_close',
  'Com_execute_sql',
  'Com_execute_immediate',
  'Connections',
  'Threads_connected',
  'Prepared_stmt_count',
] as const;
/** NaN for one that the server does not have. */
type Counters = Record<(typeof COUNTERS)[number], number>;

const LOOK = `SHOW GLOBAL STATUS WHERE Variable_name IN (${COUNTERS.map((name) => `'${name}'`).join(', ')})`;
/** The second look is the one statement of ours between the two: its text, a length and a command. */
const OWN_BYTES = LOOK.length + 5;

/** See `Source.forecast`. Sends SELECT, SHOW and settings of its own session alone. */
export async function forecast(
  connection: MysqlConnection,
  pause: () => Promise<void>,
  disk: ServerDisk | null,
): Promise<ServerOutlook> {
  const server = await prepareSession(connection);
  // While somebody records, the owner's settings are those in the marker.
  const { marker, state } = await readSchema(connection, '');
  const theirs = state === 'from-dump' ? null : (marker?.settings ?? null);
  const settings = theirs ?? (await readLogSettings(connection));
  const before = await readLoad(connection);
  const began = performance.now();
  await pause();
  const after = await readLoad(connection);
  const seconds = (performance.now() - began) / 1000;
  const choice = await chooseEngine(connection, disk);
  const engine = choice instanceof AppError ? null : choice.engine;
  return {
    load: loadBetween(before, after, seconds),
    prepared: preparedNow(server.flavor, after),
    cost: measuredCost(server, engine),
    settingsWhileRecording: {
      ...settings,
      generalLog: true,
      logOutput: recordingOutput(settings),
      tableEngine: engine,
    },
    undo: undoStatements(settings),
    undoWarmUp: ['SET GLOBAL slow_query_log = OFF'],
    undoRecycling: ["UNINSTALL SONAME 'metadata_lock_info'"],
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
    // Questions has the good-bye of a connection, not its login; and text EXECUTE is two rows. Several
    // statements in one text are a row each on MySQL and one row on MariaDB (tried on 10.11, 11.8, 9.7).
    rows:
      statements +
      prepared +
      grown('Com_execute_sql') +
      grown('Com_execute_immediate') +
      grown('Connections'),
    executes: Math.min(grown('Com_stmt_execute'), statements),
    bytes: Math.max(0, grown('Bytes_received') - OWN_BYTES),
  };
}

/**
 * MariaDB decides at PREPARE whether it will write the values of executions into its log, MySQL at
 * each execution (tried: a statement prepared with the log off and executed with it on is `SELECT ?`
 * on 10.11 and 11.8, `SELECT 8` on 9.7).
 */
function preparedNow(flavor: 'mariadb' | 'mysql', counters: Counters): PreparedOutlook {
  const { Prepared_stmt_count: statements, Threads_connected: connected } = counters;
  return {
    values: flavor === 'mysql' ? 'always' : 'when-logged',
    statements: Number.isFinite(statements) ? statements : null,
    sessions: Number.isFinite(connected) ? Math.max(connected - 1, 0) : null,
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
      : [`SET GLOBAL log_output = ${literal(settings.logOutput)}`]),
    `RENAME TABLE ${LIVE_TABLE} TO ${TABLES.retired}, ${TABLES.owners} TO ${LIVE_TABLE}`,
    `DROP DATABASE ${RECORDER_SCHEMA}`,
  ];
}
