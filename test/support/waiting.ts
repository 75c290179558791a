import { vi } from 'vitest';
import { eventually, PATIENCE_MS } from './processes.ts';

const HOW = { timeout: PATIENCE_MS, interval: 20 };

/** Waits until `condition` gives something, and returns that. @throws Error when it never does. */
export const waitUntil = <T>(condition: () => T | Promise<T>) =>
  eventually(String(condition), condition);

/** Waits until `work` passes, and returns what it gives. @throws what it threw last. */
export const waitFor = <T>(work: () => T | Promise<T>) => vi.waitFor(work, HOW);
