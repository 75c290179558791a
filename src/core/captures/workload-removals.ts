import type { Store } from '../store.ts';

/**
 * What becomes of the workloads of deleted captures. The note is written in the transaction that deletes
 * the capture, then the files go, then the note: any process that finds a note finishes that deletion.
 */
export interface RemovalTable {
  /** Notes that the workload of a capture is to be removed. */
  insert(captureId: number): void;
  /** Notes that it stays, although its capture is deleted. */
  keep(captureId: number): void;
  /** Captures whose workloads are still to be removed. */
  list(): number[];
  listKept(): number[];
  /** Forgets a note once the files are gone. */
  delete(captureId: number): void;
}

/** Removes the files of one workload, or does nothing when they are gone. */
type RemoveWorkload = (captureId: number) => Promise<void>;

export interface RemovalOptions {
  readonly commit?: Store['transaction'];
  readonly asked?: number;
}

/**
 * Finishes every deletion that is noted, also those that a crash interrupted.
 * @param options.commit runs its work in one transaction; the daemon's proves its lease as well.
 * @param options.asked the only capture whose failure is thrown; absent: any.
 * @returns how many are noted.
 * @throws AppError `store_unusable` for the first that cannot be removed, once the others are.
 */
export async function finishRemovals(
  store: Store,
  removeWorkload: RemoveWorkload,
  options: RemovalOptions = {},
): Promise<number> {
  const { asked } = options;
  const commit: Store['transaction'] = options.commit ?? ((work) => store.transaction(work));
  const failures: unknown[] = [];
  const noted = store.removals.list();
  for (const captureId of noted) {
    try {
      await removeWorkload(captureId);
    } catch (error) {
      if (asked === undefined || asked === captureId) failures.push(error);
      continue;
    }
    commit(() => store.removals.delete(captureId));
  }
  if (failures.length > 0) throw failures[0];
  return noted.length;
}
