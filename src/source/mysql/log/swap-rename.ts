import { AppError } from '../../../core/errors.ts';
import type { Flavor } from '../connection/flavor.ts';
import type { MysqlConnection } from '../connection/mysql-connection.ts';
import { codeOf } from '../connection/server-errors.ts';
import {
  isLockWait,
  LIVE_TABLE,
  NO_QUEUE,
  saysDamaged,
  whenLockFree,
  whenUnread,
  whoseIsLive,
} from './log-table.ts';
import { RECORDER_SCHEMA, TABLES } from './recorder-schema.ts';

const LONG_PROBE_MS = 900;
const MOST_PROBES = 10;

/** What says, before anything was renamed, that a name for the transit cannot be had. */
const NO_TRANSIT: ReadonlySet<string> = new Set([
  'ER_WRONG_TABLE_NAME',
  'ER_BAD_DB_ERROR',
  'ER_DBACCESS_DENIED_ERROR',
  'ER_TABLEACCESS_DENIED_ERROR',
  // MariaDB of a schema that is not there.
  'ER_ERROR_ON_RENAME',
]);

/**
 * The RENAME of a swap: one statement of three steps, by way of a third name (`Flavor.transits`), after
 * which the table that was ready is live and its name holds what was live.
 */
export class SwapRename {
  readonly #connection: MysqlConnection;
  readonly #flavor: Flavor;
  /** The names that are left to try; the last one always works. */
  readonly #transits: string[];
  #isClear = false;

  constructor(connection: MysqlConnection, flavor: Flavor) {
    this.#connection = connection;
    this.#flavor = flavor;
    this.#transits = [...flavor.transits];
  }

  /** @param table the one that is ready. */
  statement(table: string, queueing = ''): string {
    const transit = this.#transits[0] ?? TABLES.transit;
    return `${this.#flavor.renameBound}RENAME TABLE ${LIVE_TABLE}${queueing} TO ${transit}, ${table} TO ${LIVE_TABLE}, ${transit} TO ${table}`;
  }

  /** Does not wait where somebody has one of the tables locked. */
  async run(table: string): Promise<void> {
    for (;;) {
      try {
        await this.#connection.run(this.statement(table, NO_QUEUE));
        return;
      } catch (error) {
        if (this.#transits.length === 1 || !NO_TRANSIT.has(codeOf(error) ?? '')) throw error;
        this.#transits.shift();
      }
    }
  }

  /** Waits until the RENAME makes no client wait, as far as can be known ahead. */
  whenFree(): Promise<void> {
    return this.#flavor.name === 'mysql'
      ? whenUnread(this.#connection)
      : this.#whenStatisticsFree();
  }

  /**
   * Where a server that knows no atomic RENAME died in the middle of a swap, the table that was live is
   * under the transit's name: puts it back, or into a slot.
   * @param unusedName of a slot.
   * @returns whether there was one.
   */
  async clearTransit(unusedName: () => string): Promise<boolean> {
    if (this.#isClear) return false;
    let wasThere = false;
    for (const transit of this.#flavor.transits) {
      try {
        await this.#connection.rows(`SELECT 1 FROM ${transit} LIMIT 0`);
      } catch (error) {
        if (this.#connection.isLost || isLockWait(error)) throw error;
        if (!saysDamaged(error)) continue;
      }
      const isLiveThere = (await whoseIsLive(this.#connection)) !== 'missing';
      const target = isLiveThere ? unusedName() : LIVE_TABLE;
      await whenLockFree(() => this.#connection.run(`RENAME TABLE ${transit} TO ${target}`));
      wasThere = true;
    }
    this.#isClear = true;
    return wasThere;
  }

  /**
   * MariaDB's RENAME writes to the server's tables of statistics at each of its steps, holding the log
   * table, so every client waits while somebody has those locked, as mysqldump does with all tables of
   * the schema `mysql` (10.11: 3 s, a second a step; and the dump waits, too, for it is logged). So a
   * DROP of a table that is never there, which waits for them and holds nothing, goes first. A lock that
   * is taken between the two costs the clients `Flavor.renameBound`: what it interrupts is the wait, and
   * the RENAME is carried out (10.5, 10.11, 11.8, tried).
   */
  async #whenStatisticsFree(): Promise<void> {
    for (let probe = 0; probe < MOST_PROBES; probe++) {
      const at = performance.now();
      await this.#connection.run(`DROP TABLE IF EXISTS ${RECORDER_SCHEMA}.lock_probe`);
      // It says nothing of having waited in vain, for the second that lock_wait_timeout is.
      if (performance.now() - at < LONG_PROBE_MS) return;
    }
    throw new AppError('remote_failed', 'Somebody has tables of the schema "mysql" locked', {
      hint: 'The recorder continues when that lock is released.',
    });
  }
}
