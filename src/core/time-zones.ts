import { AppError } from './errors.ts';

const DAY_MS = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(zone, format);
  return format;
}

/** Whether this machine knows a time zone of that name. */
export function isTimeZone(zone: string): boolean {
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** @throws AppError `invalid` for a name that is no IANA time zone. */
export function checkTimeZone(zone: string): string {
  if (isTimeZone(zone)) return zone;
  throw new AppError('invalid', `There is no time zone "${zone}"`, {
    hint: 'Give an IANA name such as Europe/Berlin, America/New_York or UTC.',
  });
}

/** What a clock on the wall shows in `zone` at an instant, as if that were UTC, in milliseconds. */
export function wallClockAt(at: number, zone: string): number {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(at)
      .map((part) => [part.type, Number(part.value)]),
  );
  const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
  const second = Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  );
  return second + (((at % 1_000) + 1_000) % 1_000);
}

/** How far `zone` is ahead of UTC at an instant, in milliseconds. */
export function offsetAt(at: number, zone: string): number {
  return wallClockAt(at, zone) - at;
}

/** The instants at which a clock on the wall shows that time: none where the clocks skip it, two where they go back. */
export function instantsAt(wall: number, zone: string): number[] {
  // The offsets before and after any change that is near; more than one change in two days is not.
  const offsets = new Set([wall - DAY_MS, wall, wall + DAY_MS].map((at) => offsetAt(at, zone)));
  return [...offsets]
    .map((offset) => wall - offset)
    .filter((at) => wallClockAt(at, zone) === wall)
    .sort((a, b) => a - b);
}

/** `+01:00`. */
export function offsetText(offset: number): string {
  const minutes = Math.abs(Math.round(offset / 60_000));
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** `2026-11-22 09:00` in a zone, its offset, and whether that time occurs twice. */
export function localTimeOf(
  at: number,
  zone: string,
): { local: string; offset: string; isTwice: boolean } {
  const second = Math.floor(at / 1_000) * 1_000;
  const wall = wallClockAt(second, zone);
  return {
    local: new Date(wall).toISOString().slice(0, 16).replace('T', ' '),
    offset: offsetText(wall - second),
    isTwice: instantsAt(wall, zone).length > 1,
  };
}
