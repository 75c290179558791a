import { alignWindow, joinPoints, type MetricTrack, type TimeWindow } from './metric-source.ts';

const MINUTE = 60_000;

/** Shown, and kept, on both sides of a capture: what was it like before, and did it recover after. */
export const MARGIN_MS = 15 * MINUTE;
const FIRST_RETRY_MS = MINUTE;
const LONGEST_RETRY_MS = 6 * 60 * MINUTE;
/** No fetch is put off so long: one that is was put off by a clock that was ahead. */
export const LONGEST_WAIT_MS = 24 * 60 * MINUTE;

/** What is kept of a capture that is over: its window and the margin, in whole periods. */
export function keptWindow(capture: TimeWindow, period: number): TimeWindow {
  return alignWindow({ from: capture.from - MARGIN_MS, to: capture.to + MARGIN_MS }, period);
}

/**
 * When to fetch again after a success at `now`: once the late points of the capture are in, and once
 * more when those of the margin behind it are; null after that.
 * @param settleMs how late points arrive at most.
 */
export function nextFetch(end: number, now: number, settleMs: number): number | null {
  return [end + settleMs, end + MARGIN_MS + settleMs].find((at) => at > now) ?? null;
}

/** When to try again after so many failures in a row: after a minute, doubling up to six hours. */
export function nextRetry(failures: number, now: number): number {
  return now + Math.min(FIRST_RETRY_MS * 2 ** Math.max(failures - 1, 0), LONGEST_RETRY_MS);
}

/** Whether every one of these times is among those; both ascend. */
function isWithin(times: readonly number[], those: readonly number[]): boolean {
  let at = 0;
  return times.every((time) => {
    while (at < those.length && (those[at] ?? time) < time) at += 1;
    return those[at] === time;
  });
}

/** Merges fetched points into the kept ones: new values win; kept points are never dropped. */
export function mergeTracks(
  kept: readonly MetricTrack[],
  fetched: readonly MetricTrack[],
): MetricTrack[] {
  const idOf = ({ label, statistic }: MetricTrack): string => `${label}\n${statistic}`;
  const before = new Map(kept.map((track) => [idOf(track), track]));
  return fetched.map((track) => {
    const old = before.get(idOf(track));
    if (old === undefined || isWithin(old.times, track.times)) return track;
    return { ...track, ...joinPoints([old, track]) };
  });
}
