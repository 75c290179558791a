import type { SessionState } from '../../../core/source.ts';
import type { StatementFlag, StatementKind } from '../../../core/workloads/statements.ts';
import {
  codeOf,
  mayChangeSession,
  ownStatements,
  hidesPreparedText,
  isValuesOf,
  preparedName,
  preparedText,
  trimmed,
} from '../../../sql/session-statements.ts';
import { recalled, remembered } from './session-memory.ts';
import { databaseOfDrop, databaseOfUse, hasPlaceholder } from '../../../sql/text.ts';
import { transactionSteps, type TransactionStep } from '../../../sql/transaction-steps.ts';

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

/** A session that sent so many statements in no transaction is taken to send the next in none. */
const PLAIN_ENOUGH = 10;
// Kept to tell a server that prepares again from a client that prepares: the beginning is enough.
const KEPT_TEXT = 1024;
/**
 * Sessions that are remembered: those that a server has open at once, and room for clients that broke off
 * between two looks. About 0.5 KB each.
 */
const MOST_SESSIONS = 100_000;
/** Forgotten together, so that looking for them costs nothing per session. */
const FORGOTTEN_AT_ONCE = 10_000;
// Of a session that prepares under ever new names, nothing is known after so many.
const MOST_PREPARED = 1000;

/** A Prepare row that repeats a PREPARE or EXECUTE IMMEDIATE. */
interface PrepareEcho {
  readonly name: string | null;
  /** Its text where the Query row says it; null where it does not. */
  readonly text: string | null;
  /** The Query row bears no text at all (MySQL): the Prepare row is where it stands. */
  readonly isHidden: boolean;
}

const NO_ECHOES: readonly PrepareEcho[] = [];

const NONE: readonly StatementFlag[] = Object.freeze([]);
const LOSSY: readonly StatementFlag[] = Object.freeze(['lossy']);
const UNREPLAYABLE: readonly StatementFlag[] = Object.freeze(['unreplayable']);
const LOSSY_UNREPLAYABLE: readonly StatementFlag[] = Object.freeze(['lossy', 'unreplayable']);
const PARTIAL: readonly StatementFlag[] = Object.freeze(['partial']);
const ECHO: readonly StatementFlag[] = Object.freeze(['echo']);
const LOSSY_ECHO: readonly StatementFlag[] = Object.freeze(['lossy', 'echo']);

// The server writes a byte that is invalid in the session's character set as these four characters.
const ESCAPED_BYTE = /\\x[89A-F][0-9A-F]/;

/**
 * Follows every session of a log through its rows, in row order: user, host, default database, and
 * which Prepare and Execute rows only repeat a Query row. Pure: rows in, flags out.
 */
export class SessionTracker {
  readonly #sessions = new Map<number, Session>();
  readonly #preparesFirst: boolean;
  readonly #changed = new Set<Session>();
  readonly #ended = new Set<number>();
  readonly #unconfirmed = new Set<Session>();
  /** Looks at the server's list so far. */
  #looks = 0;
  #followsTransactions = false;

  /**
   * @param options.preparesFirst whether a server that has to prepare again writes the Prepare row
   *   before the Execute row (MySQL from 8.0.22, when the type of a parameter changed); MariaDB
   *   writes Execute, Prepare, Execute.
   */
  constructor(options: { readonly preparesFirst: boolean } = { preparesFirst: false }) {
    this.#preparesFirst = options.preparesFirst;
  }

