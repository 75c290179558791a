import type { OwnCommands } from './own-commands.ts';

/**
 * The server's own counters against the rows of its log. What stands for what was tried on MariaDB
 * 10.11 (test/servers/verify.test.ts and test/workload/heard-counter.test.ts hold most of it):
 *
 * | what a client sends | Questions | rows of the log |
 * |---|---|---|
 * | a text query, also one that fails, is empty, or is killed | 1 | Query |
 * | several statements in one text | 1 for each until one fails | one Query |
 * | text behind the last `;` that is no white space, also a comment | 1 | none |
 * | CALL, BEGIN NOT ATOMIC, SELECT f(): what runs inside | 0 (Queries counts it) | none of a procedure's; a Query each of a trigger's, function's and event's |
 * | binary Prepare, Close, Reset | 0 | one each; none of a Prepare that fails |
 * | binary Execute, also one that fails | 1 | Execute |
 * | an Execute that has to prepare again | 1 (Com_stmt_reprepare 1) | Execute, Prepare, Execute |
 * | Execute with an unknown id; Fetch of a cursor | 1 (Com_stmt_fetch 1) | none |
 * | Long Data | 1 | Long Data |
 * | text PREPARE, EXECUTE, EXECUTE IMMEDIATE | 1 | Query, and echoes Prepare, Execute |
 * | login, also one that is refused | 0 | Connect, twice when refused |
 * | Init DB, Field List, Processlist, Refresh, Debug, Binlog Dump | 1 | one; none of an Init DB that fails |
 * | Change user, also one that is refused | 1 | Change user |
 * | Quit | 1 | Quit; no row of a connection that breaks or is killed |
 * | Statistics | 0 | Statistics |
 * | Ping | 0 (Com_admin_commands 1) | none |
 * | Reset connection | 1 (Com_admin_commands 1) | none |
 * | Set option (multi-statements on or off) | 1 (Com_set_option 1) | none |
 * | events | 0 | a Query each |
 */

/** The server's counters that are read beside the swap at which a window opens or closes. */
export const EDGE_COUNTERS = [
  'Uptime',
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
  // Of MySQL's performance_schema, not of its status; absent elsewhere, and where it cannot be read.
  'Parse_errors',
  'Other_errors',
] as const;
export type EdgeCounter = (typeof EDGE_COUNTERS)[number];

/** The server's counters at one instant, and what was our own of them by then. */
export interface CounterReading {
  /** Those that the server does not have are absent. */
  readonly counters: Readonly<Record<string, number>>;
  /**
   * Since the tap began, over all of its connections, sessions and daemons; what is doubtful is absent
   * in what older versions recorded.
   */
  readonly own: Omit<OwnCommands, 'doubtful'> & Partial<OwnCommands>;
}

/** Readings just before and just after the swap at the edge of a window; null where it failed. */
export interface EdgeReadings {
  readonly before: CounterReading | null;
  readonly after: CounterReading | null;
  /**
   * How often a recorder went on from what another had left, in what older versions recorded: what was
   * sent in between is nowhere counted. Absent since it is.
   */
  readonly interruptions?: number;
}

/** Rows of the log that were the capture's window's, recorded or left out, as far as counters see them. */
export interface HeardCounts {
  /** Rows that Questions counts: Query and Execute but for echoes, Init DB, Change user, Quit. */
  readonly commands: number;
  /** Further statements in texts of several. */
  readonly parts: number;
  /** The same in texts whose `;` may also lie inside of a compound statement. */
  readonly doubtfulParts: number;
  /** Commands that have no kind of their own; Questions counts most of them. */
  readonly others: number;
  /** Execute rows, echoes too: what Com_stmt_execute counts. */
  readonly executes: number;
  /** Statements that begin with SET. */
  readonly sets: number;
  readonly changeUsers: number;
}

export const HEARD_NOTHING: HeardCounts = {
  commands: 0,
  parts: 0,
  doubtfulParts: 0,
  others: 0,
  executes: 0,
  sets: 0,
  changeUsers: 0,
};

/** Between these two, both possible. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** The comparison of a window's record with the server's counters, in the unit of Questions. */
export interface Comparison {
  /** Received by the server from clients, and such that it would log it. */
  readonly received: Bounds;
  /** In the log. */
  readonly heard: Bounds;
  /** The one number that is most likely: no statement of several failed, nothing ran inside. */
  readonly likely: number;
  /** The same of Execute rows alone, null where the counter says nothing of them. */
  readonly executes: { readonly received: Bounds; readonly heard: number } | null;
  /** At least so many were received and not logged. */
  readonly missing: number;
  /** Why the bounds are apart, one sentence each; none when they are as close as can be. */
  readonly reasons: readonly string[];
}

