/** Durations, counts and sizes as text for screens; scripts get plain numbers. */

const IEC = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `812 B`, `1.2 MiB`, `23 GiB`: three digits are enough to compare. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 1,023.5 would be shown as 1,024 of the smaller unit.
  while (Math.round(value) >= 1_024 && unit < IEC.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${IEC[unit] ?? ''}`;
}

/** `0`, `12,345`, `5,248,555`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 session`, `12,345 sessions`. */
export function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

const STEPS: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
];

/** The largest parts of a length, two unless told: `45s`, `13m 46s`, `1h 30m`, `2d 4h`. */
export function formatDuration(ms: number, most = 2): string {
  if (ms < 0) return `-${formatDuration(-ms, most)}`;
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  let left = Math.floor(ms / 1_000);
  const parts: string[] = [];
  for (const [unit, size] of STEPS) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === most) break;
  }
  return parts.join(' ');
}

/** `just now`, `3m ago`, `in 1h 30m`: how far an instant is from now. @param parts at most this many units. */
export function formatRelative(at: number, now: number, parts: number): string {
  const distance = at - now;
  if (Math.abs(distance) < 1_000) return 'just now';
  const length = formatDuration(Math.abs(distance), parts);
  return distance < 0 ? `${length} ago` : `in ${length}`;
}
