import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/core/clock.ts';

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/**
 * A clock that stands still until it is told to go on. `advance` wakes the sleepers that are due, in
 * their order, and lets everything they set off happen before it goes further.
 */
export class ManualClock implements Clock {
  #now: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(now = Date.parse('2026-11-22T12:00:00Z')) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true || ms <= 0) {
        resolve();
        return;
      }
      const wake = (): void => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper = { until: this.#now + ms, wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settled();
    for (;;) {
      const [next] = [...this.#sleepers].sort((a, b) => a.until - b.until);
      if (next === undefined || next.until > end) break;
      this.#now = Math.max(this.#now, next.until);
      next.wake();
      await settled();
    }
    this.#now = end;
    await settled();
  }

  /** Sets the clock as an administrator would: sleepers wait as long as they had to. */
  set(now: number): void {
    const shift = now - this.#now;
    this.#now = now;
    for (const sleeper of [...this.#sleepers]) {
      this.#sleepers.delete(sleeper);
      this.#sleepers.add(Object.assign(sleeper, { until: sleeper.until + shift }));
    }
  }
}

/**
 * Resolves when every promise that could go on has done so, those that wait for files too: beside other
 * work the disk may answer later than the next turn of the loop.
 */
async function settled(): Promise<void> {
  do {
    await setImmediate();
  } while (process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq')));
}
