import type { Clock } from '../clock.ts';
import type { Group } from './report-groups.ts';
import type { RatesNow } from './report-rules.ts';
import type { LiveReport } from './report.ts';
import type { WindowTimes } from './statement-times.ts';

interface Look {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly statements: number;
  readonly counts: ReadonlyMap<string, number>;
}

/** More are of no use: one is old enough to be compared with, the others become so. */
const MOST_LOOKS = 4;

/** A server's counts are read once a minute, and those of a whole capture are many. */
const TIMES_KEPT_MS = 10_000;

/**
 * How much there was of each group at the last few looks, for the rates of now. Looks may come as often as
 * they like: rates are taken over the interval, or a little more, never over less than three quarters of it.
 */
export class RecentCounts {
  readonly #interval: number;
  readonly #clock: Clock;
  #looks: Look[] = [];
  #times: { readonly until: number; readonly found: WindowTimes } | null = null;

  /** @param interval milliseconds. */
  constructor(interval: number, clock: Clock) {
    this.#interval = interval;
    this.#clock = clock;
  }

  /** The times, loaded anew every few seconds. */
  times(load: () => WindowTimes): WindowTimes {
    const now = this.#clock.now();
    if (this.#times === null || now >= this.#times.until) {
      this.#times = { until: now + TIMES_KEPT_MS, found: load() };
    }
    return this.#times.found;
  }

  /** Statements/s of a group until `at`; null while there is no look to compare with. */
  ratesAt(at: number): RatesNow {
    const before = this.#before(at);
    if (before === null) return null;
    const seconds = (at - before.at) / 1_000;
    return ({ key, count }) => Math.max(count - (before.counts.get(key) ?? 0), 0) / seconds;
  }

  /** The interval until `at`, with the rates of the groups that are listed; null as `ratesAt`. */
  intervalAt(at: number, statements: number, listed: readonly Group[]): LiveReport['interval'] {
    const before = this.#before(at);
    const rateOf = this.ratesAt(at);
    if (before === null || rateOf === null) return null;
    const seconds = (at - before.at) / 1_000;
    return {
      seconds,
      perSecond: Math.max(statements - before.statements, 0) / seconds,
      rows: listed.map(rateOf),
    };
  }

  /** Remembers a look, unless there was one just now. */
  add(at: number, statements: number, groups: readonly Group[]): void {
    const last = this.#looks.at(-1);
    if (last !== undefined && at < last.at + this.#interval / 2) return;
    const counts = new Map(groups.map(({ key, count }) => [key, count]));
    this.#looks = [...this.#looks.slice(1 - MOST_LOOKS), { at, statements, counts }];
  }

  #before(at: number): Look | null {
    const least = at - this.#interval * 0.75;
    return this.#looks.findLast((look) => look.at <= least) ?? null;
  }
}
