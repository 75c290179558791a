const ZERO = 0x30;
/** `2026-11-22T02:00:00`. */
const SECOND_LENGTH = 19;
/** With its fraction and `Z`. */
export const TIME_LENGTH = 27;
const PUNCTUATION: readonly (readonly [number, number])[] = [
  [4, 0x2d],
  [7, 0x2d],
  [10, 0x54],
  [13, 0x3a],
  [16, 0x3a],
  [19, 0x2e],
  [26, 0x5a],
];

/** Reads times of records out of bytes; rows of one second follow one another. */
export class RecordTimes {
  readonly #second = new Uint8Array(SECOND_LENGTH);
  #micros = NaN;

  /** Microseconds since the epoch of the time at a place; NaN where there is none. */
  read(bytes: Uint8Array, start: number): number {
    // From its end: that is what changes.
    for (let i = SECOND_LENGTH - 1; i >= 0; i--) {
      if (bytes[start + i] !== this.#second[i]) return this.#readOther(bytes, start);
    }
    return this.#micros + digits(bytes, start + SECOND_LENGTH + 1, 6);
  }

  #readOther(bytes: Uint8Array, start: number): number {
    this.#micros = NaN;
    for (const [at, byte] of PUNCTUATION) if (bytes[start + at] !== byte) return NaN;
    const second = Date.UTC(
      digits(bytes, start, 4),
      digits(bytes, start + 5, 2) - 1,
      digits(bytes, start + 8, 2),
      digits(bytes, start + 11, 2),
      digits(bytes, start + 14, 2),
      digits(bytes, start + 17, 2),
    );
    this.#second.set(bytes.subarray(start, start + SECOND_LENGTH));
    this.#micros = second * 1_000;
    return this.#micros + digits(bytes, start + SECOND_LENGTH + 1, 6);
  }
}

/** The same of a text. */
export function microsOf(time: string): number {
  return time.length === TIME_LENGTH ? new RecordTimes().read(Buffer.from(time, 'latin1'), 0) : NaN;
}

/** ISO-8601 UTC with microseconds. */
export function timeOfMicros(micros: number): string {
  const fraction = ((micros % 1_000) + 1_000) % 1_000;
  const milliseconds = (micros - fraction) / 1_000;
  const text = new Date(milliseconds).toISOString().slice(0, -1);
  return `${text}${String(fraction).padStart(3, '0')}Z`;
}

/** NaN where one is no digit. */
function digits(bytes: Uint8Array, start: number, count: number): number {
  let number = 0;
  for (let i = start; i < start + count; i++) {
    const digit = (bytes[i] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return NaN;
    number = number * 10 + digit;
  }
  return number;
}
