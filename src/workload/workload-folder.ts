import { randomUUID } from 'node:crypto';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { WorkloadFile } from '../core/workloads/workload-files.ts';
import { diskFailure, isMissing } from './disk-errors.ts';
import { namesIn, syncFolder } from './segment-files.ts';

const DELETED = '.deleted-';

/**
 * Deletes a workload so that it is there whole or not at all: it is renamed first, so that a crash in
 * the middle leaves only a folder that `sweepDeleted` clears away. A workload that is not there is
 * deleted already.
 * @throws AppError `store_unusable`.
 */
export async function removeWorkload(dir: string): Promise<void> {
  const path = resolve(dir);
  const parent = dirname(path);
  const doomed = deletedFolder(path);
  try {
    await rename(path, doomed);
  } catch (error) {
    if (isMissing(error)) return;
    throw diskFailure(error, 'delete', path);
  }
  try {
    await syncFolder(parent);
    await rm(doomed, { recursive: true, force: true });
  } catch (error) {
    throw diskFailure(error, 'delete', path);
  }
}

/** The name that a workload has until it is deleted: one of its own in the same folder. */
export function deletedFolder(path: string): string {
  return join(dirname(path), `${DELETED}${basename(path)}-${randomUUID()}`);
}

/**
 * Finishes deletions that a crash interrupted.
 * @param workloads the folder that holds the workloads; nothing happens when there is none.
 * @returns how many were cleared away.
 */
export async function sweepDeleted(workloads: string): Promise<number> {
  try {
    const doomed = (await readdir(workloads)).filter((name) => name.startsWith(DELETED));
    for (const name of doomed) await rm(join(workloads, name), { recursive: true, force: true });
    return doomed.length;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw diskFailure(error, 'clear away deleted workloads in', workloads);
  }
}

/**
 * The files of a workload by name, the manifest among them; none when there is no folder. Files that
 * vanish meanwhile are left out.
 */
export async function listWorkloadFiles(dir: string): Promise<WorkloadFile[]> {
  const files: WorkloadFile[] = [];
  for (const file of (await namesIn(dir)).sort()) {
    try {
      files.push({ file, bytes: (await stat(join(dir, file))).size });
    } catch (error) {
      if (!isMissing(error)) throw diskFailure(error, 'read', dir);
    }
  }
  return files;
}
