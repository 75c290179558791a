import type { BoundValue, TargetSession } from '../core/replays/target.ts';
import type { Escapes } from '../sql/lexer.ts';
import { PreparedTemplate } from '../sql/prepared-template.ts';

/** A server has room for 16,382 (`max_prepared_stmt_count`), of all its sessions. */
const MOST_PREPARED = 1_000;

interface Prepared {
  readonly statement: number;
  readonly template: PreparedTemplate;
}

/** What an execute runs. */
export interface Execution {
  readonly statement: number;
  readonly values: readonly BoundValue[];
}

/**
 * What a session has prepared on its connection, by the text: the record does not say which prepared statement an
 * execute runs, nor which one a close gives up.
 */
export class PreparedStatements {
  /** Those that were used last are at the end. */
  readonly #byText = new Map<string, Prepared>();
  /** By the record: prepares less closes. */
  #open = 0;

  /** Of a new connection, or one that was reset: nothing is prepared on it. */
  forget(): void {
    this.#byText.clear();
    this.#open = 0;
  }

  keep(text: string, statement: number, connection: TargetSession | null): void {
    const before = this.#byText.get(text);
    if (before !== undefined) connection?.closeStatement(before.statement);
    this.#byText.delete(text);
    this.#byText.set(text, { statement, template: new PreparedTemplate(text) });
    this.#open++;
    if (this.#byText.size > MOST_PREPARED) this.#giveUpOldest(connection);
  }

  /** One was closed: that which was not used for longest goes, once fewer are open by the record. */
  closeOne(connection: TargetSession | null): void {
    this.#open = Math.max(this.#open - 1, 0);
    while (this.#byText.size > this.#open) this.#giveUpOldest(connection);
  }

  /**
   * What the text of an execute runs, and with which values; null where nothing fits.
   * @param escapes of the session's literals.
   */
  find(executed: string | Uint8Array, escapes: Escapes): Execution | null {
    for (const [text, prepared] of this.#byText) {
      const values = prepared.template.valuesOf(executed, escapes);
      if (values === null) continue;
      if (this.#byText.size > 1) {
        this.#byText.delete(text);
        this.#byText.set(text, prepared);
      }
      return { statement: prepared.statement, values };
    }
    return null;
  }

  #giveUpOldest(connection: TargetSession | null): void {
    const [oldest] = this.#byText;
    if (oldest === undefined) return;
    const [text, { statement }] = oldest;
    this.#byText.delete(text);
    connection?.closeStatement(statement);
  }
}
