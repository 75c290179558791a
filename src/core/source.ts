import type { ServerInspection, ServerOutlook } from './environments/server-inspection.ts';
import type { ServerAddress } from './environments/environment.ts';
import type { ServerTimes } from './reports/server-times.ts';
import type { EdgeReadings } from './verification/server-counters.ts';
import type { OwnTally } from './verification/own-commands.ts';
import type { GapCause } from './workloads/gaps.ts';
import type { SessionRecycling, Unavailable, WarmUps } from './warm-ups/source-sessions.ts';
import type { LoggedStatement, TextSpool } from './workloads/statements.ts';

/**
 * Where statements come from: one kind of database server. An engine implements this and `OpenSource`,
 * and everything else of the program works with it. Every method throws AppError: `remote_failed` when
 * the server refused or cannot be reached, `conflict` when something there is somebody else's.
 */
export interface Source {
  /**
   * Looks at a server. Changes nothing.
   * @param onConnection called with our connection's id before any statement is sent on it.
   * @param tally told of each command before it is sent.
   */
  inspect(
    address: ServerAddress,
    storeId: string,
    onConnection?: (connectionId: number) => void,
    tally?: OwnTally,
  ): Promise<ServerInspection>;

  /**
   * Looks at what the server has to do, before `pause` and after it. Changes nothing.
   * @param pause waits a few seconds.
   */
  forecast(
    address: ServerAddress,
    pause: () => Promise<void>,
    onConnection?: (connectionId: number) => void,
    tally?: OwnTally,
  ): Promise<ServerOutlook>;

  /** Whether what was recorded goes to a log of the owner's own when these settings are restored. */
  returnsStatements(settings: ServerSettings): boolean;

  /**
   * Connects. Changes nothing yet.
   * @param storeId written down on the server, so that two stores never mix.
   * @param onConnection called with each connection's id before any statement is sent on it, so that it
   *   can be saved first; when the server's start was not known then, again with it.
   * @param tally told of each command before it is sent: it outlives the connections.
   * @param signal aborted, destroys every connection at once, also those that are being opened: whatever
   *   is awaited rejects within moments. Only `close` may be called after it.
   */
  open(
    address: ServerAddress,
    storeId: string,
    onConnection: (connection: OwnConnection) => void,
    tally?: OwnTally,
    signal?: AbortSignal,
  ): Promise<OpenSource>;
}

/**
 * The statements of one server, over a dedicated connection. They come in batches, numbered without a
 * hole: `start` switches recording on at the server, `cut` ends the batch that is being filled and
 * begins the next, `read` hands out a batch that was ended, `release` forgets one that is committed,
 * `stop` restores the server. Whatever happens between, a new connection goes on from what is on the
 * server and from what `attach` is told.
 *
 * After `remote_failed` with `isConnectionLost()` true, close the object and open a new one.
 */
export interface OpenSource {
  readonly server: ServerIdentity;
  /** The server's id of our connection. */
  readonly connectionId: number;
  /** When the server started, by its own clock, in whole seconds: another number, another start. */
  readonly serverStart: number;
  isConnectionLost(): boolean;

  /** What is on this server to tell it from another one that calls itself the same. Changes nothing. */
  marks(): Promise<ServerMarks>;

  /**
   * Takes the server-wide recorder lock. When one of `own` holds it (our own connection of before a
   * crash), waits for it briefly, then ends it.
   * @throws AppError `conflict` naming the holder's user and host.
   */
  lock(own: readonly OwnConnection[]): Promise<void>;

  /** What recording changes, as it is set now. */
  readSettings(): Promise<ServerSettings>;

  /**
   * What `stop` has to restore: as it is set now, or, where a recorder has changed it, what that
   * recorder wrote down.
   * @throws AppError `conflict` where what it wrote is gone; and where the recorder is another store's.
   */
  settingsToRestore(): Promise<ServerSettings>;

  /** Says what the store knows of this server. Called once, before anything that follows. */
  attach(tap: AttachedTap): void;

  /**
   * Makes sure that every statement is recorded from now on: switches recording on and proves that a
   * statement of another connection arrives, or finds it on and proven. Can be called again after a crash
   * at any point in it, and when something has switched it off. What is there already lies in batches to
   * be read: see `state`. What may be missing is an interruption in them.
   */
  start(options: StartOptions): Promise<Started>;

  /** What is on the server: after a crash this, not memory, is the truth. */
  state(): Promise<SourceState>;

  /**
   * Ends the batch that is being filled. Loses nothing.
   * @param isEdge whether a window opens or closes here: then `edge` says what the server was at.
   */
  cut(isEdge: boolean): Promise<CutResult>;

