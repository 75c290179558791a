import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../../core/errors.ts';
import { DROP_MS, type MysqlConnection } from '../connection/mysql-connection.ts';
import { codeOf } from '../connection/server-errors.ts';
import { GuardConnection } from '../connection/guard-connection.ts';
import type { LogTableReader } from '../reading/log-table-reader.ts';
import { whenLockFree } from '../log/log-table.ts';
import { listProcesses, type Process } from '../connection/processlist.ts';
import { instant } from '../connection/server-clock.ts';
import { PendingStatement } from '../reading/pending-statement.ts';

/** Where a rotation puts what was the live log table: the one backup that is kept. */
export const BACKUP_TABLE = 'mysql.general_log_backup';
export const ROTATION = 'mysql.rds_rotate_general_log';

// A rotation of somebody else's is a few statements; between two of them there is no backup.
const MISSING_FOR_MS = 2_000;
const QUEUE_FOR_MS = 2_000;
/** A recorder that died without a word must not keep the server from rotating for longer. */
const GUARD_TIMEOUT_S = 60;
/** How often it is looked, while the backup is held, whether the server still answers. */
const PULSE_MS = 250;
/** Our session's lock_wait_timeout ends a call that waits in vain after a second. */
const CALL_TIMEOUT_MS = 1_500;

// A rotation that waits for a reader of the live table is given up after a second, with every client.
const ATTEMPTS = 6;
const PAUSE_MS = 100;
const HURRIED_LOOKS = 100;

const WAITING = 'Waiting for table metadata lock';
/** What a rotation is seen to be doing, whether it waits or not. */
const STEP_OF_ROTATION = /^\s*(?:create|drop|rename|alter|truncate)\b.*general_log/is;

/** The one backup table there is. */
export interface Backup {
  /** The generation that it is, by the sentence of ours in it; null where it has none. */
  readonly generation: number | null;
  /** Tells it from every other backup. */
  readonly id: string;
  /** Nothing in it was received before this; null where unknown. */
  readonly since: string | null;
  /** The server's start that it began in; null where unknown. */
  readonly serverStart: number | null;
}

/**
 * Rotates the log through RDS's procedure, and knows what others rotated. The procedure drops the
 * backup and puts the live table in its place, so the backup is always what directly precedes the live
 * table, and whatever was in the backup before and not read is gone.
 *
 * Two things make it safe. `guard` holds a shared metadata lock on the backup from the moment it was
 * rotated until it may go, so that a rotation of somebody else's waits at its DROP (loggers are not in
 * its way there). And while it is held, a sentence that names the next generation is written into the
 * live table: wherever that sentence is found later, that table is that generation from its very
 * beginning. A table without one follows on something that was lost.
 *
 * Loggers are in the way of a third party that dropped the backup before we rotated: its RENAME holds
 * the live table and waits for the backup that we hold, and every client waits behind it, `control`
 * too (seen: two rotations begun within a millisecond, and the server stood still). So while the
 * backup is held `control` has to answer: when it does not for 250 ms, the guard's connection is
 * dropped, their RENAME finds that the backup is there already, and everybody goes on.
 */
export class Rotation {
  readonly #guard: GuardConnection;
  readonly #control: MysqlConnection;
  readonly #beginning: string;
  #pulse: ReturnType<typeof setInterval> | null = null;
  #wasInTheWay = false;
  #held: Backup | null = null;

  private constructor(guard: GuardConnection, control: MysqlConnection, tap: string) {
    this.#guard = guard;
    this.#control = control;
    this.#beginning = beginningOf(tap);
  }

  /**
   * @param guard a connection whose statements are logged.
   * @param tap tells our generations from those of other times and stores.
   */
  static async open(
    guard: MysqlConnection,
    control: MysqlConnection,
    tap: string,
  ): Promise<Rotation> {
    await guard.run(
      `SET SESSION lock_wait_timeout = 2, wait_timeout = ${GUARD_TIMEOUT_S}, net_write_timeout = ${GUARD_TIMEOUT_S}, sql_select_limit = DEFAULT`,
    );
    return new Rotation(new GuardConnection(guard), control, tap);
  }

