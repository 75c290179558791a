import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { finishRemovals, type RemovalOptions } from '../core/captures/workload-removals.ts';
import type { OrphanedWorkload } from '../core/workloads/workload-files.ts';
import type { Store } from '../core/store.ts';
import { diskFailure, isMissing } from './disk-errors.ts';
import { sweepStaged } from './staging-folders.ts';
import { listWorkloadFiles, removeWorkload, sweepDeleted } from './workload-folder.ts';

export function workloadsFolder(store: Pick<Store, 'directory'>): string {
  return join(store.directory, 'captures');
}

export function workloadFolder(store: Pick<Store, 'directory'>, captureId: number): string {
  return join(workloadsFolder(store), String(captureId));
}

/**
 * Removes the workloads of deleted captures, also where a crash interrupted that, and what imports left
 * that were killed. Call it after
 * `CaptureRules.delete` and `RetentionService.prune`; what is left undone, the next call or a daemon does.
 * @param options as `finishRemovals` has them.
 * @returns how many captures.
 * @throws AppError `store_unusable` when files cannot be removed; it is tried again next time.
 */
export async function removeDeletedWorkloads(
  store: Store,
  options: RemovalOptions = {},
): Promise<number> {
  const removed = await finishRemovals(
    store,
    (id) => removeWorkload(workloadFolder(store, id)),
    options,
  );
  await sweepDeleted(workloadsFolder(store));
  await sweepStaged(workloadsFolder(store));
  return removed;
}

/**
 * Workloads that belong to no capture, by id: not those that were kept on purpose when their capture was
 * deleted, and not those that are still to be removed.
 * @throws AppError `store_unusable` when the folder cannot be read.
 */
export async function findOrphanedWorkloads(store: Store): Promise<OrphanedWorkload[]> {
  const folder = workloadsFolder(store);
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw diskFailure(error, 'read', folder);
  }
  const noted = new Set([...store.removals.list(), ...store.removals.listKept()]);
  const orphans: OrphanedWorkload[] = [];
  const ids = names.filter((name) => /^[1-9]\d*$/.test(name)).map(Number);
  for (const captureId of ids.sort((one, other) => one - other)) {
    if (noted.has(captureId) || store.captures.find(captureId) !== null) continue;
    const path = workloadFolder(store, captureId);
    const files = await listWorkloadFiles(path);
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    orphans.push({ captureId, folder: path, bytes });
  }
  return orphans;
}
