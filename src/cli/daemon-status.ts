import type { Store } from '../core/store.ts';
import { hasLiveDaemon } from './orphans.ts';
import type { DaemonStatus } from './render/daemon.ts';

/** Who holds the store's daemon lease and what is being recorded; null when no daemon is alive. */
export function readDaemonStatus(store: Store, now: number): DaemonStatus | null {
  const lease = store.lease.find();
  if (lease === null || !hasLiveDaemon(store, now)) return null;
  const recording = store.captures
    .listByStatus(['STARTING', 'RUNNING', 'STOPPING'])
    .filter((capture) => capture.recordsStatements);
  return {
    host: lease.host,
    pid: lease.pid,
    since: lease.acquiredAt,
    background: lease.background,
    recording: recording.map(({ id, name, status }) => ({ id, name, status })),
  };
}
