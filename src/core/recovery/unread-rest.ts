import type { Gap, GapCause } from '../workloads/gaps.ts';
import type { ServerInstant } from '../source.ts';
import type { Recording } from '../store.ts';

/** Of a recording's facts and position, which are JSON, what is read and written here. */
interface KnownFacts {
  readonly start: { readonly time: ServerInstant } | null;
  readonly end: { readonly time: ServerInstant } | null;
  readonly gaps: readonly Gap[];
}

/**
 * The facts of a recording that ends before everything of its window was read: with a gap from the last
 * statement that is in it, or the gap behind that, to the end of the window.
 * @param rest.until where the window ends if it was not closed; null where that is not known.
 * @returns JSON for `RecordingTable.saveFacts`; null where nothing is missing, because its window never
 *   opened.
 */
export function withUnreadRest(
  recording: Recording,
  rest: { readonly reason: string; readonly until: ServerInstant | null; readonly cause: GapCause },
): string | null {
  if (recording.facts === null || recording.firstBatch === null) return null;
  const facts = JSON.parse(recording.facts) as KnownFacts;
  const position =
    recording.position === null
      ? null
      : (JSON.parse(recording.position) as { readonly lastTime?: ServerInstant | null });
  const from = position?.lastTime ?? facts.start?.time ?? null;
  const to = facts.end?.time ?? rest.until;
  const last = facts.gaps.at(-1);
  if (last?.afterSeq === recording.records) {
    // Nothing was recorded behind it: it goes on.
    const gaps = [...facts.gaps.slice(0, -1), { ...last, to }];
    return JSON.stringify({ ...facts, gaps });
  }
  const gap: Gap = {
    from,
    to,
    cause: rest.cause,
    reason: rest.reason,
    after: null,
    before: null,
    afterSeq: recording.records,
    missing: null,
  };
  return JSON.stringify({ ...facts, gaps: [...facts.gaps, gap] });
}
