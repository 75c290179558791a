import { STATEMENT_CLASSES } from '../captures/recording-options.ts';
import type { Progress } from '../progress.ts';
import type { StatementFlag } from '../workloads/statements.ts';
import type { ExpectedSegment, ReadablePosition } from '../workloads/workload.ts';

/**
 * The time axis of a tally: slices of equal width that begin at multiples of it, so that two axes can be
 * brought to one by adding neighbours up.
 */
export interface SliceAxis {
  /** Milliseconds since the epoch at which the first slice begins. */
  readonly from: number;
  /** Milliseconds: 16 times a power of two, the least with which the axis has at most `MOST_SLICES`. */
  readonly width: number;
  readonly count: number;
}

export const NARROWEST_SLICE_MS = 16;
export const MOST_SLICES = 256;

/**
 * What statements do, as reports tell them apart: BEGIN, COMMIT and their like, and what sets up a session, by
 * themselves, where a filter keeps the former with the writes and the latter with everything.
 */
export const DIGEST_CLASSES = [...STATEMENT_CLASSES, 'transactions', 'settings'] as const;
export type DigestClass = (typeof DIGEST_CLASSES)[number];

/** Statements that have something in common. */
interface Counted {
  readonly count: number;
  /** Of its first and last statement in row order: ISO-8601 UTC with microseconds. */
  readonly first: string;
  readonly last: string;
  /** Statements in each slice of the tally's axis. */
  readonly slices: ArrayLike<number>;
}

/** A table by its name as statements write it, with the database where they name or have one. */
export interface UsedTable {
  readonly name: string;
  readonly access: 'read' | 'write';
}

export interface CountedAccount {
  readonly user: string | null;
  readonly host: string | null;
  readonly count: number;
}

/** One statement of many that differ in values alone, as it was recorded. */
export interface Example {
  readonly seq: number;
  readonly time: string;
  readonly session: number;
  readonly user: string | null;
  /** At most `LONGEST_EXAMPLE` characters of it. */
  readonly sql: string;
  readonly isCut: boolean;
  readonly flags: readonly StatementFlag[];
}

export const LONGEST_EXAMPLE = 4_096;

/** The statements of one digest with one default database. */
export interface DigestTally extends Counted {
  /** 16 hex digits. */
  readonly digest: string;
  readonly text: string;
  readonly db: string | null;
  /** null: administration, which is of none. */
  readonly class: DigestClass | null;
  readonly tables: readonly UsedTable[];
  /** The accounts that sent it, most first: `MOST_ACCOUNTS` at most. */
  readonly accounts: readonly CountedAccount[];
  /** Statements of further accounts. */
  readonly otherAccounts: number;
  /** One with its values where there is one. */
  readonly example: Example;
  /** Executes whose values are not known. */
  readonly withoutValues: number;
  /** Executes of prepared statements, also by `EXECUTE`. */
  readonly prepared: number;
}

export const MOST_ACCOUNTS = 16;

export interface AccountTally extends Counted {
  readonly user: string | null;
  readonly host: string | null;
  /** Sessions that logged in and that ended in what was counted. */
  readonly opened: number;
  readonly closed: number;
}

export interface SessionTally extends Counted {
  readonly session: number;
  /** As of its last statement. */
  readonly user: string | null;
  readonly host: string | null;
  readonly db: string | null;
  /** When it logged in and when it ended; null where that is not in what was counted. */
  readonly opened: string | null;
  readonly closed: string | null;
}

/** What did not fit: a tally holds so many of a kind at most, the first that came. */
export interface Rest {
  /** Statements of those that are not listed one by one. */
  readonly statements: number;
  /** Of them in each slice of the tally's axis. */
  readonly slices: ArrayLike<number>;
}

/** Statements of what is not listed that have a name in common. */
export interface UnlistedTally<Name = string | null> extends Counted {
  readonly name: Name;
  /** Executes whose values are not known; 0 where that is not counted: of accounts. */
  readonly withoutValues: number;
}

/** Statements of what is not listed by one dimension: with those of what is, all statements of a name. */
export interface UnlistedTallies<Name = string | null> {
  readonly byName: readonly UnlistedTally<Name>[];
  /** Of further names: `MOST_UNLISTED_NAMES` are told apart. */
  readonly other: Rest;
}

export const MOST_DIGESTS = 20_000;
/** Databases of digests that are not listed, and users and hosts of accounts that are not. */
export const MOST_UNLISTED_NAMES = 5_000;
export const MOST_ACCOUNT_TALLIES = 10_000;
export const MOST_SESSIONS = 20_000;

/**
 * What the statements of a workload, or of a part of it, come to: everything that reports and comparisons
 * are made of. A statement is a query or an execute that is no echo.
 */
export interface Tally {
  readonly axis: SliceAxis;
  /** All statements in each slice. */
  readonly slices: ArrayLike<number>;
  readonly statements: number;
  readonly records: number;
  /** Of the first and the last record in row order; null where there is none. */
  readonly first: string | null;
  readonly last: string | null;
  readonly byFlag: Readonly<Record<StatementFlag, number>>;
  readonly executes: { readonly withValues: number; readonly withoutValues: number };
  readonly digests: readonly DigestTally[];
  readonly otherDigests: Pick<Rest, 'statements'> & {
    readonly databases: UnlistedTallies;
    readonly classes: UnlistedTallies<DigestClass | null>;
  };
  readonly accounts: readonly AccountTally[];
  readonly otherAccounts: Pick<Rest, 'statements'> & {
    readonly users: UnlistedTallies;
    readonly hosts: UnlistedTallies;
  };
  readonly sessions: readonly SessionTally[];
  readonly otherSessions: Rest;
  readonly opened: number;
  readonly closed: number;
}

/** A part of a workload that could not be read, or is not what was recorded. */
export interface TallyDamage {
  readonly segment: number;
  /** One sentence, which names the file. */
  readonly what: string;
}

/** A tally, and how much of the workload it is of. */
export interface CountedWorkload {
  readonly tally: Tally;
  /** Records that were committed, and those that could be read: the same unless files are damaged. */
  readonly records: { readonly committed: number; readonly read: number };
  readonly damage: readonly TallyDamage[];
}

/** How far counting has come. */
export interface TallyProgress {
  readonly type: 'counted';
  /** Bytes of segment files, those of segments whose summary was used among them. */
  readonly bytes: number;
  readonly of: number;
}

export interface TallyRequest {
  /** How far the workload is read; null for nothing. */
  readonly until: ReadablePosition | null;
  /** What its segments have to be; none where that is not known. */
  readonly expected: readonly ExpectedSegment[];
  /** Records that were committed. */
  readonly records: number;
  /** Statements from this instant on and before that one, in milliseconds; null for no bound. */
  readonly since: number | null;
  readonly before: number | null;
}

/** Counts one workload; what it has counted it keeps, so that counting again costs what is new. */
export interface TallyCounter {
  /** @throws AppError `store_unusable` only when nothing can be read for want of a disk: damage is a result. */
  count(request: TallyRequest): Progress<TallyProgress, CountedWorkload>;
  /** Ends what works for it. */
  close(): Promise<void>;
}
