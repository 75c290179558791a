import type { RecordingOptions } from '../captures/recording-options.ts';
import type { CaptureStatus } from '../captures/capture.ts';
import type { VerificationResult } from '../verification/verification.ts';
import type { Gap } from '../workloads/gaps.ts';
import type { StatementFlag } from '../workloads/statements.ts';
import type { DigestClass, Example, SliceAxis } from './tally.ts';

/** What the statements of a report are put together by. */
export const DIMENSIONS = ['digest', 'table', 'user', 'host', 'db', 'class', 'session'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/**
 * What rows are ordered by; all but `name` and `first` from the largest down. `rate` is that of the last
 * interval of a report that is watched, and the same as `count` in any other.
 */
export const SORT_KEYS = [
  'count',
  'rate',
  'time',
  'average',
  'examined',
  'sent',
  'errors',
  'first',
  'last',
  'name',
] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface ReportRequest {
  readonly by: Dimension;
  /** null: by time where it is known for most of the statements, else by count. */
  readonly sort: SortKey | null;
  /** null for all. */
  readonly limit: number | null;
  /** Statements from this instant on, and before that one, by the server's clock; null for no bound. */
  readonly since: number | null;
  readonly until: number | null;
  /** Rows of one digest alone, by the beginning of its id; null for all. */
  readonly digest: string | null;
}

/** How often something is in the statements of a row. */
export interface NamedCount {
  /** null where it is unknown, or none. */
  readonly name: string | null;
  readonly count: number;
}

/** A table in the statements of a row. */
export interface TableCount extends NamedCount {
  readonly reads: number;
  readonly writes: number;
}

/** What a server measured of the statements of a row. */
export interface ReportTimes {
  /** Executions that the server counted. */
  readonly count: number;
  readonly totalMs: number;
  readonly averageMs: number;
  readonly rowsSent: number;
  readonly rowsExamined: number;
  readonly errors: number;
  /** How many digests of the report the server counts as one: the numbers are of all of them. */
  readonly sharedBy: number;
}

/** Statements that have something in common. What a dimension does not have is null or empty. */
export interface ReportRow {
  /** What they have in common: the digest's id, or the table, user, host, database, class or session. */
  readonly name: string | null;
  readonly digest: string | null;
  readonly text: string | null;
  readonly db: string | null;
  readonly class: DigestClass | null;
  readonly count: number;
  /** Of all statements of the report, from 0 to 1. */
  readonly share: number;
  readonly perSecond: number;
  /** ISO-8601 UTC with microseconds. */
  readonly first: string;
  readonly last: string;
  /** Most first, at most 16 of each; of the digests that are told apart. */
  readonly users: readonly NamedCount[];
  readonly hosts: readonly NamedCount[];
  readonly tables: readonly TableCount[];
  /** Digests in the row that are told apart; null where that is not counted: of sessions. */
  readonly digests: number | null;
  /** null where none is kept: of sessions, and of users and hosts that are not the first to send anything. */
  readonly example: Example | null;
  /** Executes whose values are not known; null where that is not counted: of users, hosts and sessions. */
  readonly withoutValues: number | null;
  /** null where the server did not say. */
  readonly times: ReportTimes | null;
  /** Statements in each slice of the report's axis. */
  readonly slices: readonly number[];
  /** Of a session: when it logged in and ended; null where that is not in the window, and of other rows. */
  readonly opened: string | null;
  readonly closed: string | null;
}

/** Why there are no times, or not for all of the window. */
export type TimesAbsence =
  | 'off'
  | 'not_permitted'
  | 'not_supported'
  | 'failed'
  | 'not_recorded'
  | 'restarted'
  | 'truncated'
  | 'full';

/** What the numbers of a report cover. */
export interface Coverage {
  /** Records that were committed, and those of them that could be read. */
  readonly records: { readonly committed: number; readonly read: number };
  /** Executes whose values are known ÷ executes; null where there are none. */
  readonly values: number | null;
  /** Executions with a time ÷ statements, from 0 to 1; null where there is no time. */
  readonly times: number | null;
  /** Time of those executions in all, in milliseconds; null where there is no time. */
  readonly timesMs: number | null;
  readonly timesAbsence: readonly {
    /**
     * `not_counted`: its counts were read, and there are fewer executions in them; `between_readings`: a part
     * of the capture begins or ends between two readings of them.
     */
    readonly why: TimesAbsence | 'not_counted' | 'between_readings';
    /** ISO-8601; null for the whole window. */
    readonly from: string | null;
    readonly to: string | null;
  }[];
  /** Executes of prepared statements, where the server measures none of them; else 0. */
  readonly unmeasured: number;
  /** Filters that the capture was made with: statements were left out as asked for. */
  readonly isFiltered: boolean;
  readonly filters: Pick<
    RecordingOptions,
    | 'includeUsers'
    | 'excludeUsers'
    | 'includeDatabases'
    | 'excludeDatabases'
    | 'includeHosts'
    | 'only'
  >;
  /** N of `1/N`; null for every session. */
  readonly sample: number | null;
  /** Statements whose literals are pseudonyms. */
  readonly isRedacted: boolean;
  /** Rows of the server's log that were left out. */
  readonly leftOut: number;
  /**
   * Statements of digests, databases, users, hosts and sessions that are not told apart, because there are too
   * many of them: 0 where each is. The others came first.
   */
  readonly unlisted: {
    readonly digests: number;
    readonly databases: number;
    readonly users: number;
    readonly hosts: number;
    readonly sessions: number;
  };
}

/** Of `Report`: a file of an older one is read as far as it says the same. */
export const REPORT_VERSION = 2;

/** What a workload was, by one dimension; plain data. */
export interface Report {
  readonly format: 'captures-report';
  readonly formatVersion: typeof REPORT_VERSION;
  readonly program: { readonly name: string; readonly version: string };
  readonly capture: {
    readonly id: number;
    readonly name: string;
    readonly environment: string;
    readonly status: CaptureStatus;
    readonly server: { readonly flavor: string; readonly version: string } | null;
  };
  readonly window: {
    /** ISO-8601 UTC with microseconds, by the server's clock; null where nothing was recorded. */
    readonly from: string | null;
    readonly to: string | null;
    readonly seconds: number;
    /** Whether it goes on. */
    readonly isOpen: boolean;
  };
  readonly verdict: Pick<VerificationResult, 'verdict' | 'whole' | 'line' | 'problems' | 'notes'>;
  /** When statements may be missing, in order; `from` and `to` as in the workload's manifest. */
  readonly gaps: readonly Gap[];
  readonly statements: number;
  readonly perSecond: number;
  /** Those that are told apart: more where `coverage.unlisted.digests` is not 0. */
  readonly digests: number;
  readonly coverage: Coverage;
  /** `seen` are those that are told apart, the other two are of all. */
  readonly sessions: { readonly seen: number; readonly opened: number; readonly closed: number };
  readonly byClass: readonly NamedCount[];
  readonly byFlag: Readonly<Record<StatementFlag, number>>;
  /** Of all statements, whatever the rows are of; most first, at most 16 of each. */
  readonly users: readonly NamedCount[];
  readonly hosts: readonly NamedCount[];
  readonly dbs: readonly NamedCount[];
  /** Of the digests that are told apart. */
  readonly tables: readonly TableCount[];
  readonly axis: SliceAxis;
  /** All statements in each slice. */
  readonly slices: readonly number[];
  readonly by: Dimension;
  readonly sort: SortKey;
  readonly rows: readonly ReportRow[];
  /** Rows that are not listed: `limit` was reached. */
  readonly otherRows: { readonly rows: number; readonly statements: number };
  /**
   * Statements that no row can be made of: there are too many different ones; by table
   * those whose tables are not known. null where there is none.
   */
  readonly unlisted: UnlistedRow | null;
}

type UnlistedRow = Pick<ReportRow, 'count' | 'share' | 'perSecond' | 'slices'>;

/**
 * A report whose rows are made when they are gone through, each time anew: those of 20,000 digests take 60 MB
 * all at once.
 */
export interface ReportInRows extends Omit<Report, 'rows'> {
  readonly rows: Iterable<ReportRow>;
}

/** The report of a capture that may go on, as of now. */
export interface LiveReport {
  readonly type: 'reported';
  readonly report: Report;
  /** What came in the last few seconds; null where nothing was seen before. */
  readonly interval: {
    readonly seconds: number;
    readonly perSecond: number;
    /** Statements/s of each row of the report, in its order. */
    readonly rows: readonly number[];
  } | null;
}
