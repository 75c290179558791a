import { getDaysInMonth } from 'date-fns/getDaysInMonth';
import { AppError } from '../../core/errors.ts';
import { parseDuration } from './durations.ts';
import { instantsAt, offsetAt, offsetText, wallClockAt } from '../../core/time-zones.ts';

const DAY_MS = 86_400_000;
const MONTHS =
  'January February March April May June July August September October November December';
const FORMS =
  'Write 2026-11-22 02:00, 2026-11-22T02:00:00Z, "tomorrow 02:00", "today 14:00", +15m or now.';
const PAST_FORMS =
  'Write 14:00 (the last one), "yesterday 02:00", -5m, 2026-11-22 02:00, 2026-11-22T02:00:00Z or now.';

const TIME_OF_DAY = /^\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?$/;

export interface TimeReading {
  readonly now: number;
  readonly zone: string;
  /** Whether the past is meant: a time of day alone is then the last such time, else it is refused. */
  readonly looksBack: boolean;
}

/**
 * Reads a time as users type it: ISO-8601, `2026-11-22 02:00`, `tomorrow 02:00`, `today 14:00`,
 * `yesterday`, `+15m`, `-2h`, `now`, and of the past `14:00` alone. Without an offset it is wall-clock time in `zone`.
 * @returns milliseconds since the epoch.
 * @throws AppError `invalid` for what cannot be read, a date that does not exist, and a wall-clock
 *   time that the zone skips or has twice.
 */
export function parseTime(text: string, options: TimeReading): number {
  const { now, zone, looksBack } = options;
  const trimmed = text.trim();
  const lower = trimmed.toLowerCase();
  if (lower === 'now') return now;
  if (/^[+-]\s*\d/.test(lower)) {
    const length = parseDuration(lower.slice(1).trim());
    return within(lower.startsWith('-') ? now - length : now + length, text);
  }
  if (looksBack && TIME_OF_DAY.test(lower)) {
    const wallNow = wallClockAt(now, zone);
    const today = Math.floor(wallNow / DAY_MS) * DAY_MS + timeOfDay(lower, text);
    return inZone(today > wallNow ? today - DAY_MS : today, text, zone);
  }
  const day =
    /^(today|tomorrow|yesterday)(?:(?:\s+at)?\s+(\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?))?$/.exec(
      lower,
    );
  if (day !== null) {
    const shift = day[1] === 'today' ? 0 : day[1] === 'tomorrow' ? 1 : -1;
    const today = Math.floor(wallClockAt(now, zone) / DAY_MS) * DAY_MS;
    return inZone(today + shift * DAY_MS + timeOfDay(day[2] ?? '00:00', text), text, zone);
  }
  const iso =
    /^(\d{4})-(\d{2})-(\d{2})(?:[t ]\s*(\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)\s*(z|[+-]\d{2}(?::?\d{2})?)?)?$/.exec(
      lower,
    );
  if (iso === null) throw unreadable(text, looksBack);
  const [, year = '', month = '', dayOfMonth = '', time = '00:00', offset] = iso;
  const wall =
    dateOf(Number(year), Number(month), Number(dayOfMonth), text) + timeOfDay(time, text);
  if (offset === undefined) return inZone(wall, text, zone);
  return within(wall - offsetOf(offset, text), text);
}

/** A time as parseTime reads it back: `2026-11-22 02:00:00 +01:00` (milliseconds when there are any). */
export function formatTime(at: number, zone: string): string {
  const wall = new Date(wallClockAt(at, zone)).toISOString();
  const milliseconds = at % 1_000 === 0 ? '' : wall.slice(19, 23);
  return `${wall.slice(0, 10)} ${wall.slice(11, 19)}${milliseconds} ${offsetText(offsetAt(at, zone))}`;
}

function dateOf(year: number, month: number, day: number, text: string): number {
  const name = MONTHS.split(' ')[month - 1];
  if (name === undefined) {
    throw new AppError('invalid', `"${text}" is not a date: there is no month ${month}`);
  }
  // The calendar repeats every 400 years; the Date constructor reads the years 0 to 99 as 19xx.
  const days = getDaysInMonth(new Date(2000 + (year % 400), month - 1, 1));
  if (day < 1 || day > days) {
    throw new AppError('invalid', `"${text}" is not a date: ${name} ${year} has ${days} days`);
  }
  // Date.UTC reads the years 0 to 99 as 1900 to 1999.
  return within(new Date(0).setUTCFullYear(year, month - 1, day), text);
}

function timeOfDay(time: string, text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = time.replace(',', '.').split(':').map(Number);
  if (hours > 23 || minutes > 59 || seconds >= 60) {
    throw new AppError('invalid', `"${text}" is not a time: a day goes from 00:00 to 23:59:59`);
  }
  return hours * 3_600_000 + minutes * 60_000 + Math.floor(Number((seconds * 1_000).toFixed(3)));
}

function offsetOf(offset: string, text: string): number {
  if (offset === 'z') return 0;
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(3).replace(':', ''));
  if (hours > 15 || minutes > 59) {
    throw new AppError('invalid', `"${text}" has an offset that no place on Earth has`);
  }
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

function inZone(wall: number, text: string, zone: string): number {
  const instants = instantsAt(wall, zone);
  const [first, second] = instants;
  if (first === undefined) {
    const offsets = new Set([wall - DAY_MS, wall + DAY_MS].map((at) => offsetAt(at, zone)));
    const either = [...offsets].map((offset) => isoWith(wall, offset)).join(' or ');
    throw new AppError('invalid', `"${text}" does not exist in ${zone}: the clocks skip it`, {
      hint: `Say which offset you mean: ${either}`,
    });
  }
  if (second !== undefined) {
    const either = instants.map((at) => isoWith(wall, wall - at)).join(' or ');
    throw new AppError('invalid', `"${text}" happens twice in ${zone}: the clocks go back`, {
      hint: `Say which you mean: ${either}`,
    });
  }
  return within(first, text);
}

function isoWith(wall: number, offset: number): string {
  return `${new Date(wall).toISOString().slice(0, 19)}${offsetText(offset)}`;
}

/** Every time we keep has four digits for its year, in UTC. */
function within(at: number, text: string): number {
  if (at >= 0 && at < 253_402_300_800_000) return at;
  throw new AppError('invalid', `"${text}" is out of range: times go from 1970 to 9999`);
}

function unreadable(text: string, looksBack: boolean): AppError {
  const hint = looksBack ? PAST_FORMS : FORMS;
  return new AppError('invalid', `The time "${text}" cannot be read`, { hint });
}