export type Incomparable =
  /** The server was restarted, so its counters began again. */
  | 'restarted'
  /** They were not read at both edges. */
  | 'not_sampled'
  /** An older version recorded it. */
  | 'not_counted'
  /** An older version recorded it and was interrupted: its own statements were not counted. */
  | 'own_not_counted';

/**
 * Compares what is in the log with what the server says it received.
 * @param family of the server: MySQL logs each statement of a text as a row of its own, leaves out
 *   what it cannot parse, and writes one Execute row where it prepares again.
 * @param others what other programs of ours may have asked of the server meanwhile, at most.
 * @param seconds length of the window by the server's clock.
 */
export function compare(
  family: 'mariadb' | 'mysql',
  heard: HeardCounts | null,
  start: EdgeReadings | null,
  end: EdgeReadings | null,
  others: number,
  seconds: number,
): Comparison | Incomparable {
  if (heard === null) return 'not_counted';
  const edges = edgesOf(start, end);
  if (edges === null) return 'not_sampled';
  if (isRestarted(edges, seconds)) return 'restarted';
  // One edge of an older version and one of this say nothing together.
  if (start?.interruptions !== end?.interruptions) return 'own_not_counted';
  const of = ({ counters }: CounterReading, name: EdgeCounter): number => counters[name] ?? 0;
  // Sums are made within a reading, which is of one moment, and only then compared with another.
  const grown = (
    count: (get: (name: EdgeCounter) => number, own: CounterReading['own']) => number,
  ): Bounds => growth(edges, (reading) => count((name) => of(reading, name), reading.own));
  // Commands of ours that the server may have received: the number of the others is known.
  const doubtful = grown((_get, own) => own.doubtful ?? 0).max;
  const reasons: string[] = [];

  // Commands that are counted and never logged. Pings are in the same counter as resets, SET in the
  // same as the protocol's own options: what is not accounted for may be the silent one.
  const admin = Math.max(grown((get) => get('Com_admin_commands')).max - heard.changeUsers, 0);
  const sets = Math.max(grown((get, own) => get('Com_set_option') - own.sets).max - heard.sets, 0);
  if (admin > 0) {
    reasons.push(
      `${grouped(admin)} administrative commands are not in the log: pings, which Questions does not count, and resets of connections, which it does`,
    );
  }
  // A statement can be counted and then wait for the swap, so that it is logged behind it.
  const running = (reading: CounterReading): number =>
    Math.max(of(reading, 'Threads_running') - 1, 0);
  const questions = grown((get, own) => get('Questions') - own.questions - get('Com_stmt_fetch'));
  const isMysql = family === 'mysql';
  const unparsed = isMysql ? unparsedIn(edges, grown) : NONE_UNPARSED;
  const counted = {
    min: questions.min - others - admin - sets - running(edges.endBefore),
    max: questions.max + doubtful + running(edges.startBefore),
  };

  // An Execute that had to prepare again is two rows. Reset rows are not in Questions, nor are those
  // of Statistics, which count as a SHOW STATUS.
  const reprepared = grown((get) => get('Com_stmt_reprepare'));
  const resets = grown((get) => get('Com_stmt_reset')).min;
  const statistics = grown((get, own) => get('Com_show_status') - own.statuses).max;
  const commandsOfOthers = Math.max(heard.others - resets, 0);
  // MySQL's Queries has the administrative commands, too.
  const inside = atLeastNone(
    grown((get) => insideStatements(get) - (isMysql ? get('Com_admin_commands') : 0)),
  );
  if (inside.min > 0) {
    reasons.push(
      `${grouped(inside.max)} statements ran inside of triggers, functions, procedures or events; the log shows some of them beside those that were received`,
    );
  }
  const countedParts = isMysql ? 0 : heard.parts;
  const doubtfulParts = isMysql ? 0 : heard.doubtfulParts;
  const parts = countedParts + doubtfulParts;
  if (parts > 0) {
    reasons.push(
      `${grouped(parts)} statements stand behind the first in texts of several: they are taken as received, which the server does as far as none before them fails`,
    );
  }
  if (doubtful > 0) {
    reasons.push(
      `the recorder was interrupted: it is not known whether the server received the last ${grouped(doubtful)} of its own statements`,
    );
  }
  // A text EXECUTE that prepares again has rows that are echoes, and stands in `commands` once.
  const textAgain = Math.min(
    reprepared.max,
    Math.max(grown((get) => get('Com_execute_sql')).max, 0),
  );
  const twice = isMysql
    ? { min: 0, max: 0 }
    : { min: Math.max(reprepared.min - textAgain, 0), max: reprepared.max };
  const likely = heard.commands + countedParts + commandsOfOthers - twice.min;
  const doubled = inside.min > 0 ? inside.max : 0;
  const bottom =
    heard.commands - twice.max + Math.max(commandsOfOthers - Math.max(statistics, 0), 0) - doubled;
  const logged = { min: Math.max(bottom, 0), max: likely + doubtfulParts };
  if (unparsed.max > 0) reasons.push(unparsedReason(unparsed));
  const received = atLeastNone({
    min: unparsed.max === Infinity ? Math.min(counted.min, logged.max) : counted.min - unparsed.max,
    max: counted.max - unparsed.min,
  });

  // Statements that are prepared in procedures are counted and not logged.
  const dynamic = grown((get) => get('Com_execute_sql') + get('Com_execute_immediate')).max > 0;
  // Where MySQL prepares again it counts two executions and logs one.
  const again = isMysql ? 'Com_stmt_reprepare' : null;
  const executed = grown((get) => get('Com_stmt_execute') - (again === null ? 0 : get(again)));
  const inFlight = running(edges.endBefore);
  const executes = dynamic
    ? null
    : {
        received: atLeastNone({ min: executed.min - inFlight, max: executed.max }),
        heard: heard.executes,
      };
  const missing = Math.max(
    received.min - logged.max,
    executes === null ? 0 : executes.received.min - executes.heard,
    0,
  );
  return { received, heard: logged, likely, executes, missing, reasons };
}

