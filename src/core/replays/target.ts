import type { ServerAddress } from '../environments/environment.ts';
import { AppError } from '../errors.ts';
import type { ServerIdentity } from '../source.ts';

/**
 * Where a record is replayed to: one kind of database server. Every method that is a promise throws AppError
 * `remote_failed` when the server refused or cannot be reached.
 */
export interface ReplayTargets {
  /**
   * Connects for control: nothing of the record goes over this connection. Changes nothing.
   * @param signal aborted, destroys every connection of the target at once.
   */
  open(address: ServerAddress, options: TargetOptions, signal: AbortSignal): Promise<ReplayTarget>;
}

/** A login that the server refused. */
export class TargetRefused extends AppError {
  /** The server's number of the error; 0 where there is none: it could not be reached. */
  readonly number: number;

  constructor(number: number, message: string, cause?: unknown) {
    super('remote_failed', message, { cause });
    this.number = number;
  }
}

export interface TargetOptions {
  /** Sessions are told to refuse what writes. */
  readonly readOnly: boolean;
  /** No session waits longer for a lock than this, in milliseconds, or than the server says, where that is less. */
  readonly lockWait: number;
}

export type ProgramKind = 'procedure' | 'function' | 'package' | 'trigger' | 'event' | 'view';

/** A text that the target keeps, and runs when a statement names it, or touches its table. */
export interface TargetProgram {
  readonly kind: ProgramKind;
  readonly database: string;
  readonly name: string;
  /** Of a trigger: the table, in its database, whose changes run it; null for others. */
  readonly table: string | null;
  /** What it says, without its head; null where that cannot be seen. To be read once, not kept: it may be packed. */
  readonly body: string | null;
}

/** A transaction that is prepared: it outlives its session, with its locks, until somebody decides on it. */
export interface PreparedTransaction {
  /** What names it in a statement. */
  readonly id: string;
  /** Its name, in hexadecimal digits (small letters). */
  readonly name: string;
}

export interface ReplayTarget {
  readonly server: ServerIdentity;
  /** Connections that the server has room for besides those that are there, less a few for its owner. */
  readonly room: number;
  /** Bytes of the longest text that it takes. */
  readonly longestText: number;
  /** Where replicas of it would go on from; null where unknown. */
  position(): Promise<string | null>;
  /** What its own databases have of programs, as far as the environment's account sees them. */
  programs(): Promise<readonly TargetProgram[]>;
  /** All that are prepared on the server; null where the account may not know. Never throws. */
  preparedTransactions(): Promise<readonly PreparedTransaction[] | null>;
  /** Logs in. @throws TargetRefused. */
  openSession(login: TargetLogin): Promise<TargetSession>;
  /** Asks the server to break off what a session is doing; never throws. */
  breakOff(session: TargetSession): Promise<void>;
  /** Whether what a session is doing waits for a lock of another one; null where the server does not say. Never throws. */
  isBlocked(session: TargetSession): Promise<boolean | null>;
  /** The server's counters, as `OpenSource.sampleCounters`. */
  sampleCounters(): Promise<Record<string, number>>;
  /** Milliseconds since the epoch by the server's clock. */
  now(): Promise<number>;
  /** The sum of a table's rows as the server makes it; null where it cannot. `table` as `database.table`. */
  checksum(database: string, table: string): Promise<string | null>;
  /**
   * Ends every connection, and what the server is still doing on them; never throws. Called again, it is the same end.
   * @param within milliseconds, 1,000 at most: then they are dropped.
   */
  close(within?: number): Promise<void>;
}

export interface TargetLogin {
  /** null: the environment's own. */
  readonly account: { readonly user: string; readonly passwordFrom: string | null } | null;
}

/** What is sent to a server in one command. Texts are in UTF-8 unless they are bytes. */
export type TargetCommand =
  /** @property isSeveral whether the text has several statements. */
  | { readonly type: 'query'; readonly text: string | Uint8Array; readonly isSeveral: boolean }
  | { readonly type: 'prepare'; readonly text: string | Uint8Array }
  | { readonly type: 'execute'; readonly statement: number; readonly values: readonly BoundValue[] }
  | { readonly type: 'use'; readonly database: string }
  /** Back to what the session was behind its login, but for its default database: no command takes that away. */
  | { readonly type: 'reset' };

/** A value bound to a placeholder. Numbers as text, since they may have 64 bits. */
export type BoundValue =
  | null
  | { readonly type: 'integer' | 'double'; readonly text: string }
  | { readonly type: 'text'; readonly text: string | Uint8Array };

/** What became of a command. */
export interface TargetAnswer {
  /** 0: it was done; -1: the connection broke before it was answered; else the server's number of the error. */
  readonly code: number;
  /** What the server said of it; empty for none. */
  readonly message: string;
  /** Rows that came, of all its results, and rows that it changed. */
  readonly rows: number;
  readonly changed: number;
  /**
   * From when it was written to the end of its answer, with what was sent in front of it: the answers to both often
   * come in one packet, so that only this is the same for every statement of a kind.
   */
  readonly micros: number;
  /** Of a `prepare`: what to execute it by, and how many values it takes. */
  readonly statement: number;
  readonly placeholders: number;
  /** Whether a transaction is open behind it; null where the server did not say: behind an error. */
  readonly isInTransaction: boolean | null;
}

/**
 * One connection, logged in. One command at a time: `run` may be called when the one before is answered. The
 * session is as any client's is behind its login, but for `TargetOptions`, in UTF-8, and of no default database.
 */
export interface TargetSession {
  /** The server's id of the connection. */
  readonly id: number;
  readonly isLost: boolean;
  /** Whether a backslash escapes in the literals of its texts: by the last answer that said. */
  readonly hasBackslashEscapes: boolean;
  /**
   * Sends statements that set something up, and a command right behind them, without waiting in between.
   * @param before their failures are counted in `setUpFailures`, and nothing else becomes of them.
   * @param done called once, never before `run` has returned. The answer is valid until it returns.
   */
  run(
    command: TargetCommand,
    before: readonly string[],
    done: (answer: TargetAnswer) => void,
  ): void;
  readonly setUpFailures: number;
  /** Gives a prepared statement up: the server does not answer. */
  closeStatement(statement: number): void;
  /** Says good-bye. What was not answered is answered with -1. */
  close(): void;
  /** Drops the connection at once. */
  destroy(): void;
}
