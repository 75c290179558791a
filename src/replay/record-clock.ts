import { microsOf } from '../workload/tally/record-time.ts';

/** `2026-11-22T02:00:00`. */
const SECOND_LENGTH = 19;

/** Reads the times of records that follow one another: most are in the second of the one before. */
export class RecordClock {
  #second = '';
  #micros = NaN;

  /** Microseconds since the epoch; NaN for what is no time. */
  microsOf(time: string): number {
    if (!time.startsWith(this.#second) || this.#second === '') {
      this.#second = time.slice(0, SECOND_LENGTH);
      this.#micros = microsOf(`${this.#second}.000000Z`);
    }
    return this.#micros + Number(time.slice(SECOND_LENGTH + 1, -1));
  }
}
