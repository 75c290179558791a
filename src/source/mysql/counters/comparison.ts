import { counted, formatCount } from '../../../core/units.ts';
import {
  between,
  type Bounds,
  type CompareCounters,
  type CountedRows,
  type CounterReading,
  type LoggingServer,
} from '../../../core/verification/server-counters.ts';
import { edgesOf, grown, isFlushed, isRestarted, type EdgeCounter, type Edges } from './edges.ts';

/**
 * The server's own counters against the rows of its log. What stands for what was tried on MariaDB
 * 10.11 (test/servers/odd-commands.test.ts and verify.test.ts and test/workload/server-count-tally.test.ts
 * hold most of it):
 *
 * | what a client sends | Questions | rows of the log |
 * |---|---|---|
 * | a text query, also one that fails, is empty, or is killed | 1 | Query |
 * | several statements in one text | 1 for each until one fails | one Query |
 * | text behind the last `;` that is no white space, also a comment | 1 | none |
 * | CALL, BEGIN NOT ATOMIC, SELECT f(): what runs inside | 0 (Queries counts it) | none of a procedure's; a Query each of a trigger's, function's and event's |
 * | binary Prepare, Close, Reset | 0 | one each; none of a Prepare that fails |
 * | binary Execute, also one that fails; Bulk Execute | 1 | Execute; on MariaDB 10.5 none of one that fails |
 * | an Execute that has to prepare again | 1 (Com_stmt_reprepare 1) | Execute, Prepare, Execute; on 10.5 Prepare, Execute |
 * | Fetch of a cursor | 1 (Com_stmt_fetch 1) | none |
 * | Execute, Bulk Execute, Long Data with an unknown id or without their values | 1 | none |
 * | Long Data | 1 | Long Data |
 * | text PREPARE, EXECUTE, EXECUTE IMMEDIATE | 1 | Query, and echoes Prepare, Execute |
 * | login, also one that is refused | 0 | Connect, twice when refused |
 * | Init DB, Field List, Processlist, Refresh, Debug, Binlog Dump | 1 | one; none of an Init DB or Field List that fails |
 * | Process Kill, Register Slave, a command that does not exist or is too short | 1 | none |
 * | Change user, also one that is refused | 1 | Change user |
 * | Quit | 1 | Quit; no row of a connection that breaks or is killed |
 * | Statistics | 0 | Statistics |
 * | Ping | 0 (Com_admin_commands 1) | none |
 * | Reset connection | 1 (Com_admin_commands 1) | none |
 * | Set option (multi-statements on or off) | 1 (Com_set_option 1) | none |
 * | events | 0 | a Query each |
 * | what replication applies | 0 (Com_… 1) | a Query each, in ROW format BEGIN and COMMIT alone |
 *
 * MySQL 9.7 differs: one row for each statement of a text; none of what it cannot parse; Queries has the
 * administrative commands; Refresh, Processlist, Process Kill and Field List are commands that it does
 * not know; an Execute that prepares again has one row and is counted twice in Com_stmt_execute.
 *
 * So what is counted and has no row need not have been a statement. Those that were run are counted a
 * second time, by what they are (Com_select …): that many, at least, were.
 */

/**
 * Whether an execution of a prepared statement that fails has a row: MariaDB 10.5 writes it afterwards
 * and only then (tried: a duplicate key is counted and has none), 10.11 before (tried). Of the versions
 * between it is not known, and nothing is claimed.
 */
function logsFailedExecutes({ flavor, version }: LoggingServer): boolean {
  return flavor === 'mysql' || !/^(?:5\.5\.5-)?10\.(?:\d|10)\./.test(version);
}

/**
 * Compares in the unit of Questions. MySQL logs each statement of a text as a row of its own, leaves out what
 * it cannot parse, and writes one Execute row where it prepares again; for MariaDB see `logsFailedExecutes`.
 */
