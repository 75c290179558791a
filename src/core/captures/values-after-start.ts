import type { Actor } from '../access.ts';
import type { Outside } from '../outside.ts';
import type { Store } from '../store.ts';
import type { ValueCounts } from '../verification/value-counts.ts';
import { committedCounters } from '../workloads/committed.ts';
import type { CaptureRules } from './capture-rules.ts';

/** So many executes without values say enough, a second after the start. */
const ENOUGH_WITHOUT_VALUES = 100;
const SHORTEST_LOOK_MS = 1_000;
const LONGEST_LOOK_MS = 3_000;
const POLL_MS = 100;

/** What a capture records of the values of prepared statements, just after it has begun. */
export interface FirstValues {
  readonly counts: ValueCounts;
  /** How long it was looked at, in milliseconds. */
  readonly forMs: number;
}

/** As `CaptureService.firstValues`. */
export async function lookAtFirstValues(
  { store, clock }: Pick<Outside, 'store' | 'clock'>,
  rules: CaptureRules,
  actor: Actor,
  ref: string,
  signal: AbortSignal,
): Promise<FirstValues | null> {
  const capture = rules.get(actor, ref);
  const began = clock.now();
  for (;;) {
    rules.requireStill(actor, capture, 'capture.get');
    const forMs = clock.now() - began;
    const counts = valueCountsOf(store, capture.id);
    const isEnough = (counts?.withoutValues ?? 0) >= ENOUGH_WITHOUT_VALUES;
    const isLongEnough = forMs >= (isEnough ? SHORTEST_LOOK_MS : LONGEST_LOOK_MS);
    if (isLongEnough || signal.aborted) return counts === null ? null : { counts, forMs };
    await clock.sleep(POLL_MS, signal);
  }
}

/** Executes of a capture with and without values; null before anything is recorded. */
export function valueCountsOf(store: Store, captureId: number): ValueCounts | null {
  return committedCounters(store.recordings.find(captureId))?.values ?? null;
}
