import type { Actor } from '../access.ts';
import type { CaptureStatus } from '../captures/capture.ts';
import type { Outside } from '../outside.ts';
import { listNeglected, type UnrestoredServer } from '../recovery/recovery-rules.ts';
import type { Store } from '../store.ts';
import type { WarmUpState } from '../warm-ups/warm-up.ts';
import { hasLiveDaemon } from './daemon-starter.ts';
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

interface OpenWarmUp {
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

export interface NeglectedServers {
  readonly servers: readonly UnrestoredServer[];
  /** Whether a daemon is alive, which tries again. */
  readonly hasDaemon: boolean;
}

const STARTS_SHOWN = 5;
/** Those of other environments are among them. */
const MOST_STARTS = 10_000;

type Seen = (thing: { readonly environmentId: number }) => boolean;

/** Whether a viewer may know of something in an environment. */
function sightOf(store: Store, viewer: Actor | null): Seen {
  if (viewer === null) return () => true;
  const own = new Set(store.environments.listFor(viewer).map(({ id }) => id));
  return ({ environmentId }) => own.has(environmentId);
}

/** What is known of a store's daemon, in this process or another. */
export class DaemonService {
  readonly #outside: Pick<Outside, 'store' | 'clock'>;

  constructor(outside: Pick<Outside, 'store' | 'clock'>) {
    this.#outside = outside;
  }

  /**
   * What goes on with nobody there: how many captures are recorded with no daemon alive; and whether servers
   * are changed for a recording or a warm-up, of which `neglected` says more.
   * @param viewer as `status`.
   */
  async unattended(
    viewer: Actor | null = null,
  ): Promise<{ readonly captures: number; readonly hasServers: boolean }> {
    const { store, clock } = this.#outside;
    const isSeen = sightOf(store, viewer);
    const recording = store.captures
      .listByStatus(['RUNNING', 'STOPPING'])
      .filter((capture) => capture.recordsStatements && isSeen(capture)).length;
    const isAlive = recording > 0 && hasLiveDaemon(store, clock.now());
    return { captures: isAlive ? 0 : recording, hasServers: store.taps.list().some(isSeen) };
  }

  /**
   * Servers of the actor's environments whose recording is interrupted, or that are not restored although
   * nothing is recorded there any more.
   */
  async neglected(actor: Actor): Promise<NeglectedServers> {
    const { store, clock } = this.#outside;
    const hasDaemon = hasLiveDaemon(store, clock.now());
    return { servers: listNeglected(store, actor, hasDaemon), hasDaemon };
  }

  /**
   * Who holds the store's daemon lease, what is being recorded and what starts next.
   * @param viewer sees what is in their environments; null for who can read the store itself, and sees all.
   */
  async status(viewer: Actor | null = null): Promise<DaemonStatus> {
    const { store, clock } = this.#outside;
    const now = clock.now();
    const holder = holderOf(store, now);
    const isSeen = sightOf(store, viewer);
    return {
      holder,
      recording: holder === null ? [] : activeCaptures(store, now, isSeen),
      warmUps: store.warmUps
        .listOpen()
        .filter(isSeen)
        .map(({ environmentId, state, until }) => ({
          environment: environmentName(store, environmentId),
          state,
          until,
        })),
      nextStarts: store.captures
        .listDue(Number.MAX_SAFE_INTEGER, viewer === null ? STARTS_SHOWN : MOST_STARTS)
        .filter(isSeen)
        .slice(0, STARTS_SHOWN)
        .map(({ id, name, environmentId, scheduledStart }) => ({
          id,
          name,
          environment: environmentName(store, environmentId),
          at: scheduledStart ?? now,
        })),
    };
  }
}

/** Who holds the daemon lease of a store; null when no daemon is alive. */
export function holderOf(store: Pick<Store, 'lease'>, now: number): DaemonHolder | null {
  const lease = store.lease.find();
  if (lease === null || !isLive(lease, now)) return null;
  const { host, pid, acquiredAt: since, background } = lease;
  return { host, pid, since, background };
}

function activeCaptures(store: Store, now: number, isSeen: Seen): ActiveCapture[] {
  const taps = readSavedStatus(store, now)?.taps ?? [];
  return store.captures
    .listByStatus(['STARTING', 'RUNNING', 'STOPPING'])
    .filter((capture) => capture.recordsStatements && isSeen(capture))
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
