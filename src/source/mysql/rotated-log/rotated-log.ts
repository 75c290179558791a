import { randomUUID } from 'node:crypto';
import { AppError } from '../../../core/errors.ts';
import type {
  BatchPart,
  CutResult,
  LogInterruption,
  ReadOptions,
  ServerInstant,
  ServerMarks,
  SessionState,
  SourceState,
} from '../../../core/source.ts';
import type { Unavailable } from '../../../core/warm-ups/source-sessions.ts';
import { OpenedMysqlSource, type InstalledLog, type Swap } from '../opened-source.ts';
import type { OpenedServer } from '../connection/control-connection.ts';
import { codeOf } from '../connection/server-errors.ts';
import { type Flavor, flavorOf } from '../connection/flavor.ts';
import { logsToTable, type LogSettings } from '../log/log-settings.ts';
import { repair, saysDamaged } from '../log/log-table.ts';
import { readLockHolder, releaseLock } from '../connection/recorder-lock.ts';
import { type Backup, BACKUP_TABLE, peekBackup, Rotation } from './rotation.ts';
import { backupBytes, readRotatedSettings, whyLogIsOff } from './rotation-settings.ts';
import { RotatedForm } from './rotated-form.ts';

/** No client has this id: what the reader has to remember of the log itself is kept under it. */
const NO_SESSION = 0;

const TIMES_CORRECTED =
  "The log table is the server's own, which holds each time in its session's time zone: every time was put right by the multiple of 15 minutes that lies between the rotations around it";
export const NO_RECYCLING =
  'No sessions are ended on RDS: it does not show which session holds a lock';
export const ROWS_DROPPED =
  "The server's log is rotated while it is recorded, which leaves none of its earlier rows in mysql.general_log or its backup";

/**
 * The general log of a server that lets nobody switch it and rotates it through a procedure (RDS). No
 * setting and no table of the server's is changed; a frozen generation is the one backup table there
 * is, until the next rotation. See `OpenSource` for what is promised, and `Rotation` for how.
 */
export class RotatedLog extends OpenedMysqlSource {
  protected readonly flavor: Flavor;
  #rotation: Rotation | null = null;
  /** Id of the guard's connection that was closed last; null where none was. */
  #lastLost: number | null = null;
  readonly #form: RotatedForm;
  /** The backup that is accounted for, and the generation that it stands for. */
  #backup: Backup | null = null;
  #generation = 0;
  /** What the recorder before this one took the backup for, whatever is marked in it; null where unknown. */
  #remembered: { readonly generation: number; readonly id: string } | null = null;
  /** A word for the live table; see `Rotation.mark`. */
  #table = newWord();
  /** Everything in the backup was received before this. */
  #until = '';
  /**
   * Everything received before this is in the backup or in one before it, or in a gap already: the
   * instant before our own last rotation. When others rotated, is not known; null where nothing is.
   */
  #accountedFor: ServerInstant | null = null;
  /** What is missing before the backup's first row; null for nothing. */
  #loss: LogInterruption | null = null;
  /** Whether the backup was looked at, and held since, for the next swap. */
  #isReady = false;

  constructor(opened: OpenedServer, storeId: string) {
    super(opened, storeId);
    this.flavor = flavorOf(opened.server.version);
    this.#form = new RotatedForm(this.control, this.tracker);
  }

  async marks(): Promise<ServerMarks> {
    return { lockHolder: await readLockHolder(this.control), nonce: null, canBeMarked: false };
  }

  readSettings(): Promise<LogSettings> {
    return readRotatedSettings(this.control);
  }

  /** Nothing of it is ever changed. */
  settingsToRestore(): Promise<LogSettings> {
    return this.readSettings();
  }

