import { AppError } from '../../../core/errors.ts';
import { minFreeOf, type DiskSpace } from '../../../core/captures/guards.ts';
import type { SourceStop, ServerInstant } from '../../../core/source.ts';
import type { MysqlConnection } from '../connection/mysql-connection.ts';
import { serverNow } from '../connection/server-clock.ts';
import { saysDiskFull } from '../connection/server-errors.ts';
import type { LogEngine } from '../connection/flavor.ts';
import { MYISAM_DOWN_TO, type EngineChoice } from './log-engine.ts';
import { RECORDER_SCHEMA } from './recorder-schema.ts';
import type { ServerDisk } from './server-disk.ts';
import { formatBytes } from '../../../core/units.ts';

/** The server is asked less often than the system is: it lists every disk that it has. */
const LOOK_EVERY_MS = { local: 200, server: 1_000 } as const;

/**
 * Room that is kept for the end: MySQL writes a file when it renames a table, and on a full disk it
 * could give back nothing (tried on 9.7.4; MariaDB renames with no byte free).
 */
export const SPARE_TABLE = `${RECORDER_SCHEMA}.spare_room`;
const FULL = "the server's disk is full";
const SPARE_BYTES = 256 * 1024;
/** What is written to see whether there is room, and how often. */
export const ROOM_TABLE = `${RECORDER_SCHEMA}.room_asked_for`;
const ASKED_BYTES = 64 * 1024;
const ASK_EVERY_MS = 2_000;
/** With so much free when the log went off, every row before that had room. */
const ENOUGH_FOR_ROWS = 16 * 1024 * 1024;

/**
 * What keeps a server's log from being written, as a half-sentence: less is free than a disk should
 * have at least (as of the store's disk: 256 MiB, or 5 % of a small one). null where there is enough, or
 * it is not known.
 */
export async function shortageOn(disk: ServerDisk | null): Promise<string | null> {
  const space = await disk?.space();
  return space == null ? null : shortageIn(space);
}

function shortageIn({ free, size }: DiskSpace): string | null {
  if (free >= minFreeOf(null, size)) return null;
  if (free === 0) return FULL;
  return `the server's disk has only ${formatBytes(free)} free`;
}

/** The refusal for that. */
export function noRoom(shortage: string): AppError {
  return new AppError('remote_failed', `Nothing can be recorded while ${shortage}`, {
    hint: 'Free space on the disk of its data folder.',
  });
}

/**
 * Keeps the log of a server from making anybody wait for disk space. It says of which engine the next
 * log table is to be, and switches the log off before the disk is full, where its space is known, and
 * else as soon as the server says that it is.
 *
 * - Watching: from `watch` on.
 * - Low (`engine` is CSV from then on): less is free than a MyISAM table may see. Recording goes on.
 * - Stopped (`stopped` is set, for good): the log is off. When the end of the record needs room, the
 *   spare room is freed: nothing of the log's, or of the errors that a full log makes the server write
 *   into its error log, takes it.
 */
export class DiskGuard {
  readonly #control: MysqlConnection;
  readonly #disk: ServerDisk | null;
  readonly #choice: EngineChoice | null;
  readonly #warnings: string[] = [];
  #engine: LogEngine;
  #timer: NodeJS.Timeout | null = null;
  #isLooking = false;
  #stopping: Promise<void> | null = null;
  #stopped: SourceStop | null = null;
  #hasFreedRoom = false;
  #canAsk = false;
  #askedAt = -Infinity;
  /** Until then nothing was left out for want of space, by the server's clock; null where unknown. */
  #goodUntil: ServerInstant | null = null;

  constructor(control: MysqlConnection, disk: ServerDisk | null, choice: EngineChoice | null) {
    this.#control = control;
    this.#disk = disk;
    this.#choice = choice;
    this.#engine = choice?.engine ?? 'CSV';
  }

  /** The engine that the next log table is to be made with, or is to have when it is used again. */
  get engine(): LogEngine {
    return this.#engine;
  }

  /** That the log was switched off; null while all is well. */
  get stopped(): SourceStop | null {
    return this.#stopped;
  }

  takeWarnings(): string[] {
    return this.#warnings.splice(0);
  }

