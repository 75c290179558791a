import type { Failure } from './errors.ts';
import type { ServerAddress } from './environments/environment.ts';
import type { GapCause } from './workloads/gaps.ts';
import type { OwnTally } from './verification/own-commands.ts';
import type { CounterReading } from './verification/edge-counters.ts';
import type { LoggedStatement, TextSpool } from './workloads/statements.ts';

/** Which server this is, however one got there. */
export interface ServerIdentity {
  readonly flavor: 'mariadb' | 'mysql';
  readonly version: string;
  /**
   * What the server calls itself, the same for every connection to it: its uuid where it has one, else
   * host name, port and data folder. A copy of its disk or of its container calls itself so, too: see
   * `ServerLog.marks` for proof.
   */
  readonly key: string;
  readonly hostname: string;
  readonly port: number;
  readonly uuid: string | null;
}

/** What a server's log was set to before we touched it; saved in the store before anything is changed. */
export interface LogSettings {
  readonly generalLog: boolean;
  /** As the server spells it, for example `FILE` or `FILE,TABLE`. */
  readonly logOutput: string;
  readonly slowLog: boolean;
  /** Engine of `mysql.general_log`; null when the table is missing. */
  readonly tableEngine: string | null;
}

/** A user or program that holds the recorder's lock on a server. */
export interface LockHolder {
  readonly connectionId: number;
  readonly user: string | null;
  readonly host: string | null;
}

/** One privilege that the recorder needs. */
export interface PrivilegeNeed {
  readonly privilege: string;
  /** What it is for, in a few words. */
  readonly purpose: string;
  /** `unknown` where the server does not say. */
  readonly state: 'present' | 'missing' | 'unknown';
  /** The statement that gives it. */
  readonly grant: string;
  /** False for one that the recorder can do without; `purpose` says what is lost. */
  readonly required: boolean;
}

/** What a recorder has on a server: when none is at work there, what one that is gone left behind. */
export interface Leftovers {
  /** The store of the recorder; null where the server has lost the marker that says so. */
  readonly storeId: string | null;
  /** Its host and process; null where the marker is lost. */
  readonly recorder: string | null;
  /** Its last sign of life, by the server's clock; null where the marker is lost. */
  readonly lastSign: ServerInstant | null;
  /** Milliseconds since then. */
  readonly silentMs: number | null;
  /** What the server's log was set to; null where nothing says so any more. */
  readonly settings: LogSettings | null;
  /** Whether the server's log table is the recorder's. */
  readonly installed: boolean;
  /** Names of the tables in the recorder's schema. */
  readonly tables: readonly string[];
  /** Rows in its log tables, at most so many of them unrecorded; null where they cannot be counted. */
  readonly statements: number | null;
  /** The generation that the live log table is. */
  readonly generation: number;
}

/**
 * What a server's log is to be set to when a lost recorder's changes are undone. Where nothing says what
 * it was before it is left as it is, but never logging to a table that goes away: it is off then.
 */
export function settingsThen(
  { settings, installed }: Pick<Leftovers, 'settings' | 'installed'>,
  now: LogSettings,
): LogSettings {
  if (settings !== null) return settings;
  // The engine of a new server's table, should theirs be gone.
  return installed ? { ...now, generalLog: false, tableEngine: 'CSV' } : now;
}

/** Something about a server that keeps it from being recorded. */
export interface Obstacle {
  /** One sentence, without a full stop. */
  readonly what: string;
  /** What to do about it; null where nothing helps. */
  readonly hint: Failure['hint'];
}

/** A client's session that is there now. */
export interface ServerSession {
  readonly id: number;
  readonly user: string | null;
  readonly host: string | null;
  /** Seconds since its last command ended, or since the one began that it is at. */
  readonly seconds: number;
  readonly isIdle: boolean;
}

/** A client's session that the recorder ended, so that its pool connects anew. */
export interface EndedSession {
  readonly session: number;
  readonly user: string | null;
  readonly host: string | null;
  readonly db: string | null;
  readonly idleSeconds: number;
}

