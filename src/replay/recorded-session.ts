import type { StatementRecord } from '../core/workloads/statements.ts';
import type { StatementNature } from '../sql/statement-nature.ts';

/** Texts that a session which begins later has to repeat; beyond them the first are left out. */
const MOST_SETTINGS = 100;

const NONE: readonly string[] = [];

/**
 * A session of the record, from its first record to its last. Small: of those that do not say that they end, a hundred
 * thousand may be kept.
 */
export class RecordedSession {
  /** The `seq` of its first record: the server's ids come again, this does not. */
  readonly first: number;
  readonly id: number;
  /** Whether it was open when the record began: its login is not in it. */
  readonly isFromStart: boolean;
  user: string | null;
  host: string | null;
  /** What the names of its PREPARE statements stand for; null where that is not known. */
  #prepared: Map<string, StatementNature | null> | null = null;
  /** A PREPARE whose text stands in the session's next record alone. */
  heldPrepare: StatementRecord | null = null;
  heldConnect: StatementRecord | null = null;
  /** The name that was prepared from what the record's text does not show: a variable. */
  #unknown: string | null = null;
  /** Settings that were not sent, and that what is sent later depends on. */
  settings: readonly string[] = NONE;

  constructor({ seq, session, user, host }: StatementRecord, isFromStart: boolean) {
    this.first = seq;
    this.id = session;
    this.user = user;
    this.host = host;
    this.isFromStart = isFromStart;
  }

  /** Takes note of names that a statement gives and gives up. */
  prepare(names: StatementNature['prepares']): void {
    this.#unknown = null;
    for (const { name, nature } of names) {
      this.#keep(name, nature);
      this.#unknown = nature === null ? name : null;
    }
  }

  /** The server wrote the text behind a PREPARE. */
  learnPrepared(nature: StatementNature): void {
    if (this.#unknown !== null) this.#keep(this.#unknown, nature);
    this.#unknown = null;
  }

  /** What stands under the name of a PREPARE; undefined for nothing, null where that is not known. */
  preparedAs(name: string): StatementNature | null | undefined {
    return this.#prepared?.get(name);
  }

  #keep(name: string, nature: StatementNature | null): void {
    (this.#prepared ??= new Map<string, StatementNature | null>()).set(name, nature);
  }

  keepSetting(sql: string): void {
    this.settings = [...this.settings.slice(1 - MOST_SETTINGS), sql];
  }
}