export const compareCounters: CompareCounters = (window) => {
  const { server, rows, start, end, others, seconds } = window;
  if (rows === null) return 'not_counted';
  const edges = edgesOf(start, end, others);
  if (edges === null) return 'not_sampled';
  if (isFlushed(edges, server)) return 'flushed';
  if (isRestarted(edges, seconds)) return 'restarted';
  // One edge of an older version and one of this say nothing together.
  if (start?.interruptions !== end?.interruptions) return 'own_not_counted';
  const facts = { server, rows, edges, others: others.atMost };
  const silent = silentCommands(facts);
  const inside = insideOf(facts);
  const logged = loggedOf(facts, inside);
  const executes = executesOf(facts);
  const unparsed = unparsedIn(facts);
  const counted = countedOf(facts, silent, unparsed ?? NONE);
  // What is counted and has no row was a statement, or a command that failed before its row: a broken
  // one, an unknown statement id or database. Those that were run have counters of their own.
  const unlogged = Math.max(counted.min - logged.max, 0);
  const lost = Math.min(
    Math.max(lostOf(facts, { inside, logged, executes }) ?? unlogged, 0),
    unlogged,
  );
  const least = Math.max(counted.min - (unlogged - lost), 0);
  const bounds = { min: least, max: Math.max(counted.max, least) };
  return {
    counted: bounds,
    logged: { min: logged.min, max: logged.max },
    // A statement of several may have failed, a row may be of what ran inside: the counters know better.
    likely: within(logged, within(bounds, logged.likely)),
    missing: Math.max(lost, executes.missing),
    unparsed,
    reasons: reasonsOf({
      admin: silent.admin,
      inside,
      parts: logged.countedParts,
      inDoubt: logged.parts - logged.countedParts,
      doubtful: doubtfulOf(edges),
      unparsed,
      failed: executes.failed,
      unrun: unlogged - lost - executes.failed,
    }),
  };
};

/** What a comparison is made of. */
interface Facts {
  readonly server: LoggingServer;
  readonly rows: CountedRows;
  readonly edges: Edges;
  readonly others: number;
}

/** Commands that are counted and never logged. */
interface SilentCommands {
  readonly admin: number;
  readonly sets: number;
}

/**
 * Pings are in the same counter as resets, SET in the same as the protocol's own options: what is not
 * accounted for may be the silent one.
 */
function silentCommands({ rows, edges }: Facts): SilentCommands {
  const admin = grown(edges, (get) => get('Com_admin_commands')).max - rows.changeUsers;
  const sets = grown(edges, (get, own) => get('Com_set_option') - own.sets).max - rows.sets;
  return { admin: Math.max(admin, 0), sets: Math.max(sets, 0) };
}

/** Commands of clients that the server counted, and that it would log if they were statements. */
function countedOf(
  { edges, others }: Facts,
  { admin, sets }: SilentCommands,
  unparsed: Bounds,
): Bounds {
  const questions = grown(
    edges,
    (get, own) => get('Questions') - own.questions - get('Com_stmt_fetch'),
  );
  return {
    min: questions.min - others - admin - sets - running(edges.endBefore) - unparsed.max,
    max: Math.max(questions.max + doubtfulOf(edges) + running(edges.startBefore) - unparsed.min, 0),
  };
}

/** Commands of ours that the server may have received: the number of the others is known. */
const doubtfulOf = (edges: Edges): number => grown(edges, (_get, own) => own.doubtful ?? 0).max;

/** A statement can be counted and then wait for the swap, so that it is logged behind it. */
const running = ({ counters }: CounterReading): number =>
  Math.max((counters['Threads_running'] ?? 0) - 1, 0);

/**
 * Statements that ran inside of others. MySQL's Queries has the administrative commands, too. A prepare in
 * flight is in one counter and not yet in the other, so more may seem to have run within the window than from
 * before its start to after its end: the smaller number is all that is certain.
 */