/** What became of `recycleUsers` of a capture, for its manifest. */
export interface Recycled {
  /** ISO-8601 UTC, by our clock. */
  readonly since: string;
  /** How many sessions were ended; the first thousand of them are in `sessions`. */
  readonly ended: number;
  readonly sessions: readonly EndedSession[];
  /** Sessions that were to be ended and never were found free. */
  readonly left: number;
  /** Those with a greater id came when the log was on already. */
  readonly newest: number;
  /** Whether the recorder installed what lists locks for that time; it is gone when it is over. */
  readonly installedPlugin: boolean;
  readonly isOver: boolean;
}

/** What one look at the sessions to be ended came to. */
export interface RecycleStep {
  readonly ended: readonly EndedSession[];
  /** How many that are wanted are still there. */
  readonly left: number;
  /** The newest of those whose login the log has not seen. */
  readonly newest: number;
  readonly installedPlugin: boolean;
}

/** What a store knows that a recorder of its own has on a server, where the marker there is lost. */
export interface KnownChanges {
  /** The start of the server in which a warm-up was switched on; null for none. */
  readonly warmSince: number | null;
  /** Whether what lists locks was installed. */
  readonly lockPlugin: boolean;
  /** Whether sessions are being ended. */
  readonly isRecycling: boolean;
}

/** Whether executes of prepared statements would be logged with their values. */
export interface ValuesOutlook {
  /** `always`: whenever it was prepared; `when_prepared`: where a log was on when it was prepared. */
  readonly logged: 'always' | 'when_prepared';
  /** The log that covers the sessions that come from now on; null where none does, or none needs to. */
  readonly coveredBy: 'general_log' | 'slow_log' | null;
  /** Whether its configuration has that log on, so that it has been since the server started. */
  readonly sinceStart: boolean;
  readonly serverStart: number;
  /** How long the server has been up, in seconds: no session is older. */
  readonly uptime: number;
  /** Prepared statements that exist now; null where the server does not say. */
  readonly prepared: number | null;
  /** Clients' sessions without ours; only those of our account without PROCESS. */
  readonly sessions: readonly ServerSession[];
  /** What the slow log would write while a warm-up has it on. */
  readonly slowLog: {
    /** Statements that take longer, in seconds. */
    readonly longerThan: number;
    /** Whether also statements that use no index. */
    readonly withoutIndex: boolean;
    /** As `log_output`: `FILE`, `TABLE`, both or `NONE`. */
    readonly output: string;
    readonly file: string;
  };
}

/** What `env check` reports and `create` looks at before it stores anything. Nothing is changed. */
export interface ServerInspection {
  readonly server: ServerIdentity;
  /** `user@host` as the server sees us. */
  readonly account: string;
  readonly settings: LogSettings;
  readonly privileges: readonly PrivilegeNeed[];
  readonly lockHolder: LockHolder | null;
  /**
   * The schema `captures` on the server: `none`; `ours` (its marker names `storeId`); `other-store`
   * (a recorder's of another store); `from-dump` (it came with a dump of a recorded server, and nobody
   * records this one); `foreign` (not made by a recorder: never touched).
   */
  readonly schema: {
    readonly state: 'none' | 'ours' | 'other-store' | 'from-dump' | 'foreign';
    readonly storeId: string | null;
    /** The nonce of the tap that wrote the marker; null where there is none. */
    readonly nonce: string | null;
  };
  /**
   * Who switches the log on: the recorder, or, where the server lets nobody set it (RDS), the owner in
   * its parameter group; there `settings` say whether it is.
   */
  readonly logSwitch: 'recorder' | 'parameter-group';
  /**
   * The engine that the recorder's log table would be of now, and why, as half a sentence; null where
   * the recorder makes none (RDS), or the server allows none.
   */
  readonly recorderTable: { readonly engine: string; readonly why: string } | null;
  /** null where no recorder has anything on the server, and where a schema is foreign. */
  readonly leftovers: Leftovers | null;
  /**
   * Why the server could not switch its log off by itself if the recorder never came back, one
   * sentence with what to run; null when it could.
   */
  readonly deadManObstacle: string | null;
  /** Milliseconds by which the server's clock is ahead of ours, as exact as the way there is short. */
  readonly clockAheadMs: number;
  readonly values: ValuesOutlook;
  /** What ending sessions (`recycle`) needs; empty where it is not needed, or not possible. */
  readonly recycling: readonly PrivilegeNeed[];
  /** Why no capture could start, whatever the account may do; empty when nothing is in the way. */
  readonly obstacles: readonly Obstacle[];
  /**
   * Whether the account sees the server's log table: without a privilege on it, a table that is there
   * looks like one that is missing, and `settings.tableEngine` is null for both.
   */
  readonly logTable: 'there' | 'missing' | 'hidden';
  /** Things to know that do not stop a capture, one sentence each. */
  readonly warnings: readonly string[];
}

