import { AppError } from '../../core/errors.ts';
import { parseDuration } from './durations.ts';

const SHORTEST_MS = 60_000;
const LONGEST_MS = 366 * 86_400_000;

/**
 * Reads how long a session or a token lasts: 1 minute to 366 days.
 * @returns milliseconds.
 * @throws AppError `invalid`.
 */
export function parseLifetime(text: string, what: 'session' | 'token'): number {
  const ms = parseDuration(text);
  if (ms >= SHORTEST_MS && ms <= LONGEST_MS) return ms;
  throw new AppError('invalid', `A ${what} lasts from 1 minute to 366 days`, {
    hint: `For example: --expires ${what === 'session' ? '8h' : '30d'}`,
  });
}
