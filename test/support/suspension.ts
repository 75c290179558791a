import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';

const SOON_MS = 5;

/**
 * Suspends a process that writes to the store of this folder, between two of its writes. One that is
 * suspended in the middle of a write keeps SQLite's lock, and nobody can take over from it: seen in 1 of
 * 12 suspensions under load.
 * @returns false when it was in the middle of one: then it has been told to go on.
 */
export async function suspendBetweenWrites(pid: number, storeFolder: string): Promise<boolean> {
  process.kill(pid, 'SIGSTOP');
  while (!isStopped(pid)) await delay(SOON_MS);
  if (isWritable(storeFolder)) return true;
  process.kill(pid, 'SIGCONT');
  return false;
}

/** Whether the kernel has stopped it: a signal is only on its way when `kill` returns. */
function isStopped(pid: number): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.charAt(stat.lastIndexOf(')') + 2) === 'T';
}

function isWritable(storeFolder: string): boolean {
  const db = new Database(join(storeFolder, 'captures.db'), { timeout: 0 });
  try {
    db.exec('BEGIN IMMEDIATE; ROLLBACK');
    return true;
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return false;
    throw error;
  } finally {
    db.close();
  }
}
