import type { CaptureRate, TapStatus } from '../core/daemon/daemon-status.ts';
import type { Store } from '../core/store.ts';
import type { Tap } from './tap.ts';

interface Sample {
  readonly at: number;
  readonly records: number;
  readonly textBytes: number;
}

/** Measures how fast captures grow and how far behind their record is, from what is committed. */
export class StatusReport {
  readonly #store: Store;
  #samples = new Map<number, Sample>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** What the taps do; rates are over the time since the last call. */
  measure(taps: Iterable<Tap>, now: number): TapStatus[] {
    const samples = new Map<number, Sample>();
    const statuses = [...taps].map((tap): TapStatus => {
      const captures = tap.captureIds().flatMap((captureId): CaptureRate[] => {
        const recording = this.#store.recordings.find(captureId);
        if (recording === null) return [];
        const { records, textBytes } = recording;
        const before = this.#samples.get(captureId);
        samples.set(captureId, { at: now, records, textBytes });
        return [
          { captureId, records, textBytes, ...rates(before, { at: now, records, textBytes }) },
        ];
      });
      const { caughtUpTo } = tap;
      return {
        environmentId: tap.environment.id,
        environment: tap.environment.name,
        server: tap.serverName,
        lagMs: caughtUpTo === null ? null : Math.max(now - caughtUpTo, 0),
        captures,
      };
    });
    this.#samples = samples;
    return statuses;
  }
}

function rates(
  before: Sample | undefined,
  now: Sample,
): Pick<CaptureRate, 'statementsPerSecond' | 'bytesPerSecond'> {
  const seconds = before === undefined ? 0 : (now.at - before.at) / 1_000;
  // A clock that was set back gives no rate.
  if (before === undefined || seconds <= 0) {
    return { statementsPerSecond: null, bytesPerSecond: null };
  }
  return {
    statementsPerSecond: Math.round((now.records - before.records) / seconds),
    bytesPerSecond: Math.round((now.textBytes - before.textBytes) / seconds),
  };
}
