import { AppError } from '../../core/errors.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const NUMBER = /^[+-]?\d+(\.\d+)?$/;
const PARTS = /^(\d+(\.\d+)?[smhdw])+$/;

/**
 * Reads a length of time: a number of seconds, or parts such as `15m`, `1h30m`, `1d`, `1w`.
 * Bounds are the caller's affair: `0` and `-5` can be read.
 * @returns whole milliseconds.
 * @throws AppError `invalid`.
 */
export function parseDuration(text: string): number {
  const trimmed = text.trim();
  if (NUMBER.test(trimmed)) return bounded(Number(trimmed) * 1_000);
  const lower = trimmed.toLowerCase();
  if (!PARTS.test(lower)) throw unreadable(text);
  let sum = 0;
  let smallest = Infinity;
  for (const [, amount = '', unit = ''] of lower.matchAll(/(\d+(?:\.\d+)?)([smhdw])/g)) {
    const ms = UNIT_MS[unit] ?? 0;
    // "30m1h" is more likely a slip than a way to write 90 minutes.
    if (ms >= smallest) throw unreadable(text);
    smallest = ms;
    sum += Number(amount) * ms;
  }
  return bounded(sum);
}

function unreadable(text: string): AppError {
  return new AppError('invalid', `The duration "${text}" cannot be read`, {
    hint: 'Give seconds, or s, m, h, d and w from the largest to the smallest: 90, 15m, 1h30m, 1d, 1w.',
  });
}

/** So that a number with 400 digits is still a number; the rules refuse it as too long. */
function bounded(ms: number): number {
  return Math.round(Math.max(Math.min(ms, Number.MAX_SAFE_INTEGER), -Number.MAX_SAFE_INTEGER));
}

/** The same length as `parseDuration` reads it: `1h30m`, `1d`, `0s`; below a second `0.25s`. */
export function formatExactDuration(ms: number): string {
  let left = ms;
  let text = '';
  for (const unit of ['w', 'd', 'h', 'm'] as const) {
    const size = UNIT_MS[unit] ?? 1;
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return left > 0 || text === '' ? `${text}${left / 1_000}s` : text;
}
