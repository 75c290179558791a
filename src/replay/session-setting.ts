import type { StatementRecord } from '../core/workloads/statements.ts';
import type { StatementNature, TransactionEffect } from '../sql/statement-nature.ts';

/** What is sent in front of a session's statements, so that they mean what they meant when they were recorded. */
export class SessionSetting {
  readonly #hasRecordedTime: boolean;
  #waiting: string[] = [];
  #turnsAutocommitOn: boolean;
  #ownsTimestamp = false;

  /**
   * @param options.hasRecordedTime whether the session's clock is that of the record.
   * @param options.autocommitOff how autocommit was when the record began; null where it was on.
   */
  constructor(options: {
    readonly hasRecordedTime: boolean;
    readonly autocommitOff: 'always' | 'once' | null;
  }) {
    this.#hasRecordedTime = options.hasRecordedTime;
    if (options.autocommitOff !== null) this.#waiting.push('SET autocommit = 0');
    this.#turnsAutocommitOn = options.autocommitOff === 'once';
  }

  /** The session is as behind its login again. */
  reset(): void {
    this.#ownsTimestamp = false;
  }

  /** Settings of the session that were recorded and not sent. */
  repeat(settings: readonly string[]): void {
    this.#waiting.push(...settings);
  }

  /** What is sent in front of the next statement. */
  before(nature: StatementNature, record: StatementRecord): readonly string[] {
    const before = this.take();
    if (!this.#hasRecordedTime) return before;
    if (nature.timestamp !== null) this.#ownsTimestamp = nature.timestamp === 'set';
    else if (nature.dependsOnTime && !this.#ownsTimestamp) {
      return [...before, `SET timestamp = ${timestampOf(record.time)}`];
    }
    return before;
  }

  /** What is sent in front of anything. */
  take(): readonly string[] {
    if (this.#waiting.length === 0) return NOTHING;
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  /** A statement was done. */
  after({ transaction }: StatementNature): void {
    if (this.#turnsAutocommitOn && transaction.some(isEnd)) {
      this.#turnsAutocommitOn = false;
      this.#waiting.push('SET autocommit = 1');
    }
  }
}

function isEnd(effect: TransactionEffect): boolean {
  return effect === 'ends' || effect === 'ends_alone';
}

const NOTHING: readonly string[] = Object.freeze([]);

/** Seconds since 1970 with microseconds, as the servers' variable `timestamp` takes them. */
function timestampOf(time: string): string {
  const seconds = Math.floor(Date.parse(`${time.slice(0, 19)}Z`) / 1_000);
  return `${seconds}.${time.slice(20, 26)}`;
}
