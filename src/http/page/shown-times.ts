import { formatRelative, formatUtc } from '../../core/units.ts';
import { el } from './elements.ts';

/** The viewer's own zone. */
export const VIEWER_ZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone;

const minutes = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short' });
const seconds = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium' });

/** `UTC+02:00`: of the viewer's zone at an instant. */
function offsetText(at: number): string {
  const offset = -new Date(at).getTimezoneOffset();
  if (offset === 0) return 'UTC';
  const size = Math.abs(offset);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `UTC${offset < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** `2026-11-22 13:00` on the viewer's clock, with what it is in UTC where it is pointed at. */
export function shortTime(iso: string): HTMLElement {
  const at = Date.parse(iso);
  // A narrow column breaks between day and time alone.
  const parts = minutes
    .format(at)
    .split(' ')
    .map((part) => el('span', { class: 'moment' }, part));
  const [day = null, time = null] = parts;
  return el('time', { datetime: iso, title: formatUtc(iso) }, day, ' ', time);
}

/** `2026-11-22 13:00:05 UTC+01:00 (12:00:05 UTC)` */
export function wholeTime(iso: string): HTMLElement {
  const at = Date.parse(iso);
  const offset = offsetText(at);
  const utc = offset === 'UTC' ? '' : ` (${iso.slice(11, 19)} UTC)`;
  return el(
    'time',
    { datetime: iso },
    `${seconds.format(at)} ${offset}`,
    el('span', { class: 'local' }, utc),
  );
}

/** `3m ago`, `in 2h`. */
export function relativeText(iso: string, now: number): string {
  return formatRelative(Date.parse(iso), now, 1);
}

/**
 * Reads what a field for date and time holds, on the viewer's clock.
 * @returns null for a time that the viewer's clock never shows: it is put forward over it.
 */
export function readLocalTime(value: string): number | null {
  const at = new Date(value).getTime();
  if (Number.isNaN(at)) return null;
  return localValue(at).slice(0, 16) === value.slice(0, 16) ? at : null;
}

/** An instant as a field for date and time holds it. */
export function localValue(at: number): string {
  const date = new Date(at);
  return new Date(at - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** `2026-11-30 16:00 UTC+01:00 Europe/Berlin, which is 15:00 UTC` */
export function spokenTime(at: number): string {
  const offset = offsetText(at);
  const local = minutes.format(at);
  if (offset === 'UTC') return `${local} UTC`;
  const iso = new Date(at).toISOString();
  const day = iso.slice(0, 10) === local.slice(0, 10) ? '' : `${iso.slice(0, 10)} `;
  return `${local} ${offset} (${VIEWER_ZONE}), which is ${day}${iso.slice(11, 16)} UTC`;
}
