import type { CaptureStatus } from '../captures/capture.ts';
import type { Outside } from '../outside.ts';
import type { Store } from '../store.ts';
import type { WarmUpState } from '../warm-ups/warm-up.ts';
import { readSavedStatus } from './daemon-status.ts';
import { isLive } from './lease.ts';

/** A capture that a daemon records, and how that goes. */
export interface ActiveCapture {
  readonly id: number;
  readonly name: string;
  readonly environment: string;
  readonly status: CaptureStatus;
  readonly records: number | null;
  /** null while the daemon has not said. */
  readonly statementsPerSecond: number | null;
  readonly bytesPerSecond: number | null;
  /** How far the record is behind the server, in milliseconds. */
  readonly lagMs: number | null;
}

/** A start to come. */
export interface NextStart {
  readonly id: number;
  readonly name: string;
  readonly environment: string;
  readonly at: number;
}

/** A warm-up that is on or to come on. */
export interface OpenWarmUp {
  readonly environment: string;
  readonly state: WarmUpState;
  readonly until: number;
}

/** Who holds the daemon lease. */
export interface DaemonHolder {
  readonly host: string;
  readonly pid: number;
  readonly since: number;
  readonly background: boolean;
}

/** The daemon, what it records and what starts next. */
export interface DaemonStatus {
  /** null when no daemon is alive. */
  readonly holder: DaemonHolder | null;
  readonly recording: readonly ActiveCapture[];
  /** Those that are not over. */
  readonly warmUps: readonly OpenWarmUp[];
  /** The nearest few, the next one first. */
  readonly nextStarts: readonly NextStart[];
}

const STARTS_SHOWN = 5;

/** The daemon of a store, whoever runs it. */
export class DaemonService {
  readonly #outside: Pick<Outside, 'store' | 'clock'>;

  constructor(outside: Pick<Outside, 'store' | 'clock'>) {
    this.#outside = outside;
  }

  /** Who holds the store's daemon lease, what is being recorded and what starts next: for every user. */
  async status(): Promise<DaemonStatus> {
    const { store, clock } = this.#outside;
    const now = clock.now();
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
