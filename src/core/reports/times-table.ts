import type { TimesAbsence } from './report.ts';
import type { DigestTotals } from './server-times.ts';
import type { TimesInterval, TimeSums } from './statement-times.ts';

/** What the store keeps of the times of captures, and of what a tap read last. */
export interface TimesTable {
  /** What was executed while a capture was recorded, in the order in which it was read. */
  intervalsOf(captureId: number): TimesInterval[];
  /** Adds an interval, in the place of one that was open. */
  add(captureId: number, interval: AddedInterval): void;
  /** How many digests the intervals of a capture have numbered. */
  digestsOf(captureId: number): number;
  /** Notes that nothing was read since, and why; in the place of an interval that is open already. */
  setOpen(captureId: number, from: number, why: TimesAbsence): void;
  /** Says that reading began, or began again: what was not read before is over. */
  closeOpen(captureId: number, to: number): void;

  /** What was read last; null where nothing was. */
  findReading(tapId: number): StoredReading | null;
  saveReading(tapId: number, reading: StoredReading): void;
}

/** An interval as it is added: a digest is a number, counted from 0 in each capture, and has its text once. */
export interface AddedInterval {
  readonly from: number;
  readonly to: number;
  readonly why: TimesAbsence | null;
  /** How many are numbered now. */
  readonly digests: number;
  readonly texts: readonly NumberedText[];
  readonly sums: readonly (readonly [number: number, sums: TimeSums])[];
}

export interface NumberedText {
  readonly number: number;
  readonly db: string | null;
  readonly text: string;
}

/** What a server had counted when it was read last: the next interval begins here, after a crash too. */
export interface StoredReading {
  /** Milliseconds since the epoch, by the server's clock. */
  readonly at: number;
  /** As `OpenSource.serverStart`: another start counts from 0. */
  readonly serverStart: number;
  readonly isCounting: boolean;
  readonly lost: number;
  /** The captures whose next interval begins here. */
  readonly captures: readonly number[];
  readonly totals: ReadonlyMap<string, DigestTotals>;
}