/** A session that was there before the log was switched on. */
export interface SessionState {
  readonly session: number;
  readonly user: string | null;
  readonly host: string | null;
  readonly db: string | null;
  /** What the log's reader has to remember of this session besides; opaque, null for nothing. */
  readonly memory: string | null;
}

/** A transaction that was open when the processlist was asked. */
export interface OpenTransaction {
  readonly session: number;
  /** ISO-8601 UTC, or null where the server does not say. */
  readonly since: string | null;
}

/** What of ours is on the server now: after a crash this, not memory, is the truth. */
export interface ServerLogState {
  /** Generations whose frozen tables are still there, ascending. */
  readonly frozen: readonly number[];
  /** Whether the live log table is one that a recorder put there. */
  readonly installed: boolean;
  /** Whether statements are being logged to the table. */
  readonly logging: boolean;
  /** Whether the owner's own log table is set aside in our schema. */
  readonly setAside: boolean;
  /** Whether the marker is there that says whose recorder it is: others can drop it, with our tables. */
  readonly marked: boolean;
  /** When the dead-man switch gave the log's settings back; null when it did not. */
  readonly switchedOffAt: ServerInstant | null;
}

/** One instant by the server's clock: ISO-8601 UTC with microseconds and `Z`. */
export type ServerInstant = string;

/** A connection of the recorder's; its id is its own between two starts of the server only. */
export interface OwnConnection {
  readonly connectionId: number;
  /** When the server had started, as `ServerLog.serverStart`; null where that is not known. */
  readonly serverStart: number | null;
}

/** What a tap leaves on its server while it is at work there, as another connection sees it. */
export interface ServerMarks {
  /** The connection that holds the recorder's lock; null where nobody does. */
  readonly lockHolder: number | null;
  /** The nonce in the marker of a recorder of this store; null where there is none. */
  readonly nonce: string | null;
  /** Whether a recorder can write a marker here at all (RDS: no). */
  readonly canBeMarked: boolean;
}

/** What happened to the log at one place among its rows. */
export interface LogInterruption {
  /** Why statements may be missing there; null when none are, and `reason` is only worth knowing. */
  readonly cause: GapCause | null;
  /** The last instant until which all is well, and the first from which on it is; null where unknown. */
  readonly from: ServerInstant | null;
  readonly to: ServerInstant | null;
  /** One sentence for people. */
  readonly reason: string;
}

/** What a frozen table holds, piece by piece. */
export interface LoggedBatch {
  /** Rows passed since the batch before, left-out ones too. */
  readonly rows: number;
  readonly statements: readonly LoggedStatement[];
  /** What happened directly behind these statements; null nearly always. */
  readonly interruption: LogInterruption | null;
}

export interface Swap {
  /** Read just before the swap: every statement received until then is in the frozen table. */
  readonly before: ServerInstant;
  /** Read just after it: every statement received from then on is in the next one. */
  readonly after: ServerInstant;
  /** Where replicas would go on from here; null where unknown. */
  readonly gtid: string | null;
  /** Whether the server was still logging to the table just after it. */
  readonly logging: boolean;
}

/** A log that was switched on. */
export interface InstalledLog {
  /** For the user, one sentence each. */
  readonly warnings: readonly string[];
  /** The generation that the live table is. */
  readonly generation: number;
  /** The first generation that was written to since the log is on. */
  readonly since: number;
  /** Why the server will not switch its log off by itself; null when it will, or was not asked to. */
  readonly deadManObstacle: string | null;
}

/**
 * What became of a warm-up:
 * - `on`: sessions with an id greater than `after` are covered: what they prepare comes with its values;
 * - `goes_on`: it was on already, as it was left;
 * - `needless`: sessions are covered without it, and nothing was changed;
 * - `ended`: somebody else ended it, which is respected.
 */
