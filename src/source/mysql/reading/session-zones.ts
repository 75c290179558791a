/** Zones of the world lie at multiples of this from UTC. */
const STEP_MS = 15 * 60_000;
const MINUTE_MS = 60_000;
const LOWEST_MS = -14 * 3_600_000;
const HIGHEST_MS = 14 * 3_600_000;
/**
 * A row bears the instant at which its statement was received and is written a moment later: when a
 * rotation or a reader of the log table is in the way, some seconds later.
 */
const SLACK_MS = 60_000;
const SHORT_SLACK_MS = 5_000;

/**
 * Puts right the times of a log table in CSV, which the server writes in each session's own
 * `time_zone` without saying which. A row lies between the rotation before its table and the one after
 * it; the one multiple of 15 minutes that puts it there is its session's offset from UTC (`SET
 * time_zone = '+05:37'` is found by whole minutes where the table spans less than one). Sessions that
 * changed their zone are found the same way, row by row. A table that spans more than 13 minutes may
 * leave more than one: then it is the session's last known offset, else the server's own, else the
 * latest zone that is possible. Pure: texts in, texts out.
 */
export class SessionZones {
  /** The server's own zone, which most sessions have: milliseconds to be taken off. */
  readonly #serverOffset: number;
  /** Sessions whose offset is another one. */
  readonly #offsets = new Map<number, number>();
  readonly #changed = new Set<number>();
  /** The table's bounds as text, slack included: rows that lie there as they stand are compared only. */
  #lowText = '';
  #highText = '\uffff';
  #low = -Infinity;
  #high = Infinity;
  /** The text of a second, with an offset, and the second that it is: rows of one follow one another. */
  #cachedKey = '';
  #cachedText = '';
  #guessed = 0;

  /** @param serverOffset of the server's global time zone from UTC, in milliseconds. */
  constructor(serverOffset: number) {
    this.#serverOffset = serverOffset;
  }

  /** Rows whose time could not be told from the table's bounds alone. */
  get guessed(): number {
    return this.#guessed;
  }

  /** Sets between which instants the rows to come were received; null where unknown. */
  setBounds(after: string | null, before: string): void {
    this.#low = after === null ? -Infinity : Date.parse(after);
    this.#high = Date.parse(before);
    this.#lowText = after === null ? '' : instantOf(this.#low - SLACK_MS);
    this.#highText = instantOf(this.#high + SLACK_MS);
  }

  /** What is known of a session from before a crash. */
  restore(session: number, minutes: number): void {
    this.#set(session, minutes * MINUTE_MS);
  }

  /** The sessions whose offset changed since the last call. */
  takeChanged(): number[] {
    const changed = [...this.#changed];
    this.#changed.clear();
    return changed;
  }

  /** The offset of a session in minutes; null when it is the server's own. */
  minutesOf(session: number): number | null {
    const offset = this.#offsets.get(session);
    return offset === undefined ? null : offset / MINUTE_MS;
  }

  forget(session: number): void {
    this.#offsets.delete(session);
  }

  /** @param time as the table has it, in the form of ISO-8601 UTC. @returns the same in UTC. */
  correct(session: number, time: string): string {
    const known =
      this.#offsets.size === 0
        ? this.#serverOffset
        : (this.#offsets.get(session) ?? this.#serverOffset);
    let corrected = known === 0 ? time : this.#shift(time, known);
    if (corrected < this.#lowText || corrected > this.#highText) {
      const offset = this.#find(time, known);
      if (offset !== known) {
        this.#set(session, offset);
        corrected = this.#shift(time, offset);
      }
    }
    return corrected;
  }

  #set(session: number, offset: number): void {
    if (offset === this.#serverOffset) this.#offsets.delete(session);
    else this.#offsets.set(session, offset);
    this.#changed.add(session);
  }

  #find(time: string, known: number): number {
    const local = Date.parse(time);
    const candidates = offsetsBetween(
      local - this.#high - SLACK_MS,
      local - this.#low + SLACK_MS,
      STEP_MS,
    );
    const [first] = candidates;
    if (candidates.length === 1 && first !== undefined) return first;
    if (candidates.length === 0) {
      const minutes = offsetsBetween(
        local - this.#high - SHORT_SLACK_MS,
        local - this.#low + SHORT_SLACK_MS,
        MINUTE_MS,
      );
      const [one] = minutes;
      if (minutes.length === 1 && one !== undefined) return one;
    }
    this.#guessed++;
    if (candidates.includes(this.#serverOffset)) return this.#serverOffset;
    // Known offsets were tried already: what stands there is outside of the bounds with them.
    return candidates.at(-1) ?? known;
  }

  #shift(time: string, offset: number): string {
    const second = time.slice(0, 19);
    const key = `${second}${offset}`;
    if (key !== this.#cachedKey) {
      this.#cachedKey = key;
      this.#cachedText = new Date(Date.parse(`${second}Z`) - offset).toISOString().slice(0, 19);
    }
    return this.#cachedText + time.slice(19);
  }
}

/** Multiples of `step` from `low` to `high`, as far as any zone lies from UTC; ascending. */
function offsetsBetween(low: number, high: number, step: number): number[] {
  const offsets: number[] = [];
  const first = Math.ceil(Math.max(low, LOWEST_MS) / step) * step;
  for (let offset = first; offset <= Math.min(high, HIGHEST_MS); offset += step) {
    offsets.push(offset === 0 ? 0 : offset);
  }
  return offsets;
}

function instantOf(ms: number): string {
  return new Date(ms).toISOString();
}
