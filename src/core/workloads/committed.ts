import type { Recording } from '../store.ts';
import type { CountedRows } from '../verification/server-counters.ts';
import type { CountersState, RecordingFacts, WorkloadPosition } from './workload.ts';

/** The counters of a recording, and what besides is committed with them. */
export interface CommittedCounters extends CountersState {
  /** null or absent where an older version recorded some of it. */
  readonly heard?: CountedRows | null;
}

/** Where a recording's files are committed to; null before the first commit. */
export function committedPosition(recording: Recording | null): WorkloadPosition | null {
  return parsed(recording?.position) as WorkloadPosition | null;
}

/** What a recording has counted; null before the first commit. */
export function committedCounters(recording: Recording | null): CommittedCounters | null {
  return parsed(recording?.counters) as CommittedCounters | null;
}

/** What else a recording knows; null before its window opened. */
export function committedFacts(recording: Recording | null): RecordingFacts | null {
  return parsed(recording?.facts) as RecordingFacts | null;
}

/** What the store has of a recording; null for what is not committed yet. */
export function committedOf(recording: Recording | null) {
  return {
    position: committedPosition(recording),
    counters: committedCounters(recording),
    facts: committedFacts(recording),
  };
}

/** The store keeps it as JSON that only recorders write. */
function parsed(text: string | null | undefined): unknown {
  return text == null ? null : JSON.parse(text);
}