export type WarmUpAnswer =
  | { readonly is: 'on'; readonly after: number }
  | { readonly is: 'goes_on' }
  | { readonly is: 'needless' | 'ended'; readonly why: string };

/** Somebody else rotated the log at the moment of a swap, which has not happened. */
export class RotatedMeanwhile extends Error {
  constructor() {
    super('somebody else rotated the log first');
  }
}

/** The recorder switched the log off, because the disk is full, or nearly. */
export interface LogStop {
  /** Why, as half a sentence. */
  readonly why: string;
  /** Until then nothing is missing for that reason; null where unknown. */
  readonly from: ServerInstant | null;
}

/** At the moment of a swap, which has not happened, the disk was full: see `ServerLog.stopped`. */
export class LogStopped extends Error {
  constructor() {
    super('the log was switched off, because the disk is full');
  }
}

/**
 * One server's statement log, read through one dedicated connection. Log tables are numbered by
 * generation: the live one is frozen as generation `n` by `swap(n)`, then read, then dropped.
 *
 * Every method throws AppError: `remote_failed` when the server refused or could not be reached,
 * `conflict` when the log is somebody else's. After `remote_failed` with `isConnectionLost()` true
 * the object is of no more use: open a new one.
 */
export interface ServerLog {
  readonly server: ServerIdentity;
  /** The server's id of our connection. */
  readonly connectionId: number;
  /** When the server started, by its own clock, in whole seconds: another number, another start. */
  readonly serverStart: number;
  isConnectionLost(): boolean;

  /**
   * Takes the server-wide recorder lock. When one of `own` holds it (our own connection of before a
   * crash), waits for it briefly, then ends it.
   * @throws AppError `conflict` naming the holder's user and host.
   */
  lock(own: readonly OwnConnection[]): Promise<void>;

  /**
   * The number of our tap in its store: with it our tables are told from those of other times. And its
   * nonce, which `install` writes into the marker.
   */
  setTap(tapId: number, nonce: string, known: KnownChanges): void;

  /** What is on this server to tell it from another one that calls itself the same. Changes nothing. */
  marks(): Promise<ServerMarks>;

  readSettings(): Promise<LogSettings>;

  /**
   * What the owner has the log set to: what is to be restored. Where a recorder's table is in its place,
   * what that recorder wrote down.
   * @throws AppError `conflict` where what it wrote is gone, and nobody knows; and where the recorder is
   *   another store's, or a schema of our name no recorder's.
   */
  ownersSettings(): Promise<LogSettings>;

  /**
   * Switches the log on: our schema and marker, the owner's log table set aside, ours in its place,
   * the settings, and the proof that a statement of another connection arrives. Can be called again
   * after a crash at any point in it, and after a server restart (which forgets the settings).
   * What arrived until the proof lies in frozen tables, numbered from `generation` on, for the caller
   * to read. Where the log was on before, what may be missing is an interruption in them.
   * @param deadManMs as `setDeadMan`, done before the log is switched on: a recorder that gets no further
   *   than that must not leave it on for ever. null: the switch stays as it is.
   */
  install(
    settings: LogSettings,
    generation: number,
    deadManMs?: number | null,
  ): Promise<InstalledLog>;

  /**
   * Keeps a warm-up on while nothing is recorded: sessions that come from now on have what they prepare
   * logged with its values later. To be called again every few seconds, which also says that the recorder
   * is there. `install` ends it (a log that is on covers more), and so does `restore`.
   * @param settings the owner's, which are saved.
   * @param forMs how long it is to last yet: the server ends it by itself a minute later.
   */
  warmUp(settings: LogSettings, forMs: number): Promise<WarmUpAnswer>;

  /**
   * Ends up to `most` of the sessions that are wanted: those alone that are idle, have no open transaction
   * and hold no lock, and whose login the log has not seen, for of the others it has all values. A session
   * that the log knows nothing of may have said BEGIN and nothing else: it has to be idle for a second.
   * Call it when everything that was frozen is read.
   * @throws AppError `remote_failed` where the account may not, or it cannot be known who holds a lock.
   */
  recycle(isWanted: (session: ServerSession) => boolean, most: number): Promise<RecycleStep>;

