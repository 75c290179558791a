import type { RemovalOptions } from '../captures/removals.ts';

/** A file of a workload, as it lies on the disk. */
export interface WorkloadFile {
  readonly file: string;
  readonly bytes: number;
}

/** The files of a store's workloads. What fails throws AppError `store_unusable`. */
export interface WorkloadFiles {
  /** The folder of a capture's workload. */
  folderOf(captureId: number): string;
  /** The files of a workload by name; none when there is no folder. */
  list(captureId: number): Promise<WorkloadFile[]>;
  /**
   * Removes the workloads of deleted captures, also where a crash interrupted that.
   * @returns how many captures.
   */
  removeDeleted(options?: RemovalOptions): Promise<number>;
}
