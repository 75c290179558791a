import { isOver } from '../captures/capture.ts';
import { AppError } from '../errors.ts';
import type { ListedCapture } from '../store.ts';
import { formatUtc } from '../units.ts';
import type { RecordingFacts } from '../workloads/workload.ts';
import type { Report, ReportRequest } from './report.ts';
import type { Tally } from './tally.ts';

/** A window by the server's clock; null where it did not begin, and where its end is not known yet. */
export interface Edges {
  /** ISO-8601 UTC with microseconds. */
  readonly from: string | null;
  readonly to: string | null;
  readonly isOpen: boolean;
}

/** The edges of a capture. @param facts null where nothing of it was recorded. */
export function edgesOf(
  { status, end }: ListedCapture,
  facts: Pick<RecordingFacts, 'start' | 'end'> | null,
): Edges {
  // A FAILED capture has no end on the server: its end is when it failed.
  const failed = status === 'FAILED' && end !== null ? withMicroseconds(end) : null;
  const from = facts?.start?.time ?? null;
  return {
    from,
    to: from === null ? null : (facts?.end?.time ?? failed),
    isOpen: !isOver(status),
  };
}

type Bounds = Pick<ReportRequest, 'since' | 'until'>;

/** @throws AppError `invalid` for a time outside of the window. */
export function checkBounds({ from, to }: Edges, { since, until }: Bounds, now: number): void {
  if (since !== null && until !== null && since >= until) {
    throw new AppError('invalid', 'The beginning of the report is not before its end');
  }
  checkWithin({ from, to }, { since, until }, now);
}

/** @throws AppError `invalid` for a beginning or an end that leaves nothing of the window. */
export function checkWithin(
  { from, to }: Omit<Edges, 'isOpen'>,
  { since, until }: Bounds,
  now: number,
): void {
  if (from === null) return;
  const window = `its window is ${formatUtc(from)} to ${to === null ? 'now' : formatUtc(to)}`;
  if (since !== null && since >= (to === null ? now : Date.parse(to))) {
    const when = formatUtc(withMicroseconds(since));
    throw new AppError('invalid', `The capture has nothing from ${when} on: ${window}`);
  }
  if (until !== null && until <= Date.parse(from)) {
    const when = formatUtc(withMicroseconds(until));
    throw new AppError('invalid', `The capture has nothing before ${when}: ${window}`);
  }
}

/**
 * The part of a window that a report is of. One that goes on ends where its record has come to, and never
 * before its last statement: the server's clock may be ahead of ours.
 * @param readUntil milliseconds since the epoch.
 */
export function windowOf(
  { from, to, isOpen }: Edges,
  { since, until }: Bounds,
  { last }: Pick<Tally, 'last'>,
  readUntil: number,
): Report['window'] {
  if (from === null) return { from: null, to: null, seconds: 0, isOpen };
  const start = later(from, since === null ? null : withMicroseconds(since));
  const reached = to ?? later(withMicroseconds(readUntil), later(from, last));
  const end = earlier(reached, until === null ? null : withMicroseconds(until));
  const seconds = Math.max((Date.parse(end) - Date.parse(start)) / 1_000, 0);
  return { from: start, to: end, seconds, isOpen: isOpen && end === reached };
}

/** ISO-8601 UTC with microseconds, as statements have it. */
function withMicroseconds(at: number): string {
  return `${new Date(at).toISOString().slice(0, -1)}000Z`;
}

function later(one: string, other: string | null): string {
  return other !== null && other > one ? other : one;
}

function earlier(one: string, other: string | null): string {
  return other !== null && other < one ? other : one;
}
