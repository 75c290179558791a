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

/** Plain data, with what a tally makes when it is asked for, such as slices. */
export function plain(value: unknown): unknown {
  // Short: of 20,000 sessions arrays would be 5 million numbers.
  if (value instanceof Uint32Array) return value.join();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const fields: Record<string, unknown> = {};
  for (const name of fieldsOf(value)) fields[name] = plain(Reflect.get(value, name));
  return fields;
}

/** Its own, and those that its classes get; not what a class keeps to itself. */
function fieldsOf(value: object): string[] {
  if (Object.getPrototypeOf(value) === Object.prototype) return Object.keys(value);
  const names = new Set<string>();
  for (
    let layer = Object.getPrototypeOf(value) as object;
    layer !== Object.prototype;
    layer = Object.getPrototypeOf(layer) as object
  ) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(layer))) {
      if (typeof descriptor.get === 'function') names.add(name);
    }
  }
  return [...names].sort();
}
