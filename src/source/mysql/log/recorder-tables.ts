import type { ServerInstant } from '../../../core/source.ts';
import { serverNow } from '../connection/server-clock.ts';
import type { Flavor } from '../connection/flavor.ts';
import type { MysqlConnection } from '../connection/mysql-connection.ts';
import { noRoom, type DiskGuard } from './disk-guard.ts';
import type { LogSlots } from './log-slots.ts';
import { logsToTable } from './log-settings.ts';
import { isLockWait, saysDamaged, whoseIsLive } from './log-table.ts';
import { liveGeneration, readSchema, type SchemaContents } from './recorder-schema.ts';
import { readSentinel, type Sentinel } from './sentinel.ts';

/** What the recorder has on a server, and how far it came there: what the parts of a swapped log share. */
export class RecorderTables {
  readonly control: MysqlConnection;
  readonly flavor: Flavor;
  readonly storeId: string;
  readonly serverStart: number;
  readonly slots: LogSlots;
  readonly guard: DiskGuard;
  /** As sentinels have it; empty where no tap is. */
  tap = '';
  nonce = '';
  /** The generation that the live table is; null before that is known. */
  live: number | null = null;
  /** The last generation that this object froze, and when, by our monotonic clock. */
  lastSwap: { generation: number; at: number; until: ServerInstant } | null = null;
  /** When it froze the one before that; null where it did not. */
  swapBefore: ServerInstant | null = null;

  constructor(
    control: MysqlConnection,
    flavor: Flavor,
    owner: { readonly storeId: string; readonly serverStart: number },
    slots: LogSlots,
    guard: DiskGuard,
  ) {
    this.control = control;
    this.flavor = flavor;
    this.storeId = owner.storeId;
    this.serverStart = owner.serverStart;
    this.slots = slots;
    this.guard = guard;
  }

  /** For the marker: whose recorder it is. */
  get owner(): { storeId: string; nonce: string } {
    return { storeId: this.storeId, nonce: this.nonce };
  }

  sentinel(generation: number): Sentinel {
    return { tap: this.tap, generation, serverStart: this.serverStart, interruption: null };
  }

  /** Makes the table that is to be live as this generation. */
  prepare(generation: number): Promise<void> {
    return this.slots.prepare(this.sentinel(generation));
  }

  /** Makes sure that it is known which tables are there. */
  async find(): Promise<void> {
    if (!this.slots.isFound) await this.slots.refresh(this.storeId, 0);
  }

  liveOf(contents: SchemaContents, atLeast: number): number {
    return liveGeneration(contents, this.slots.frozen, atLeast);
  }

  /** Whether a table was made since the server's last start: it was logged to ever since. */
  async isOfThisStart(table: string): Promise<boolean> {
    try {
      return (await readSentinel(this.control, table))?.serverStart === this.serverStart;
    } catch (error) {
      if (saysDamaged(error)) return false;
      throw error;
    }
  }

  /** Notes that the live table was frozen. */
  noteSwap(generation: number, at: number, until: ServerInstant): void {
    this.swapBefore = this.lastSwap?.generation === generation - 1 ? this.lastSwap.until : null;
    this.lastSwap = { generation, at, until };
  }

  /** The server's clock. */
  now(): Promise<ServerInstant> {
    return serverNow(this.control);
  }

  /**
   * Leaves a server alone whose disk is nearly full.
   * @throws AppError `remote_failed`; the log is off then, when it was on for us.
   */
  async requireRoom(): Promise<void> {
    const shortage = await this.guard.shortage();
    if (shortage === null) return;
    const { marker } = await readSchema(this.control, this.storeId);
    const isOurs = (await whoseIsLive(this.control)) === 'ours';
    if (isOurs && marker?.settings != null && !logsToTable(marker.settings)) {
      await this.control.run('SET GLOBAL general_log = OFF');
    }
    throw noRoom(shortage);
  }

  /** When the disk is full the log is off afterwards. */
  async askForRoom(): Promise<void> {
    try {
      await this.guard.askForRoom(this.lastSwap?.until ?? (await this.now()));
    } catch (error) {
      // A dump may have the table locked that is written to.
      if (!isLockWait(error) && !(await this.guard.stopIfFull(error))) throw error;
    }
  }
}