function insideOf({ server, edges }: Facts): Bounds {
  const isMysql = server.flavor === 'mysql';
  const { min, max } = grown(
    edges,
    (get, own) =>
      insideStatements(get) - (own.inside ?? 0) - (isMysql ? get('Com_admin_commands') : 0),
  );
  return atLeastNone({ min: Math.min(min, max), max: Math.max(min, max) });
}

interface Logged extends Bounds {
  /** The one number if no statement of several failed and nothing ran inside. */
  readonly likely: number;
  /** Statements behind the first in texts of several, at most. */
  readonly parts: number;
  /** Those of them that are taken as received. */
  readonly countedParts: number;
}

/** Rows of the log, as Questions counts what they stand for. */
function loggedOf({ server, rows, edges }: Facts, inside: Bounds): Logged {
  const isMysql = server.flavor === 'mysql';
  // Reset rows are not in Questions, nor are those of Statistics, which count as a SHOW STATUS.
  const resets = grown(edges, (get) => get('Com_stmt_reset')).min;
  const statistics = grown(edges, (get, own) => get('Com_show_status') - own.statuses).max;
  const commandsOfOthers = Math.max(rows.others - resets, 0);
  const countedParts = isMysql ? 0 : rows.parts;
  const doubtfulParts = isMysql ? 0 : rows.doubtfulParts + (rows.unescapedParts ?? 0);
  // An Execute that had to prepare again is two rows. That of a text EXECUTE has rows that are echoes,
  // and stands in `commands` once.
  const reprepared = grown(edges, (get) => get('Com_stmt_reprepare'));
  const ofTexts = grown(edges, (get) => get('Com_execute_sql')).max;
  const textAgain = Math.min(reprepared.max, Math.max(ofTexts, 0));
  const twice =
    isMysql || !logsFailedExecutes(server)
      ? NONE
      : { min: Math.max(reprepared.min - textAgain, 0), max: reprepared.max };
  const likely = rows.commands + countedParts + commandsOfOthers - twice.min;
  const doubled = inside.min > 0 ? inside.max : 0;
  const certain =
    rows.commands - twice.max + Math.max(commandsOfOthers - Math.max(statistics, 0), 0) - doubled;
  return {
    min: Math.max(certain, 0),
    max: likely + doubtfulParts,
    likely,
    parts: countedParts + doubtfulParts,
    countedParts,
  };
}

/** Execute rows alone, against their own counter. */
interface Executes {
  /** At least so many were received and have no row. */
  readonly missing: number;
  /** So many at most have none because they failed. */
  readonly failed: number;
}

function executesOf({ server, rows, edges }: Facts): Executes {
  // Where MySQL prepares again it counts two executions and logs one.
  const again = server.flavor === 'mysql' ? 'Com_stmt_reprepare' : null;
  const executed = grown(
    edges,
    (get) => get('Com_stmt_execute') - (again === null ? 0 : get(again)),
  );
  if (!logsFailedExecutes(server)) {
    return { missing: 0, failed: Math.max(executed.max - rows.executes, 0) };
  }
  // Statements that are prepared in procedures are counted and not logged.
  const dynamic = grown(edges, (get) => get('Com_execute_sql') + get('Com_execute_immediate')).max;
  const missing = executed.min - running(edges.endBefore) - rows.executes;
  return { missing: dynamic > 0 ? 0 : Math.max(missing, 0), failed: 0 };
}

/** Statements that were run and have no row, at least; null where they were not counted. */
function lostOf(
  { rows, edges, others }: Facts,
  found: { readonly inside: Bounds; readonly logged: Logged; readonly executes: Executes },
): number | null {
  if (edges.startAfter.counters['Statements'] === undefined) return null;
  // SET is left out on both sides: the protocol's own options are counted with it.
  const ran = grown(edges, (get, own) => get('Statements') - (own.questions - own.sets)).min;
  const again = grown(edges, (get) => get('Com_stmt_reprepare')).max;
  const logged = (rows.statements ?? rows.commands) - rows.sets + found.logged.parts + rows.others;
  return (
    ran -
    others -
    running(edges.startAfter) -
    found.inside.max -
    again -
    found.executes.failed -
    logged
  );
}

