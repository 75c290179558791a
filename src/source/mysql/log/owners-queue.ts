import type { Heartbeat } from './heartbeat.ts';
import { isLockWait, makeOwnersTable, whoseIsLive } from './log-table.ts';
import { appendGeneration } from './owners-log.ts';
import { noteEmptied, readSchema } from './recorder-schema.ts';
import type { RecorderTables } from './recorder-tables.ts';

/** How long the owner's log is left alone when somebody has locked it: it takes a second to be told so. */
const OWNERS_LOCKED_MS = 5_000;
const OWNERS_DROPPED =
  "Somebody dropped the server's own log table, with its rows, during the recording; an empty one replaces it";

/** Frozen tables on their way into the owner's set-aside log table, in order. */
export class OwnersQueue {
  readonly #tables: RecorderTables;
  readonly #heartbeat: Heartbeat;
  /** Generations that the owner's log has yet to get, ascending; and those of them that were dropped. */
  readonly #unappended: number[] = [];
  readonly #dropped = new Set<number>();
  /** By our monotonic clock: until then nobody asks whether the owner's log is unlocked. */
  #ownersLockedUntil = 0;
  readonly #warnings: string[] = [];
  #isDropSaid = false;

  constructor(tables: RecorderTables, heartbeat: Heartbeat) {
    this.#tables = tables;
    this.#heartbeat = heartbeat;
  }

  takeWarnings(): string[] {
    return this.#warnings.splice(0);
  }

  /**
   * Appends a frozen table to the owner's own set-aside log table, once, however often it is called; only
   * when they log to a table. In the order of the calls. Where somebody has theirs locked it is put off to
   * a later call, or to `restore`.
   */
  async append(generation: number): Promise<void> {
    await this.#heartbeat.beat();
    await this.#tables.find();
    if (!this.#unappended.includes(generation)) this.#unappended.push(generation);
    if (performance.now() < this.#ownersLockedUntil) return;
    const replaceDropped = (): Promise<void> => this.replaceWhereOursIsLive();
    for (;;) {
      const [first] = this.#unappended;
      if (first === undefined) return;
      try {
        await appendGeneration(
          this.#tables.control,
          this.#tables.storeId,
          this.#tables.slots,
          first,
          replaceDropped,
        );
      } catch (error) {
        if (!isLockWait(error)) throw error;
        // Somebody reads the owner's log: later generations wait for this one.
        this.#ownersLockedUntil = performance.now() + OWNERS_LOCKED_MS;
        return;
      }
      this.#unappended.shift();
      if (this.#dropped.delete(first)) await this.#tables.slots.release(first);
    }
  }

  /** Drops a frozen table, as soon as the owner's log has it where it is to get it. */
  async release(generation: number): Promise<void> {
    if (this.#unappended.includes(generation)) this.#dropped.add(generation);
    else await this.#tables.slots.release(generation);
  }

  /** Where the owner's is live it has gone back to its place, and is not gone. */
  async replaceWhereOursIsLive(): Promise<void> {
    const { marker } = await readSchema(this.#tables.control, this.#tables.storeId);
    const engine = marker?.settings?.tableEngine ?? null;
    if (engine === null || (await whoseIsLive(this.#tables.control)) === 'owners') return;
    await this.replaceDropped(engine);
  }

  /** Puts an empty table in the place of the owner's that somebody dropped. */
  async replaceDropped(engine: string): Promise<void> {
    await noteEmptied(this.#tables.control);
    await makeOwnersTable(this.#tables.control, this.#tables.flavor, engine);
    if (!this.#isDropSaid) this.#warnings.push(OWNERS_DROPPED);
    this.#isDropSaid = true;
  }
}
