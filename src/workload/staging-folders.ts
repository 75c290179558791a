import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { diskFailure, isMissing } from './disk-errors.ts';

/** An import that is under way: `.import-HOST-PID-UUID`. */
export const STAGING = '.import-';
const STAGED = /^\.import-(.+)-(\d+)-[0-9a-f-]{36}$/;
/** One of another host, or of a process whose id was given out again, is over by then. */
const LONGEST_IMPORT_MS = 24 * 3_600_000;

/**
 * Clears away what imports left that were killed: those of a process of this host that is gone, and what was
 * not written to for a day.
 * @param workloads the folder that holds the workloads; nothing happens when there is none.
 * @throws AppError `store_unusable`.
 */
export async function sweepStaged(workloads: string): Promise<void> {
  try {
    for (const name of await readdir(workloads)) {
      if (!name.startsWith(STAGING)) continue;
      const path = join(workloads, name);
      if (await isLeft(name, path)) await rm(path, { recursive: true, force: true });
    }
  } catch (error) {
    if (!isMissing(error)) throw diskFailure(error, 'clear away imports in', workloads);
  }
}

async function isLeft(name: string, path: string): Promise<boolean> {
  const [, host, pid] = STAGED.exec(name) ?? [];
  if (host === hostname() && !isRunning(Number(pid))) return true;
  let newest = 0;
  for (const file of [path, ...(await readdir(path)).map((one) => join(path, one))]) {
    newest = Math.max(newest, (await stat(file)).mtimeMs);
  }
  return Date.now() - newest > LONGEST_IMPORT_MS;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: there is one, of another user.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