  async install(_settings: LogSettings, generation: number): Promise<InstalledLog> {
    const off = whyLogIsOff(await this.readSettings(), this.server);
    if (off !== null) throw off;
    const form = await this.#form.read();
    const times = form.zones === null ? [] : [TIMES_CORRECTED];
    const warnings = [ROWS_DROPPED, ...times, ...this.flavor.limits];
    const installed: InstalledLog = {
      warnings,
      generation: generation + 1,
      since: generation + 1,
      deadManObstacle: null,
    };
    const rotation = await this.#openRotation();
    const found = await rotation.look();
    const isFollowed = this.#backup !== null || found?.generation != null;
    // What was frozen is to be read before anything else is rotated; the log was on all the time.
    if (isFollowed && (await this.findForeignRotation(generation))) return installed;
    if (isFollowed && this.readUpTo < generation - 1) {
      return { ...installed, generation, since: generation };
    }
    const asked = await this.now();
    // The owner's rows, which may be many, are rotated away first: what follows is short.
    const before = isFollowed ? found : await this.#rotateOnce(rotation, found);
    await rotation.mark(generation, this.serverStart, this.#table);
    const backup = await this.#rotateOnce(rotation, before);
    if (backup.generation !== generation) {
      throw new AppError(
        'remote_failed',
        'The general log is on, and yet the server does not log the statements of a new connection',
        { hint: 'See sql_log_off in its parameter group, and its error log.' },
      );
    }
    this.#adopt(backup, generation, await this.now());
    this.#accountedFor = asked;
    await this.#mark(generation + 1);
    return installed;
  }

  /** Nobody can set it but the owner. */
  readonly warmUps: Unavailable = {
    unavailable: 'its slow log can be set in its parameter group alone',
  };
  readonly recycling: Unavailable = { unavailable: NO_RECYCLING };
  /** RDS guards its disk by itself: it rotates the log and drops rows. */
  readonly stopped = null;

  async state(): Promise<SourceState> {
    const generation = this.#generation > 0 ? this.#generation : await this.#generationFound();
    // Nothing is put in the place of the server's own table.
    return { unread: generation === null ? [] : [generation], isFilling: true };
  }

  protected async isOn(): Promise<boolean> {
    return logsToTable(await this.readSettings());
  }

  /**
   * Whether somebody else has frozen the live table as `generation` (RDS rotates the log by itself). Then
   * it is to be read, and the next one is live, before anything is rotated; ask again until it says no.
   */
  async findForeignRotation(generation: number): Promise<boolean> {
    const rotation = await this.#openRotation();
    const backup = await rotation.look();
    this.#isReady = true;
    if (backup === null) return false;
    if (backup.id === this.#backup?.id || backup.generation === generation - 1) {
      this.#backup = backup;
      await this.#mark(generation);
      return false;
    }
    this.#adopt(backup, generation, await this.now());
    await this.#mark(generation + 1);
    return true;
  }

  async cut(isEdge: boolean): Promise<CutResult> {
    for (;;) {
      const batch = this.filling ?? (await this.findLive());
      if (await this.findForeignRotation(batch)) {
        this.filling = batch + 1;
        return { is: 'ended_by_others', batch };
      }
      const cut = await this.cutAt(batch, isEdge, () => this.#swap(batch));
      if (cut !== null) return { is: 'cut', ...cut };
    }
  }

  /** null where others may have rotated since the last look. */
  async #swap(generation: number): Promise<Swap | null> {
    const before = await this.now();
    const rotation = await this.#openRotation();
    // Not ready any more when the one that held the backup was lost.
    if (!this.#isReady) return null;
    this.#isReady = false;
    const backup = await rotation.rotate(this.#backup);
    if (backup === null) return null;
    const behind = await this.behindSwap();
    this.#adopt(backup, generation, behind.after);
    this.#accountedFor = before;
    await this.#mark(generation + 1);
    return { before, ...behind };
  }

  async *read(
    generation: number,
    { skip = 0, since = null, spool = null, own = [] }: Partial<ReadOptions> = {},
  ): AsyncGenerator<BatchPart> {
    this.own.addRemembered(own);
    const backup = await this.#holdForReading(generation);
    const isAnother = this.#loss !== null && backup?.id !== this.#remembered?.id;
    if (backup === null || (skip > 0 && isAnother)) {
      // What was read of it stands. What is there now follows on it, and is the next one's.
      this.#backup = null;
      yield { rows: 0, statements: [], interruption: this.#lossUntil(null, this.#until) };
      return;
    }
    const form = await this.#form.read();
    form.zones?.setBounds(backup.since ?? since, this.#until);
    if (backup.serverStart !== null) this.own.setTable(backup.serverStart);
    if (this.#loss !== null && skip === 0) {
      yield { rows: 0, statements: [], interruption: this.#loss };
    }
    let position = skip;
    let isRepaired = false;
    for (;;) {
      const rotation = await this.#openRotation();
      const { reader } = rotation;
      try {
        const batches = reader.read(BACKUP_TABLE, position, this.tracker, this.own, form, spool);
        for await (const batch of batches) {
          position += batch.rows;
          yield batch;
        }
        if (!(await rotation.stillThere(backup))) throw rotatedAway(generation);
        // A rename of somebody else's may have left the first mark unlogged, and what drops the backup
        // next leaves no time for another: without one a gap is noted where nothing is missing.
        if ((await rotation.look())?.id === backup.id) await this.#mark(generation + 1);
        // There is one frozen table at most: everything else is live.
        await this.gone.lookWhenDue(this.control);
        return;
      } catch (error) {
        // What has no code is no refusal of the server's but a fault of ours.
        if (codeOf(error) === null) throw error;
        const isDamaged = saysDamaged(error) && !isRepaired;
        if (!isDamaged && !rotation.wasInTheWay) throw this.control.translate(error);
        this.#closeRotation();
        if (isDamaged) {
          isRepaired = true;
          await repair(this.control, BACKUP_TABLE);
        }
        if ((await this.#holdForReading(generation)) === null) throw rotatedAway(generation);
      } finally {
        if (!reader.isUsable && this.#rotation === rotation) this.#closeRotation();
      }
    }
  }

  override restoreSessions(sessions: readonly SessionState[]): void {
    for (const { session, memory } of sessions) {
      if (session === NO_SESSION) {
        const { generation, backup: id } = memory ?? {};
        if (this.#backup === null && typeof generation === 'number' && typeof id === 'string') {
          this.#remembered = { generation, id };
          this.#backup = { generation: null, id, since: null, serverStart: null };
        }
        continue;
      }
      this.#form.recall(session, memory);
    }
    super.restoreSessions(sessions.filter(({ session }) => session !== NO_SESSION));
  }

  override takeSessionChanges(): { changed: SessionState[]; ended: number[] } {
    const { changed, ended } = super.takeSessionChanges();
    const remembered = this.#form.withZones(changed, ended);
    if (this.#backup !== null && this.#generation > 0) {
      const memory = { generation: this.#generation, backup: this.#backup.id };
      remembered.push({ session: NO_SESSION, user: null, host: null, db: null, memory });
    }
    return { changed: remembered, ended };
  }

  takeWarnings(): string[] {
    return [];
  }

  backlogBytes(): Promise<number> {
    return backupBytes(this.control);
  }

  /** Nothing was switched on, so nothing stays on. */
  setUnattendedLimit(): Promise<null> {
    return Promise.resolve(null);
  }

  async stop(): Promise<string[]> {
    await this.#rotation?.release();
    await releaseLock(this.control);
    return [];
  }

  sampleCounters(): Promise<Record<string, number>> {
    const reader = this.#rotation?.reader ?? null;
    if (reader?.isUsable !== false) {
      return this.sampleBeside(reader, this.#lastLost);
    }
    this.#lastLost = reader.connectionId;
    return this.sampleBeside(null, this.#lastLost);
  }

  async close(): Promise<void> {
    this.#closeRotation();
    await Promise.all([this.times.close(), this.control.close()]);
  }

  /** Takes a backup for a generation, which is to be read; notes when it is not what was to follow. */
  #adopt(backup: Backup, generation: number, until: string): void {
    this.#loss =
      backup.generation === generation ? null : this.#lossUntil(this.#accountedFor, until);
    this.#backup = backup;
    this.#generation = generation;
    this.#until = until;
    this.#isReady = false;
    this.#table = newWord();
  }

  /** What is missing was received before what is in the backup, but perhaps only just. */
  #lossUntil(from: ServerInstant | null, until: string): LogInterruption {
    return {
      cause: 'log_table_changed',
      from,
      to: until,
      reason:
        'The log was rotated by others twice, or was off for a while, before what was in it could be read',
    };
  }

  /**
   * Makes sure that the backup is a generation, and stays it while it is read.
   * @returns null where it was adopted as one, and others have rotated it away since then.
   * @throws AppError `remote_failed` where what is there is another one.
   */
  async #holdForReading(generation: number): Promise<Backup | null> {
    const adopted = this.#generation === generation ? this.#backup : null;
    // What is held is what was there at the last look: where the guard had to let go, and others
    // rotated, that is not what was adopted (seen: 16 rows of theirs read in the place of 595).
    const held = this.#rotation?.held ?? null;
    if (adopted !== null && held !== null) return held.id === adopted.id ? adopted : null;
    const backup = await (await this.#openRotation()).look();
    if (adopted !== null) {
      if (backup?.id !== adopted.id) return null;
      // What was said while the server stood still, it may have left out.
      await this.#mark(generation + 1);
      return adopted;
    }
    if (backup === null || this.#numberOf(backup) !== generation) throw rotatedAway(generation);
    this.#adopt(backup, generation, await this.now());
    return backup;
  }

  /** Which generation a backup is: after a loss, not the one that is marked in it. */
  #numberOf({ id, generation }: Backup): number | null {
    return id === this.#remembered?.id ? this.#remembered.generation : generation;
  }

  async #generationFound(): Promise<number | null> {
    const backup = await peekBackup(this.control, this.tap);
    return backup === null ? null : this.#numberOf(backup);
  }

  async #rotateOnce(rotation: Rotation, before: Backup | null): Promise<Backup> {
    for (let held = before; ; held = await rotation.look()) {
      const backup = await rotation.rotate(held);
      if (backup !== null) return backup;
    }
  }

  /** Says which generation the live table is, which directly follows the backup. */
  async #mark(generation: number): Promise<void> {
    const rotation = await this.#openRotation();
    if (rotation.held === null) {
      // Of what others have rotated since then, the next look finds out.
      const backup = await rotation.look();
      if (backup?.id !== this.#backup?.id) return;
    }
    await rotation.mark(generation, this.serverStart, this.#table);
  }

  async #openRotation(): Promise<Rotation> {
    if (this.#rotation === null || this.#rotation.isLost) {
      this.#closeRotation();
      const guard = await this.opened.connect();
      try {
        this.#rotation = await Rotation.open(guard, this.control, this.tap);
      } catch (error) {
        await guard.close();
        throw error;
      }
    }
    return this.#rotation;
  }

  #closeRotation(): void {
    this.#lastLost = this.#rotation?.reader.connectionId ?? this.#lastLost;
    this.#rotation?.close();
    this.#rotation = null;
    this.#isReady = false;
  }
}

function rotatedAway(generation: number): AppError {
  return new AppError('remote_failed', `Generation ${generation} of the log was rotated away`);
}

function newWord(): string {
  return randomUUID().slice(0, 8);
}
