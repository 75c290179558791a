import type { DigestRow } from './digest-rows.ts';
import type { Screened } from './screening.ts';

/** A record on its way to the target. */
export interface ReplayItem {
  readonly screened: Screened;
  /** When it is due, in milliseconds behind the start; null for as soon as its session can. */
  readonly due: number | null;
  /** The part of the record that it is in: from 0 to `REPLAY_SLICES` - 1. */
  readonly slice: number;
  /** Of a query or execute; null for others, and for one that is not kept apart. */
  readonly row: DigestRow | null;
  /** Bytes that it holds, nearly. */
  readonly bytes: number;
  isSettled: boolean;
}
