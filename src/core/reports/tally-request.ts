import type { Recording } from '../store.ts';
import { segmentsUpTo, type RecordStanding } from '../verification/record-standing.ts';
import type { TallyRequest } from './tally.ts';

/** What to count of a record: all that is committed, between these bounds in milliseconds. */
export function tallyRequestOf(
  { expected, committed, manifest }: RecordStanding,
  recording: Recording | null,
  { since, until }: { readonly since: number | null; readonly until: number | null },
): TallyRequest {
  return {
    until: committed.position,
    expected:
      expected.length === 0 && committed.position !== null
        ? segmentsUpTo(committed.position, manifest)
        : expected,
    records: recording?.records ?? 0,
    since,
    before: until,
  };
}
