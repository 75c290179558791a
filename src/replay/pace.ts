/** The time that a replay goes by: of a clock that nobody sets. */
export interface Pace {
  /** Milliseconds, with fractions, since some moment. */
  now(): number;
  /** Resolves after `ms` milliseconds, or at once when `signal` is aborted. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** When each record is due: on an absolute schedule, so that lateness never adds up. */
export class Schedule {
  readonly #fromMicros: number;
  readonly #speed: number;

  /** @param fromMicros when the record's first statement was recorded. */
  constructor(fromMicros: number, speed: number) {
    this.#fromMicros = fromMicros;
    this.#speed = speed;
  }

  /** Milliseconds behind the start of the replay. A record without a time is due at once. */
  dueOf(micros: number): number {
    return Number.isNaN(micros) ? 0 : (micros - this.#fromMicros) / 1_000 / this.#speed;
  }
}

/** A thing that one waits for until another says that it happened. */
export class Turnstile {
  #wake: (() => void) | null = null;
  #waiting: Promise<void> | null = null;

  wait(): Promise<void> {
    this.#waiting ??= new Promise((resolve) => (this.#wake = resolve));
    return this.#waiting;
  }

  open(): void {
    const wake = this.#wake;
    this.#wake = null;
    this.#waiting = null;
    wake?.();
  }
}
