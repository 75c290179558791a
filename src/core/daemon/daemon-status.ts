import type { Store } from '../store.ts';
import { isLive } from './lease.ts';

/** What the daemon says of one server's log that it reads; saved at most once a second. */
export interface TapStatus {
  readonly environmentId: number;
  readonly environment: string;
  /** `host:port` as the server calls itself; null before it was reached. */
  readonly server: string | null;
  /** How far the record is behind the server, in milliseconds; null before the first drain. */
  readonly lagMs: number | null;
  readonly captures: readonly CaptureRate[];
}

/** How fast one capture grows, over the last second or so. */
export interface CaptureRate {
  readonly captureId: number;
  readonly records: number;
  readonly textBytes: number;
  /** Both null until there are two counts to compare. */
  readonly statementsPerSecond: number | null;
  readonly bytesPerSecond: number | null;
}

export interface SavedStatus {
  /** The lease's holder that wrote it: another one's is of no interest. */
  readonly holder: string;
  readonly at: number;
  readonly taps: readonly TapStatus[];
}

export interface DaemonStatusTable {
  find(): SavedStatus | null;
  save(status: SavedStatus): void;
}

/** What the daemon reported longer ago than this is stale. */
const STALE_MS = 5_000;

/** What the live daemon last reported; null if none is alive or the report is stale. */
export function readSavedStatus(
  { lease, daemonStatus }: Pick<Store, 'lease' | 'daemonStatus'>,
  now: number,
): SavedStatus | null {
  const current = lease.find();
  const saved = daemonStatus.find();
  const isCurrent =
    saved !== null &&
    saved.holder === current?.holder &&
    isLive(current, now) &&
    Math.abs(now - saved.at) < STALE_MS;
  return isCurrent ? saved : null;
}
