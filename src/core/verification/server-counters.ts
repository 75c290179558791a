import { formatCount } from '../units.ts';
import type { OwnCommands } from './own-commands.ts';

/**
 * The server's own counters, which a record is compared with: it counts what it receives, whether that is
 * logged or not. Which counters there are, and what each of them counts, is the source's to know.
 */

/** The server's counters at one instant, and what was our own of them by then. */
export interface CounterReading {
  /** By the source's names. Those that the server does not have are absent. */
  readonly counters: Readonly<Record<string, number>>;
  /**
   * Since the tap began, over all of its connections, sessions and daemons; what is doubtful is absent
   * in what older versions recorded.
   */
  readonly own: Omit<OwnCommands, 'doubtful'> & Partial<OwnCommands>;
  /** As `OpenSource.serverStart`; absent in what older versions recorded. */
  readonly serverStart?: number;
}

/** Readings just before and just after the cut at the edge of a window; null where it failed. */
export interface EdgeReadings {
  readonly before: CounterReading | null;
  readonly after: CounterReading | null;
  /**
   * How often a recorder went on from what another had left, in what older versions recorded: what was
   * sent in between is nowhere counted. Absent since it is.
   */
  readonly interruptions?: number;
}

/** What checks and plans of ours asked of the server: it is counted as received, and not logged. */
export interface OtherCommands {
  /** Perhaps in the window. */
  readonly atMost: number;
  /** Besides, certainly in it. */
  readonly questions: number;
  readonly sets: number;
  readonly statuses: number;
}

/** What of a server says how it counts and logs. */
export interface LoggingServer {
  readonly flavor: string;
  readonly version: string;
}

/** Between these two, both possible. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** Rows of the log that were the capture's window's, recorded or left out, as far as counters see them. */
export interface CountedRows {
  /** Rows that the server counts as received: statements but for echoes, and commands of sessions. */
  readonly commands: number;
  /**
   * Of these, statements, and besides what replication applied, which is not counted as received;
   * absent in what older versions recorded.
   */
  readonly statements?: number;
  /** Further statements in texts of several. */
  readonly parts: number;
  /** The same in texts whose `;` may also lie inside of a compound statement. */
  readonly doubtfulParts: number;
  /**
   * More of them if backslashes escape nothing in what can be read in both ways; absent in what older versions
   * recorded, where they are among the doubtful ones, and so is every `;` that would be in no literal then.
   */
  readonly unescapedParts?: number;
  /** Commands that have no kind of their own; most of them are counted. */
  readonly others: number;
  /** Executes of prepared statements, echoes too. */
  readonly executes: number;
  /** Statements that change a session's settings. */
  readonly sets: number;
  readonly changeUsers: number;
}

export const NO_ROWS: CountedRows = {
  commands: 0,
  statements: 0,
  parts: 0,
  doubtfulParts: 0,
  unescapedParts: 0,
  others: 0,
  executes: 0,
  sets: 0,
  changeUsers: 0,
};

/** What is known of a window and its server. */
export interface CountedWindow {
  readonly server: LoggingServer;
  /** null where they were not counted. */
  readonly rows: CountedRows | null;
  readonly start: EdgeReadings | null;
  readonly end: EdgeReadings | null;
  readonly others: OtherCommands;
  /** Its length by the server's clock. */
  readonly seconds: number;
}

/** Compares what is in the log with what the server says it received. */
export type CompareCounters = (window: CountedWindow) => Comparison | Incomparable;

/** The comparison of a window's record with the server's counters, in the unit of these. */
export interface Comparison {
  /** Received by the server from clients, and such that it would log it. */
  readonly counted: Bounds;
  /** In the log. */
  readonly logged: Bounds;
  /** The one number that is most likely: no statement of several failed, nothing ran inside. */
  readonly likely: number;
  /** At least so many were received and not logged. */
  readonly missing: number;
  /** Received besides, and not to be logged because they could not be parsed; null: unknown. */
  readonly unparsed: Bounds | null;
  /** Why the bounds are apart, one sentence each; none when they are as close as can be. */
  readonly reasons: readonly string[];
}

export type Incomparable =
  /** The server was restarted, so its counters began again. */
  | 'restarted'
  | 'flushed'
  /** They were not read at both edges. */
  | 'not_sampled'
  /** An older version recorded it. */
  | 'not_counted'
  /** An older version recorded it and was interrupted: its own statements were not counted. */
  | 'own_not_counted';

/** `12 to 15`, `12`, or `up to 15`. */
export function between({ min, max }: Bounds): string {
  if (min === max) return formatCount(min);
  return `${min === 0 ? 'up' : formatCount(min)} to ${formatCount(max)}`;
}
