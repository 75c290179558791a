import { AppError } from '../../src/core/errors.ts';
import type { Source } from '../../src/core/source.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Nobody is there: what an environment's captures meet when their server is down. */
export const noServers: Source = {
  returnsStatements: () => false,
  open: () => Promise.reject(new AppError('remote_failed', 'The server cannot be reached')),
  inspect: () => Promise.reject(new AppError('remote_failed', 'The server cannot be reached')),
  forecast: () => Promise.reject(new AppError('remote_failed', 'The server cannot be reached')),
};
