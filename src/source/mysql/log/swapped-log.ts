import { AppError } from '../../../core/errors.ts';
import type {
  AttachedTap,
  BatchPart,
  Cut,
  CutResult,
  ReadOptions,
  ServerInstant,
  ServerMarks,
  SourceState,
  SourceStop,
} from '../../../core/source.ts';
import type { WarmUps } from '../../../core/warm-ups/source-sessions.ts';
import { OpenedMysqlSource, type InstalledLog, type Swap } from '../opened-source.ts';
import { FrozenTables } from './frozen-tables.ts';
import { Heartbeat } from './heartbeat.ts';
import { IdleSessionRecycling } from './idle-session-recycling.ts';
import { OwnersQueue } from './owners-queue.ts';
import { putOursInPlace } from './placement.ts';
import { RecorderTables } from './recorder-tables.ts';
import { restoreServer } from '../recovery/restoration.ts';
import { SlowLogWarmUp } from './slow-log-warm-up.ts';
import type { OpenedServer } from '../connection/control-connection.ts';
import { DiskGuard } from './disk-guard.ts';
import { type Flavor, flavorOf } from '../connection/flavor.ts';
import { explainedLock } from '../connection/lock-probe.ts';
import { type EngineChoice, requireEngine } from './log-engine.ts';
import { LogGrowth } from './log-growth.ts';
import type { ServerDisk } from './server-disk.ts';
import { LogSlots } from './log-slots.ts';
import { isLockWait, LIVE_TABLE, logBytes, whoseIsLive } from './log-table.ts';
import {
  logsToTable,
  readLogSettings,
  recordingOutput,
  sameOutput,
  settingsWarnings,
  type LogSettings,
} from './log-settings.ts';
import { forgetSwitchOff, setDeadMan } from './dead-man.ts';
import { proveLogging } from './proof.ts';
import { claimSchema, readSchema, requireOurs } from './recorder-schema.ts';
import { readLockHolder } from '../connection/recorder-lock.ts';
import { requireLogOff, requireUnlogged } from '../connection/recorder-session.ts';

/** What of ours is on the server. */
interface SwappedLogState extends SourceState {
  /** Whether statements are being logged to the table. */
  readonly logging: boolean;
  /** Whether the owner's own log table is set aside in our schema. */
  readonly setAside: boolean;
  /** Whether the marker is there that says whose recorder it is: others can drop it, with our tables. */
  readonly marked: boolean;
  /** When the dead-man switch restored the log's settings; null when it did not. */
  readonly switchedOffAt: ServerInstant | null;
}

/** At the moment of a swap, which has not happened, the disk was full: see `OpenSource.stopped`. */
class LogStopped extends Error {
  constructor() {
    super('the log was switched off, because the disk is full');
  }
}

/**
 * The general log of a MariaDB or MySQL server, as its table, which is swapped for an empty one by RENAME
 * and then read.
 */
export class SwappedLog extends OpenedMysqlSource {
  protected readonly flavor: Flavor;
  readonly #noEngine: AppError | null;
  readonly #growth: LogGrowth;
  readonly #tables: RecorderTables;
  readonly #heartbeat: Heartbeat;
  readonly #frozen: FrozenTables;
  readonly #owners: OwnersQueue;
  readonly #warmUp: SlowLogWarmUp;
  readonly warmUps: WarmUps;
  readonly recycling: IdleSessionRecycling;

  /**
   * @param choice the engine of the log tables to be made, or why there is none.
   * @param disk that they lie on; null where its free space is not known.
   */
  constructor(
    opened: OpenedServer,
    storeId: string,
    choice: EngineChoice | AppError,
    disk: ServerDisk | null,
  ) {
    super(opened, storeId);
    this.#noEngine = choice instanceof AppError ? choice : null;
    const guard = new DiskGuard(this.control, disk, choice instanceof AppError ? null : choice);
    this.#growth = new LogGrowth(this.control);
    this.flavor = {
      ...flavorOf(opened.server.version),
      // Asked for each table that is made: see `DiskGuard`.
      get engine() {
        return guard.engine;
      },
    };
    const slots = new LogSlots(this.control, this.flavor, this.serverStart);
    this.#tables = new RecorderTables(
      this.control,
      this.flavor,
      { storeId, serverStart: this.serverStart },
      slots,
      guard,
    );
    this.#heartbeat = new Heartbeat(this.#tables);
    const { own, tracker, gone } = this;
    const { connectHelper, tally } = opened;
    const sessions = { own, tracker, gone };
    this.#frozen = new FrozenTables(this.#tables, sessions, this.#heartbeat, connectHelper);
    this.#owners = new OwnersQueue(this.#tables, this.#heartbeat);
    this.#warmUp = new SlowLogWarmUp(this.#tables, this.#heartbeat);
    this.warmUps = {
      keepOn: (forMs) => this.#warmUp.keepOn(this.settings, forMs),
      newestCovered: () => this.#warmUp.newestCovered(),
    };
    this.recycling = new IdleSessionRecycling(this.#tables, { own, tracker, tally });
  }

