import { WORKLOAD_BUCKET_MS, type WorkloadRate } from '../core/server-metrics.ts';
import type { LoggedStatement } from '../core/statements.ts';

/** `2026-11-22T02:00:0`: up to the tens of the seconds, so that equal prefixes are one bucket. */
const PREFIX_LENGTH = 18;
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
 * statements to run and distinct sessions. Costs about 30 ns a statement (bench/metrics).
 */
export class WorkloadRates {
  readonly #buckets = new Map<number, Bucket>();
  #prefix = '';
  #current: Bucket = newBucket();

  /** Counts statements that are recorded. */
  add(statements: readonly LoggedStatement[]): void {
    let lastSession = -1;
    for (const { time, session, kind, flags } of statements) {
      if (this.#prefix === '' || !time.startsWith(this.#prefix)) {
        this.#turnTo(time);
        lastSession = -1;
      }
      const isStatement = kind === 'query' || kind === 'execute';
      if (isStatement && (flags.length === 0 || !flags.includes('echo'))) {
        this.#current.statements += 1;
      }
      if (session !== lastSession) {
        this.#current.sessions.add(session);
        lastSession = session;
      }
    }
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
    const at = Date.parse(`${time.slice(0, PREFIX_LENGTH)}0Z`);
    // A time that is none is counted nowhere, rather than failing a recording.
    const isTime = Number.isFinite(at) && at % WORKLOAD_BUCKET_MS === 0;
    this.#prefix = isTime ? time.slice(0, PREFIX_LENGTH) : '';
    const bucket = this.#buckets.get(at) ?? newBucket();
    if (isTime) this.#buckets.set(at, bucket);
    this.#current = bucket;
  }
}
