import { isLive } from '../core/lease.ts';
import type { Store } from '../core/store.ts';

/** Whether somebody holds the store's daemon lease now. */
export function hasLiveDaemon(store: Store, now: number): boolean {
  return isLive(store.lease.find(), now);
}

/** What to say when captures are RUNNING and nobody records them; null when all is well. */
export function orphanWarning(store: Store, now: number): string | null {
  const orphans = store.captures
    .listByStatus(['RUNNING', 'STOPPING'])
    .filter((capture) => capture.recordsStatements).length;
  if (orphans === 0 || hasLiveDaemon(store, now)) return null;
  const subject = orphans === 1 ? 'A capture is' : `${orphans} captures are`;
  return `${subject} being recorded but no daemon is alive: the server's log is on and nobody reads it. Start one with: captures daemon; to end it by hand: captures recover`;
}
