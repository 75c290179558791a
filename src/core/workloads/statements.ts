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
 * - `partial`: the server cut the text short, or the recorder did (see `LONGEST_TEXT`);
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
  /** Where the whole text is when it is too long to be held in memory: `sql` is only its beginning. */
  readonly long?: LongText;
}

/**
 * Bytes from which on a text goes through a file piece by piece. What is held in memory is copied some
 * ten times on its way (packet, text, JSON, frame): statements of 1 MB made the daemon 130 MB larger.
 */
export const LONG_TEXT = 256 * 1024;

/**
 * Bytes of a text after which the recorder cuts it. A little more than 64 MiB: a value of 16 MiB, the most
 * that servers take unless they are told otherwise, is 64 MiB in a log that escapes each of its bytes.
 */
export const LONGEST_TEXT = 65 * 1024 * 1024;

/** A text of at least `LONG_TEXT` bytes. Can be read until the next batch of statements is asked for. */
export interface LongText {
  readonly bytes: number;
  readonly isUtf8: boolean;
  /** Statements behind the first in it, read as the server does where a backslash escapes. */
  readonly furtherStatements: number;
  /** The text from its beginning, cut between characters. A piece is overwritten by the next. */
  pieces(): AsyncIterable<Buffer>;
}

/** Holds one text at a time, on the disk. */
export interface TextSpool {
  /** Begins another text: the one before is gone. @throws AppError `store_unusable`. */
  begin(): Promise<void>;
  /** @throws AppError `store_unusable`. */
  add(bytes: Buffer): Promise<void>;
  /** The first `bytes` of the text, as `LongText.pieces`. @throws AppError `store_unusable`. */
  pieces(bytes: number): AsyncIterable<Buffer>;
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
