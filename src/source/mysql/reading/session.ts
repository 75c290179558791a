import type { SessionState } from '../../../core/source.ts';
import { remembered } from './session-memory.ts';
import { type TransactionStep } from '../../../sql/transaction-steps.ts';

/** What is known of one session at one row of the log. */
export interface Session {
  readonly id: number;
  user: string | null;
  host: string | null;
  db: string | null;
  /** The `user_host` column that `user` and `host` were read from, as bytes: compared, not decoded. */
  userHost: Buffer | null;
  /** The Prepare rows that the text of the last Query row will still cause. */
  prepareEchoes: readonly PrepareEcho[];
  /** How many Execute rows it will cause. */
  executeEchoes: number;
  /** The statement that the last EXECUTE of the text protocol named; null when none is under way. */
  executing: string | null;
  /** The text of the Execute row that the row before repeated; null when it repeated none. */
  executed: string | null;
  /** What is prepared in the text protocol, by name. */
  readonly prepared: Map<string, PreparedText>;
  /** Whether `prepared` has them all: the session's login was seen. */
  knowsPrepared: boolean;
  /**
   * The default database before a row that changed it, until it is known that the change succeeded;
   * undefined when it is.
   */
  fallback: string | null | undefined;
  /** What the row before was: a refusal can follow a login or a change of user or database. */
  asked: 'nothing' | 'login' | 'change';
  /** Whether the state changed since it was last taken. */
  changed: boolean;
  /** How many looks at the server's list there had been when its last rows came. */
  seen: number;
  /** At which look the server did not list it; null where it did, or nobody knows. */
  absentAt: number | null;
  /** See `mayHold`; followed where that was asked for. */
  transaction: TransactionState;
  /** How many statements touched a table while none began or ended a transaction; null once one did. */
  plain: number | null;
}

/**
 * Whether a session is in a transaction that no lock of the server tells of: `unknown` until a row says.
 * `keeps`: it has a temporary table.
 */
type TransactionState = 'unknown' | 'none' | 'open' | 'keeps';

/** The text of a Prepare row, as far as it is kept; null until the row is seen. */
type PreparedText = string | null;

/** A Prepare row that repeats a PREPARE or EXECUTE IMMEDIATE. */
export interface PrepareEcho {
  readonly name: string | null;
  /** Its text where the Query row says it; null where it does not. */
  readonly text: string | null;
  /** The Query row bears no text at all (MySQL): the Prepare row is where it stands. */
  readonly isHidden: boolean;
}

/** What the next recorder has to know, for the log does not say it again. */
export function isToRemember(transaction: TransactionState): transaction is 'open' | 'keeps' {
  return transaction === 'open' || transaction === 'keeps';
}

export function stateOf(session: Session): SessionState {
  const { prepareEchoes, executeEchoes, transaction } = session;
  return {
    session: session.id,
    user: session.user,
    host: session.host,
    db: session.db,
    memory: remembered({
      prepares: prepareEchoes.length,
      isHidden: prepareEchoes[0]?.isHidden === true,
      executes: executeEchoes,
      transaction: isToRemember(transaction) ? transaction : null,
    }),
  };
}

/** What a session's transaction is behind a statement. */
export function transactionBehind(
  before: TransactionState,
  step: TransactionStep,
): TransactionState {
  if (before === 'keeps') return before;
  switch (step) {
    case 'opens':
      return 'open';
    case 'ends':
      return 'none';
    case 'keeps':
      return 'keeps';
    case 'touches':
      // A transaction of before holds a lock by now.
      return before === 'unknown' ? 'none' : before;
    case 'hides':
      return before === 'none' ? 'unknown' : before;
    case 'nothing':
      return before;
  }
}
