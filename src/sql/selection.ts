import { hasFilter, type RecordingOptions } from '../core/captures/recording-options.ts';
import type { LoggedStatement, StatementKind } from '../core/workloads/statements.ts';
import { bitsOf, classesOf, preparedNamesIn, type ClassBits } from './classes.ts';
import { nameFilter, type NameFilter } from '../core/captures/name-patterns.ts';
import { PreparedNames, type PreparedName } from './prepared-names.ts';
import { SessionSample } from './session-sample.ts';
import { FirstWords } from './first-words.ts';
import { databaseOfUse, splitStatements } from './text.ts';

/** Why a row is left out: the first of these rules, in this order, that does so. */
const LEFT_OUT_REASONS = ['user', 'host', 'sample', 'database', 'class'] as const;
type LeftOutReason = (typeof LEFT_OUT_REASONS)[number];

/** Counts what is left out. */
interface LeftOutCounts {
  /** @param statements how many of the rows are statements to run. */
  skip(reason: LeftOutReason, rows: number, statements: number): void;
  /** A row of a session that the sample leaves out; the first time for each session counts it. */
  skipSession(session: number, isOver: boolean): void;
}

/** What a selection has to remember over a restart: plain JSON. */
export interface SelectionState {
  readonly prepared: readonly PreparedName[];
}

interface SessionChoice {
  readonly user: string | null;
  readonly host: string | null;
  readonly db: string | null;
  /** Why its rows are left out, whatever they are. */
  readonly reason: LeftOutReason | null;
  /** Whether its default database is one that is recorded. */
  readonly isDatabaseIn: boolean;
}

const PLACES = new Map(LEFT_OUT_REASONS.map((reason, index) => [reason, index]));
/** More sessions than are open at once on most servers; beyond it the cache starts afresh. */
const USE = new FirstWords('use');
const CACHED_SESSIONS = 4096;
const SESSION_KINDS: ReadonlySet<StatementKind> = new Set([
  'connect',
  'change_user',
  'init_db',
  'quit',
]);

/**
 * Chooses the statements that a capture records, by `RecordingOptions`:
 *
 * - A user or host is that of the row. Users are compared as MySQL does, by case; hosts and databases
 *   ignoring it (whether `Shop` is `shop` depends on the server's file system, and to record too much
 *   is better than too little). An unknown user, host or database matches no pattern.
 * - What an exclude pattern matches is left out, whatever includes say.
 * - A sample keeps whole sessions: a keyed hash of the session's id decides, the same after a restart.
 * - Databases: a statement is in its session's default database; a USE is in the one it leaves and in
 *   the one it enters, so that what follows is in its place when it is run again.
 * - `only`: see `classesOf`. EXECUTE is of the class of what was prepared.
 * - Rows of the session itself (connect, change user, init db, quit) are kept by user, host and sample
 *   alone. Close rows, which do not say what they close, go with no class.
 *
 * Every row that is left out is counted once.
 */
export class StatementSelection {
  readonly #isUserIn: NameFilter;
  readonly #isHostIn: NameFilter;
  readonly #isDatabaseIn: NameFilter;
  readonly #wanted: ClassBits;
  readonly #sample: SessionSample | null;
  readonly #leftOut: LeftOutCounts;
  readonly #sessions = new Map<number, SessionChoice>();
  readonly #prepared = new PreparedNames();

