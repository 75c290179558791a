/**
 * Why statements may be missing:
 * - `server_restarted`: the server forgot that its log was on;
 * - `log_switched_off`: somebody, or the dead-man switch, switched it off;
 * - `log_table_changed`: another program truncated, rotated or dropped the log table;
 * - `log_table_damaged`: rows could not be read back after a crash of the server;
 * - `disk_full`: the server's disk was full, or nearly, and the recorder switched the log off;
 * - `not_logged`: by its own counters the server received more than it logged;
 * - `not_read`: the recording ended before everything that was logged was read.
 */
export type GapCause =
  | 'server_restarted'
  | 'log_switched_off'
  | 'log_table_changed'
  | 'log_table_damaged'
  | 'disk_full'
  | 'not_logged'
  | 'not_read';

/** A place among a server's statements: the batch, and rows of it that lie before. */
export interface LogPosition {
  /** The batch's number, by the name that manifests have for it. */
  readonly generation: number;
  readonly row: number;
}

/** An interval of the log in which statements may be missing from a capture. */
export interface Gap {
  /** ISO-8601 UTC, by the server's clock; null where unknown. */
  readonly from: string | null;
  readonly to: string | null;
  readonly cause: GapCause;
  /** One sentence for users. */
  readonly reason: string;
  /** Everything before `after` and from `before` on is recorded; null where unknown. */
  readonly after: LogPosition | null;
  readonly before: LogPosition | null;
  /** It lies behind the record with this `seq`; 0 before the first. */
  readonly afterSeq: number;
  /** Commands that are missing, by the server's own counters; null where it cannot be known. */
  readonly missing: number | null;
}