  /** The session with this id, made when it was not known. */
  session(id: number): Session {
    const known = this.#sessions.get(id);
    if (known !== undefined) {
      known.seen = this.#looks;
      return known;
    }
    if (this.#sessions.size >= MOST_SESSIONS) this.#forgetOldest();
    const session: Session = {
      id,
      user: null,
      host: null,
      db: null,
      userHost: null,
      prepareEchoes: NO_ECHOES,
      executeEchoes: 0,
      executing: null,
      executed: null,
      prepared: new Map(),
      knowsPrepared: false,
      fallback: undefined,
      asked: 'nothing',
      changed: false,
      seen: this.#looks,
      absentAt: null,
      transaction: 'unknown',
      plain: 0,
    };
    this.#sessions.set(id, session);
    this.#ended.delete(id);
    return session;
  }

  /** Takes note of a row's `user_host` column, which changes when somebody else logs in. */
  identify(session: Session, userHost: Buffer): void {
    session.userHost = Buffer.from(userHost);
    const { user, host } = parseUserHost(userHost.toString('utf8'));
    if (user === session.user && host === session.host) return;
    session.user = user;
    session.host = host;
    this.#note(session);
  }

  /**
   * Takes note of a row and says what its flags are. For `connect`, `change_user` and `init_db` the
   * session's database is the new one afterwards; a `USE` takes effect after its row, so read `db`
   * before this for a query.
   * @param hasEscapes whether the text has a backslash followed by `x` at all (cheap to know).
   */
  follow(
    session: Session,
    kind: StatementKind,
    sql: string,
    hasEscapes: boolean,
  ): readonly StatementFlag[] {
    const lossy = hasEscapes && ESCAPED_BYTE.test(sql);
    const { asked, executed } = session;
    session.asked = 'nothing';
    session.executed = null;
    if (this.#followsTransactions) this.#followTransaction(session, kind, sql);
    switch (kind) {
      case 'query': {
        this.#forgetEchoes(session);
        const flags = mayChangeSession(sql) ? this.#followQuery(session, sql) : NONE;
        if (!lossy) return flags;
        return flags === UNREPLAYABLE ? LOSSY_UNREPLAYABLE : [...LOSSY, ...flags];
      }
      case 'prepare': {
        const whose = this.#followPrepare(session, sql, executed);
        if (whose === 'echo') return lossy ? LOSSY_ECHO : ECHO;
        // The text protocol's failed: what it would have caused does not come any more.
        if (whose === 'client') this.#forgetEchoes(session);
        return lossy ? LOSSY : NONE;
      }
      case 'execute': {
        const isEcho = session.executeEchoes > 0;
        if (mayChangeSession(sql)) this.#followDatabase(session, sql);
        if (isEcho) {
          session.executeEchoes--;
          session.executed = sql;
          this.#note(session);
          return lossy ? LOSSY_ECHO : ECHO;
        }
        // Prepared while the log was on, its values stand in the text; a `?` that is left says that
        // it was prepared before, and its values are nowhere.
        if (hasPlaceholder(sql)) return lossy ? LOSSY_UNREPLAYABLE : UNREPLAYABLE;
        return lossy ? LOSSY : NONE;
      }
      case 'connect':
      case 'change_user': {
        if (isRefusal(sql)) {
          // A refused login says nothing more, not even Quit; what else is refused changes nothing,
          // and a COM_INIT_DB that is refused has no row but this.
          if (asked === 'login') this.#end(session);
          else if (asked === 'change') this.confirm(session.id, session.fallback ?? null);
          return NONE;
        }
        const { userHost } = session;
        const account = userHost === null ? null : parseUserHost(userHost.toString('utf8'));
        const db = databaseOfConnect(sql, account);
        this.#forgetEchoes(session);
        session.prepared.clear();
        session.knowsPrepared = true;
        if (kind === 'connect') {
          session.asked = 'login';
          this.#settleDatabase(session, db ?? null);
        } else {
          this.#changeDatabase(session, db ?? null);
        }
        return NONE;
      }
      case 'init_db':
        // Written when it has succeeded; a database that does not exist leaves no row (tried).
        this.#settleDatabase(session, sql);
        return NONE;
      case 'quit':
        this.#end(session);
        return NONE;
      case 'close':
      case 'other':
        return lossy ? LOSSY : NONE;
    }
  }

  /**
   * Sessions whose default database is the one that a row asked for, where the log does not say
   * whether the server gave it: of a database that does not exist it says nothing.
   */
  unconfirmed(most: number): number[] {
    const sessions = [...this.#unconfirmed].slice(0, most);
    for (const session of sessions) {
      // To the end of the queue: one that is never idle must not keep the others waiting.
      this.#unconfirmed.delete(session);
      this.#unconfirmed.add(session);
    }
    return sessions.map(({ id }) => id);
  }

  /** Sets what the server says is a session's default database after every row that was followed. */
  confirm(id: number, db: string | null): void {
    const session = this.#sessions.get(id);
    if (session !== undefined) this.#settleDatabase(session, db);
  }

  /** Sets what is known of sessions; what was known of others stays. */
  restore(states: readonly SessionState[]): void {
    for (const state of states) {
      const session = this.session(state.session);
      session.user = state.user;
      session.host = state.host;
      session.db = state.db;
      const { prepares, isHidden, executes, transaction } = recalled(state.memory);
      session.prepareEchoes = Array<PrepareEcho>(prepares).fill({
        name: null,
        text: null,
        isHidden,
      });
      session.executeEchoes = executes;
      if (transaction !== null) session.transaction = transaction;
    }
  }

  /** Whether all that a session prepared is in the log: its login is, too. */
  sawLogin(id: number): boolean {
    return this.#sessions.get(id)?.knowsPrepared === true;
  }

  #followTransaction(session: Session, kind: StatementKind, sql: string): void {
    const before = session.transaction;
    if (kind === 'connect' || kind === 'change_user') session.transaction = 'none';
    else if (kind === 'query' || kind === 'execute') {
      for (const step of transactionSteps(sql, (name) => session.prepared.get(name))) {
        session.transaction = transactionBehind(session.transaction, step);
        if (step === 'touches') session.plain = session.plain === null ? null : session.plain + 1;
        else if (step !== 'nothing') session.plain = null;
      }
    }
    if (isToRemember(session.transaction) || isToRemember(before)) this.#note(session);
  }

  /** Has transactions followed from now on, which costs a look at every statement: see `mayHold`. */
  followTransactions(isFollowed: boolean): void {
    this.#followsTransactions = isFollowed;
    if (isFollowed) return;
    for (const session of this.#sessions.values()) {
      session.transaction = 'unknown';
      session.plain = 0;
    }
  }

  /**
   * Whether a session which holds no lock that the server lists may be in a transaction all the same, or
   * lose a temporary table; null where none of its rows told.
   * @param isRead whether its last rows were read: else one that begins transactions may have begun one.
   */
  mayHold(id: number, isRead: boolean): boolean | null {
    const { transaction, plain } = this.#sessions.get(id) ?? { transaction: 'unknown', plain: 0 };
    if (transaction === 'unknown') return isRead ? null : true;
    return transaction !== 'none' || !(isRead || (plain ?? 0) >= PLAIN_ENOUGH);
  }

  /** What is known of one session; null when it is not known. */
  stateOf(id: number): SessionState | null {
    const session = this.#sessions.get(id);
    return session === undefined ? null : stateOf(session);
  }

  /**
   * Ends the sessions that are over without a Quit row: a client that crashed leaves none. Call it only
   * when everything is read that was frozen by now. What a session did before it was gone can lie in the
   * live table yet, so it has to be missing in two looks, without a row between them.
   * @param listed all ids that the server lists; null where it does not list all.
   */
  reconcile(listed: ReadonlySet<number> | null): void {
    for (const session of this.#sessions.values()) {
      if (listed?.has(session.id) !== false) session.absentAt = null;
      else if (session.absentAt === null || session.seen > session.absentAt) {
        session.absentAt = this.#looks;
      } else this.#end(session);
    }
    this.#looks++;
  }

  /** The sessions that changed and those that ended since the last call. */
  takeChanges(): { changed: SessionState[]; ended: number[] } {
    const changed = Array.from(this.#changed, (session) => {
      session.changed = false;
      return stateOf(session);
    });
    const ended = Array.from(this.#ended);
    this.#changed.clear();
    this.#ended.clear();
    return { changed, ended };
  }

  /** @returns `unreplayable` where the statement's data is nowhere in the log, `partial` where its text is not in this row. */
  #followQuery(session: Session, sql: string): readonly StatementFlag[] {
    let flags = NONE;
    for (const statement of sql.includes(';') ? ownStatements(sql) : [sql]) {
      const code = codeOf(statement);
      if (/^(?:use|drop)\b/i.test(code)) {
        this.#followDatabase(session, code);
        continue;
      }
      if (/^load\s+(?:data|xml)\s+(?:low_priority\s+|concurrent\s+)?local\b/i.test(code)) {
        flags = UNREPLAYABLE;
      }
      const [, word, rest = ''] = /^(prepare|execute)\b(.*)$/is.exec(code) ?? [];
      if (word === undefined) continue;
      if (word.toLowerCase() === 'prepare') {
        const name = preparedName(rest);
        const isHidden = hidesPreparedText(code);
        if (isHidden) flags = PARTIAL;
        const source = /^\s*\S+?\s+from\b(.*)$/is.exec(rest)?.[1] ?? '';
        this.#expectPrepare(session, { name, text: preparedText(source), isHidden });
      } else {
        const immediate = /^\s+immediate\b(.*)$/is.exec(rest)?.[1];
        if (immediate !== undefined) {
          this.#expectPrepare(session, {
            name: null,
            text: preparedText(immediate),
            isHidden: false,
          });
          session.executing = null;
        } else {
          const name = preparedName(rest);
          if (session.knowsPrepared && !session.prepared.has(name)) continue;
          session.executing = name;
        }
        session.executeEchoes++;
      }
      this.#note(session);
    }
    return flags;
  }

  #expectPrepare(session: Session, echo: PrepareEcho): void {
    // Known before its row comes, because an EXECUTE can follow in the same text.
    if (echo.name !== null) session.prepared.set(echo.name, null);
    if (session.prepared.size > MOST_PREPARED) {
      session.prepared.clear();
      session.knowsPrepared = false;
    }
    session.prepareEchoes = [...session.prepareEchoes, echo];
  }

  /**
   * Whose a Prepare row is: `echo` of a PREPARE whose row has the text, or of an EXECUTE for which the
   * server prepared again; the `text` of a PREPARE whose row has none; or a `client`'s own.
   * @param executed text of the Execute row before, when it repeated an EXECUTE.
   */
  #followPrepare(
    session: Session,
    sql: string,
    executed: string | null,
  ): 'echo' | 'text' | 'client' {
    const [echo, ...others] = session.prepareEchoes;
    if (echo !== undefined && (echo.text === null || echo.text === trimmed(sql))) {
      session.prepareEchoes = others;
      if (echo.name !== null) session.prepared.set(echo.name, kept(sql));
      this.#note(session);
      return echo.isHidden ? 'text' : 'echo';
    }
    const known = session.prepared.get(session.executing ?? '') ?? null;
    const isKnown = known === sql.slice(0, KEPT_TEXT);
    if (session.executeEchoes > 0) {
      return (known === null ? this.#preparesFirst : isKnown) ? 'echo' : 'client';
    }
    // Prepared again after the first try: the Execute row comes once more. MySQL never writes that
    // (9.7.4, tried: after ALTER TABLE there is one Execute row alone), and EXECUTE IMMEDIATE, which has
    // no name, has only just prepared.
    const isAgain =
      !this.#preparesFirst && session.executing !== null && (known === null || isKnown);
    if (isAgain && executed !== null && isValuesOf(executed, sql)) {
      session.executeEchoes++;
      this.#note(session);
      return 'echo';
    }
    return 'client';
  }

  /** The statement that would have caused them is over. */
  #forgetEchoes(session: Session): void {
    session.executing = null;
    if (session.prepareEchoes.length === 0 && session.executeEchoes === 0) return;
    for (const { name } of session.prepareEchoes) {
      if (name !== null) session.prepared.delete(name);
    }
    session.prepareEchoes = NO_ECHOES;
    session.executeEchoes = 0;
    this.#note(session);
  }

  #followDatabase(session: Session, sql: string): void {
    const code = codeOf(sql);
    const used = databaseOfUse(code);
    if (used !== null) {
      this.#changeDatabase(session, used);
      return;
    }
    const dropped = databaseOfDrop(code);
    if (dropped !== null && dropped === session.db) this.#setDatabase(session, null);
  }

  /** The server has said so. */
  #settleDatabase(session: Session, db: string | null): void {
    session.fallback = undefined;
    this.#unconfirmed.delete(session);
    this.#setDatabase(session, db);
  }

  /** A client has asked for it. */
  #changeDatabase(session: Session, db: string | null): void {
    session.fallback = session.db;
    session.asked = 'change';
    this.#unconfirmed.add(session);
    this.#setDatabase(session, db);
  }

  #end(session: Session): void {
    this.#sessions.delete(session.id);
    this.#changed.delete(session);
    this.#unconfirmed.delete(session);
    this.#ended.add(session.id);
  }

  /** Those whose last rows were before the others'; where that is not known, those first met. */
  #forgetOldest(): void {
    const oldest = [...this.#sessions.values()].sort((a, b) => a.seen - b.seen);
    for (const session of oldest.slice(0, FORGOTTEN_AT_ONCE)) this.#end(session);
  }

  #setDatabase(session: Session, db: string | null): void {
    if (session.db === db) return;
    session.db = db;
    this.#note(session);
  }

  #note(session: Session): void {
    // One that was forgotten in mid-row has nothing to say any more.
    if (session.changed || this.#sessions.get(session.id) !== session) return;
    session.changed = true;
    this.#changed.add(session);
  }
}