  /**
   * Reads a batch that was ended, in order, part by part. Leaves out its first `skip` rows, the rows of
   * our own connections and nothing else: `skip` + the sum of `rows` is the position in it.
   */
  read(batch: number, options: ReadOptions): AsyncIterable<BatchPart>;

  /** Forgets a batch that is committed; nothing happens when it is gone already. */
  release(batch: number): Promise<void>;

  /** What the reader remembers of each session: set after a restart and a fresh start. */
  restoreSessions(sessions: readonly SessionState[]): void;
  /** Sessions that changed or ended since the last call, to be committed with what was read. */
  takeSessionChanges(): { changed: SessionState[]; ended: number[] };

  /**
   * Restores the server: its settings, and what its owner had there; nothing of ours is left. Can be
   * called again after a crash at any point in it. What somebody else changed meanwhile is left so.
   * @returns warnings, one sentence each.
   */
  stop(): Promise<string[]>;

  /** Bytes that wait on the server to be read, and those being filled. */
  backlogBytes(): Promise<number>;

  /**
   * That recording was switched off for the server's sake; null while all is well. It stays off: what
   * records ends at the next cut.
   */
  readonly stopped: SourceStop | null;

  /** What is worth knowing of how recording has changed since the last call, a sentence each. */
  takeWarnings(): string[];

  /**
   * Has the server switch recording off by itself when the recorder was silent for `afterMs`; null for
   * never. Until it did so once: then it has to be asked again. Every cut and every part that is read
   * says that the recorder is there, and so does this call.
   * @returns why the server will not, one sentence with what to run; null when nothing would stay on.
   */
  setUnattendedLimit(afterMs: number | null): Promise<string | null>;

  /** How sessions are covered ahead of a recording, or why this server allows none of it. */
  readonly warmUps: WarmUps | Unavailable;
  /** How sessions are ended, so that their pools connect anew, or why that cannot be done here. */
  readonly recycling: SessionRecycling | Unavailable;

  /**
   * The server's counters now, by its names for them (`SAMPLED_COUNTERS`), without what our own
   * connections did; those that it does not have are absent. With them `OWN_SHARE_SINCE`. Never while a
   * batch is being read.
   */
  sampleCounters(): Promise<Record<string, number>>;

  /** How long statements took, where the server keeps that. */
  readonly times: ServerTimes;

  /** Closes the connections, within about a second; never throws. */
  close(): Promise<void>;
}

/** Which server this is, however one got there. */
export interface ServerIdentity {
  /** The product, in one word. */
  readonly flavor: string;
  readonly version: string;
  /**
   * What the server calls itself, the same for every connection to it: its uuid where it has one, else
   * host name, port and data folder. A copy of its disk or of its container calls itself so, too: see
   * `OpenSource.marks` for proof.
   */
  readonly key: string;
  readonly hostname: string;
  readonly port: number;
  readonly uuid: string | null;
}

/**
 * What a server was set to before we changed it, by the source's names: saved in the store first. Only
 * the source knows what they mean.
 */
export type ServerSettings = Readonly<Record<string, string | number | boolean | null>>;

/** What a source remembers between two runs; only the source knows what it means. */
export type SourceMemory = Readonly<Record<string, string | number | boolean | null>>;

/** One instant by the server's clock: ISO-8601 UTC with microseconds and `Z`. */
export type ServerInstant = string;

/** A connection of the recorder's; its id is its own between two starts of the server only. */
export interface OwnConnection {
  readonly connectionId: number;
  /** When the server had started, as `OpenSource.serverStart`; null where that is not known. */
  readonly serverStart: number | null;
}

/** What a tap leaves on its server while it is at work there, as another connection sees it. */
export interface ServerMarks {
  /** The connection that holds the recorder's lock; null where nobody does. */
  readonly lockHolder: number | null;
  /** The nonce that a recorder of this store left; null where there is none. */
  readonly nonce: string | null;
  /** Whether a recorder can leave a nonce on this server at all. */
  readonly canBeMarked: boolean;
}

/** What the store knows of a server. */
export interface AttachedTap {
  /** The tap's number in its store: what is on the server is told by it from that of other times; null: any. */
  readonly id: number | null;
  readonly nonce: string;
  /** What `stop` restores. */
  readonly settings: ServerSettings;
  /** The last batch that was read and committed; 0 before the first. */
  readonly readUpTo: number;
  /** Connections of before: they are nobody's session, and their rows are left out. */
  readonly own: readonly OwnConnection[];
  readonly known: KnownChanges;
}

