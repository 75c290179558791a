import type { ReplayReport } from '../replays/replay-report.ts';
import type { ReplayResult, ReplayRow, SkipReason } from '../replays/replay.ts';
import type { CommonChange } from './report-comparison.ts';

/** What a comparison of two replays can be asked for. */
export const REPLAY_CHANGES = ['slower', 'faster', 'errors', 'rows', 'checksums'] as const;
export type ReplayChange = (typeof REPLAY_CHANGES)[number];

/** A replay without its rows. */
export interface ReplayHead extends Omit<ReplayReport, 'result'> {
  readonly result: Omit<ReplayResult, 'rows' | 'checksums'>;
}

/** The statements that a compared row is of. */
export interface ReplayedDigest extends Pick<ReplayRow, 'digest' | 'text' | 'db' | 'class'> {
  /** null where the other replay has no such row. */
  readonly a: ReplayRow | null;
  readonly b: ReplayRow | null;
}

/** A digest that both replays have answers of. */
export interface ComparedLatency extends ReplayedDigest {
  /** Average of B ÷ that of A, as measured. */
  readonly change: number;
  /**
   * What was judged: B ÷ A of a usual part of the record, beside what all digests have in common where they have
   * something.
   */
  readonly judged: number;
  /** Where B ÷ A of a usual part of the record is in 95 of 100 such pairs. */
  readonly interval: readonly [number, number];
  /** It changed as the others did, by `common`. */
  readonly together: boolean;
}

/** An error that one replay has of a digest and the other has not, or has much less often. */
export interface ComparedError extends ReplayedDigest {
  /** By the server. */
  readonly code: string;
  /** What a server said of it the first time it came with any statement; null where unknown. */
  readonly message: string | null;
  readonly failedInA: number;
  readonly failedInB: number;
  /** It depends on what else went on at that moment: the next replay of the same server may not have it. */
  readonly mayBeChance: boolean;
}

/** A digest that was done as often by both, and came to other rows. */
export interface ComparedRows extends ReplayedDigest {
  readonly returned: { readonly a: number; readonly b: number };
  readonly changed: { readonly a: number; readonly b: number };
  /** Sessions that write go in another order in each replay, and the difference is small. */
  readonly mayBeChance: boolean;
}

/** A digest that was sent in one replay alone. */
export interface OneSidedDigest extends ReplayedDigest {
  /** Records that the one had answers of. */
  readonly statements: number;
  /** Why the other did not send them: its commonest reason; null where its row is missing. */
  readonly why: SkipReason | null;
}

export interface ChecksumComparison {
  /** Tables that both replays summed up. */
  readonly tables: number;
  /** Those of them with another sum. */
  readonly other: readonly {
    readonly table: string;
    readonly a: string | null;
    readonly b: string | null;
  }[];
  /** Why sums say nothing; null where they do. */
  readonly incomparable: string | null;
}

/** How two replays are compared. */
export interface ReplayComparisonRequest {
  /** The least change of a latency that counts: 0.2 for a fifth more on one side than on the other. */
  readonly threshold: number;
  /** Numbers of errors that depend on what else goes on: locks, limits of time. */
  readonly chanceErrors: ReadonlySet<string>;
}

/** What is different in replay B from replay A of the same record; plain data. */
export interface ReplayComparison {
  readonly format: 'captures-replay-diff';
  readonly formatVersion: 1;
  readonly program: { readonly name: string; readonly version: string };
  readonly a: ReplayHead;
  readonly b: ReplayHead;
  readonly threshold: number;
  /**
   * Why they cannot be compared as wholes: one was not replayed to its end, or lost sessions, or both had another part
   * of the record to do. Sentences without a full stop, also among `cautions`; empty where they can. What was found is
   * true then as well, and what was not found says nothing.
   */
  readonly incomparable: readonly string[];
  /** Whether both servers had the same to do at the same pace; where not, latencies are of different loads. */
  readonly sameLoad: boolean;
  /** Time of all answers of digests that can be compared: B ÷ A; null where there are none. */
  readonly change: number | null;
  /** null where no digest could be judged. */
  readonly common: CommonChange | null;
  readonly slower: readonly ComparedLatency[];
  readonly faster: readonly ComparedLatency[];
  readonly newErrors: readonly ComparedError[];
  readonly goneErrors: readonly ComparedError[];
  /** Errors of digests that one replay alone tried. */
  readonly errorsOnlyInA: readonly ComparedError[];
  readonly errorsOnlyInB: readonly ComparedError[];
  readonly otherRows: readonly ComparedRows[];
  readonly onlyInA: readonly OneSidedDigest[];
  readonly onlyInB: readonly OneSidedDigest[];
  readonly checksums: ChecksumComparison;
  /** Digests with answers on both sides whose latency cannot be judged, and their answers in B. */
  readonly unjudged: { readonly rows: number; readonly statements: number };
  readonly unchanged: number;
  readonly unchangedRows: readonly ComparedLatency[];
  readonly cautions: readonly string[];
}
