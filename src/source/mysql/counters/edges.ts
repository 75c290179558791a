import type {
  Bounds,
  CounterReading,
  EdgeReadings,
  LoggingServer,
  OtherCommands,
} from '../../../core/verification/server-counters.ts';

/** The server's counters that are read beside the swap at which a window opens or closes. */
export const EDGE_COUNTERS = [
  'Uptime',
  'Uptime_since_flush_status',
  'Questions',
  'Queries',
  'Threads_running',
  'Connections',
  'Com_admin_commands',
  'Com_set_option',
  'Com_show_status',
  'Com_stmt_prepare',
  'Com_stmt_execute',
  'Com_stmt_close',
  'Com_stmt_reset',
  'Com_stmt_fetch',
  'Com_stmt_reprepare',
  'Com_prepare_sql',
  'Com_execute_sql',
  'Com_execute_immediate',
  'Com_dealloc_sql',
  'Slow_queries',
] as const;

/**
 * And what is made of others. `Statements`: the sum of the counters of SQL statements (Com_select …), of
 * those that got as far as being run: a broken command and a text that cannot be parsed are in Questions
 * alone. Without those that commands of the protocol count as well (`Com_change_db`) and without SET.
 * `Unparsed`: of MySQL's performance_schema, texts that it could not parse and commands that it does not
 * know; absent elsewhere, and where it cannot be read.
 */
export type EdgeCounter = (typeof EDGE_COUNTERS)[number] | 'Statements' | 'Unparsed';

/** The four readings of a window. */
export interface Edges {
  readonly startBefore: CounterReading;
  readonly startAfter: CounterReading;
  readonly endBefore: CounterReading;
  readonly endAfter: CounterReading;
}

/** The readings of a window; null where one of them is missing. */
export function edgesOf(
  start: EdgeReadings | null,
  end: EdgeReadings | null,
  others: OtherCommands,
): Edges | null {
  const startBefore = start?.before ?? null;
  const startAfter = start?.after ?? null;
  const endBefore = withOthers(end?.before ?? null, others);
  const endAfter = withOthers(end?.after ?? null, others);
  if (startBefore === null || startAfter === null) return null;
  return endBefore === null || endAfter === null
    ? null
    : { startBefore, startAfter, endBefore, endAfter };
}

/** What was certainly asked within the window is our own by its end. */
function withOthers(
  reading: CounterReading | null,
  { questions, sets, statuses }: OtherCommands,
): CounterReading | null {
  if (reading === null) return null;
  const { own } = reading;
  return {
    ...reading,
    own: {
      ...own,
      questions: own.questions + questions,
      sets: own.sets + sets,
      statuses: own.statuses + statuses,
    },
  };
}

/** Uptime in whole seconds at four instants: two of rounding, some for a clock that is set. */
const ROUNDING_S = 5;

/**
 * Whether the server's counters began again within the window. The start of the server says so exactly;
 * where it was not recorded, the counters and the uptime do, but not of a server that was up for less
 * than the rounding.
 * @param seconds length of the window by the server's clock.
 */
export function isRestarted({ startAfter, endBefore }: Edges, seconds: number): boolean {
  if (startAfter.serverStart !== undefined && endBefore.serverStart !== undefined) {
    return startAfter.serverStart !== endBefore.serverStart;
  }
  for (const name of ['Uptime', 'Questions'] as const) {
    const [before, after] = [startAfter.counters[name], endBefore.counters[name]];
    if (before === undefined || after === undefined || after < before) return true;
  }
  const up = (endBefore.counters['Uptime'] ?? 0) - (startAfter.counters['Uptime'] ?? 0);
  return up < seconds - ROUNDING_S;
}

/**
 * Whether FLUSH GLOBAL STATUS set the counters to zero (MariaDB since 11.5; tried on 11.8). Every other
 * server has FLUSH STATUS alone, which starts that clock anew and leaves global counters as they are.
 */
export function isFlushed(
  { startAfter, endBefore }: Edges,
  { flavor, version }: LoggingServer,
): boolean {
  if (flavor === 'mysql' || !/^(?:11\.(?:[5-9]|\d\d)|1[2-9]|[2-9]\d)\b/.test(version)) return false;
  // Both clocks begin with the server.
  const [before, after] = [startAfter, endBefore].map(
    ({ counters: { Uptime = 0, Uptime_since_flush_status = Uptime } }) =>
      Uptime - Uptime_since_flush_status,
  );
  return (after ?? 0) > (before ?? 0);
}

/**
 * How much a count grew in the window: from just after its start to just before its end, at least. Sums
 * are made within a reading, which is of one moment, and only then compared with another.
 * @param count what is counted, of one reading; a counter that the server does not have is 0.
 */
export function grown(
  { startBefore, startAfter, endBefore, endAfter }: Edges,
  count: (get: (name: EdgeCounter) => number, own: CounterReading['own']) => number,
): Bounds {
  const of = ({ counters, own }: CounterReading): number =>
    count((name) => counters[name] ?? 0, own);
  return { min: of(endBefore) - of(startAfter), max: of(endAfter) - of(startBefore) };
}
