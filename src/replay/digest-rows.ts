import { LatencyHistogram } from '../core/replays/latency-histogram.ts';
import {
  MOST_REPLAY_ROWS,
  REPLAY_SLICES,
  type ReplayRow,
  type SkipReason,
} from '../core/replays/replay.ts';
import type { DigestClass } from '../core/reports/tally.ts';
import type { TargetAnswer } from '../core/replays/target.ts';
import type { Digest } from '../sql/digest.ts';
import { raise, type Outcome } from './record-accounts.ts';

const NUMBERS_A_ROW = 2 * REPLAY_SLICES;
/** A typed array of its own would take more than what is in it. */
const ROWS_A_TABLE = 256;
/** Of the text of a digest, in characters. */
const LONGEST_TEXT = 16 * 1024;
/** Of all of them together. */
const MOST_TEXT = 4 * 1024 * 1024;
/** Functions whose result is another one each time, whatever the session's time is. */
const UNSTEADY =
  /\b(?:rand|uuid|uuid_short|uuid_to_bin|connection_id|sysdate|random_bytes|sys_guid)\s*\(/i;

/** What became of the statements of one digest with one default database. */
export class DigestRow {
  readonly digest: Digest;
  readonly db: string | null;
  readonly class: DigestClass | null;
  /** Whether its result is another one each time. */
  readonly isUnsteady: boolean;
  recorded = 0;
  sent = 0;
  skipped: Map<SkipReason, number> | null = null;
  failed: Map<number, number> | null = null;
  rowsReturned = 0;
  rowsChanged = 0;
  readonly latencies = new LatencyHistogram();
  /** Answers in each slice, then microseconds in each: a part of a table that many rows share. */
  readonly #slices: Float64Array;
  readonly #at: number;

  /** @param slices where its `NUMBERS_A_ROW` are, from `at` on. */
  constructor(
    digest: Digest,
    db: string | null,
    kind: DigestClass | null,
    slices: Float64Array,
    at: number,
  ) {
    this.#slices = slices;
    this.#at = at;
    const { text } = digest;
    const isLong = text.length > LONGEST_TEXT;
    this.digest = isLong ? { ...digest, text: `${text.slice(0, LONGEST_TEXT)} …` } : digest;
    this.isUnsteady = UNSTEADY.test(text);
    this.db = db;
    this.class = kind;
  }

  add(outcome: Outcome): void {
    this.recorded++;
    if (outcome === 0) this.sent++;
    else if (typeof outcome === 'number')
      raise((this.failed ??= new Map<number, number>()), outcome);
    else raise((this.skipped ??= new Map<SkipReason, number>()), outcome);
  }

  /** @param slice of the record: from 0 to `REPLAY_SLICES` - 1. */
  answered({ rows, changed, micros }: TargetAnswer, slice: number): void {
    this.rowsReturned += rows;
    this.rowsChanged += changed;
    this.latencies.add(micros);
    const at = this.#at + slice;
    const slices = this.#slices;
    slices[at] = (slices[at] ?? 0) + 1;
    slices[at + REPLAY_SLICES] = (slices[at + REPLAY_SLICES] ?? 0) + micros;
  }

  /** @param recordedSeconds and `seconds`: how long the record is, and how long it was replayed. */
  row(recordedSeconds: number, seconds: number): ReplayRow {
    const { digest, db, latencies, recorded, sent } = this;
    const spread = latencies.spread() ?? NO_LATENCIES;
    const middle = this.#at + REPLAY_SLICES;
    const counts = this.#slices.subarray(this.#at, middle);
    const micros = this.#slices.subarray(middle, middle + REPLAY_SLICES);
    return {
      digest: digest.id,
      text: digest.text,
      db,
      class: this.class,
      ...spread,
      recorded,
      sent,
      skipped: this.skipped === null ? NONE : Object.fromEntries(this.skipped),
      failed: this.failed === null ? NONE : Object.fromEntries(this.failed),
      rowsReturned: this.rowsReturned,
      rowsChanged: this.rowsChanged,
      recordedPerSecond: rate(recorded, recordedSeconds),
      perSecond: rate(spread.count, seconds),
      totalMs: latencies.sum / 1_000,
      histogram: latencies.packed(),
      slices:
        latencies.count === 0
          ? NO_SLICES
          : { count: [...counts], totalMs: Array.from(micros, (sum) => sum / 1_000) },
    };
  }
}

/** One for all: most rows have no more. */
const NONE = Object.freeze({});
const NO_SLICES: ReplayRow['slices'] = {
  count: new Array<number>(REPLAY_SLICES).fill(0),
  totalMs: new Array<number>(REPLAY_SLICES).fill(0),
};
const NO_LATENCIES = { count: 0, averageMs: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 };

/** Keeps the digests that come first apart, by their databases: as many as there is room for. */
export class DigestRows {
  readonly #byDatabase = new Map<string | null, Map<string, DigestRow>>();
  #size = 0;
  /** Characters of their texts. */
  #text = 0;
  #slices = new Float64Array(0);
  /** Statements of digests that are not kept apart. */
  unlisted = 0;

  /** null for one that has no room; counts it then. */
  of(digest: Digest, db: string | null, kind: DigestClass | null): DigestRow | null {
    let rows = this.#byDatabase.get(db);
    if (rows === undefined) this.#byDatabase.set(db, (rows = new Map<string, DigestRow>()));
    const known = rows.get(digest.id);
    if (known !== undefined) return known;
    const length = Math.min(digest.text.length, LONGEST_TEXT);
    if (this.#size >= MOST_REPLAY_ROWS || this.#text + length > MOST_TEXT) {
      this.unlisted++;
      return null;
    }
    const at = (this.#size % ROWS_A_TABLE) * NUMBERS_A_ROW;
    if (at === 0) this.#slices = new Float64Array(ROWS_A_TABLE * NUMBERS_A_ROW);
    this.#size++;
    this.#text += length;
    const row = new DigestRow(digest, db, kind, this.#slices, at);
    rows.set(digest.id, row);
    return row;
  }

  /** Takes all out: none of them is kept any longer than it is looked at. */
  *drain(): Generator<DigestRow> {
    for (const rows of this.#byDatabase.values()) {
      for (const [digest, row] of rows) {
        rows.delete(digest);
        yield row;
      }
    }
  }
}

function rate(count: number, seconds: number): number {
  return seconds > 0 ? count / seconds : 0;
}
