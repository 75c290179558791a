import { AppError } from '../../../core/errors.ts';
import { DROP_MS, type MysqlConnection } from '../connection/mysql-connection.ts';
import type { Flavor } from '../connection/flavor.ts';
import { engineOf } from './log-engine.ts';
import { LeftSlots, SPARE } from './left-slots.ts';
import {
  exchange,
  isLockWait,
  LIVE_TABLE,
  LOCK_TABLE,
  makeLogTable,
  whenLockFree,
  withoutQueueing,
} from './log-table.ts';
import {
  oldFrozenTable,
  readSchema,
  RECORDER_SCHEMA,
  type SchemaContents,
  slotTable,
} from './recorder-schema.ts';
import { addSentinel, readSentinel, type Sentinel } from './sentinel.ts';
import { SwapRename } from './swap-rename.ts';

/**
 * More than a dump that locks all of them at once needs; while somebody locks the owner's log, which
 * keeps every generation frozen, they last for half a minute.
 */
const MOST_SLOTS = 64;

/** How long a slot that somebody has locked is left alone where it takes a second to be told so. */
const LOCKED_MS = 5_000;

interface Slot {
  readonly table: string;
  /** Whether there is nothing in it. */
  isEmpty: boolean;
  /** By our monotonic clock: until then nobody asks whether the lock on it was released. */
  lockedUntil: number;
}

/**
 * The recorder's log tables that are not live: `captures.log_1`, `log_2` and so on. Each is spare, or
 * ready to be the next live one, or holds a frozen generation; the sentinel that it begins with says
 * which. Their names stay while a recording continues: a dump lists the names of a schema first and opens
 * the tables then, and a name that is gone by then ends it (tables that were made and dropped at every
 * swap ended 9 of 115 dumps).
 *
 * So a swap is one RENAME (`SwapRename`), after which the slot that was ready holds what was live:
 * a program that opens it meanwhile waits for the RENAME. And a slot
 * that somebody else has locked is left alone for a while, and another one used, made where there is
 * none: nobody can have locked a name that nobody knew.
 */
export class LogSlots {
  readonly #connection: MysqlConnection;
  readonly #flavor: Flavor;
  readonly #serverStart: number;
  readonly #rename: SwapRename;
  readonly #lockedMs: number;
  /** Whether the server is asked who has a slot open: where that is of use, and allowed. */
  #mayAsk: boolean;
  readonly #frozen = new Map<number, string>();
  readonly #free = new Map<string, Slot>();
  /** Names of slots that are beyond repair and that cannot be dropped. */
  readonly #unusable = new Set<string>();
  #next: { readonly slot: Slot; readonly generation: number } | null = null;
  #isFound = false;

  /** @param flavor whose `engine` is asked for each table that is made or used again. */
  constructor(connection: MysqlConnection, flavor: Flavor, serverStart: number) {
    this.#connection = connection;
    this.#flavor = flavor;
    this.#serverStart = serverStart;
    this.#rename = new SwapRename(connection, flavor);
    this.#mayAsk = flavor.name === 'mysql';
    this.#lockedMs = flavor.name === 'mysql' ? LOCKED_MS : 0;
  }