  /**
   * Ends what `recycle` needs on the server.
   * @throws AppError `remote_failed` where that stays there.
   */
  endRecycling(): Promise<void>;

  /** The id of the newest session that a warm-up covers; null where its slow log is off. */
  newestCovered(): Promise<number | null>;

  /**
   * What of ours is on the server.
   * @param readUpTo the last generation that was read, where that is known: a frozen table that another
   *   program emptied does not say which it is.
   */
  state(readUpTo?: number): Promise<ServerLogState>;

  /** The sessions that are there now, from the processlist; empty without the privilege. */
  sessions(): Promise<SessionState[]>;
  openTransactions(): Promise<OpenTransaction[]>;

  /**
   * Whether somebody else has frozen the live table as `generation` (RDS rotates the log by itself).
   * Then it is to be read, and the next one is live, before `swap`; ask again until it says no.
   */
  findForeignRotation(generation: number): Promise<boolean>;

  /**
   * Freezes the live table as `generation` and puts an empty one in its place. Loses nothing.
   * @throws RotatedMeanwhile when somebody else was first: see `findForeignRotation`. LogStopped when
   *   the disk is full; asked again, it freezes what there is.
   */
  swap(generation: number): Promise<Swap>;

  /**
   * Reads a frozen table in row order, in batches, leaving out the first `skip` rows, the rows of our
   * own connections and nothing else: `skip` + the sum of `rows` is the position in the table. A table
   * that another program put in the place of ours, or emptied, is put right first.
   * @param since everything the server received until then is in earlier generations; null where
   *   unknown.
   * @param spool takes the texts that are too long for the memory, one by one; without it only the
   *   beginning of such a text is read, flagged `partial`.
   */
  read(
    generation: number,
    skip: number,
    since: ServerInstant | null,
    spool?: TextSpool | null,
  ): AsyncIterable<LoggedBatch>;

  /** Connections of before, whose rows are the recorder's own. Those opened here are known. */
  setOwnConnections(own: readonly OwnConnection[]): void;

  /** What the reader knows of each session: set after a restart, taken after each batch. */
  restoreSessions(sessions: readonly SessionState[]): void;
  /** Sessions that changed or ended since the last call. */
  takeSessionChanges(): { changed: SessionState[]; ended: number[] };

  /**
   * Appends a frozen table to the owner's own set-aside log table, once, however often it is called;
   * only when they log to a table. In the order of the calls. Where somebody has theirs locked it is
   * put off to a later call, or to `restore`.
   */
  appendToOwners(generation: number): Promise<void>;

  /**
   * Forgets a frozen table; nothing happens when it is gone already. One that is still to be appended
   * stays until then.
   */
  drop(generation: number): Promise<void>;

  /**
   * Bytes of the log's tables on the server, the live one and the frozen ones; where the server does
   * not say, what its counters make of what was not read.
   */
  logBytes(): Promise<number>;

  /**
   * That the recorder has switched the log off for the server's sake; null while all is well. It stays
   * off: what records is to end at the next swap.
   */
  readonly stopped: LogStop | null;

  /** What is worth knowing of how the recorder changed its ways since the last call, a sentence each. */
  takeWarnings(): string[];

  /**
   * Has the server give the log's settings back by itself when the recorder was not heard of for
   * `afterMs`; null for never. Until it did so once: then it has to be asked again. Every swap and
   * every batch that is read says that the recorder is there, and so does this call.
   * @returns why the server will not, one sentence with what to run; null when all is well.
   */
  setDeadMan(afterMs: number | null, settings: LogSettings): Promise<string | null>;

  /**
   * Gives the server back: its settings, the owner's log table and rows, our tables dropped, our
   * schema too when we made it and it is empty, the lock released. Can be called again after a crash
   * at any point in it. A value that somebody else changed meanwhile is left as they set it.
   * @returns warnings, one sentence each.
   */
  restore(settings: LogSettings, generation: number): Promise<string[]>;

  /**
   * The server's counters now, by its names for them (`SAMPLED_COUNTERS`), without what our own
   * connections did; those that it does not have are absent. With them `OWN_SHARE_SINCE`. Never while
   * a table is being read.
   */
  sampleCounters(): Promise<Record<string, number>>;