  override attach(tap: AttachedTap): void {
    super.attach(tap);
    const { warmSince, changedForRecycling, isRecycling } = tap.known;
    this.#tables.tap = this.tap;
    this.#tables.nonce = tap.nonce;
    this.#warmUp.wasOnSince(warmSince);
    this.recycling.resume({ hasLockPlugin: changedForRecycling, isUnderWay: isRecycling });
  }

  async marks(): Promise<ServerMarks> {
    const { state, marker } = await readSchema(this.control, this.storeId);
    const lockHolder = await readLockHolder(this.control);
    return {
      lockHolder,
      nonce: state === 'ours' ? (marker?.nonce ?? null) : null,
      canBeMarked: true,
    };
  }

  readSettings(): Promise<LogSettings> {
    return readLogSettings(this.control);
  }

  async settingsToRestore(): Promise<LogSettings> {
    const contents = await readSchema(this.control, this.storeId);
    requireOurs(contents);
    const { marker } = contents;
    if ((await whoseIsLive(this.control)) !== 'ours') {
      const now = await this.readSettings();
      const isWarm = marker?.warmSince === this.serverStart;
      return isWarm ? { ...now, slowLog: marker.settings?.slowLog ?? false } : now;
    }
    if (marker?.settings != null) return marker.settings;
    throw new AppError(
      'conflict',
      `The server still logs to the table of a recorder that is gone, and what its log was set to before is not known`,
      { hint: { code: 'restore_first', environment: null } },
    );
  }

