/** What a row of the server's log was, in words of our own that hold for every engine. */
export const STATEMENT_KINDS = [
  'connect',
  'init_db',
  'change_user',
  'query',
  'prepare',
  'execute',
  'close',
  'quit',
  'other',
] as const;
export type StatementKind = (typeof STATEMENT_KINDS)[number];

/**
 * What the record cannot promise about a statement:
 * - `lossy`: the server wrote bytes as text (`\xFF`) that it cannot have received as such, or may have;
 * - `unreplayable`: executed from a statement prepared before the log was on, its values are unknown;
 *   or LOAD DATA LOCAL, whose data the client sends beside it;
 * - `partial`: the server cut the text short;
 * - `redacted`: a secret was taken out;
 * - `echo`: the server's own row for a statement that the row before it already is (EXECUTE in the
 *   text protocol); not to be counted or replayed.
 */
export const STATEMENT_FLAGS = ['lossy', 'unreplayable', 'partial', 'redacted', 'echo'] as const;
export type StatementFlag = (typeof STATEMENT_FLAGS)[number];

/** One row of the server's log as the tap hands it to the recorders. */
export interface LoggedStatement {
  /** ISO-8601 UTC with microseconds and `Z`, by the server's clock. */
  readonly time: string;
  /** The server's connection id. */
  readonly session: number;
  readonly user: string | null;
  readonly host: string | null;
  /** The session's default database; null when unknown or none. */
  readonly db: string | null;
  readonly kind: StatementKind;
  /** The text as received, invalid UTF-8 replaced; then `bytes` holds the truth. */
  readonly sql: string;
  /** The text's bytes, only when they are not valid UTF-8; null otherwise. */
  readonly bytes: Buffer | null;
  readonly flags: readonly StatementFlag[];
}

/** One line of a workload: `LoggedStatement` with its place in one capture. */
export interface StatementRecord {
  /** From 1, contiguous within a capture. */
  seq: number;
  time: string;
  session: number;
  user: string | null;
  host: string | null;
  db: string | null;
  kind: StatementKind;
  sql: string;
  /** base64; only when the text is not valid UTF-8. */
  bytes?: string;
  flags?: StatementFlag[];
}
