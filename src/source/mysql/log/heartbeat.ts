import { AppError } from '../../../core/errors.ts';
import { isLockWait } from './log-table.ts';
import { beat, MARKER } from './recorder-schema.ts';
import type { RecorderTables } from './recorder-tables.ts';

const HEARTBEAT_MS = 10_000;

/** The recorder's sign of life in its marker, which the dead-man switch and other recorders look at. */
export class Heartbeat {
  readonly #tables: RecorderTables;
  #lastBeat = 0;
  /** Whether our store's marker was seen on the server. */
  isMarked = false;

  constructor(tables: RecorderTables) {
    this.#tables = tables;
  }

  /** Notes that the marker has just been written. */
  wasMarked(): void {
    this.isMarked = true;
    this.noted();
  }

  /** Notes a sign of life that something else gave. */
  noted(): void {
    this.#lastBeat = performance.now();
  }

  async beatWhenDue(): Promise<void> {
    if (performance.now() - this.#lastBeat >= HEARTBEAT_MS) await this.beat();
  }

  /** @throws AppError `remote_failed` where somebody emptied the marker. */
  async beat(): Promise<void> {
    this.#lastBeat = performance.now();
    try {
      if ((await beat(this.#tables.control)) || !this.isMarked) return;
    } catch (error) {
      // A dump has the marker locked; the dead-man switch waits for many heartbeats.
      if (!isLockWait(error) && !(await this.#tables.guard.stopIfFull(error))) throw error;
      return;
    }
    // The next connection makes it anew.
    throw new AppError(
      'remote_failed',
      `Somebody emptied ${MARKER}, which says how the server was`,
    );
  }
}