  /**
   * The counters that a record is compared with (`EDGE_COUNTERS`), and what is in the tally by then: it
   * is in the counters and not in the log.
   */
  readEdgeCounters(): Promise<CounterReading>;

  /** Closes the connections, within about a second; never throws. */
  close(): Promise<void>;
}

/** What a server was asked to do while it was looked at, without what the look itself sent. */
export interface ServerLoad {
  readonly seconds: number;
  /** Statements received, the server's `Questions`. */
  readonly statements: number;
  /**
   * Rows that they would have been in the log, with logins, prepares and closes; more where a server
   * logs several statements in one text as one row.
   */
  readonly rows: number;
  /** How many of the statements executed what was prepared before. */
  readonly executes: number;
  /** Bytes received from clients. */
  readonly bytes: number;
}

/** Of the statements/s that a server with no CPU to spare reaches without a log, the shares it keeps. */
export interface KeptShares {
  /** A few words for the load, for example `single-row reads`. */
  readonly load: string;
  /** With the server's own log, written to the server's own table. */
  readonly ownLog: number;
  /** With the log as it is while recording, and nobody who reads it. */
  readonly log: number;
  /** With log and recorder; null where that was not measured. */
  readonly recording: number | null;
}

/** What recording was measured to cost on a server of this kind. */
export interface MeasuredCost {
  /** The server and its machine, for example `MariaDB 10.11 with 2 cores`. */
  readonly measuredOn: string;
  /** Whether this server is of the release that was measured. */
  readonly isThisRelease: boolean;
  readonly saturated: readonly KeptShares[];
  /** Mean latency at a rate (statements/s) that leaves room to spare; null where not measured. */
  readonly latency: {
    readonly rate: number;
    readonly beforeMs: number;
    readonly afterMs: number;
  } | null;
  /** One more sentence, without a full stop; null for none. */
  readonly note: string | null;
}

/** What becomes of the values of statements that clients prepare, and what is prepared now. */
export interface PreparedOutlook {
  /**
   * `always`: recorded whenever a statement was prepared. `when-logged`: only where the log was on
   * when it was prepared; until it is prepared again the record has `?` in their place.
   */
  readonly values: 'always' | 'when-logged';
  /** Prepared statements that exist now; null where the server does not say. */
  readonly statements: number | null;
  /** Sessions there now, without ours; null where the server does not say. */
  readonly sessions: number | null;
}

/** What recording would mean for a server. */
export interface ServerOutlook {
  readonly load: ServerLoad;
  readonly prepared: PreparedOutlook;
  readonly cost: MeasuredCost;
  readonly settingsWhileRecording: LogSettings;
  /** SQL to restore the server by hand: in this order, in one session. */
  readonly undo: readonly string[];
}

/** Reaches servers: implemented per engine, handed to the daemon and to the commands. */
export interface ServerLogs {
  /**
   * @param storeId written into the marker on the server, so that two stores never mix.
   * @param onConnection called with our connection's id as early as it is known, before any
   *   statement is sent on it, so that the id can be saved first; when the server's start was not
   *   known then, again with it.
   * @param tally told of each command before it is sent: it outlives the connections.
   * @param signal aborted, destroys every connection at once, also those that are being opened: whatever is
   *   awaited of the log rejects within moments, a server that stands still or not. Only `close` may be
   *   called after it; a log that is opened anew goes on from what is on the server.
   */
  open(
    address: ServerAddress,
    storeId: string,
    onConnection: (connection: OwnConnection) => void,
    tally?: OwnTally,
    signal?: AbortSignal,
  ): Promise<ServerLog>;

  inspect(
    address: ServerAddress,
    storeId: string,
    onConnection?: (connectionId: number) => void,
    tally?: OwnTally,
  ): Promise<ServerInspection>;

  /**
   * Looks at what the server has to do, before `pause` and after it. Changes nothing.
   * @param pause waits a few seconds.
   * @throws AppError `remote_failed`.
   */
  lookAhead(
    address: ServerAddress,
    pause: () => Promise<void>,
    onConnection?: (connectionId: number) => void,
    tally?: OwnTally,
  ): Promise<ServerOutlook>;
}
