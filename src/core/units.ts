/** Durations, counts and sizes as text for screens; scripts get plain numbers. */

const IEC = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `812 B`, `1.2 MiB`, `500 MiB`, `4 GiB`: at most one decimal, and three digits where they are not whole. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 1,023.5 would be shown as 1,024 of the smaller unit.
  while (Math.round(value) >= 1_024 && unit < IEC.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  const text = value.toFixed(value < 99.95 ? 1 : 0).replace(/\.0$/, '');
  return `${text} ${IEC[unit] ?? ''}`;
}

/** `0`, `12,345`, `5,248,555`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 session`, `12,345 sessions`. */
export function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** The units of a duration and their milliseconds, the largest first. */
export const DURATION_UNITS = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 };

/** The largest parts of a duration, two unless told: `45s`, `13m 46s`, `1h 30m`, `2d 4h`. */
export function formatDuration(ms: number, most = 2): string {
  if (ms < 0) return `-${formatDuration(-ms, most)}`;
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  const parts: string[] = [];
  let left = ms;
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const count = Math.floor(left / DURATION_UNITS[unit]);
    left -= count * DURATION_UNITS[unit];
    if (count > 0) parts.push(`${count}${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === most) break;
  }
  return parts.join(' ');
}

/** The length of something that is over: `45s` for 44.7 seconds, where `formatDuration` has 44 that have passed. */
export function roundedDuration(seconds: number): string {
  return formatDuration(seconds < 1 ? seconds * 1_000 : Math.round(seconds) * 1_000);
}

/** A duration as the command line reads it: `1h30m`, `1d`, `0s`; below a second `0.25s`. */
export function formatExactDuration(ms: number): string {
  let left = ms;
  let text = '';
  for (const unit of ['w', 'd', 'h', 'm'] as const) {
    const count = Math.floor(left / DURATION_UNITS[unit]);
    left -= count * DURATION_UNITS[unit];
    if (count > 0) text += `${count}${unit}`;
  }
  return left > 0 || text === '' ? `${text}${left / 1_000}s` : text;
}

/** `2026-11-22 02:00:05 UTC`, of an ISO-8601 time in UTC, whatever its fraction of a second. */
export function formatUtc(time: string): string {
  return `${time.slice(0, 19).replace('T', ' ')} UTC`;
}

/** `just now`, `3m ago`, `in 1h 30m`: how far an instant is from now. @param parts at most this many units. */
export function formatRelative(at: number, now: number, parts: number): string {
  const distance = at - now;
  if (Math.abs(distance) < 1_000) return 'just now';
  const size = Math.abs(distance);
  const largest =
    Object.values(DURATION_UNITS).find((unit) => unit <= size && unit < DURATION_UNITS.w) ?? 1;
  // Of what is to come one part alone is rounded: 20h 58m is 21h.
  const shown = parts === 1 && distance > 0 ? Math.round(size / largest) * largest : size;
  const length = formatDuration(shown, parts);
  return distance < 0 ? `${length} ago` : `in ${length}`;
}
