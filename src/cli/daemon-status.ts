import type { Store } from '../core/store.ts';
import { hasLiveDaemon } from './orphans.ts';
import type { ActiveCapture, DaemonStatus } from './render/daemon.ts';
import { readSavedStatus } from './watching.ts';

const STARTS_SHOWN = 5;

/**
 * Who holds the store's daemon lease, what is being recorded and what starts next; null when no daemon
 * is alive.
 */
export function readDaemonStatus(store: Store, now: number): DaemonStatus | null {
  const lease = store.lease.find();
  if (lease === null || !hasLiveDaemon(store, now)) return null;
  return {
    host: lease.host,
    pid: lease.pid,
    since: lease.acquiredAt,
    background: lease.background,
    recording: activeCaptures(store, now),
    warmUps: store.warmUps.listOpen().map(({ environmentId, state, until }) => ({
      environment: environmentName(store, environmentId),
      state,
      until,
    })),
    nextStarts: store.captures
      .listDue(Number.MAX_SAFE_INTEGER, STARTS_SHOWN)
      .map(({ id, name, environmentId, scheduledStart }) => ({
        id,
        name,
        environment: environmentName(store, environmentId),
        at: scheduledStart ?? now,
      })),
  };
}

function activeCaptures(store: Store, now: number): ActiveCapture[] {
  const taps = readSavedStatus(store, now)?.taps ?? [];
  return store.captures
    .listByStatus(['STARTING', 'RUNNING', 'STOPPING'])
    .filter((capture) => capture.recordsStatements)
    .map(({ id, name, status, environmentId }) => {
      const tap = taps.find(({ captures }) => captures.some(({ captureId }) => captureId === id));
      const rate = tap?.captures.find(({ captureId }) => captureId === id);
      return {
        id,
        name,
        environment: environmentName(store, environmentId),
        status,
        records: store.recordings.find(id)?.records ?? null,
        statementsPerSecond: rate?.statementsPerSecond ?? null,
        bytesPerSecond: rate?.bytesPerSecond ?? null,
        lagMs: tap?.lagMs ?? null,
      };
    });
}

function environmentName(store: Store, id: number): string {
  return store.environments.find(id)?.name ?? String(id);
}
