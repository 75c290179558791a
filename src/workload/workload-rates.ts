import type { WorkloadRate } from '../core/metrics/workload-metrics.ts';
import type { LoggedStatement } from '../core/workloads/statements.ts';

/** `2026-11-22T02:00:0`: up to the tens of the seconds, so that equal prefixes are one bucket. */
const PREFIX = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d/;
const PREFIX_LENGTH = 18;
const TENS_OF_SECONDS = 17;
/** Sessions met lately, by the low bits of their id: asking a Set costs ten times as much. */
const RECENT = 256;
/** Sessions interleave by microseconds, never by minutes: older buckets get nothing more. */
const KEPT_MS = 60_000;

interface Bucket {
  /** Since the last `take`. */
  statements: number;
  readonly sessions: Set<number>;
  takenSessions: number;
}

const newBucket = (): Bucket => ({ statements: 0, sessions: new Set(), takenSessions: 0 });

/**
 * Counts what a capture records in buckets of ten seconds by the server's time of the statements:
 * statements to run and distinct sessions. Costs about 10 ns a statement (bench/metrics).
 */
export class WorkloadRates {
  readonly #buckets = new Map<number, Bucket>();
  readonly #recent = new Array<number>(RECENT).fill(-1);
  #prefix = '';
  #current = newBucket();

  /** Counts statements that are recorded. */
  add(statements: readonly LoggedStatement[]): void {
    // Within a batch, which is less than a minute, one digit tells the bucket.
    let digit = -1;
    let added = 0;
    for (const { time, session, kind, flags } of statements) {
      if (time.charCodeAt(TENS_OF_SECONDS) !== digit || this.#prefix === '') {
        this.#current.statements += added;
        added = 0;
        this.#turnTo(time);
        digit = time.charCodeAt(TENS_OF_SECONDS);
      }
      if (kind === 'query' || kind === 'execute') {
        if (flags.length === 0 || !flags.includes('echo')) added += 1;
      }
      if (this.#recent[session % RECENT] !== session) {
        this.#recent[session % RECENT] = session;
        this.#current.sessions.add(session);
      }
    }
    this.#current.statements += added;
  }

  /** What was counted since the last call: statements to add, sessions of the whole bucket so far. */
  take(): WorkloadRate[] {
    const rates: WorkloadRate[] = [];
    const newest = Math.max(...this.#buckets.keys());
    for (const [at, bucket] of this.#buckets) {
      if (bucket.statements > 0 || bucket.sessions.size > bucket.takenSessions) {
        rates.push({ at, statements: bucket.statements, sessions: bucket.sessions.size });
      }
      bucket.statements = 0;
      bucket.takenSessions = bucket.sessions.size;
      if (at < newest - KEPT_MS) this.#buckets.delete(at);
    }
    return rates;
  }

  #turnTo(time: string): void {
    const prefix = time.slice(0, PREFIX_LENGTH);
    if (prefix === this.#prefix) return;
    this.#recent.fill(-1);
    // A time that is none is counted nowhere, rather than failing a recording.
    this.#prefix = PREFIX.test(prefix) ? prefix : '';
    const at = Date.parse(`${prefix}0Z`);
    this.#current = this.#buckets.get(at) ?? newBucket();
    if (this.#prefix !== '') this.#buckets.set(at, this.#current);
  }
}
