import type { Progress } from '../progress.ts';
import type { DiskSpace } from '../captures/guards.ts';
import type { RemovalOptions } from '../captures/workload-removals.ts';
import type { ReplayResult } from '../replays/replay.ts';
import type { TallyCounter } from '../reports/tally.ts';
import type { WorkloadSpan } from './committed-spans.ts';
import type { StatementSearch } from './statement-search.ts';
import type { StatementRecord } from './statements.ts';
import type { ArchiveContents, RecordFormat, StagedWorkload } from './transfer.ts';
import type {
  ExpectedSegment,
  VerifiedFiles,
  Manifest,
  SegmentFacts,
  VerificationOptions,
  WorkloadPosition,
} from './workload.ts';

/** A folder of a workload whose capture is not in the store. */
export interface OrphanedWorkload {
  readonly captureId: number;
  readonly folder: string;
  readonly bytes: number;
}

/** Statements that are in a workload and will not run as SQL. */
export interface StatementsNotRun {
  readonly reason: string;
  readonly count: number;
}

/** Parts of a workload, one behind the other. */
export type Spans = Iterable<WorkloadSpan> | AsyncIterable<WorkloadSpan>;

export interface StatementQuery {
  readonly search: StatementSearch;
  /** So many at most; null for all. */
  readonly limit: number | null;
  /** Only those behind the record with this `seq`; null from the first. */
  readonly after: number | null;
}

/** A file of a workload, as it lies on the disk. */
export interface WorkloadFile {
  readonly file: string;
  readonly bytes: number;
}

/** The files of a store's workloads. What fails throws AppError `store_unusable`. */
export interface WorkloadFiles {
  folderOf(captureId: number): string;
  /** The disk they lie on; null where it does not say. */
  diskSpace(): Promise<DiskSpace | null>;
  /** The files of a workload by name; none when there is no folder. */
  list(captureId: number): Promise<WorkloadFile[]>;
  /**
   * Removes the workloads of deleted captures, also where a crash interrupted that.
   * @returns how many captures.
   */
  removeDeleted(options?: RemovalOptions): Promise<number>;
  /** Workloads that belong to no capture, by id: not those that were kept on purpose. */
  findOrphans(): Promise<OrphanedWorkload[]>;
  /** The statements of parts of a workload that a query finds, a line of JSON each, in pieces of any size. */
  read(captureId: number, spans: Spans, query: StatementQuery): AsyncIterable<Uint8Array>;
  /** The same as records, in parts of any size. */
  records(
    captureId: number,
    spans: Spans,
    query: StatementQuery,
  ): AsyncIterable<readonly StatementRecord[]>;
  /** The same as SQL for a client, comments where that cannot be; returns how many of these by why. */
  readSql(
    captureId: number,
    spans: Spans,
    query: StatementQuery,
  ): Progress<Uint8Array, readonly StatementsNotRun[]>;
  /** Counts the statements of a workload; summaries of its segments are kept beside them. */
  openTally(captureId: number): Promise<TallyCounter>;
  /** The same statements in a form of their own. */
  formatted(
    records: AsyncIterable<readonly StatementRecord[]>,
    format: RecordFormat,
    server: Pick<Manifest['server'], 'version'> | null,
  ): AsyncIterable<Uint8Array>;
  /** What the segments up to a position are, whatever lies behind it: those before the last are read. */
  describe(captureId: number, until: WorkloadPosition): Promise<readonly SegmentFacts[]>;
  /** A workload as one file. @throws AppError `store_unusable`, also where it is not what the manifest says. */
  archive(contents: ArchiveContents): AsyncIterable<Uint8Array>;
  /**
   * Takes such a file apart into a folder that no capture has yet.
   * @param look is told what it is before its segments come; what it throws ends the work.
   * @throws AppError `invalid` for what is none, or not as it was written; nothing is left then.
   */
  unpack(
    archive: AsyncIterable<Uint8Array>,
    look: (head: Pick<StagedWorkload, 'about' | 'manifest'>) => void,
  ): Promise<StagedWorkload>;
  /** The manifest in a folder. @throws AppError also `not_found`. */
  readManifest(folder: string): Promise<Manifest>;
  /** Keeps what came of a replay: a reader sees all of it or nothing, also after a power loss. */
  writeReplayResult(captureId: number, result: ReplayResult): Promise<void>;
  /** null where it left none. @throws AppError `store_unusable` also for one that is damaged, or of a newer version. */
  readReplayResult(captureId: number): Promise<ReplayResult | null>;
  /** Reads the files in a folder again, and says what is in them. */
  verify(
    folder: string,
    expected: readonly ExpectedSegment[],
    options: VerificationOptions,
  ): Promise<VerifiedFiles>;
}