  /** Generations that are frozen, ascending. */
  get frozen(): number[] {
    return [...this.#frozen.keys()].sort((one, other) => one - other);
  }

  /** Whether it is known what is in the slots. */
  get isFound(): boolean {
    return this.#isFound;
  }

  has(generation: number): boolean {
    return this.#frozen.has(generation);
  }

  /** @throws AppError `remote_failed` when another program dropped it. */
  tableOf(generation: number): string {
    const table = this.#frozen.get(generation);
    if (table !== undefined) return table;
    throw new AppError(
      'remote_failed',
      `Generation ${generation} of the log is not on the server any more`,
    );
  }

  /**
   * Looks at the schema. Slots that this object did not fill itself are what a recorder before us left:
   * what they hold is read from their sentinels.
   * @param readUpTo the last generation that was read; 0 where that is not known.
   */
  async refresh(storeId: string, readUpTo: number): Promise<SchemaContents> {
    let contents = await readSchema(this.#connection, storeId);
    const isOurs = contents.state === 'ours' || contents.state === 'none';
    if (!isOurs) return contents;
    const { slots, exists } = contents;
    if (exists && (await this.#rename.clearTransit(() => this.#unusedName(slots)))) {
      contents = await readSchema(this.#connection, storeId);
    }
    const tables = new Set([
      ...contents.slots.map(slotTable),
      ...contents.oldFrozen.map(oldFrozenTable),
    ]);
    for (const [generation, table] of this.#frozen) {
      if (!tables.has(table)) this.#frozen.delete(generation);
    }
    for (const table of this.#free.keys()) if (!tables.has(table)) this.#free.delete(table);
    if (this.#next !== null && !tables.has(this.#next.slot.table)) this.#next = null;
    for (const number of contents.oldFrozen) this.#frozen.set(number, oldFrozenTable(number));
    const known = new Set([...this.#frozen.values(), ...this.#free.keys(), ...this.#unusable]);
    if (this.#next !== null) known.add(this.#next.slot.table);
    const left = contents.slots.map(slotTable).filter((table) => !known.has(table));
    const isDropped = left.length > 0 && (await this.#take(left, readUpTo));
    this.#isFound = true;
    return isDropped ? readSchema(this.#connection, storeId) : contents;
  }

  /** Takes over what a recorder before us left. @returns whether something of it was dropped. */
  async #take(tables: readonly string[], readUpTo: number): Promise<boolean> {
    const left = await LeftSlots.sort(
      this.#connection,
      this.#serverStart,
      tables,
      this.#frozen,
      readUpTo,
    );
    for (const [generation, table] of left.frozen) this.#frozen.set(generation, table);
    for (const { table, isEmpty } of left.free) this.#setFree(table, isEmpty);
    for (const table of left.unusable) this.#unusable.add(table);
    return left.isDropped;
  }

  #unusedName(taken: readonly number[] = []): string {
    const used = new Set([
      ...this.#frozen.values(),
      ...this.#free.keys(),
      ...this.#unusable,
      ...taken.map(slotTable),
    ]);
    if (this.#next !== null) used.add(this.#next.slot.table);
    for (let number = 1; ; number++) {
      if (!used.has(slotTable(number))) return slotTable(number);
    }
  }

  #setFree(table: string, isEmpty: boolean): void {
    this.#free.set(table, { table, isEmpty, lockedUntil: 0 });
  }

  /**
   * Makes sure that an empty table with this sentinel is ready to be the live one.
   * @throws AppError `remote_failed` when all slots are locked by other programs.
   */
  async prepare(sentinel: Sentinel): Promise<void> {
    if (this.#next !== null) {
      const { slot, generation } = this.#next;
      // A MyISAM table that was made ready before the disk became nearly full must not go live.
      const isOfEngine = (await engineOf(this.#connection, slot.table)) === this.#flavor.engine;
      const isIt =
        generation === sentinel.generation && sentinel.interruption === null && isOfEngine;
      if (isIt && slot.lockedUntil === 0 && !(await this.#isInUse(slot))) {
        await this.tidy(sentinel);
        return;
      }
      this.#next = null;
      this.#free.set(slot.table, slot);
    }
    let next: Slot | null = null;
    for (const slot of this.#free.values()) {
      if (await this.#empty(slot, sentinel)) {
        next = slot;
        break;
      }
    }
    if (next === null) {
      if (this.#frozen.size + this.#free.size >= MOST_SLOTS) throw allLocked();
      const table = await this.#make(this.#unusedName());
      await addSentinel(this.#connection, table, sentinel);
      next = { table, isEmpty: true, lockedUntil: 0 };
    }
    this.#free.delete(next.table);
    this.#next = { slot: next, generation: sentinel.generation };
    await this.tidy(sentinel);
  }

  /** Empties what was read, where nobody has it locked: it may be large. */
  async tidy(sentinel: Sentinel): Promise<void> {
    for (const slot of this.#free.values()) {
      if (!slot.isEmpty) await this.#empty(slot, { ...sentinel, generation: SPARE });
    }
  }

  async #make(table: string): Promise<string> {
    await makeLogTable(this.#connection, this.#flavor, table);
    return table;
  }

  /** Sees to it that an empty table is of the engine that is wanted now. */
  async #convert(table: string): Promise<void> {
    const { engine } = this.#flavor;
    if ((await engineOf(this.#connection, table)) === engine) return;
    await this.#connection.run(`ALTER TABLE ${table} ENGINE = ${engine}`);
  }

  /**
   * Whether somebody has a slot open. MySQL cannot be asked for a lock without waiting a second for it,
   * and the wait can make a deadlock of what a transaction does next with the table: see `whenUnread`.
   */
  async #isInUse({ table }: Slot): Promise<boolean> {
    if (!this.#mayAsk) return false;
    const name = table.slice(RECORDER_SCHEMA.length + 1);
    try {
      const count = await this.#connection.value(
        `SELECT COUNT(*) FROM ${LOCK_TABLE} WHERE OBJECT_SCHEMA = '${RECORDER_SCHEMA}' AND OBJECT_NAME = '${name}'`,
      );
      return count !== '0';
    } catch (error) {
      if (this.#connection.isLost) throw error;
      this.#mayAsk = false;
      return false;
    }
  }

  /** @returns false when somebody has locked it. */
  async #empty(slot: Slot, sentinel: Sentinel): Promise<boolean> {
    if (slot.lockedUntil > performance.now() || (await this.#isInUse(slot))) return false;
    try {
      await this.#connection.run(this.#flavor.emptying(slot.table), DROP_MS);
      await this.#convert(slot.table);
      await addSentinel(this.#connection, slot.table, sentinel);
    } catch (error) {
      if (!isLockWait(error)) throw error;
      slot.lockedUntil = performance.now() + this.#lockedMs;
      return false;
    }
    slot.isEmpty = true;
    slot.lockedUntil = 0;
    return true;
  }

  /**
   * Freezes the live table as `generation`, with the log left on, and puts the table with this sentinel
   * in its place.
   */
  async swap(generation: number, sentinel: Sentinel): Promise<void> {
    await whenLockFree(async () => {
      await this.prepare(sentinel);
      await this.#rename.whenFree();
      const slot = this.#next?.slot;
      try {
        await withoutQueueing(() => this.#rename.run(slot?.table ?? ''));
      } catch (error) {
        if (!isLockWait(error) || slot === undefined) throw error;
        // Interrupted, it may be done all the same: then the slot has the rows of the log.
        if (
          (await readSentinel(this.#connection, slot.table))?.generation === sentinel.generation
        ) {
          // Perhaps it is not the live table that is locked: another slot is used next time.
          slot.lockedUntil = performance.now() + this.#lockedMs;
          throw error;
        }
      }
      this.swapped(generation);
    });
  }

  /** The RENAME of a swap, to be sent on another connection; `prepare` comes first. */
  get swapStatement(): string {
    return this.#rename.statement(this.#next?.slot.table ?? '');
  }

  /** Says that it was carried out. */
  swapped(generation: number): void {
    if (this.#next === null) return;
    this.#frozen.set(generation, this.#next.slot.table);
    this.#next = null;
  }

  /**
   * Puts the table that is ready in the place of the live one, which becomes `outgoing`; null where
   * there is no live one. The name of the slot is free then: only before a recording begins.
   */
  async putInPlace(outgoing: string | null): Promise<void> {
    const table = this.#next?.slot.table ?? '';
    if (outgoing === null) await this.#connection.run(`RENAME TABLE ${table} TO ${LIVE_TABLE}`);
    else await exchange(this.#connection, outgoing, table);
    this.#next = null;
  }

  /** Makes an empty table for a generation whose own is gone: reading it looks for where that went. */
  async standIn(generation: number): Promise<void> {
    this.#frozen.set(generation, await this.#make(this.#unusedName()));
  }

  /** Gives the table of a generation free, for `prepare` or `tidy` to empty; nothing happens when there is none. */
  async release(generation: number): Promise<void> {
    const table = this.#frozen.get(generation);
    if (table === undefined) return;
    this.#frozen.delete(generation);
    if (table !== oldFrozenTable(generation)) {
      this.#setFree(table, false);
      return;
    }
    try {
      await this.#connection.run(`DROP TABLE IF EXISTS ${table}`, DROP_MS);
    } catch (error) {
      // Left for the end, or for the next look.
      if (!isLockWait(error)) throw error;
    }
  }

  /** Drops every table of a recorder's, whatever it holds. */
  async dropAll({ slots, oldFrozen }: SchemaContents): Promise<void> {
    for (const table of [...slots.map(slotTable), ...oldFrozen.map(oldFrozenTable)]) {
      if (this.#unusable.has(table)) continue;
      await whenLockFree(() => this.#connection.run(`DROP TABLE IF EXISTS ${table}`, DROP_MS));
    }
    this.#frozen.clear();
    this.#free.clear();
    this.#next = null;
  }
}

function allLocked(): AppError {
  return new AppError('remote_failed', "Other programs hold locks on the recorder's tables", {
    hint: `The recorder continues when they are released: see who uses the schema "${RECORDER_SCHEMA}".`,
  });
}
