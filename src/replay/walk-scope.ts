import type { RecordedSession } from './recorded-session.ts';

/**
 * Which records are part of one walk over the record: in the first all of them; in each further one those of sessions
 * that had no place in the walks before, from the first record on that was not counted there.
 */
export class WalkScope {
  readonly isFirst: boolean;
  /** By the first record of a session that had begun: from which `seq` on its records are meant. */
  readonly #begun: ReadonlyMap<number, number>;
  /** Sessions that begin here or later had not begun. */
  readonly #from: number;
  #next: WalkScope | null = null;

  constructor(begun: ReadonlyMap<number, number> = new Map(), from = 0) {
    this.#begun = begun;
    this.#from = from;
    this.isFirst = begun.size === 0 && from === 0;
  }

  /** Whether a record is part of this walk. */
  has(session: RecordedSession, seq: number): boolean {
    if (this.#next?.has(session, seq) === true) return false;
    const from = this.#begun.get(session.first);
    return from === undefined ? session.first >= this.#from : seq >= from;
  }

  /**
   * Leaves sessions to the next walk.
   * @param begun the `seq` of the first record that was not counted of each, by their first one.
   * @param from behind the last record that was come to: sessions that begin here or later wait behind them.
   */
  putOff(begun: ReadonlyMap<number, number>, from: number): void {
    const all = new Map(begun);
    // Those that were left to this walk, and were not come to in it.
    for (const [first, seq] of this.#begun) if (seq >= from && !all.has(first)) all.set(first, seq);
    this.#next = new WalkScope(all, Math.max(from, this.#from));
  }

  /** Of the next walk; null where this one is the last. */
  get next(): WalkScope | null {
    return this.#next;
  }
}