  /** See `shortageOn`. */
  shortage(): Promise<string | null> {
    return shortageOn(this.#disk);
  }

  /**
   * Looks whether there is room, because the server gives rows of the log that find none up without a
   * word. Where the free space is not known it writes something and empties it again, now and then.
   * @param until all was logged until then if there is room now.
   * @throws AppError when there is none, or somebody has the table locked that is written to.
   */
  async askForRoom(until: ServerInstant): Promise<void> {
    if (this.#stopped !== null) return;
    if (this.#disk !== null) {
      const space = await this.#disk.space();
      if (space != null && space.free > 0) this.#goodUntil = until;
      return;
    }
    if (!this.#canAsk || performance.now() - this.#askedAt < ASK_EVERY_MS) return;
    this.#askedAt = performance.now();
    await this.#control.run(`INSERT INTO ${ROOM_TABLE} VALUES (REPEAT('-', ${ASKED_BYTES}))`);
    // Not TRUNCATE: it waits for readers of the table, and they then for it.
    await this.#control.run(`DELETE FROM ${ROOM_TABLE}`);
    this.#goodUntil = until;
  }

  /** Makes the spare room and looks at the disk from now on, until `close`. */
  async watch(): Promise<void> {
    this.#goodUntil = await serverNow(this.#control);
    if (this.#choice !== null) await this.#keepSpareRoom();
    if (this.#disk === null) {
      this.#canAsk =
        (await this.#control.attempt(`DROP TABLE IF EXISTS ${ROOM_TABLE}`)) &&
        (await this.#control.attempt(
          `CREATE TABLE ${ROOM_TABLE} (room LONGTEXT NOT NULL) ENGINE = CSV`,
        ));
      return;
    }
    if (this.#timer !== null) return;
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS[this.#disk.source]);
    this.#timer.unref();
  }

  /** Without it a recording continues all the same. */
  async #keepSpareRoom(): Promise<void> {
    if (await this.#hasSpareRoom()) return;
    // CSV, because a MyISAM table that is filled would itself wait for space.
    for (const sql of [
      `DROP TABLE IF EXISTS ${SPARE_TABLE}`,
      `CREATE TABLE ${SPARE_TABLE} (room LONGTEXT NOT NULL) ENGINE = CSV`,
      `INSERT INTO ${SPARE_TABLE} VALUES (REPEAT('-', ${SPARE_BYTES}))`,
    ]) {
      if (!(await this.#control.attempt(sql))) return;
    }
  }

  async #hasSpareRoom(): Promise<boolean> {
    try {
      return (await this.#control.value(`SELECT 1 FROM ${SPARE_TABLE} LIMIT 1`)) !== null;
    } catch (error) {
      // Not there, or damaged by the death of the server (MariaDB 10.5: "Can't find record").
      if (this.#control.isLost || !(error instanceof AppError)) throw error;
      return false;
    }
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /**
   * Switches the log off when an error says that the disk is full, and frees the spare room.
   * @returns whether it did either, so that what failed is worth another try.
   */
  async stopIfFull(error: unknown): Promise<boolean> {
    if (!saysDiskFull(error) || this.#hasFreedRoom) return false;
    await this.#stop(FULL);
    await this.#control.run(`DROP TABLE IF EXISTS ${SPARE_TABLE}`);
    this.#hasFreedRoom = true;
    return true;
  }

  async #look(): Promise<void> {
    if (this.#isLooking || this.#stopped !== null) return;
    this.#isLooking = true;
    try {
      const space = await this.#disk?.space();
      if (space == null) return;
      const shortage = shortageIn(space);
      if (shortage !== null) {
        await this.#stop(shortage);
      } else if (space.free < MYISAM_DOWN_TO && this.#engine === 'MyISAM') {
        this.#engine = 'CSV';
        this.#warnings.push(
          `The server's disk has only ${formatBytes(space.free)} free: the recorder switches to a CSV log table, which makes no client wait when the disk is full`,
        );
      }
    } catch {
      // The connection is lost: the next statement on it fails, and connects again.
    } finally {
      this.#isLooking = false;
    }
  }

  #stop(why: string): Promise<void> {
    return (this.#stopping ??= this.#stopOnce(why).catch((error: unknown) => {
      this.#stopping = null;
      throw error;
    }));
  }

  async #stopOnce(why: string): Promise<void> {
    this.#engine = 'CSV';
    const now = await serverNow(this.#control);
    await this.#control.run('SET GLOBAL general_log = OFF');
    // It may have become full since it was looked at: then rows are gone from before.
    const free = (await this.#disk?.space())?.free ?? 0;
    const from = free >= ENOUGH_FOR_ROWS ? now : (this.#goodUntil ?? now);
    this.#stopped = { why, from };
  }
}
