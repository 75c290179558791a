import type { RecordingOptions } from '../captures/recording-options.ts';
import type { OpenTransaction, ServerIdentity, ServerSettings, SessionState } from '../source.ts';
import type { Recycled } from '../warm-ups/source-sessions.ts';
import type { CountedRows, EdgeReadings } from '../verification/server-counters.ts';
import type { ValueCounts } from '../verification/value-counts.ts';
import type { Gap } from './gaps.ts';
import type { StatementFlag, StatementKind } from './statements.ts';
import type { ImportOrigin } from './transfer.ts';

/** How far a workload may be read: everything before `offset` of this segment, and earlier segments. */
export interface ReadablePosition {
  readonly segment: number;
  /** Bytes of the segment file. */
  readonly offset: number;
}

/**
 * How far a workload is written: what the daemon commits, together with the tap's cursor, in one
 * store transaction. Plain JSON. All but the totals is about the segment it names.
 */
export interface WorkloadPosition {
  readonly segment: number;
  /** Bytes of the segment file. */
  readonly offset: number;
  /** Bytes of NDJSON in the segment. */
  readonly text: number;
  readonly records: number;
  readonly firstTime: string | null;
  readonly lastTime: string | null;
  /** SHA-256, in hex, of the segment file up to `offset`. */
  readonly sha256: string;
  /** Over all segments; also the last `seq` written. */
  readonly totalRecords: number;
  readonly totalText: number;
  readonly totalBytes: number;
}

/** What the manifest says of one segment file. */
export interface SegmentFacts {
  /** From 1. */
  readonly segment: number;
  readonly file: string;
  readonly records: number;
  /** Bytes of NDJSON in it. */
  readonly text: number;
  /** Bytes of the file. */
  readonly bytes: number;
  /** Times of its first and its last record (row order, not the earliest and latest). */
  readonly firstTime: string | null;
  readonly lastTime: string | null;
  /** Of the file, in hex. */
  readonly sha256: string;
}

interface LeftOut {
  /** Rows that are a statement to run, as in `statements`. */
  readonly statements: number;
  /** Distinct sessions that a sample left out. */
  readonly sessions: number;
}

/** What a manifest says about a workload in numbers. */
export interface WorkloadCounts {
  readonly records: number;
  /** Records that are a statement to run: queries and executes that are no echo. */
  readonly statements: number;
  readonly byKind: Record<StatementKind, number>;
  readonly byFlag: Record<StatementFlag, number>;
  /** Distinct sessions with at least one record (see `WorkloadCounters` for the limit). */
  readonly sessions: number;
  /** Rows of the server's log that are no record of this capture, by reason. */
  readonly skipped: Record<string, number>;
  /** More about the rows in `skipped`. Absent where an older version counted. */
  readonly leftOut?: LeftOut;
  /** Executes with and without values. Absent where an older version counted some of them. */
  readonly values?: ValueCounts;
}

/** `WorkloadCounters` as plain JSON: committed together with the position. */
export interface CountersState extends WorkloadCounts {
  /** Sessions seen that have not quit. */
  readonly openSessions: readonly number[];
  /** The same of the sessions that a sample left out. */
  readonly openSessionsLeftOut?: readonly number[];
}

/** An end of the window: the server's clock and log position there. */
interface WindowEdge {
  /** ISO-8601 UTC with microseconds, by the server's clock. */
  readonly time: string;
  /** The first batch of a window that opens, the last one of one that closes. */
  readonly generation: number;
  readonly gtid: string | null;
  /** The server's counters there; absent where an older version wrote it. */
  readonly counters?: EdgeReadings;
}

export type ManifestSession = Omit<SessionState, 'memory'>;

/** What a recording knows besides its statements; kept in the store as JSON, and in the manifest. */
export interface RecordingFacts {
  readonly server: Pick<ServerIdentity, 'flavor' | 'version' | 'uuid' | 'hostname' | 'port'>;
  readonly settingsBefore: ServerSettings;
  readonly start: WindowEdge | null;
  readonly end: WindowEdge | null;
  readonly sessionsAtStart: readonly ManifestSession[];
  readonly sessionsAtEnd: readonly ManifestSession[] | null;
  readonly transactionsAtStart: readonly OpenTransaction[];
  readonly transactionsAtEnd: readonly OpenTransaction[] | null;
  readonly gaps: readonly Gap[];
  readonly warnings: readonly string[];
  /** Why it ended, when nobody stopped it. */
  readonly endReason: string | null;
  /** Why the server would not have switched its log off by itself; null or absent where it would. */
  readonly deadManObstacle?: string | null;
  /** Absent where no session is to be ended. */
  readonly recycled?: Recycled;
  /** Absent where it was recorded by this store. */
  readonly imported?: ImportOrigin;
}

