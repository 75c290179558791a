import { DROP_MS, type MysqlConnection } from '../connection/mysql-connection.ts';
import { LOG_ENGINES } from '../connection/flavor.ts';
import { saysFileMissing } from '../connection/server-errors.ts';
import { isLockWait, LIVE_TABLE, noteLoss, repair, saysDamaged, whoseIsLive } from './log-table.ts';
import { NO_SENTINEL, readSentinel, type Sentinel } from './sentinel.ts';

/** The generation in the sentinel of a slot that is kept for later: none has this number. */
export const SPARE = 0;

/**
 * Finds out what the slots hold that a recorder before us left: from their sentinels, having repaired
 * what a crash of the server left damaged.
 */
export class LeftSlots {
  readonly #connection: MysqlConnection;
  readonly #serverStart: number;
  readonly #readUpTo: number;
  /** The tables of the generations that are frozen, those that were known before among them. */
  readonly frozen: Map<number, string>;
  /** Tables that hold nothing that is still to be read, and whether they are empty. */
  readonly free: { readonly table: string; readonly isEmpty: boolean }[] = [];
  /** Names of tables that are beyond repair and that cannot be dropped. */
  readonly unusable: string[] = [];
  /** Whether one was beyond repair, which is dropped then. */
  isDropped = false;

  private constructor(
    connection: MysqlConnection,
    serverStart: number,
    frozen: ReadonlyMap<number, string>,
    readUpTo: number,
  ) {
    this.#connection = connection;
    this.#serverStart = serverStart;
    this.#readUpTo = readUpTo;
    this.frozen = new Map(frozen);
  }

  /**
   * @param frozen the generations that are known to be frozen.
   * @param readUpTo the last generation that was read; 0 where that is not known.
   */
  static async sort(
    connection: MysqlConnection,
    serverStart: number,
    tables: readonly string[],
    frozen: ReadonlyMap<number, string>,
    readUpTo: number,
  ): Promise<LeftSlots> {
    const left = new LeftSlots(connection, serverStart, frozen, readUpTo);
    await left.#sort(tables);
    return left;
  }

  async #sort(tables: readonly string[]): Promise<void> {
    const live = await this.#liveGeneration();
    const found: { table: string; generation: number; isIdle: boolean }[] = [];
    const changed: string[] = [];
    for (const table of tables) {
      const sentinel = await this.#sentinelOf(table);
      if (sentinel === 'beyond repair') {
        await this.#discard(table);
        this.isDropped = true;
      } else if (sentinel === null) {
        changed.push(table);
      } else if (sentinel.generation === SPARE) {
        this.free.push({ table, isEmpty: true });
      } else {
        const isIdle = sentinel.interruption === null && (await this.#isIdle(table));
        found.push({ table, generation: sentinel.generation, isIdle });
      }
    }
    found.sort((one, other) => one.generation - other.generation);
    const last = found.at(-1);
    for (const slot of found) {
      // Where the live table does not say which it is: what was to be the next one, or else an idle
      // one, of which nothing is lost.
      const isReady = live === null ? slot === last && slot.isIdle : slot.generation > live;
      // A repair or a rename by hand: two of one generation cannot be told apart, and both are read.
      const isTaken = this.frozen.has(slot.generation);
      if (isReady) this.free.push({ table: slot.table, isEmpty: false });
      else if (isTaken) changed.push(slot.table);
      else this.frozen.set(slot.generation, slot.table);
    }
    for (const table of changed) this.#place(table, live);
  }

  /**
   * A slot without its sentinel: another program emptied or replaced it while it was live, and it was
   * frozen last, directly before the live one; or it was emptied to be used again, and then its
   * generation was read.
   */
  #place(table: string, live: number | null): void {
    const readUpTo = this.#readUpTo;
    let generation = (live ?? Math.max(readUpTo, ...this.frozen.keys()) + 2) - 1;
    while (generation > readUpTo && this.frozen.has(generation)) generation--;
    if (generation <= readUpTo) this.free.push({ table, isEmpty: false });
    else this.frozen.set(generation, table);
  }

  /** The generation that the live table says it is; null where it is not ours, changed or damaged. */
  async #liveGeneration(): Promise<number | null> {
    if ((await whoseIsLive(this.#connection)) !== 'ours') return null;
    try {
      return (await readSentinel(this.#connection, LIVE_TABLE))?.generation ?? null;
    } catch (error) {
      if (saysDamaged(error)) return null;
      throw error;
    }
  }

  /** Repairs a slot that a crash of the server left damaged. */
  async #sentinelOf(table: string): Promise<Sentinel | null | 'beyond repair'> {
    try {
      return await readSentinel(this.#connection, table);
    } catch (error) {
      if (!isBroken(error)) throw error;
    }
    const said = await repair(this.#connection, table);
    try {
      const sentinel = await readSentinel(this.#connection, table);
      if (sentinel !== null) {
        const { serverStart } = sentinel;
        const isOfThisStart = serverStart === this.#serverStart;
        await noteLoss(this.#connection, table, sentinel, { said, isOfThisStart, until: null });
      }
      return sentinel;
    } catch (error) {
      if (isBroken(error)) return 'beyond repair';
      throw error;
    }
  }

  /**
   * Drops a slot whose files are gone or of no use, after a crash of the server or of its disk: what it
   * held is a gap, as if somebody had dropped it. A name that cannot be dropped is not used again.
   */
  async #discard(table: string): Promise<void> {
    try {
      await this.#connection.run(`DROP TABLE IF EXISTS ${table}`, DROP_MS);
    } catch (error) {
      if (this.#connection.isLost || isLockWait(error)) throw error;
      this.unusable.push(table);
      return;
    }
    // Of a table without a definition that leaves the other files (MariaDB), which would keep the schema
    // from being dropped. A new one of the name takes their place (tried on 10.5, 10.11 and 11.8).
    for (const engine of LOG_ENGINES) {
      const made = `CREATE TABLE ${table} (line INT NOT NULL) ENGINE = ${engine}`;
      if (await this.#connection.attempt(made)) {
        await this.#connection.run(`DROP TABLE IF EXISTS ${table}`, DROP_MS);
      }
    }
  }

  /** Whether a slot has nothing but its sentinel. */
  async #isIdle(table: string): Promise<boolean> {
    try {
      return (
        (await this.#connection.row(`SELECT 1 FROM ${table} WHERE ${NO_SENTINEL} LIMIT 1`)) === null
      );
    } catch (error) {
      // Reading it repairs it.
      if (saysDamaged(error)) return false;
      throw error;
    }
  }
}

/** Whether a table cannot be read as it is, which may be repaired. */
function isBroken(error: unknown): boolean {
  return saysDamaged(error) || saysFileMissing(error);
}
