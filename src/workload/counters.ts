import {
  STATEMENT_FLAGS,
  STATEMENT_KINDS,
  type LoggedStatement,
  type StatementFlag,
  type StatementKind,
} from '../core/workloads/statements.ts';
import type { CountersState, WorkloadCounts } from '../core/workloads/workload.ts';
import { ValueCounter } from './value-counter.ts';

/**
 * Sessions are counted by remembering those that have not quit, not all that ever were: a pool that
 * reconnects for a month must not grow the daemon or what it commits twice a second. When more than
 * this many are open (or were broken without a Quit row) the one first seen is forgotten, and
 * counted again should it speak again.
 */
const REMEMBERED_SESSIONS = 16_384;

type Counted = Pick<LoggedStatement, 'session' | 'user' | 'host' | 'kind' | 'flags'>;

/** Counts what a capture records, cheaply, batch by batch. */
export class WorkloadCounters {
  #records = 0;
  #statements = 0;
  readonly #byKind: Record<StatementKind, number>;
  readonly #byFlag: Record<StatementFlag, number>;
  readonly #sessions: SessionCount;
  readonly #skipped: Record<string, number> = {};
  #statementsLeftOut: number;
  readonly #sessionsLeftOut: SessionCount;
  /** null where an older version counted some of them. */
  readonly #values: ValueCounter | null;

  /** @param state as `state()` gave it; null to begin at zero. */
  constructor(state: CountersState | null = null) {
    this.#byKind = zeros(STATEMENT_KINDS);
    this.#byFlag = zeros(STATEMENT_FLAGS);
    this.#sessions = new SessionCount(state?.sessions, state?.openSessions);
    this.#statementsLeftOut = state?.leftOut?.statements ?? 0;
    this.#sessionsLeftOut = new SessionCount(state?.leftOut?.sessions, state?.openSessionsLeftOut);
    this.#values =
      state === null || state.values !== undefined ? new ValueCounter(state?.values) : null;
    if (state === null) return;
    this.#records = state.records;
    this.#statements = state.statements;
    Object.assign(this.#byKind, state.byKind);
    Object.assign(this.#byFlag, state.byFlag);
    Object.assign(this.#skipped, state.skipped);
  }

  /** Counts statements that are recorded. */
  add(statements: readonly Counted[]): void {
    let lastSession = -1;
    for (const statement of statements) {
      const { session, kind, flags } = statement;
      this.#byKind[kind]++;
      let isEcho = false;
      for (const flag of flags) {
        this.#byFlag[flag]++;
        isEcho ||= flag === 'echo';
      }
      if (!isEcho && (kind === 'query' || kind === 'execute')) {
        this.#statements++;
        if (kind === 'execute') this.#values?.add(statement);
      }
      if (session !== lastSession) {
        lastSession = session;
        this.#sessions.see(session);
      }
      if (kind === 'quit') {
        this.#sessions.end(session);
        this.#values?.end(session);
        lastSession = -1;
      }
    }
    this.#records += statements.length;
  }

  /**
   * Counts rows that are left out.
   * @param statements how many of them are statements to run.
   */
  skip(reason: string, rows: number, statements = 0): void {
    if (rows > 0) this.#skipped[reason] = (this.#skipped[reason] ?? 0) + rows;
    this.#statementsLeftOut += statements;
  }

  /** Counts a session that a sample leaves out; call it for each of its rows. */
  skipSession(session: number, isOver: boolean): void {
    this.#sessionsLeftOut.see(session);
    if (isOver) this.#sessionsLeftOut.end(session);
  }

  /** For the manifest. */
  counts(): WorkloadCounts {
    return {
      records: this.#records,
      statements: this.#statements,
      byKind: { ...this.#byKind },
      byFlag: { ...this.#byFlag },
      sessions: this.#sessions.count,
      skipped: { ...this.#skipped },
      leftOut: { statements: this.#statementsLeftOut, sessions: this.#sessionsLeftOut.count },
      ...(this.#values === null ? {} : { values: this.#values.counts() }),
    };
  }

  /** For the store: `new WorkloadCounters(state)` goes on from here. */
  state(): CountersState {
    return {
      ...this.counts(),
      openSessions: this.#sessions.open(),
      openSessionsLeftOut: this.#sessionsLeftOut.open(),
    };
  }
}

/** Counts distinct sessions; ids may come again once a session is over. */
class SessionCount {
  count: number;
  readonly #open: Set<number>;

  constructor(count = 0, open: readonly number[] = []) {
    this.count = count;
    this.#open = new Set(open);
  }

  see(session: number): void {
    if (this.#open.has(session)) return;
    this.count++;
    this.#open.add(session);
    if (this.#open.size > REMEMBERED_SESSIONS) {
      for (const oldest of this.#open) {
        this.#open.delete(oldest);
        break;
      }
    }
  }

  end(session: number): void {
    this.#open.delete(session);
  }

  open(): number[] {
    return [...this.#open];
  }
}

function zeros<K extends string>(keys: readonly K[]): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
}
