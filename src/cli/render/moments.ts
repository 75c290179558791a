import { wallClockAt } from '../../core/time-zones.ts';
import type { View } from './column.ts';
import { formatRelative } from '../../core/units.ts';

/** ISO-8601 UTC with milliseconds and `Z`. */
export function isoTime(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

/** `2026-11-22 02:00:00` on the wall clock of a zone. */
export function localTime(at: number, zone: string): string {
  return new Date(wallClockAt(at, zone)).toISOString().slice(0, 19).replace('T', ' ');
}

/** `2026-11-22 02:00:00 (in 14h)`: an instant on the wall clock, and how far away it is. */
export function localMoment(at: number, view: Pick<View, 'now' | 'zone'>, parts = 2): string {
  return `${localTime(at, view.zone)} (${formatRelative(at, view.now, parts)})`;
}
