import type { CaptureStatus } from '../captures/capture.ts';
import type { DigestClass } from '../reports/tally.ts';
import type { ServerIdentity } from '../source.ts';
import type { ListedCapture } from '../store.ts';
import type { StatementSearch } from '../workloads/statement-search.ts';

/**
 * Why a record is not sent to the target. In the order in which they are looked at: a record has the first that
 * holds.
 * - `echo`: it only repeats another record;
 * - `filtered`: not within what was asked for;
 * - `refused_login`: the server had refused it;
 * - `cut_short`, `redacted`, `without_values`: the record has not all of it;
 * - `half_transaction`: of a transaction that began before the window, or ended behind it;
 * - `recorder`, `accounts`, `server`, `files`: never sent, see `docs/replay.md`;
 * - `unseen`: runs SQL that the record does not show, which may be one of these: never sent;
 * - `writes`: may change data, and the replay is read-only;
 * - `other_command`: a command of the protocol without a text;
 * - `transaction_lost`: the server had rolled the transaction back that it belongs to;
 * - `session_lost`: the session's connection was refused, or lost;
 * - `target_lost`, `interrupted`: the replay ended before it.
 */
export const SKIP_REASONS = [
  'echo',
  'filtered',
  'refused_login',
  'cut_short',
  'redacted',
  'without_values',
  'half_transaction',
  'recorder',
  'accounts',
  'server',
  'files',
  'unseen',
  'writes',
  'other_command',
  'transaction_lost',
  'session_lost',
  'target_lost',
  'interrupted',
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/** A recorded user who logs in as somebody else; `*` stands for every user that is not named. */
export interface MappedUser {
  readonly recorded: string;
  readonly user: string;
  /** `env:NAME`, `file:PATH`, `cnf:PATH#GROUP`; null without a password. */
  readonly passwordFrom: string | null;
}

export interface MappedDatabase {
  readonly recorded: string;
  readonly target: string;
}

/** How a record is replayed. */
export interface ReplayOptions {
  /** So many times as fast as recorded; null: each session as fast as it goes. */
  readonly speed: number | null;
  readonly writes: boolean;
  /** Connections at once at most; null for as many as the target has room for. */
  readonly sessions: number | null;
  readonly databases: readonly MappedDatabase[];
  /** Empty: all log in as the environment's user. */
  readonly users: readonly MappedUser[];
  /** One statement at a time, in the record's order. */
  readonly serial: boolean;
  /** Whether NOW() is the recorded one. */
  readonly recordedTime: boolean;
  readonly search: StatementSearch;
  /** Milliseconds after which a statement that has no answer is broken off. */
  readonly deadline: number;
  /** Whether the tables that were written are summed up at the end, so that replays can be compared by them. */
  readonly checksums: boolean;
}

export const DEFAULT_DEADLINE_MS = 60_000;

/** Counts of all records of a workload: `sent`, `skipped` and `failed` are their sum. */
export interface Accounting {
  readonly records: number;
  /** Done by the target without an error. */
  readonly sent: number;
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
  /** By the server's number of the error. */
  readonly failed: Readonly<Record<string, number>>;
}

/** What would be sent, before anything is. */
export interface ReplayPlan extends Accounting {
  /** The part of the accounting that is queries and executes. */
  readonly statements: Accounting;
  /** Sessions with something to send, and how many of them are open at once at most. */
  readonly sessions: number;
  readonly sessionsAtOnce: number;
  /** Of the first and last record that would be sent: ISO-8601 UTC with microseconds; null for none. */
  readonly from: string | null;
  readonly to: string | null;
  /** Milliseconds it takes by the schedule; null where each session goes as fast as it can. */
  readonly length: number | null;
  /** Where replicas would go on from at the record's start: what a copy for an exact replay has to be at. */
  readonly position: string | null;
  readonly warnings: readonly string[];
}

/** Times in milliseconds. */
export interface Spread {
  readonly count: number;
  readonly averageMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** An error of the target, and how often it came. */
export interface ReplayError {
  readonly code: string;
  readonly count: number;
  /** What the server said the first time. */
  readonly message: string;
}

/** The statements of one digest with one default database. */
export interface ReplayRow extends Spread {
  /** 16 hex digits. */
  readonly digest: string;
  /** Without its end where it is very long. */
  readonly text: string;
  readonly db: string | null;
  readonly class: DigestClass | null;
  /** In the record: sent, skipped and failed. `count` are those with an answer, also one that is an error. */
  readonly recorded: number;
  readonly sent: number;
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
  readonly failed: Readonly<Record<string, number>>;
  /** Rows that came back, and rows that were changed, by the server's answers. */
  readonly rowsReturned: number;
  readonly rowsChanged: number;
  /** A second: as recorded, and as it was replayed. */
  readonly recordedPerSecond: number;
  readonly perSecond: number;
  readonly totalMs: number;
  /** Latencies as `LatencyHistogram` packs them: base64. */
  readonly histogram: string;
  /**
   * In each of `SLICES` equal parts of the record (by its time): answers, and milliseconds that they took
   * together. The same statements are in a part of any replay of the record.
   */
  readonly slices: { readonly count: readonly number[]; readonly totalMs: readonly number[] };
}

export const REPLAY_SLICES = 24;

/** A table as it was left, for who compares replays. */
export interface TableChecksum {
  /** `database.table`. */
  readonly table: string;
  /** null where the server could not say. */
  readonly checksum: string | null;
}

/**
 * Why a replay ended: at the record's end, because somebody ended it, because the target did not answer any more, or
 * because the record could not be read any further (damaged, or deleted meanwhile).
 */
export type ReplayEnd =
  | { readonly why: 'complete' | 'interrupted' }
  /** `message`: one sentence without a full stop. */
  | { readonly why: 'target_lost' | 'record_lost'; readonly message: string };

export interface ReplayResult extends Accounting {
  readonly ended: ReplayEnd;
  readonly statements: Accounting;
  /** How long it took, and how long the replayed part of the record is: milliseconds. */
  readonly tookMs: number;
  readonly recordedMs: number;
  /** How much later than scheduled statements were sent; null without a schedule. */
  readonly lateMs: Spread | null;
  /** Of all statements. */
  readonly latency: Spread | null;
  /** Statements a second, as replayed. */
  readonly perSecond: number;
  readonly sessions: {
    /** In the record, with something to send. */
    readonly recorded: number;
    /** Connections that were made. */
    readonly opened: number;
    readonly mostAtOnce: number;
    /** Whose connection was refused, or lost. */
    readonly lost: number;
  };
  /** Statements that were broken off because no answer came within the deadline, or nothing else could go on. */
  readonly brokenOff: number;
  readonly deadlocks: number;
  /** Executes that were sent as binary ones, and as text because the record does not tell how they were prepared. */
  readonly executes: { readonly binary: number; readonly text: number };
  readonly errors: readonly ReplayError[];
  /** One for each digest and database, most total time first; not of those that came when there was no more room. */
  readonly rows: readonly ReplayRow[];
  /** Statements of those. */
  readonly unlisted: number;
  readonly checksums: readonly TableChecksum[];
  readonly warnings: readonly string[];
  /** What may differ from what was recorded, and why: one sentence each. */
  readonly divergence: readonly string[];
}

/** Digests that are kept apart at most; with long texts they are fewer. */
export const MOST_REPLAY_ROWS = 10_000;

/** Where a replayed record is from. */
export interface ReplaySource {
  readonly captureId: number;
  readonly captureName: string;
  readonly environmentName: string;
  readonly server: Pick<ServerIdentity, 'flavor' | 'version'> | null;
}

/** How far a replay is. */
export interface ReplayProgress {
  readonly records: number;
  readonly sent: number;
  readonly skipped: number;
  readonly failed: number;
  /** Sessions that are connected. */
  readonly open: number;
  /** How late statements are just now, in milliseconds; null without a schedule. */
  readonly lateMs: number | null;
}

/** What the store keeps of a replay beside its row among the captures. */
export interface StoredReplay {
  readonly captureId: number;
  readonly source: ReplaySource;
  readonly options: ReplayOptions;
  /** The target server; null until it was reached. */
  readonly target: Pick<ServerIdentity, 'flavor' | 'version' | 'hostname' | 'port'> | null;
  readonly plan: ReplayPlan | null;
  readonly progress: ReplayProgress | null;
  /** Who plays it, and when they said so last: milliseconds since the epoch. */
  readonly host: string;
  readonly pid: number;
  readonly heardAt: number;
}

/** A replay: a capture's row of type REPLAY, with what is known of it besides. */
export interface Replay {
  readonly capture: ListedCapture;
  readonly stored: StoredReplay;
  /** null until it is over. */
  readonly result: ReplayResult | null;
  /** Why what became of it could not be stored, where that is so: one sentence without a full stop. */
  readonly unkept?: string;
}

/** What happens while a record is replayed. */
export type ReplayEvent =
  | { readonly type: 'planning'; readonly records: number; readonly of: number }
  | { readonly type: 'planned'; readonly plan: ReplayPlan }
  | { readonly type: 'started'; readonly capture: ListedCapture }
  | { readonly type: 'played'; readonly progress: ReplayProgress; readonly of: number }
  | { readonly type: 'summing'; readonly table: string };

/** Whether a replay's row says that nobody plays it any more although it is not over. */
export function isAbandoned(
  status: CaptureStatus,
  stored: Pick<StoredReplay, 'heardAt'>,
  now: number,
): boolean {
  const isOpen = status === 'STARTING' || status === 'RUNNING' || status === 'STOPPING';
  return isOpen && now - stored.heardAt > REPLAY_SILENCE_MS;
}

/** The player says every second that it is there. */
export const REPLAY_HEARTBEAT_MS = 1_000;
export const REPLAY_SILENCE_MS = 15_000;