  /** Whether a new one is needed: the connection is gone, or a read was not followed to its end. */
  get isLost(): boolean {
    return this.#guard.isLost;
  }

  /**
   * The backup that is held, so that nobody rotates; null where none is. It says so as well where the
   * server has taken the lock away in the middle of a statement: see `stillThere`.
   */
  get held(): Backup | null {
    return this.#pulse === null || this.isLost ? null : this.#held;
  }

  /** Whether its connection was dropped because the server stood still. */
  get wasInTheWay(): boolean {
    return this.#wasInTheWay;
  }

  /** Reads the backup on the connection that holds it. */
  get reader(): LogTableReader {
    return this.#guard.reader;
  }

  /**
   * What the backup is now, and keeps it until `rotate` or `release`. A rotation of somebody else's that
   * waits for us is let through first. Null where there is none.
   */
  async look(): Promise<Backup | null> {
    await this.release();
    await this.#guard.rows('START TRANSACTION');
    const deadline = performance.now() + MISSING_FOR_MS;
    for (let attempt = 1; ; attempt++) {
      const backup = await this.#hold();
      if (backup !== null || performance.now() >= deadline) return backup;
      // Asked again at once, the question waits behind the RENAME that follows on the DROP, and is
      // first in line when somebody rotates a second time.
      if (attempt > HURRIED_LOOKS) await delay(PAUSE_MS / 10);
    }
  }

  /**
   * Whether a backup is the one that is there. One that was rotated away never comes back, so what was
   * read before this is its own. To be asked, because a guard whose statement waited to be logged
   * behind a RENAME that waited for the guard has lost its lock: the server finds a deadlock, leaves
   * the statement unlogged, ends the transaction and says nothing (seen on MariaDB 11.8 and MySQL 9.7).
   */
  async stillThere({ id }: Backup): Promise<boolean> {
    try {
      return (await readBackup(this.#guard, this.#beginning)).id === id;
    } catch (error) {
      if (codeOf(error) !== 'ER_NO_SUCH_TABLE') throw error;
      return false;
    }
  }

  /**
   * Writes into the live table which generation it is, and in which start of the server it began. Call
   * it while the backup is held that precedes it, and again on every look that finds the same backup:
   * where the server would stand still otherwise (see above) it lets a statement go unlogged.
   * @param table a word for this live table and no other: after a loss two may get the same number.
   */
  async mark(generation: number, serverStart: number, table: string): Promise<void> {
    await this.#guard.rows(`${this.#beginning}${generation} from ${serverStart} as ${table} */ 1`);
  }

  /**
   * Rotates, while the backup is held and has been read; the new one is held afterwards.
   * @param before the backup that is held; null where there is none.
   * @returns what the backup is then; null when somebody else was about to rotate first: nothing has
   *   happened then, and `look` lets them.
   * @throws AppError `remote_failed`; with the lock's timeout, nothing has happened or the old backup
   *   is gone, and it can be called again.
   */
  async rotate(before: Backup | null): Promise<Backup | null> {
    // The call waits for what is held, and whatever is sent behind it.
    this.#stopPulse();
    for (let attempt = 1; ; attempt++) {
      const call = new PendingStatement(this.#control.rows(`CALL ${ROTATION}()`, DROP_MS));
      // Behind the lock that we hold: anybody else who rotates would be let through before or
      // after us, and one of the two rotations would drop what the other has just put aside.
      if (!(await this.#isAlone(call))) {
        // In the procedure it is its maker's statement, which we may not end: it gives up by itself
        // after a second, as the session's lock_wait_timeout says; unless it waits to be logged.
        await Promise.race([call.end, delay(CALL_TIMEOUT_MS)]);
        if (!call.isOver) this.#getOutOfTheWay();
        await call.end;
        return null;
      }
      const backup = await this.#lookBehind(call);
      if (backup !== null && backup.id !== before?.id) return backup;
      const error = call.error ?? stuck();
      if (codeOf(error) !== 'ER_LOCK_WAIT_TIMEOUT' || attempt === ATTEMPTS) throw error;
      await delay(PAUSE_MS * attempt);
    }
  }

  /** Lets go of the backup. */
  async release(): Promise<void> {
    this.#stopPulse();
    await this.#guard.rows('COMMIT');
  }

  close(): void {
    this.#stopPulse();
    this.#guard.close();
  }

  #getOutOfTheWay(): void {
    this.#wasInTheWay = true;
    this.close();
  }

  #startPulse(): void {
    this.#stopPulse();
    let asked: PendingStatement | null = null;
    this.#pulse = setInterval(() => {
      if (asked?.isOver === false) this.#getOutOfTheWay();
      else asked = new PendingStatement(this.#control.run('DO 0'));
    }, PULSE_MS);
  }

  #stopPulse(): void {
    clearInterval(this.#pulse ?? undefined);
    this.#pulse = null;
  }

  /** Lets a call go on that waits for what we hold, and takes hold of what it leaves. */
  async #lookBehind(call: PendingStatement): Promise<Backup | null> {
    for (;;) {
      // While the call is under way, so that next to no time is left for a third party.
      const backup = await this.look();
      await Promise.race([call.end, delay(PAUSE_MS)]);
      if (call.isOver) return backup ?? this.look();
    }
  }

