import type { RecordingOptions } from './recording-options.ts';
import { formatBytes, formatExactDuration } from '../units.ts';

const MIB = 1024 * 1024;

/** How large the log and how far behind the record may be when nothing was said. */
const DEFAULT_MAX_LOG = 4 * 1024 * MIB;
const DEFAULT_MAX_LAG_MS = 600_000;
/** What has to stay free then: so many bytes, or this share of the disk where that is less. */
const DEFAULT_MIN_FREE = 256 * MIB;
const DEFAULT_MIN_FREE_SHARE = 0.05;

/** A limit counts as near from this share of it on. */
const NEAR = 0.9;

type GuardName = 'max-size' | 'min-free' | 'max-log' | 'max-lag';

/** What the guards look at; null for what is not known just now. */
export interface GuardReadings {
  /** Bytes of the capture's files that are committed. */
  readonly fileBytes: number | null;
  /** Of the store's disk. */
  readonly disk: DiskSpace | null;
  /** Bytes of the log's tables on the server. */
  readonly logBytes: number | null;
  /** How far the record is behind. */
  readonly lagMs: number | null;
}

export interface DiskSpace {
  /** Bytes that a process without privileges may still write. */
  readonly free: number;
  readonly size: number;
}

/** One guard's limit, and what was measured. Bytes; milliseconds for `max-lag`. */
interface GuardState {
  readonly guard: GuardName;
  readonly limit: number;
  readonly value: number;
}

type Limits = Pick<RecordingOptions, 'maxSize' | 'minFree' | 'maxLog' | 'maxLag'>;

/** How large the log's tables on the server may become, in bytes. */
export function maxLogOf(maxLog: number | null): number {
  return maxLog ?? DEFAULT_MAX_LOG;
}

/** How far behind the record may be, in milliseconds. */
export function maxLagOf(maxLag: number | null): number {
  return maxLag ?? DEFAULT_MAX_LAG_MS;
}

/** Bytes that have to stay free: as asked for, or by default. */
export function minFreeOf(minFree: number | null, diskSize: number): number {
  return minFree ?? Math.min(DEFAULT_MIN_FREE, Math.floor(diskSize * DEFAULT_MIN_FREE_SHARE));
}

function statesOf(limits: Limits, readings: GuardReadings): GuardState[] {
  const { fileBytes, disk, logBytes, lagMs } = readings;
  const states: GuardState[] = [];
  if (limits.maxSize !== null && fileBytes !== null) {
    states.push({ guard: 'max-size', limit: limits.maxSize, value: fileBytes });
  }
  if (disk !== null) {
    const limit = minFreeOf(limits.minFree, disk.size);
    states.push({ guard: 'min-free', limit, value: disk.free });
  }
  if (logBytes !== null) {
    states.push({ guard: 'max-log', limit: maxLogOf(limits.maxLog), value: logBytes });
  }
  if (lagMs !== null) {
    states.push({ guard: 'max-lag', limit: maxLagOf(limits.maxLag), value: lagMs });
  }
  return states;
}

/** The first guard that ends the capture, by what was measured; null when it may go on. */
export function brokenGuard(limits: Limits, readings: GuardReadings): GuardState | null {
  const isBroken = ({ guard, limit, value }: GuardState): boolean =>
    guard === 'min-free' ? value < limit : value >= limit;
  return statesOf(limits, readings).find(isBroken) ?? null;
}

/** Guards that are near to ending the capture. */
export function nearGuards(limits: Limits, readings: GuardReadings): GuardState[] {
  return statesOf(limits, readings).filter(({ guard, limit, value }) =>
    guard === 'min-free' ? value * NEAR < limit : value >= limit * NEAR,
  );
}

/**
 * What a guard says of itself, as the second half of a sentence.
 */
function guardText({ guard, limit, value }: GuardState): string {
  switch (guard) {
    case 'max-size':
      return `its files reached their maximum size, ${formatBytes(limit)}`;
    case 'min-free':
      return `the disk of the store has ${formatBytes(value)} free, less than the minimum, ${formatBytes(limit)}`;
    case 'max-log':
      return `the log's tables on the server reached their maximum size, ${formatBytes(limit)}`;
    case 'max-lag':
      return `the record fell behind by the maximum, ${formatExactDuration(limit)}`;
  }
}

/** Why a capture ended that a guard ended. */
export function guardReason(state: GuardState, now: number): string {
  return serverGuardReason(guardText(state), now);
}

/** Why a capture ended for whose server's sake its log was switched off. */
export function serverGuardReason(what: string, now: number): string {
  return `ended by a guard: ${what} (at ${new Date(now).toISOString()})`;
}
