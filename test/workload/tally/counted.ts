import { onTestFinished } from 'vitest';
import { resultOf } from '../../../src/core/progress.ts';
import type {
  CountedWorkload,
  TallyCounter,
  TallyRequest,
} from '../../../src/core/reports/tally.ts';
import type { SegmentFacts, WorkloadPosition } from '../../../src/core/workloads/workload.ts';
import { openTally } from '../../../src/workload/tally/workload-tally.ts';
import type { Recorded } from '../recorded.ts';

interface Counted {
  readonly position: WorkloadPosition;
  readonly manifest: { readonly segments: readonly SegmentFacts[] };
}

/** What a report asks of a recorded workload. */
export function requestFor(
  { position, manifest }: Counted,
  changes: Partial<TallyRequest> = {},
): TallyRequest {
  return {
    until: { segment: position.segment, offset: position.offset },
    expected: manifest.segments,
    records: position.totalRecords,
    since: null,
    before: null,
    ...changes,
  };
}

/** A counter that is closed when the test ends. */
export function tallyIn(folder: string): TallyCounter {
  const counter = openTally(folder);
  onTestFinished(() => counter.close());
  return counter;
}

/** Counts a recorded workload anew. */
export function countOf(
  recorded: Recorded,
  changes: Partial<TallyRequest> = {},
): Promise<CountedWorkload> {
  return resultOf(tallyIn(recorded.folder).count(requestFor(recorded, changes)));
}

/** Plain data, slices among them. */
export function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, inner: unknown) =>
      inner instanceof Uint32Array ? Array.from(inner) : inner,
    ),
  );
}