/** What the next recorder has to know, for the log does not say it again. */
function isToRemember(transaction: TransactionState): transaction is 'open' | 'keeps' {
  return transaction === 'open' || transaction === 'keeps';
}

function stateOf(session: Session): SessionState {
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
function transactionBehind(before: TransactionState, step: TransactionStep): TransactionState {
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

/** Whether a row only says that a login, or a change of database, was refused. */
export function isRefusal(text: string): boolean {
  return text.startsWith("Access denied for user '");
}

/** The beginning of a text. A copy: a slice would keep the whole text in memory. */
function kept(sql: string): string {
  return sql.length <= KEPT_TEXT ? sql : Buffer.from(sql.slice(0, KEPT_TEXT)).toString();
}

/** Who a row is of, as far as its `user_host` column says. */
export interface Account {
  /** The name that logged in. */
  readonly user: string | null;
  /** The host's name, or its address where the server looks up no names. */
  readonly host: string | null;
  /** The name of the account whose privileges count; null for an anonymous one, and during a login. */
  readonly privileged: string | null;
}

/**
 * Reads `privileged[login] @ host [ip]`, as the column `user_host` has it. Hosts and addresses have
 * neither spaces nor brackets, names can have both: where the two names are the same, or the first is
 * missing, there is one reading. Where they differ (a proxy user) the first bracket is taken.
 */
export function parseUserHost(text: string): Account {
  const match = /^(.*)\] @ (\S*) \[([^\][\s]*)\]$/s.exec(text);
  if (match === null) return { user: null, host: null, privileged: null };
  const [, names = '', name = '', address = ''] = match;
  const half = (names.length - 1) / 2;
  const isTwice = names.charAt(half) === '[' && names.slice(0, half) === names.slice(half + 1);
  const bracket = isTwice ? half : names.indexOf('[');
  if (bracket === -1) return { user: null, host: null, privileged: null };
  return {
    user: nullWhenEmpty(names.slice(bracket + 1)),
    host: nullWhenEmpty(name === '' ? address : name),
    privileged: nullWhenEmpty(names.slice(0, bracket)),
  };
}

function nullWhenEmpty(text: string): string | null {
  return text === '' ? null : text;
}

/** How the servers name the ways to connect (vio_type_names, get_vio_type_name). */
const TRANSPORT = / using (?:TCP\/IP|Socket|SSL\/TLS|Named Pipe|Shared Memory|Internal|Plugin)?$/;

/**
 * The database in the text of a Connect or Change user row (`user@host on db using TCP/IP`,
 * `user@host as anonymous on db`): null for none, undefined when the row says nothing of one, as
 * `Access denied for user …` does not. Names can have `@`, ` on ` and ` using ` in them: what comes
 * before the database is known from the row's own account.
 */
export function databaseOfConnect(
  text: string,
  account: Account | null = null,
): string | null | undefined {
  if (isRefusal(text)) return undefined;
  const rest = behindAccount(text, account) ?? /^.*@.* on (.*)$/s.exec(text)?.[1];
  return rest === undefined ? undefined : nullWhenEmpty(rest.replace(TRANSPORT, ''));
}

/** What follows `user@host on ` or `user@host as other on `; undefined where the text begins otherwise. */
function behindAccount(text: string, account: Account | null): string | undefined {
  if (account === null) return undefined;
  const { user, host, privileged } = account;
  const who = `${user ?? ''}@${host ?? ''}`;
  if (text.startsWith(`${who} on `)) return text.slice(who.length + ' on '.length);
  if (!text.startsWith(`${who} as `)) return undefined;
  const rest = text.slice(who.length + ' as '.length);
  const other = privileged ?? 'anonymous';
  if (rest.startsWith(`${other} on `)) return rest.slice(other.length + ' on '.length);
  return /^.*? on (.*)$/s.exec(rest)?.[1];
}