/** What a store knows that a recorder of its own has on a server, where what it wrote there is lost. */
export interface KnownChanges {
  /** The start of the server in which a warm-up was switched on; null for none. */
  readonly warmSince: number | null;
  /** Whether the server was changed to tell which sessions can be ended. */
  readonly changedForRecycling: boolean;
  /** Whether sessions are being ended. */
  readonly isRecycling: boolean;
}

export interface StartOptions {
  /** The start of the server since which recording was proven to be on; null: not proven. */
  readonly provenSince: number | null;
  /** As `setUnattendedLimit`, done before recording is switched on; null: it stays as it is. */
  readonly unattendedMs: number | null;
}

export interface Started {
  /** For the user, one sentence each. */
  readonly warnings: readonly string[];
  /** null where recording was on already: everything since it was read last is in its batches. */
  readonly fresh: FreshStart | null;
}

/** Recording was switched on just now, or again. */
export interface FreshStart {
  /** The first batch that was filled since. */
  readonly since: number;
  /** The sessions that were there. */
  readonly sessions: readonly SessionState[];
  /** As `setUnattendedLimit` returns; null also when it was not asked to. */
  readonly unattendedObstacle: string | null;
}

export interface SourceState {
  /** Batches that were ended and are still there, ascending. */
  readonly unread: readonly number[];
  /** Whether one is being filled. */
  readonly isFilling: boolean;
}

/** A session as the reader knows it. */
export interface SessionState {
  readonly session: number;
  readonly user: string | null;
  readonly host: string | null;
  readonly db: string | null;
  /** What the reader has to remember of it besides; null for nothing. */
  readonly memory: SourceMemory | null;
}

/** A transaction that was open when the server was asked. */
export interface OpenTransaction {
  readonly session: number;
  /** ISO-8601 UTC, or null where the server does not say. */
  readonly since: string | null;
}

/**
 * What came of `cut`:
 * - `cut`: the batch was ended where it was asked for;
 * - `ended_by_others`: somebody else had ended it: read and release it, then cut again;
 * - `stopped`: nothing was ended, for the server's sake recording is off now (see
 *   `OpenSource.stopped`): asked again, it ends what there is.
 */
export type CutResult =
  | ({ readonly is: 'cut' } & Cut)
  | { readonly is: 'ended_by_others'; readonly batch: number }
  | { readonly is: 'stopped' };

export interface Cut {
  /** The batch that was ended; the one that follows it is being filled. */
  readonly batch: number;
  /** Read just before the cut: every statement received until then is in this batch, or before it. */
  readonly before: ServerInstant;
  /** Read just after it: every statement received from then on is in the next one. */
  readonly after: ServerInstant;
  /** Where replicas would go on from here; null where unknown. */
  readonly replicaPosition: string | null;
  /** Who switched recording off, as was seen just after the cut; null while it is on. */
  readonly switchedOff: 'recorder' | 'unattended' | 'others' | null;
  /** null where nobody asked. */
  readonly edge: CutEdge | null;
}

/** What a server was at where a window opens or closes. */
export interface CutEdge {
  readonly counters: EdgeReadings;
  /** Why counters could not be read. */
  readonly failures: readonly string[];
  readonly sessions: readonly SessionState[];
  readonly transactions: readonly OpenTransaction[];
}

export interface ReadOptions {
  readonly skip: number;
  /** Everything the server received until then is in earlier batches; null where unknown. */
  readonly since: ServerInstant | null;
  /**
   * Takes the texts that are too long for the memory, one by one; without it only the beginning of such
   * a text is read, flagged `partial`.
   */
  readonly spool?: TextSpool | null;
  /** Connections of ours, whose rows are left out. Those opened here are known. */
  readonly own?: readonly OwnConnection[];
}

/** A part of a batch. */
export interface BatchPart {
  /** Rows passed since the part before, left-out ones too. */
  readonly rows: number;
  readonly statements: readonly LoggedStatement[];
  /** What happened directly behind these statements; null nearly always. */
  readonly interruption: LogInterruption | null;
}

/** What happened at one place among the statements. */
export interface LogInterruption {
  /** Why statements may be missing there; null when none are, and `reason` is only worth knowing. */
  readonly cause: GapCause | null;
  /** The last instant until which all is well, and the first from which on it is; null where unknown. */
  readonly from: ServerInstant | null;
  readonly to: ServerInstant | null;
  /** One sentence for users. */
  readonly reason: string;
}

/** Recording was switched off for the server's sake. */
export interface SourceStop {
  /** Why, as half a sentence. */
  readonly why: string;
  /** Until then nothing is missing for that reason; null where unknown. */
  readonly from: ServerInstant | null;
}
