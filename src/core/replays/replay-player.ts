import type { Progress } from '../progress.ts';
import type { StatementRecord } from '../workloads/statements.ts';
import type { RecordingFacts } from '../workloads/workload.ts';
import type { ReplayTarget, TargetProgram } from './target.ts';
import type { ReplayEvent, ReplayOptions, ReplayPlan, ReplayResult } from './replay.ts';

/** The record that is replayed. */
export interface ReplayedRecord {
  readonly captureId: number;
  /** All that is committed of it, from the first; called as often as it is read. */
  readonly read: () => AsyncIterable<readonly StatementRecord[]>;
  readonly records: number;
  /** null where it is not known any more. */
  readonly facts: RecordingFacts | null;
}

/** Plays records. */
export interface ReplayPlayer {
  /**
   * Reads the whole record, and says what would be sent; sends nothing.
   * @param programs of the target: what runs one that does what is never sent is not sent.
   * @throws AppError `store_unusable` for a record that cannot be read.
   */
  plan(
    record: ReplayedRecord,
    options: ReplayOptions,
    programs: readonly TargetProgram[],
    signal: AbortSignal,
  ): Progress<ReplayEvent, ReplayPlan>;
  /**
   * Sends a record to a target. Ends in any case: waits are bounded, and what the target does not answer is
   * counted.
   * @param signal aborted, it ends within a second: what is under way is broken off, what is left is `interrupted`.
   */
  play(
    record: ReplayedRecord,
    options: ReplayOptions,
    plan: ReplayPlan,
    target: ReplayTarget,
    signal: AbortSignal,
  ): Progress<ReplayEvent, ReplayResult>;
}
