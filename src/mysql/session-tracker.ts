import type { SessionState } from '../core/server-log.ts';
import type { StatementFlag, StatementKind } from '../core/statements.ts';
import {
  databaseOfDrop,
  databaseOfUse,
  hasPlaceholder,
  splitStatements,
  withoutLeadingComments,
} from '../sql/text.ts';

/** What is known of one session at one row of the log. */
export interface Session {
  readonly id: number;
  user: string | null;
  host: string | null;
  db: string | null;
  /** The `user_host` column that `user` and `host` were read from, as bytes: compared, not decoded. */
  userHost: Buffer | null;
  /** How many Prepare and Execute rows the text of the last Query row will still cause. */
  prepareEchoes: number;
  executeEchoes: number;
  /** Whether the state changed since it was last taken. */
  changed: boolean;
}

const NONE: readonly StatementFlag[] = Object.freeze([]);
const LOSSY: readonly StatementFlag[] = Object.freeze(['lossy']);
const UNREPLAYABLE: readonly StatementFlag[] = Object.freeze(['unreplayable']);
const LOSSY_UNREPLAYABLE: readonly StatementFlag[] = Object.freeze(['lossy', 'unreplayable']);
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
  readonly #changed = new Set<Session>();
  readonly #ended = new Set<number>();

  /** The session with this id, made when it was not known. */
  session(id: number): Session {
    const known = this.#sessions.get(id);
    if (known !== undefined) return known;
    const session: Session = {
      id,
      user: null,
      host: null,
      db: null,
      userHost: null,
      prepareEchoes: 0,
      executeEchoes: 0,
      changed: false,
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
    switch (kind) {
      case 'query':
        if (session.prepareEchoes !== 0 || session.executeEchoes !== 0) {
          session.prepareEchoes = 0;
          session.executeEchoes = 0;
          this.#note(session);
        }
        if (mayChangeSession(sql)) this.#followQuery(session, sql);
        return lossy ? LOSSY : NONE;
      case 'prepare':
        if (session.prepareEchoes > 0) {
          session.prepareEchoes--;
          this.#note(session);
          return lossy ? LOSSY_ECHO : ECHO;
        }
        return lossy ? LOSSY : NONE;
      case 'execute': {
        if (session.executeEchoes > 0) {
          session.executeEchoes--;
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
        const db = databaseOfConnect(sql);
        if (db === undefined) {
          // A refused login: this session will say nothing more, not even Quit.
          this.#end(session);
          return NONE;
        }
        session.prepareEchoes = 0;
        session.executeEchoes = 0;
        this.#setDatabase(session, db);
        return NONE;
      }
      case 'init_db':
        this.#setDatabase(session, sql);
        return NONE;
      case 'quit':
        this.#end(session);
        return NONE;
      case 'close':
      case 'other':
        return lossy ? LOSSY : NONE;
    }
  }

  /** Sets what is known of sessions; what was known of others stays. */
  restore(states: readonly SessionState[]): void {
    for (const state of states) {
      const session = this.session(state.session);
      session.user = state.user;
      session.host = state.host;
      session.db = state.db;
      const echoes = /^echo:(\d+):(\d+)$/.exec(state.memory ?? '');
      session.prepareEchoes = Number(echoes?.[1] ?? 0);
      session.executeEchoes = Number(echoes?.[2] ?? 0);
    }
  }

  /** What is known of one session; null when it is not known. */
  stateOf(id: number): SessionState | null {
    const session = this.#sessions.get(id);
    return session === undefined ? null : stateOf(session);
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

  #followQuery(session: Session, sql: string): void {
    const statements = sql.includes(';') ? splitStatements(sql) : [sql];
    for (const statement of statements) {
      const code = withoutLeadingComments(statement);
      if (/^use\b/i.test(code)) {
        const db = databaseOfUse(code);
        if (db !== null) this.#setDatabase(session, db);
      } else if (/^drop\b/i.test(code)) {
        const db = databaseOfDrop(code);
        if (db !== null && db === session.db) this.#setDatabase(session, null);
      } else if (/^prepare\b/i.test(code)) {
        session.prepareEchoes++;
        this.#note(session);
      } else if (/^execute\b/i.test(code)) {
        if (/^execute\s+immediate\b/i.test(code)) session.prepareEchoes++;
        session.executeEchoes++;
        this.#note(session);
      }
    }
  }

  #end(session: Session): void {
    this.#sessions.delete(session.id);
    this.#changed.delete(session);
    this.#ended.add(session.id);
  }

  #setDatabase(session: Session, db: string | null): void {
    if (session.db === db) return;
    session.db = db;
    this.#note(session);
  }

  #note(session: Session): void {
    if (session.changed) return;
    session.changed = true;
    this.#changed.add(session);
  }
}

function stateOf(session: Session): SessionState {
  const echoes = session.prepareEchoes > 0 || session.executeEchoes > 0;
  return {
    session: session.id,
    user: session.user,
    host: session.host,
    db: session.db,
    memory: echoes ? `echo:${session.prepareEchoes}:${session.executeEchoes}` : null,
  };
}

const FIRST_WORD = /^(?:use|drop|prepare|execute)\b/i;
const ANY_WORD = /\b(?:use|drop|prepare|execute)\b/i;

/**
 * Whether a query can be one that is followed: cheap, for it looks at every statement. The first
 * letters u, d, p, e are the words'; a comment or white space may come first, and a word may stand
 * behind a `;`.
 */
function mayChangeSession(sql: string): boolean {
  switch (sql.charCodeAt(0)) {
    case 0x55: // U
    case 0x75: // u
    case 0x44: // D
    case 0x64: // d
    case 0x50: // P
    case 0x70: // p
    case 0x45: // E
    case 0x65: // e
      if (FIRST_WORD.test(sql)) return true;
      break;
    case 0x2f: // / of a comment
    case 0x23: // # of a comment
    case 0x2d: // - of a comment
    case 0x20:
    case 0x09:
    case 0x0a:
    case 0x0d:
      return ANY_WORD.test(sql);
    default:
  }
  const semicolon = sql.indexOf(';');
  return semicolon !== -1 && semicolon < sql.length - 1 && ANY_WORD.test(sql);
}

/**
 * Reads `privileged[login] @ host [ip]`, as the column `user_host` has it. The user is the name
 * that logged in; the host is the name, or the address where the server looks up no names.
 */
export function parseUserHost(text: string): { user: string | null; host: string | null } {
  const match = /^.*?\[(.*)\] @ (.*) \[(.*)\]$/s.exec(text);
  if (match === null) return { user: null, host: null };
  const [, user = '', name = '', address = ''] = match;
  const host = name === '' ? address : name;
  return { user: user === '' ? null : user, host: host === '' ? null : host };
}

/**
 * The database in the text of a Connect or Change user row (`user@host on db using TCP/IP`,
 * `user@host as anonymous on db`): null for none, undefined when the row says nothing of one, as
 * `Access denied for user …` does not.
 */
export function databaseOfConnect(text: string): string | null | undefined {
  // The last " on ": a user's name may contain one, and so may a database's, but hardly both.
  const match = /^.*@.* on (.*?)(?: using [A-Za-z/]+(?:[ /]\w+)*)?$/s.exec(text);
  if (match === null || /^Access denied for user '/.test(text)) return undefined;
  const db = match[1] ?? '';
  return db === '' ? null : db;
}
