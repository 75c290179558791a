import type { Failure } from '../errors.ts';
import type { ServerIdentity, ServerInstant, ServerSettings } from '../source.ts';
import type { ServerSession } from '../warm-ups/source-sessions.ts';

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
  /** What the server was set to; null where nothing says so any more. */
  readonly settings: ServerSettings | null;
  /** What restoring it would set: where nothing says what it was, what it is now, with recording off. */
  readonly restoresTo: ServerSettings;
  /** What is to be said of that, one sentence; null where `settings` say what it was. */
  readonly lostSettings: string | null;
  /** Names of the tables in the recorder's schema. */
  readonly tables: readonly string[];
  /** Rows in its log tables, at most so many of them unrecorded; null where they cannot be counted. */
  readonly statements: number | null;
  /** The batch that is being filled. */
  readonly batch: number;
}

/** Something about a server that keeps it from being recorded. */
export interface Obstacle {
  /** One sentence, without a full stop. */
  readonly what: string;
  /** What to do about it; null where nothing helps. */
  readonly hint: Failure['hint'];
}

/** Whether executes of prepared statements would be logged with their values. */
export interface ValuesOutlook {
  /** `always`: whenever it was prepared; `when_prepared`: where a log was on when it was prepared. */
  readonly logged: 'always' | 'when_prepared';
  /** The log that covers the sessions that come from now on; null where none does, or none needs to. */
  readonly coveredBy: 'general_log' | 'slow_log' | null;
  /** The same of the owner's own logs, without what a recorder has on. */
  readonly ownersLog: 'general_log' | 'slow_log' | null;
  /** Whether its configuration has that log on, so that it has been since the server started. */
  readonly sinceStart: boolean;
  readonly serverStart: number;
  /** How long the server has been up, in seconds: no session is older. */
  readonly uptime: number;
  /** Prepared statements that exist now; null where the server does not say. */
  readonly prepared: number | null;
  /** Clients' sessions without ours; only those of our account where it may not see others. */
  readonly sessions: readonly ServerSession[];
  readonly slowLog: WarmUpLog;
  /** Why no warm-up is possible there, a sentence; null where one is, or none is needed. */
  readonly warmUpObstacle: string | null;
}

/** What the log of slow statements would write while a warm-up has it on. */
export interface WarmUpLog {
  /** Statements that take longer, in seconds. */
  readonly longerThan: number;
  /** Whether also statements that use no index. */
  readonly withoutIndex: boolean;
  /** Where it goes, as the owner has set it: `FILE`, `TABLE`, both or `NONE`. */
  readonly output: string;
  readonly file: string;
}

/** What `env check` reports and `create` looks at before it stores anything. Nothing is changed. */
export interface ServerInspection {
  readonly server: ServerIdentity;
  /** See `placeOf`. */
  readonly place: string;
  /** `user@host` as the server sees us. */
  readonly account: string;
  readonly settings: ServerSettings;
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
  /** That the schema of that name is not ours to use; null where it is. */
  readonly schemaConflict: Obstacle | null;
  /** Who switches recording on: the recorder, or, where the server lets nobody set it, its owner. */
  readonly logSwitch: 'recorder' | 'owner';
  /** That its owner has to switch the log on first, a sentence; null where nothing is to be done. */
  readonly logOff: string | null;
  /**
   * The engine that the recorder's log table would be of now, and why, as half a sentence; null where
   * the recorder makes none, or the server allows none.
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
  /** Why sessions cannot be ended there, a sentence; null where they can. */
  readonly recyclingObstacle: string | null;
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

/** What a server was asked to do while it was looked at, without what the look itself sent. */
export interface ServerLoad {
  readonly seconds: number;
  /** Statements received, by the server's own counter. */
  readonly statements: number;
  /**
   * Rows that they would have been in the log, with logins, prepares and closes; more where a server
   * logs several statements in one text as one row.
   */
  readonly rows: number;
  /** How many of the statements executed what was prepared before. */
  readonly executes: number;
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
  /** The server and its machine, for example its release `with 2 cores`. */
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
  readonly settingsWhileRecording: ServerSettings;
  /** SQL to restore the server by hand: in this order, in one session. */
  readonly undo: readonly string[];
  /** What comes before it where there was a warm-up, and where sessions were ended. */
  readonly undoWarmUp: readonly string[];
  readonly undoRecycling: readonly string[];
}