  async #hold(): Promise<Backup | null> {
    try {
      this.#held = await whenLockFree(() => readBackup(this.#guard, this.#beginning));
      this.#startPulse();
      return this.#held;
    } catch (error) {
      if (codeOf(error) !== 'ER_NO_SUCH_TABLE') throw error;
      return null;
    }
  }

  /**
   * Waits until our call is in the queue for the backup. @returns whether nobody else's rotation is
   * there; without PROCESS nobody else is seen, and the moment in which two can meet stays.
   */
  async #isAlone(call: PendingStatement): Promise<boolean> {
    const deadline = performance.now() + QUEUE_FOR_MS;
    while (!call.isOver && performance.now() < deadline) {
      const processes = await listProcesses(this.#guard);
      const isOurs = ({ id }: Process): boolean => id === this.#control.id;
      if (processes.some((one) => !isOurs(one) && isRotating(one))) return false;
      if (processes.some((one) => isOurs(one) && one.state === WAITING)) return true;
    }
    return true;
  }
}

/** Without PROCESS nobody says what it is that waits. */
function isRotating({ state, info }: Process): boolean {
  if (info !== null && STEP_OF_ROTATION.test(info)) return true;
  return state === WAITING && (info?.includes('general_log') ?? true);
}

/** What the backup is, without keeping it; null where there is none. */
export async function peekBackup(connection: MysqlConnection, tap: string): Promise<Backup | null> {
  try {
    return await readBackup(connection, beginningOf(tap));
  } catch (error) {
    if (codeOf(error) !== 'ER_NO_SUCH_TABLE') throw error;
    return null;
  }
}

function beginningOf(tap: string): string {
  return `SELECT /* captures ${tap.replaceAll(/[^\w/-]/g, '')} begins generation `;
}

async function readBackup(
  connection: Pick<MysqlConnection, 'rows'>,
  beginning: string,
): Promise<Backup> {
  const [row] = await connection.rows(
    `SELECT event_time, argument FROM ${BACKUP_TABLE} WHERE command_type = 'Query' AND argument LIKE '${beginning.replaceAll('_', '\\_')}%' LIMIT 1`,
  );
  const said = /^(\d+) from (\d+) as (\w+)/.exec(row?.[1]?.slice(beginning.length) ?? '');
  if (row != null && said !== null) {
    return {
      generation: Number(said[1]),
      id: `generation ${said[1] ?? ''} ${said[3] ?? ''}`,
      // Our own session's, so in UTC; and written as soon as the table was there.
      since: instant(row[0]),
      serverStart: Number(said[2]),
    };
  }
  const [first] = await connection.rows(
    `SELECT event_time, thread_id, command_type FROM ${BACKUP_TABLE} LIMIT 1`,
  );
  const id = `from ${first?.join(' ') ?? 'nothing'}`;
  return { generation: null, id, since: null, serverStart: null };
}

function stuck(): AppError {
  return new AppError('remote_failed', `${ROTATION} was called, and the log was not rotated`, {
    hint: 'See whether log_output contains TABLE: the procedure does nothing without it.',
  });
}
