import type { SessionState } from '../../../core/source.ts';
import type { StatementFlag, StatementKind } from '../../../core/workloads/statements.ts';
import { ANY_LOGGED_BYTE } from '../../../sql/lexer.ts';
import { codeOf, mayChangeSession, ownStatements } from '../../../sql/session-statements.ts';
import { NO_ECHOES, PrepareEchoes } from './prepare-echoes.ts';
import { recalled } from './session-memory.ts';
import { databaseOfDrop, databaseOfUse, hasPlaceholder } from '../../../sql/text.ts';
import { transactionSteps } from '../../../sql/transaction-steps.ts';
import { databaseOfConnect, isRefusal, parseUserHost } from './accounts.ts';
import {
  type PrepareEcho,
  type Session,
  isToRemember,
  stateOf,
  transactionBehind,
} from './session.ts';

/** A session that sent so many statements in no transaction is taken to send the next in none. */
const PLAIN_ENOUGH = 10;
/**
 * Sessions that are remembered: those that a server has open at once, and room for clients that broke off
 * between two looks. About 0.5 KB each.
 */
const MOST_SESSIONS = 100_000;
/** Forgotten together, so that looking for them costs nothing per session. */
const FORGOTTEN_AT_ONCE = 10_000;
const NONE: readonly StatementFlag[] = Object.freeze([]);
const LOSSY: readonly StatementFlag[] = Object.freeze(['lossy']);
const UNREPLAYABLE: readonly StatementFlag[] = Object.freeze(['unreplayable']);
const LOSSY_UNREPLAYABLE: readonly StatementFlag[] = Object.freeze(['lossy', 'unreplayable']);
const PARTIAL: readonly StatementFlag[] = Object.freeze(['partial']);
const ECHO: readonly StatementFlag[] = Object.freeze(['echo']);
const LOSSY_ECHO: readonly StatementFlag[] = Object.freeze(['lossy', 'echo']);

/**
 * Follows every session of a log through its rows, in row order: user, host, default database, and
 * which Prepare and Execute rows only repeat a Query row. Pure: rows in, flags out.
 */
export class SessionTracker {
  readonly #sessions = new Map<number, Session>();
  readonly #echoes: PrepareEchoes;
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
    this.#echoes = new PrepareEchoes(options.preparesFirst, (session) => this.#note(session));
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
    const lossy = hasEscapes && ANY_LOGGED_BYTE.test(sql);
    const { asked, executed } = session;
    session.asked = 'nothing';
    session.executed = null;
    if (this.#followsTransactions) this.#followTransaction(session, kind, sql);
    switch (kind) {
      case 'query': {
        this.#echoes.forget(session);
        const flags = mayChangeSession(sql) ? this.#followQuery(session, sql) : NONE;
        if (!lossy) return flags;
        return flags === UNREPLAYABLE ? LOSSY_UNREPLAYABLE : [...LOSSY, ...flags];
      }
      case 'prepare': {
        const whose = this.#echoes.whose(session, sql, executed);
        if (whose === 'echo') return lossy ? LOSSY_ECHO : ECHO;
        // The text protocol's failed: what it would have caused does not come any more.
        if (whose === 'client') this.#echoes.forget(session);
        return lossy ? LOSSY : NONE;
      }
      case 'execute': {
        if (mayChangeSession(sql)) this.#followDatabase(session, sql);
        if (this.#echoes.isExecute(session, sql)) return lossy ? LOSSY_ECHO : ECHO;
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
        this.#echoes.forget(session);
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
      if (this.#echoes.expect(session, code)) flags = PARTIAL;
    }
    return flags;
  }

  #followDatabase(session: Session, sql: string): void {
    const used = databaseOfUse(sql);
    if (used !== null) {
      this.#changeDatabase(session, used);
      return;
    }
    const dropped = databaseOfDrop(sql);
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