/** What MySQL could not parse, and so did not log; null where it is not known. */
function unparsedIn({ server, edges }: Facts): Bounds | null {
  if (server.flavor !== 'mysql') return NONE;
  const isKnown = Object.values(edges).every(({ counters }) => 'Unparsed' in counters);
  return isKnown ? atLeastNone(grown(edges, (get) => get('Unparsed'))) : null;
}

interface Causes {
  readonly admin: number;
  readonly inside: Bounds;
  readonly parts: number;
  readonly inDoubt: number;
  readonly doubtful: number;
  readonly unparsed: Bounds | null;
  readonly failed: number;
  /** Counted, without a row, and not known to have been run. */
  readonly unrun: number;
}

/** Why the bounds are apart. */
function reasonsOf(causes: Causes): string[] {
  const { admin, inside, parts, inDoubt, doubtful, unparsed, failed, unrun } = causes;
  const reasons: readonly (readonly [holds: boolean, reason: string])[] = [
    [
      admin > 0,
      `${counted(admin, 'administrative command')} ${are(admin)} not in the log: pings, which Questions does not count, and resets of connections, which it does`,
    ],
    [
      inside.min > 0,
      `${between(inside)} statement${inside.max === 1 ? '' : 's'} ran inside of triggers, functions, procedures or events; the log shows some of them beside those that were received`,
    ],
    [
      parts > 0,
      `${counted(parts, 'statement')} ${parts === 1 ? 'follows' : 'follow'} another one in the same text; the server receives ${parts === 1 ? 'it' : 'them'} only if none before ${parts === 1 ? 'it' : 'them'} in that text fails`,
    ],
    [
      inDoubt > 0,
      `${counted(inDoubt, 'semicolon')} may end a statement, or be inside of one: in the body of a procedure, in a very long text, or behind an escaped quote, if the session has NO_BACKSLASH_ESCAPES. Up to ${counted(inDoubt, 'statement')} more may have been received`,
    ],
    [
      doubtful > 0,
      `the recorder was interrupted: it is unknown whether the server received up to ${counted(doubtful, 'statement')} of its own`,
    ],
    [
      unparsed === null,
      'MySQL does not log statements that it cannot parse, and the recorder may not see how many there were (GRANT SELECT ON performance_schema.*): what is counted and not logged may be these',
    ],
    [
      failed > 0,
      `${counted(failed, 'execution')} of prepared statements ${are(failed)} not in the log: MariaDB before 10.11 does not log those that fail`,
    ],
    [
      unrun > 0,
      `up to ${formatCount(unrun)} of what the server counted ${are(unrun)} not in the log and need not have been run as a statement: a command that is broken or unknown, and one that fails before it is logged, are counted as well`,
    ],
  ];
  return reasons.flatMap(([holds, reason]) => (holds ? [reason] : []));
}

/** What ran inside of other statements: Queries counts it and Questions does not. */
function insideStatements(get: (name: EdgeCounter) => number): number {
  const prepared = get('Com_stmt_prepare') - get('Com_prepare_sql') - get('Com_stmt_reprepare');
  const closed = get('Com_stmt_close') - get('Com_dealloc_sql');
  const protocol = prepared + closed - 2 * get('Com_execute_immediate') + get('Com_stmt_reset');
  return get('Queries') - get('Questions') - protocol;
}

const NONE: Bounds = { min: 0, max: 0 };

const atLeastNone = ({ min, max }: Bounds): Bounds => ({
  min: Math.max(min, 0),
  max: Math.max(max, 0),
});

const within = ({ min, max }: Bounds, count: number): number => Math.min(Math.max(count, min), max);

const are = (count: number): string => (count === 1 ? 'is' : 'are');
