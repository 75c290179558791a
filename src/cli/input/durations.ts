import { AppError } from '../../core/errors.ts';
import { DURATION_UNITS } from '../../core/units.ts';

const UNIT_MS: Readonly<Record<string, number>> = DURATION_UNITS;
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
