import { checkLifetime } from '../../core/users/login-lengths.ts';
import { parseDuration } from './durations.ts';

/**
 * Reads how long a session or a token lasts: 1 minute to 366 days.
 * @returns milliseconds.
 * @throws AppError `invalid`.
 */
export function parseLifetime(text: string, what: 'session' | 'token'): number {
  const example = what === 'session' ? '8h' : '30d';
  return checkLifetime(parseDuration(text), what, `For example: --expires ${example}`);
}