  private constructor(options: RecordingOptions, seed: string, leftOut: LeftOutCounts) {
    this.#isUserIn = nameFilter(options.includeUsers, options.excludeUsers, 'by case');
    this.#isHostIn = nameFilter(options.includeHosts, [], 'ignoring case');
    this.#isDatabaseIn = nameFilter(
      options.includeDatabases,
      options.excludeDatabases,
      'ignoring case',
    );
    this.#wanted = bitsOf(options.only);
    this.#sample =
      options.sample === null || options.sample === 1
        ? null
        : new SessionSample(options.sample, seed);
    this.#leftOut = leftOut;
  }

  /**
   * @param seed what makes this capture's sample its own: the same for its whole life.
   * @param state as `state()` gave it; null to begin.
   * @returns null where the options leave nothing out.
   */
  static of(
    options: RecordingOptions,
    seed: string,
    leftOut: LeftOutCounts,
    state: SelectionState | null,
  ): StatementSelection | null {
    if (!hasFilter(options) && (options.sample ?? 1) === 1) return null;
    const selection = new StatementSelection(options, seed, leftOut);
    if (state !== null) selection.#prepared.restore(state.prepared);
    return selection;
  }

  /** The places in the batch of the statements to record, ascending. Call it once for each batch. */
  select(statements: readonly LoggedStatement[]): number[] {
    const kept: number[] = [];
    const rows = LEFT_OUT_REASONS.map(() => 0);
    const toRun = LEFT_OUT_REASONS.map(() => 0);
    let index = 0;
    for (const statement of statements) {
      const reason = this.#whyLeftOut(statement);
      if (reason === null) {
        kept.push(index);
      } else {
        const place = PLACES.get(reason) ?? 0;
        rows[place] = (rows[place] ?? 0) + 1;
        if (isToRun(statement)) toRun[place] = (toRun[place] ?? 0) + 1;
        if (reason === 'sample') {
          this.#leftOut.skipSession(statement.session, statement.kind === 'quit');
        }
      }
      index++;
    }
    LEFT_OUT_REASONS.forEach((reason, place) => {
      this.#leftOut.skip(reason, rows[place] ?? 0, toRun[place] ?? 0);
    });
    return kept;
  }

  /** For the store: `of(…, state)` goes on from here. */
  state(): SelectionState {
    return { prepared: this.#prepared.entries() };
  }

  #whyLeftOut(statement: LoggedStatement): LeftOutReason | null {
    const session = this.#sessionOf(statement);
    if (session.reason !== null) return session.reason;
    const { kind, sql } = statement;
    if (SESSION_KINDS.has(kind)) {
      if (kind !== 'init_db' && this.#wanted !== 0) this.#prepared.forget(statement.session);
      return null;
    }
    // Before the database is looked at: what a session prepares in one it may execute in another.
    const isOfClass = this.#wanted === 0 || (this.#classesOf(statement) & this.#wanted) !== 0;
    if (!session.isDatabaseIn && !(kind === 'query' && this.#entersDatabase(sql))) {
      return 'database';
    }
    return isOfClass ? null : 'class';
  }

  #sessionOf({ session, user, host, db }: LoggedStatement): SessionChoice {
    const known = this.#sessions.get(session);
    if (known !== undefined && known.user === user && known.host === host && known.db === db) {
      return known;
    }
    const choice = {
      user,
      host,
      db,
      reason: this.#whySessionLeftOut(session, user, host),
      isDatabaseIn: this.#isDatabaseIn(db),
    };
    if (this.#sessions.size >= CACHED_SESSIONS) this.#sessions.clear();
    this.#sessions.set(session, choice);
    return choice;
  }

  #whySessionLeftOut(
    session: number,
    user: string | null,
    host: string | null,
  ): LeftOutReason | null {
    if (!this.#isUserIn(user)) return 'user';
    if (!this.#isHostIn(host)) return 'host';
    return this.#sample?.has(session) === false ? 'sample' : null;
  }

  /** Whether the text has a USE of a database that is recorded. */
  #entersDatabase(sql: string): boolean {
    if (!USE.mayBeIn(sql)) return false;
    return splitStatements(sql).some((statement) => {
      const db = databaseOfUse(statement);
      return db !== null && this.#isDatabaseIn(db);
    });
  }

  #classesOf({ session, kind, sql }: LoggedStatement): ClassBits {
    switch (kind) {
      case 'query': {
        this.#prepared.giveUpWaiting(session);
        const changes = preparedNamesIn(sql);
        if (changes.length === 0) return classesOf(sql, this.#prepared.of(session), this.#wanted);
        for (const { name, bits } of changes) {
          if (bits !== undefined) this.#prepared.set(session, name, bits);
        }
        const classes = classesOf(sql, this.#prepared.of(session), this.#wanted);
        for (const { name, bits } of changes) {
          if (bits === undefined) this.#prepared.delete(session, name);
        }
        return classes;
      }
      case 'prepare': {
        // The row behind that of a PREPARE. MySQL's bears the text that the PREPARE's does not, and
        // is no echo; one that is prepared again for an EXECUTE has nobody waiting for it.
        const classes = classesOf(sql);
        this.#prepared.learn(session, classes);
        return classes;
      }
      case 'execute':
        return classesOf(sql, undefined, this.#wanted);
      case 'connect':
      case 'change_user':
      case 'init_db':
      case 'quit':
      case 'close':
      case 'other':
        return 0;
    }
  }
}

function isToRun({ kind, flags }: LoggedStatement): boolean {
  return (
    (kind === 'query' || kind === 'execute') && (flags.length === 0 || !flags.includes('echo'))
  );
}