  async install(
    settings: LogSettings,
    generation: number,
    deadManMs: number | null = null,
  ): Promise<InstalledLog> {
    return this.#explained(async () => {
      try {
        return await this.#install(settings, generation, deadManMs);
      } catch (error) {
        // The log of before is off then; recording continues when there is room.
        await this.#tables.guard.stopIfFull(error);
        throw error;
      }
    });
  }

  /** Does what changes the server; when it waits for a lock in vain, the error says whose. */
  async #explained<T>(change: () => Promise<T>): Promise<T> {
    try {
      return await change();
    } catch (error) {
      throw await explainedLock(error, this.control, () => this.opened.connectHelper());
    }
  }

  async #install(
    settings: LogSettings,
    generation: number,
    deadManMs: number | null,
  ): Promise<InstalledLog> {
    const control = this.control;
    if (this.#noEngine !== null) throw this.#noEngine;
    await this.#tables.requireRoom();
    await requireUnlogged(control, this.flavor);
    if (logsToTable(settings)) await requireLogOff(control, this.flavor);
    await claimSchema(control, this.flavor, this.#tables.owner, settings);
    this.#heartbeat.wasMarked();
    // Before the log is on: an account may be out of queries in the middle of this.
    const deadManObstacle =
      deadManMs === null ? null : await setDeadMan(control, settings, deadManMs);
    const warnings = [...settingsWarnings(settings), ...this.flavor.limits];
    const placed = await putOursInPlace(this.#tables, generation);
    warnings.push(...placed.warnings);
    await requireEngine(control, LIVE_TABLE);
    await forgetSwitchOff(control);
    await this.#tables.guard.watch();

    const now = await readLogSettings(control);
    const output = recordingOutput(settings);
    if (!sameOutput(now.logOutput, output))
      await control.run(`SET GLOBAL log_output = '${output}'`);
    if (!now.generalLog) await control.run('SET GLOBAL general_log = ON');

    const proof = await proveLogging(
      control,
      () => this.opened.connect(),
      this.#tables.slots,
      (number) => this.#tables.sentinel(number),
      placed.live,
    );
    this.#tables.live = proof.live;
    await this.#tables.prepare(proof.live + 1);
    // What is prepared from now on is covered by the log itself. The slow log stays out of its table.
    warnings.push(...(await this.#warmUp.end(settings)));
    return {
      warnings: [...warnings, ...proof.warnings],
      generation: proof.live,
      since: placed.live,
      deadManObstacle,
    };
  }

  async state(readUpTo = this.readUpTo): Promise<SwappedLogState> {
    const contents = await this.#tables.slots.refresh(this.storeId, readUpTo);
    const settings = await readLogSettings(this.control);
    const { switchedOffAt, switchedOffBy } = contents.marker ?? {};
    this.#heartbeat.isMarked = contents.state === 'ours';
    // The switch ran on a connection of its own, whose statements are ours.
    if (switchedOffBy != null) {
      this.own.addRemembered([{ connectionId: switchedOffBy, serverStart: null }]);
    }
    return {
      unread: this.#tables.slots.frozen,
      isFilling: (await whoseIsLive(this.control)) === 'ours',
      logging: logsToTable(settings),
      setAside: contents.tables.has('owners_log'),
      marked: this.#heartbeat.isMarked,
      switchedOffAt: switchedOffAt ?? null,
    };
  }

  protected override async isOn(): Promise<boolean> {
    const { isFilling, logging, marked } = await this.state();
    return isFilling && logging && marked;
  }

  setUnattendedLimit(afterMs: number | null): Promise<string | null> {
    return this.setDeadMan(afterMs, this.settings);
  }

  /** As `setUnattendedLimit`: the dead-man switch then sets what `settings` say. */
  async setDeadMan(afterMs: number | null, settings: LogSettings): Promise<string | null> {
    this.#heartbeat.noted();
    return this.#explained(async () => {
      await forgetSwitchOff(this.control);
      return setDeadMan(this.control, settings, afterMs);
    });
  }

  async backlogBytes(): Promise<number> {
    return Math.max(await logBytes(this.control), await this.#growth.unread());
  }

  get stopped(): SourceStop | null {
    return this.#tables.guard.stopped;
  }

  takeWarnings(): string[] {
    return [...this.#tables.guard.takeWarnings(), ...this.#owners.takeWarnings()];
  }

  async cut(isEdge: boolean): Promise<CutResult> {
    const batch = this.filling ?? (await this.findLive());
    try {
      const cut = await this.cutAt(batch, isEdge, () => this.swap(batch));
      return cut === null ? { is: 'stopped' } : { is: 'cut', ...cut };
    } catch (error) {
      if (error instanceof LogStopped) return { is: 'stopped' };
      throw error;
    }
  }

  protected override async whoSwitchedOff(): Promise<Cut['switchedOff']> {
    if (this.stopped !== null) return 'recorder';
    return (await this.state()).switchedOffAt === null ? 'others' : 'unattended';
  }

  /**
   * Freezes the live table as `generation` and puts an empty one in its place. Loses nothing.
   * @throws LogStopped when the disk is full; asked again, it freezes what there is.
   */
  async swap(generation: number): Promise<Swap> {
    return this.#explained(async () => {
      try {
        return await this.#swap(generation);
      } catch (error) {
        if (await this.#tables.guard.stopIfFull(error)) throw new LogStopped();
        throw error;
      }
    });
  }

  async #swap(generation: number): Promise<Swap> {
    await this.#tables.find();
    if (this.#tables.slots.has(generation)) {
      throw new AppError('conflict', `Generation ${generation} of the log is frozen already`);
    }
    await this.#tables.prepare(generation + 1);
    const before = await this.now();
    const at = performance.now();
    await this.#tables.slots.swap(generation, this.#tables.sentinel(generation + 1));
    this.#tables.live = generation + 1;
    const behind = await this.behindSwap();
    this.#tables.noteSwap(generation, at, behind.after);
    await this.#heartbeat.beatWhenDue();
    return { before, ...behind };
  }

  /** As `FrozenTables.read`. */
  read(generation: number, options: Partial<ReadOptions> = {}): AsyncGenerator<BatchPart> {
    this.own.addRemembered(options.own ?? []);
    return this.#frozen.read(generation, options);
  }

  override async release(generation: number): Promise<void> {
    await super.release(generation);
    // Somebody may have their log locked; what was committed before a crash comes again, and is known.
    if (logsToTable(this.settings)) await this.appendToOwners(generation);
    await this.drop(generation);
  }

  /** As `OwnersQueue.append`. */
  appendToOwners(generation: number): Promise<void> {
    return this.#owners.append(generation);
  }

  /**
   * Drops a frozen table; nothing happens when it is gone already. One that is still to be appended stays
   * until then.
   */
  async drop(generation: number): Promise<void> {
    await this.#tables.find();
    const isLast = this.#tables.live === generation + 1;
    // Before the table is emptied, which frees room: a full disk is noticed here.
    if (isLast) await this.#tables.askForRoom();
    await this.#owners.release(generation);
    try {
      // Made here, where nobody waits for it, the next swap is one RENAME.
      if (isLast) await this.#tables.prepare(generation + 2);
      else await this.#tables.slots.tidy(this.#tables.sentinel(generation));
    } catch (error) {
      // Then the swap makes it.
      if (!isLockWait(error) && !(await this.#tables.guard.stopIfFull(error))) throw error;
    }
    const { lastSwap } = this.#tables;
    if (isLast && lastSwap !== null) this.#growth.readUntil(lastSwap.at);
  }

  async stop(): Promise<string[]> {
    return this.restore(this.settings, this.filling ?? (await this.findLive()));
  }

  /**
   * See `OpenSource.stop`: the settings, the owner's log table and rows, our tables dropped, our schema too
   * when we made it and it is empty, the lock released.
   */
  async restore(settings: LogSettings, generation: number): Promise<string[]> {
    const parts = {
      tables: this.#tables,
      frozen: this.#frozen,
      queue: this.#owners,
      warmUp: this.#warmUp,
      recycling: this.recycling,
      connect: this.opened.connectHelper,
    };
    return this.#explained(async () => {
      try {
        return await restoreServer(parts, settings, generation);
      } catch (error) {
        if (!(await this.#tables.guard.stopIfFull(error))) throw error;
        return restoreServer(parts, settings, generation);
      }
    });
  }

  sampleCounters(): Promise<Record<string, number>> {
    const { reader, lastLost } = this.#frozen.connections;
    return this.sampleBeside(reader, lastLost);
  }

  async close(): Promise<void> {
    this.#tables.guard.close();
    this.#frozen.closeReader();
    await Promise.all([this.times.close(), this.control.close()]);
  }
}
