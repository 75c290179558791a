import type { StatementRecord } from '../core/workloads/statements.ts';
import type { StatementNature } from '../sql/statement-nature.ts';

/** Texts that a session which begins later has to repeat; beyond them the first are left out. */
const MOST_SETTINGS = 100;

/** A session of the record, from its first record to its last. */
export class RecordedSession {
  /** The `seq` of its first record: the server's ids come again, this does not. */
  readonly first: number;
  readonly id: number;
  /** Whether it was open when the record began: its login is not in it. */
  readonly isFromStart: boolean;
  user: string | null;
  host: string | null;
  /** What the names of its PREPARE statements stand for; null where that is not known. */
  readonly prepared = new Map<string, StatementNature | null>();
  /** A PREPARE whose text stands in the session's next record alone. */
  heldPrepare: StatementRecord | null = null;
  heldConnect: StatementRecord | null = null;
  /** The name that was prepared from what the record's text does not show: a variable. */
  #unknown: string | null = null;
  /** Settings that were not sent, and that what is sent later depends on. */
  settings: string[] = [];

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
      this.prepared.set(name, nature);
      this.#unknown = nature === null ? name : null;
    }
  }

  /** The server wrote the text behind a PREPARE. */
  learnPrepared(nature: StatementNature): void {
    if (this.#unknown !== null) this.prepared.set(this.#unknown, nature);
    this.#unknown = null;
  }

  keepSetting(sql: string): void {
    if (this.settings.length >= MOST_SETTINGS) this.settings.shift();
    this.settings.push(sql);
  }
}