/** Facts of a recording whose window has not opened. */
export const NO_WINDOW = {
  start: null,
  end: null,
  sessionsAtStart: [],
  sessionsAtEnd: null,
  transactionsAtStart: [],
  transactionsAtEnd: null,
} as const satisfies Partial<RecordingFacts>;

/** What lies beside the segments and says what they are. */
export interface Manifest {
  readonly format: 'captures-workload';
  readonly formatVersion: number;
  readonly program: { readonly name: string; readonly version: string };
  /** False until the capture is over and everything of its window is in the segments. */
  readonly complete: boolean;
  readonly capture: { readonly id: number; readonly name: string };
  readonly environment: { readonly id: number; readonly name: string };
  /** What was to be recorded; absent where an older version wrote it, which recorded everything. */
  readonly options?: RecordingOptions;
  readonly server: Pick<ServerIdentity, 'flavor' | 'version' | 'uuid' | 'hostname' | 'port'>;
  /** What the server's log was set to before the tap. */
  readonly settingsBefore: ServerSettings;
  /** null until it began. */
  readonly start: WindowEdge | null;
  /** null until it ended. */
  readonly end: WindowEdge | null;
  readonly sessionsAtStart: readonly ManifestSession[];
  /** null until it ended. */
  readonly sessionsAtEnd: readonly ManifestSession[] | null;
  readonly transactionsAtStart: readonly OpenTransaction[];
  readonly transactionsAtEnd: readonly OpenTransaction[] | null;
  readonly segments: readonly SegmentFacts[];
  readonly counters: WorkloadCounts;
  /**
   * What was in the log, recorded or left out, as the server's own counters see it; null or absent
   * where an older version recorded some of it.
   */
  readonly heard?: CountedRows | null;
  readonly gaps: readonly Gap[];
  readonly warnings: readonly string[];
  /** Sessions that were ended at the start, so that they prepare again; absent where that was not asked for. */
  readonly recycled?: Recycled;
}

export interface SessionName {
  readonly session: number;
  readonly user: string | null;
  readonly host: string | null;
}

/** The records with a property, and the sessions they are of. */
export interface Affected {
  readonly records: number;
  /** At least so many, when `isAll` is false: only so many are remembered. */
  readonly sessions: number;
  readonly isAll: boolean;
  /** The first few. */
  readonly examples: readonly SessionName[];
}

/** What a segment has to be; null for what is not known of it (of a capture that goes on). */
export interface ExpectedSegment {
  readonly segment: number;
  readonly bytes: number | null;
  readonly sha256: string | null;
  readonly records: number | null;
  readonly firstTime: string | null;
  readonly lastTime: string | null;
}

/** Something that must not be: one sentence, which names the file when it is about one. */
export interface Damage {
  readonly segment: number | null;
  readonly what: string;
}

export interface VerifiedSegment {
  readonly segment: number;
  readonly file: string;
  readonly records: number;
  readonly bytes: number;
  readonly isSound: boolean;
}

/** What the files of a workload hold. */
export interface VerifiedFiles {
  readonly segments: readonly VerifiedSegment[];
  readonly damage: readonly Damage[];
  /** Counted again. */
  readonly counts: WorkloadCounts;
  readonly rows: CountedRows;
  readonly byFlag: Readonly<Partial<Record<StatementFlag, Affected>>>;
  /** Records of sessions whose user is not known. */
  readonly unknownUser: Affected;
  /** Records stamped earlier than one before them by more than `STEP_BACK_MS`. */
  readonly backwards: { readonly records: number; readonly longestMs: number };
  /** Records stamped more than `STAMP_TOLERANCE_MS` outside of the window. */
  readonly outside: number;
  readonly firstTime: string | null;
  readonly lastTime: string | null;
}

export interface VerificationOptions {
  /** The window by the server's clock: ISO-8601; null where it is open. */
  readonly from: string | null;
  readonly to: string | null;
  /** Whether more may lie behind what is expected: a capture that goes on. */
  readonly mayGoOn: boolean;
  /** Called now and then with the records read so far. */
  readonly onProgress?: (records: number) => void;
}
