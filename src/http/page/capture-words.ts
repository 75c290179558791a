import { isOver } from '../../core/captures/capture.ts';
import { formatDuration, roundedDuration } from '../../core/units.ts';
import { el } from './elements.ts';
import type { CaptureAnswer } from './wire-data.ts';

/** Whether its status may change at any moment. */
export function isActive({ status }: CaptureAnswer): boolean {
  return status !== 'SCHEDULED' && !isOver(status);
}

/** The address of a capture's view, behind `#`. */
export function hashOf({ id }: Pick<CaptureAnswer, 'id'>): string {
  return `#/captures/${id}`;
}

/** A status as a mark: a word first, a colour beside it. */
export function statusMark(status: string): HTMLElement {
  return el('span', { class: `status ${status.toLowerCase()}` }, status);
}

/** How long it was, is by now, or is to be; empty where nobody knows. */
export function lengthOf(capture: CaptureAnswer, now: number): string {
  const { start, end, duration } = capture;
  if (start !== null && end !== null)
    return roundedDuration((Date.parse(end) - Date.parse(start)) / 1_000);
  if (start !== null && isActive(capture))
    return `${formatDuration(Math.max(now - Date.parse(start), 0))} so far`;
  return duration === null ? '' : formatDuration(duration * 1_000);
}

/** The instant that a list shows of it: when it started, or is to start, or was asked for. */
export function momentOf({ start, scheduledStart, createdAt }: CaptureAnswer): string {
  return start ?? scheduledStart ?? createdAt;
}
