import { readSavedStatus, type CaptureRate } from '../daemon/daemon-status.ts';
import { hasLiveDaemon } from '../daemon/daemon-starter.ts';
import type { Store } from '../store.ts';

/** The progress of a recording; null where no live daemon reports it. */
export interface LiveFacts {
  readonly rate: CaptureRate | null;
  /** How far the record is behind the server, in milliseconds. */
  readonly lagMs: number | null;
  readonly hasDaemon: boolean;
}

export function liveFactsOf(store: Store, captureId: number, now: number): LiveFacts {
  const tap = readSavedStatus(store, now)?.taps.find(({ captures }) =>
    captures.some((rate) => rate.captureId === captureId),
  );
  return {
    rate: tap?.captures.find((rate) => rate.captureId === captureId) ?? null,
    lagMs: tap?.lagMs ?? null,
    hasDaemon: hasLiveDaemon(store, now),
  };
}
