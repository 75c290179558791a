import type { ReplayedRecord } from '../core/replays/replay-player.ts';
import { REPLAY_SLICES, type ReplayOptions } from '../core/replays/replay.ts';
import { isStatement } from './record-accounts.ts';
import type { DigestRows } from './digest-rows.ts';
import { ItemQueue } from './item-queue.ts';
import { Turnstile, type Schedule } from './pace.ts';
import type { Planned } from './plan.ts';
import { RecordClock } from './record-clock.ts';
import type { ReplayItem } from './replay-item.ts';
import { Screening, type Screened } from './screening.ts';
import type { WalkScope } from './walk-scope.ts';

/**
 * What is read ahead: on a schedule, so that a disk that is slow for a moment makes nothing late; and at the start, so
 * that sessions are in sight which have to be connected.
 */
const MOST_ITEMS = 4_096;
/** The same where each session goes as fast as it can. What is held for long the collector copies twice, and marks. */
const MOST_UNSCHEDULED = 512;
const MOST_BYTES = 4 * 1024 * 1024;
/** What an item takes besides its text. */
const ITEM_BYTES = 200;

/** The records of one walk over the record, in order: read as far ahead as the memory may hold. */
export class ReadAhead {
  readonly #items = new ItemQueue<ReplayItem>();
  #bytes = 0;
  #most = MOST_ITEMS;
  #isRead = false;
  #isEnded = false;
  readonly #readable = new Turnstile();
  readonly #room = new Turnstile();
  readonly #clock = new RecordClock();
  /** What comes behind a record is not due before it: the recorded server's clock may have been set back. */
  #due = 0;
  readonly #from: number;
  readonly #length: number;
  readonly #schedule: Schedule | null;
  readonly #rows: DigestRows;
  readonly #scope: WalkScope;
  /** Rejects with what the record cannot be read for. */
  readonly done: Promise<void>;

  /** @param scope what is part of this walk. */
  constructor(
    record: ReplayedRecord,
    options: ReplayOptions,
    planned: Planned,
    schedule: Schedule | null,
    rows: DigestRows,
    scope: WalkScope,
  ) {
    this.#schedule = schedule;
    this.#rows = rows;
    this.#scope = scope;
    const { from, to } = planned.plan;
    this.#from = from === null ? 0 : this.#clock.microsOf(from);
    this.#length = Math.max(1, to === null ? 1 : this.#clock.microsOf(to) - this.#from + 1);
    this.done = this.#read(record, new Screening(options, planned));
    // Whoever awaits it is told; until then it is nobody's failure.
    this.done.catch(() => undefined);
  }

  /** The next one, which stays; null behind the last. */
  async next(): Promise<ReplayItem | null> {
    for (;;) {
      const item = this.#items.peek();
      if (item !== undefined) return item;
      if (this.#isRead || this.#isEnded) return null;
      await this.#readable.wait();
    }
  }

  /** Resolves when as much is read as may be for the start; without a schedule it is less from then on. */
  async filled(): Promise<void> {
    while (!this.#isRead && !this.#isEnded && !this.#isFull()) await this.#readable.wait();
    if (this.#schedule === null) this.#most = MOST_UNSCHEDULED;
  }

  /** The next one without waiting; undefined where none is read yet. */
  peek(): ReplayItem | undefined {
    return this.#items.peek();
  }

  /** What is read and not taken out. */
  all(): Iterable<ReplayItem> {
    return this.#items.all();
  }

  /** Takes the next one out. */
  shift(): void {
    const item = this.#items.shift();
    if (item === undefined) return;
    this.#bytes -= item.bytes;
    if (!this.#isFull()) this.#room.open();
  }

  /** Reads no further. @returns what was read and not taken out. */
  end(): Iterable<ReplayItem> {
    this.#isEnded = true;
    this.#room.open();
    this.#readable.open();
    return this.#items.drain();
  }

  async #read(record: ReplayedRecord, screening: Screening): Promise<void> {
    const take = (screened: Screened): void => this.#take(screened);
    try {
      for await (const records of record.read()) {
        for (const one of records) screening.look(one, take);
        this.#readable.open();
        while (this.#isFull() && !this.#hasEnded()) await this.#room.wait();
        if (this.#hasEnded()) return;
      }
      screening.finish(take);
    } finally {
      this.#isRead = true;
      this.#readable.open();
    }
  }

  #dueAt(micros: number): number | null {
    if (this.#schedule === null) return null;
    this.#due = Math.max(this.#due, this.#schedule.dueOf(micros));
    return this.#due;
  }

  #hasEnded(): boolean {
    return this.#isEnded;
  }

  #isFull(): boolean {
    return this.#items.length >= this.#most || this.#bytes >= MOST_BYTES;
  }

  #take(screened: Screened): void {
    const { record, session, digest, nature, reason } = screened;
    if (!this.#scope.has(session, record.seq)) return;
    const micros = this.#clock.microsOf(record.time);
    const part = Math.floor(((micros - this.#from) / this.#length) * REPLAY_SLICES);
    const isCounted = digest !== null && isStatement(record.kind);
    const bytes = ITEM_BYTES + 2 * record.sql.length;
    this.#bytes += bytes;
    this.#items.push({
      screened,
      // What is not sent is waited for by nobody.
      due: reason === null ? this.#dueAt(micros) : null,
      slice: Math.min(Math.max(part, 0), REPLAY_SLICES - 1) || 0,
      row: isCounted ? this.#rows.of(digest, record.db, nature?.class ?? null) : null,
      bytes,
      isSettled: false,
    });
  }
}
