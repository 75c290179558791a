import { isLive } from '../core/daemon/lease.ts';
import type { Store } from '../core/store.ts';
import type { ActiveCapture, DaemonStatus } from './render/daemon.ts';
import { readSavedStatus } from '../core/daemon/daemon-status.ts';

const STARTS_SHOWN = 5;

/** Who holds the store's daemon lease, what is being recorded and what starts next. */
export function readDaemonStatus(store: Store, now: number): DaemonStatus {
  const lease = store.lease.find();
  const isAlive = lease !== null && isLive(lease, now);
  return {
    holder: isAlive
      ? {
          host: lease.host,
          pid: lease.pid,
          since: lease.acquiredAt,
          background: lease.background,
        }
      : null,
    recording: isAlive ? activeCaptures(store, now) : [],
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
