import {
  STATEMENT_FLAGS,
  STATEMENT_KINDS,
  type LoggedStatement,
  type StatementFlag,
  type StatementKind,
} from '../core/statements.ts';

/** What a manifest says about a workload in numbers. */
export interface WorkloadCounts {
  readonly records: number;
  /** Records that are a statement to run: queries and executes that are no echo. */
  readonly statements: number;
  readonly byKind: Record<StatementKind, number>;
  readonly byFlag: Record<StatementFlag, number>;
  /** Distinct sessions with at least one record (see `WorkloadCounters` for the limit). */
  readonly sessions: number;
  /** Rows of the server's log that are no record of this capture, by reason. */
  readonly skipped: Record<string, number>;
}

/** `WorkloadCounters` as plain JSON: committed together with the position. */
export interface CountersState extends WorkloadCounts {
  /** Sessions seen that have not quit. */
  readonly openSessions: readonly number[];
}

/**
 * Sessions are counted by remembering those that have not quit, not all that ever were: a pool that
 * reconnects for a month must not grow the daemon or what it commits twice a second. When more than
 * this many are open (or were broken without a Quit row) the one first seen is forgotten, and
 * counted again should it speak again.
 */
const REMEMBERED_SESSIONS = 16_384;

/** Counts what a capture records, cheaply, batch by batch. */
export class WorkloadCounters {
  #records = 0;
  #statements = 0;
  readonly #byKind: Record<StatementKind, number>;
  readonly #byFlag: Record<StatementFlag, number>;
  #sessions = 0;
  readonly #skipped: Record<string, number> = {};
  readonly #openSessions: Set<number>;

  /** @param state as `state()` gave it; null to begin at zero. */
  constructor(state: CountersState | null = null) {
    this.#byKind = zeros(STATEMENT_KINDS);
    this.#byFlag = zeros(STATEMENT_FLAGS);
    this.#openSessions = new Set(state?.openSessions);
    if (state === null) return;
    this.#records = state.records;
    this.#statements = state.statements;
    this.#sessions = state.sessions;
    Object.assign(this.#byKind, state.byKind);
    Object.assign(this.#byFlag, state.byFlag);
    Object.assign(this.#skipped, state.skipped);
  }

  /** Counts statements that are recorded. */
  add(statements: readonly LoggedStatement[]): void {
    let lastSession = -1;
    for (const { session, kind, flags } of statements) {
      this.#byKind[kind]++;
      let isEcho = false;
      for (const flag of flags) {
        this.#byFlag[flag]++;
        isEcho ||= flag === 'echo';
      }
      if (!isEcho && (kind === 'query' || kind === 'execute')) this.#statements++;
      if (session !== lastSession) {
        lastSession = session;
        this.#see(session);
      }
      if (kind === 'quit') {
        this.#openSessions.delete(session);
        lastSession = -1;
      }
    }
    this.#records += statements.length;
  }

  /** Counts rows that are left out. */
  skip(reason: string, rows: number): void {
    if (rows > 0) this.#skipped[reason] = (this.#skipped[reason] ?? 0) + rows;
  }

  /** For the manifest. */
  counts(): WorkloadCounts {
    return {
      records: this.#records,
      statements: this.#statements,
      byKind: { ...this.#byKind },
      byFlag: { ...this.#byFlag },
      sessions: this.#sessions,
      skipped: { ...this.#skipped },
    };
  }

  /** For the store: `new WorkloadCounters(state)` goes on from here. */
  state(): CountersState {
    return { ...this.counts(), openSessions: [...this.#openSessions] };
  }

  #see(session: number): void {
    if (this.#openSessions.has(session)) return;
    this.#sessions++;
    this.#openSessions.add(session);
    if (this.#openSessions.size > REMEMBERED_SESSIONS) {
      for (const oldest of this.#openSessions) {
        this.#openSessions.delete(oldest);
        break;
      }
    }
  }
}

function zeros<K extends string>(keys: readonly K[]): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
}
