import { AppError } from '../errors.ts';

const SHORTEST_MS = 60_000;
const LONGEST_MS = 366 * 86_400_000;

/**
 * Checks how long a session or a token is to last: 1 minute to 366 days.
 * @param hint what to do instead, where somebody typed it.
 * @returns milliseconds, a whole number.
 * @throws AppError `invalid`.
 */
export function checkLifetime(
  ms: number,
  what: 'session' | 'token',
  hint: string | null = null,
): number {
  if (Number.isSafeInteger(ms) && ms >= SHORTEST_MS && ms <= LONGEST_MS) return ms;
  throw new AppError('invalid', `A ${what} lasts from 1 minute to 366 days`, { hint });
}