/** Statements that the server counted and, because it could not parse them, did not log. */
type Unparsed = Bounds;

const NONE_UNPARSED: Unparsed = { min: 0, max: 0 };

/**
 * Of MySQL. A syntax error is nearly always one; that of a PREPARE has a row, or is not counted. Many
 * other errors can be raised while a statement is parsed (unknown system variables, engines and
 * character sets, bodies of procedures …), and also later, when it has its row.
 */
function unparsedIn(
  { startBefore, endAfter }: Edges,
  grown: (count: (get: (name: EdgeCounter) => number) => number) => Bounds,
): Unparsed {
  const isKnown = [startBefore, endAfter].every(({ counters }) => 'Parse_errors' in counters);
  if (!isKnown) return { min: 0, max: Infinity };
  const syntax = grown((get) => get('Parse_errors'));
  const prepares = Math.max(grown((get) => get('Com_stmt_prepare')).max, 0);
  const others = Math.max(grown((get) => get('Other_errors')).max, 0);
  return {
    min: Math.max(syntax.min - prepares, 0),
    max: Math.max(syntax.max, 0) + others,
  };
}

function unparsedReason({ min, max }: Unparsed): string {
  if (max === Infinity) {
    return 'MySQL does not log statements that it cannot parse, and the recorder may not see how many there were (GRANT SELECT ON performance_schema.*): what is counted and not logged may be these';
  }
  const many = min === max ? grouped(min) : `${grouped(min)} to ${grouped(max)}`;
  return `${many} statements could not be parsed, going by the errors that the server counted: MySQL does not log them`;
}

/** What ran inside of other statements: Queries counts it and Questions does not. */
function insideStatements(get: (name: EdgeCounter) => number): number {
  const prepared = get('Com_stmt_prepare') - get('Com_prepare_sql') - get('Com_stmt_reprepare');
  const closed = get('Com_stmt_close') - get('Com_dealloc_sql');
  const protocol = prepared + closed - 2 * get('Com_execute_immediate') + get('Com_stmt_reset');
  return get('Queries') - get('Questions') - protocol;
}

interface Edges {
  readonly startBefore: CounterReading;
  readonly startAfter: CounterReading;
  readonly endBefore: CounterReading;
  readonly endAfter: CounterReading;
}

function edgesOf(start: EdgeReadings | null, end: EdgeReadings | null): Edges | null {
  const startBefore = start?.before ?? null;
  const startAfter = start?.after ?? null;
  const endBefore = end?.before ?? null;
  const endAfter = end?.after ?? null;
  if (startBefore === null || startAfter === null) return null;
  return endBefore === null || endAfter === null
    ? null
    : { startBefore, startAfter, endBefore, endAfter };
}

/** Uptime in whole seconds at four instants: two of rounding, some for a clock that is set. */
const ROUNDING_S = 5;

function isRestarted({ startAfter, endBefore }: Edges, seconds: number): boolean {
  for (const name of ['Uptime', 'Questions'] as const) {
    const [before, after] = [startAfter.counters[name], endBefore.counters[name]];
    if (before === undefined || after === undefined || after < before) return true;
  }
  const up = (endBefore.counters['Uptime'] ?? 0) - (startAfter.counters['Uptime'] ?? 0);
  return up < seconds - ROUNDING_S;
}

/** How much a count grew in the window: from just after its start to just before its end, at least. */
function growth(edges: Edges, count: (reading: CounterReading) => number): Bounds {
  return {
    min: count(edges.endBefore) - count(edges.startAfter),
    max: count(edges.endAfter) - count(edges.startBefore),
  };
}

const atLeastNone = ({ min, max }: Bounds): Bounds => ({
  min: Math.max(min, 0),
  max: Math.max(max, 0),
});

/** `12,345`. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
