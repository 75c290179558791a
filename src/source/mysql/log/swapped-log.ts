import { AppError, messageOf } from '../../../core/errors.ts';
import type { LogSettings } from '../../../core/environments/server-inspection.ts';
import type {
  AttachedTap,
  BatchPart,
  Cut,
  CutResult,
  LogInterruption,
  ReadOptions,
  RecycleStep,
  ServerInstant,
  ServerMarks,
  ServerSession,
  SessionRecycling,
  SourceState,
  SourceStop,
  WarmUpAnswer,
  WarmUps,
} from '../../../core/source.ts';
import { OpenedMysqlSource, type InstalledLog, type Swap } from '../opened-source.ts';
import { sampleWithoutOwn } from '../connection/status-counters.ts';
import {
  DROP_MS,
  literal,
  type MysqlConnection,
  WHOLE_TABLE_MS,
} from '../connection/mysql-connection.ts';
import { instant, type OpenedServer } from '../connection/control-connection.ts';
import { codeOf } from '../connection/server-errors.ts';
import { DiskGuard, noRoom, ROOM_TABLE, SPARE_TABLE } from './disk-guard.ts';
import { type Flavor, flavorOf } from '../connection/flavor.ts';
import { explainedLock } from '../connection/lock-probe.ts';
import { type EngineChoice, engineOf, requireEngine } from './log-engine.ts';
import { LogGrowth } from './log-growth.ts';
import { timesIn } from './log-times.ts';
import type { ServerDisk } from './server-disk.ts';
import { LogSlots } from './log-slots.ts';
import { LogTableReader } from '../reading/log-table-reader.ts';
import { displacedTables, rebuildGeneration } from './changed-log.ts';
import {
  exchange,
  isLockWait,
  LIVE_TABLE,
  logBytes,
  makeOwnersTable,
  noteLoss,
  repair,
  REPAIRED,
  readRepaired,
  repairIfDamaged,
  saysDamaged,
  whenLockFree,
  whoseIsLive,
} from './log-table.ts';
import {
  logsToTable,
  readLogSettings,
  readServerOffset,
  recordingOutput,
  sameOutput,
  settingsWarnings,
} from './log-settings.ts';
import { forgetSwitchOff, removeDeadMan, setDeadMan } from './dead-man.ts';
import { proveLogging } from './proof.ts';
import { appendGeneration, giveBackWhileLogging, takeBackIncomplete } from './owners-log.ts';
import {
  beat,
  claimSchema,
  liveGeneration,
  MARKER,
  noteEmptied,
  noteWarmUp,
  readSchema,
  releaseSchema,
  requireOurs,
  strayTable,
  type SchemaContents,
  TABLES,
} from './recorder-schema.ts';
import { readLockHolder, releaseLock } from '../connection/recorder-lock.ts';
import { requireRestored, requireSight } from './restoration.ts';
import { endFree, installLockPlugin, removeLockPlugin } from './session-ending.ts';
import { requireLogOff, requireUnlogged } from '../connection/recorder-session.ts';
import { isOfTap, readSentinel, type Sentinel } from './sentinel.ts';
import { listIdleDatabases } from '../reading/sessions.ts';
import { SessionZones } from '../reading/session-zones.ts';
import { clientSessions } from '../inspection/values-outlook.ts';
import {
  isSlowLogOn,
  newestSession,
  setEnd,
  switchOff,
  switchOn,
  whyCovered,
} from './slow-log-warm-up.ts';

const HEARTBEAT_MS = 10_000;

/** Nothing of ours is there any more, in the middle of a record. */
const GIVEN_BACK_MEANWHILE: LogInterruption = {
  cause: 'log_switched_off',
  from: null,
  to: null,
  reason:
    'Somebody gave the server back while no recorder was there, as captures recover does from another store: its log was off until the recorder came back',
};
/** How long the owner's log is left alone when somebody has locked it: it takes a second to be told so. */
const OWNERS_LOCKED_MS = 5_000;
const OWNERS_DROPPED =
  "Somebody dropped the server's own log table, with what was in it, while recording; an empty one is in its place";
/** A session that the log knows nothing of may be in a transaction that it has only begun. */
const LEAST_IDLE_MS = 1_000;
const CONFIRM_INTERVAL_MS = 1_000;
const CONFIRMED_AT_ONCE = 200;

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
  readonly #guard: DiskGuard;
  readonly #growth: LogGrowth;
  #reader: LogTableReader | null = null;
  /** Id of the reader's connection that was closed last; null where none was. */
  #lastLost: number | null = null;
  readonly #slots: LogSlots;
  /** Generations that the owner's log has yet to get, ascending; and those of them that were dropped. */
  readonly #unappended: number[] = [];
  readonly #dropped = new Set<number>();
  /** By our monotonic clock: until then nobody asks whether the owner's log is unlocked. */
  #ownersLockedUntil = 0;
  readonly #warnings: string[] = [];
  #isDropSaid = false;
  /** The generation that the live table is; null before that is known. */
  #live: number | null = null;
  /** As the store knows it; the marker, which others can drop, knows it, too. */
  #warmSince: number | null = null;
  #hasLockPlugin = false;
  /** When the server ends a warm-up by itself, by our monotonic clock; null: not asked yet. */
  #warmEnd: number | null = null;
  #lastBeat = 0;
  /** Whether this object has seen its store's marker on the server. */
  #isMarked = false;
  /** The last generation that this object froze, and when, by our monotonic clock. */
  #swapped: { generation: number; at: number; until: ServerInstant } | null = null;
  /** When it froze the one before that; null where it did not. */
  #swappedBefore: ServerInstant | null = null;
  /** Offsets of sessions from UTC; null where the log table keeps true times. */
  #zones: SessionZones | null = null;
  #lastConfirmed = 0;

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
    this.#guard = guard;
    this.#growth = new LogGrowth(this.control);
    this.flavor = {
      ...flavorOf(opened.server.version),
      // Asked for each table that is made: see `DiskGuard`.
      get engine() {
        return guard.engine;
      },
    };
    this.#slots = new LogSlots(opened.control, this.flavor, opened.serverStart);
  }

  override attach(tap: AttachedTap): void {
    super.attach(tap);
    this.#warmSince = tap.known.warmSince;
    this.#hasLockPlugin = tap.known.changedForRecycling;
    if (tap.known.isRecycling) this.tracker.followTransactions(true);
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
      { hint: 'Restore it first: captures recover ENVIRONMENT' },
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
        // The log of before is off then; recording goes on when there is room.
        await this.#guard.stopIfFull(error);
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
    await this.#requireRoom();
    await requireUnlogged(control, this.flavor);
    if (logsToTable(settings)) await requireLogOff(control, this.flavor);
    const owner = { storeId: this.storeId, nonce: this.nonce };
    await claimSchema(control, this.flavor, owner, settings);
    this.#isMarked = true;
    this.#lastBeat = performance.now();
    // Before the log is on: an account may be out of queries in the middle of this.
    const deadManObstacle =
      deadManMs === null ? null : await setDeadMan(control, settings, deadManMs);
    const warnings = [...settingsWarnings(settings), ...this.flavor.limits];
    const placed = await this.#putOursInPlace(generation);
    warnings.push(...placed.warnings);
    await requireEngine(control, LIVE_TABLE);
    await forgetSwitchOff(control);
    await this.#guard.watch();

    const now = await readLogSettings(control);
    const output = recordingOutput(settings);
    if (!sameOutput(now.logOutput, output))
      await control.run(`SET GLOBAL log_output = '${output}'`);
    if (!now.generalLog) await control.run('SET GLOBAL general_log = ON');

    const proof = await proveLogging(
      control,
      () => this.opened.connect(),
      this.#slots,
      (number) => this.#sentinel(number),
      placed.live,
    );
    this.#live = proof.live;
    await this.#makeNext(proof.live + 1);
    // What is prepared from now on is covered by the log itself. The slow log stays out of its table.
    warnings.push(...(await this.#endWarmUp(settings)));
    return {
      warnings: [...warnings, ...proof.warnings],
      generation: proof.live,
      since: placed.live,
      deadManObstacle,
    };
  }

  /** See `WarmUps.keepOn`. */
  async warmUp(settings: LogSettings, forMs: number): Promise<WarmUpAnswer> {
    const control = this.control;
    if (this.flavor.hasValues === 'always') {
      return { is: 'needless', why: 'this server logs the values of whatever was prepared' };
    }
    const covered = whyCovered(settings);
    if (covered !== null) return { is: 'needless', why: covered };
    const owner = { storeId: this.storeId, nonce: this.nonce };
    const { marker } = await readSchema(control, this.storeId);
    const isMarkedOn = marker?.warmSince === this.serverStart;
    // By the store, too: one that was killed between the marker and the setting was never on.
    const wasOn = this.#warmSince === this.serverStart && (marker === null || isMarkedOn);
    if (wasOn && !(await isSlowLogOn(control))) {
      await switchOff(control, marker !== null);
      this.#warmSince = null;
      return { is: 'ended', why: 'somebody switched slow_query_log off' };
    }
    const isMarked = isMarkedOn && marker.nonce === this.nonce;
    if (!isMarked) {
      await requireUnlogged(control, this.flavor);
      await claimSchema(control, this.flavor, owner, settings);
    } else await this.#beat();
    this.#isMarked = true;
    this.#warmEnd = await setEnd(control, forMs, isMarked ? this.#warmEnd : null);
    if (isMarked && wasOn) return { is: 'goes_on' };
    const answer = await switchOn(control, this.serverStart);
    this.#warmSince = this.serverStart;
    return wasOn ? { is: 'goes_on' } : answer;
  }

  async #endSessions(
    isWanted: (session: ServerSession) => boolean,
    most: number,
  ): Promise<RecycleStep> {
    // Everybody's values are logged, whenever they prepared.
    if (this.flavor.hasValues === 'always') {
      return { ended: [], left: 0, newest: 0, changedServer: false };
    }
    const control = this.control;
    this.tracker.followTransactions(true);
    if (await installLockPlugin(control)) this.#hasLockPlugin = true;
    const isToEnd = (session: ServerSession): boolean =>
      isWanted(session) &&
      session.user !== control.address.user &&
      !this.own.ownsSession(session.id, session.user) &&
      !this.tracker.sawLogin(session.id);
    const isFree = (session: ServerSession): boolean =>
      isToEnd(session) && !this.#mayHold(session.id, session.seconds * 1_000);
    const ended = await endFree(control, isFree, most, (statements) =>
      this.opened.tally.inside(statements),
    );
    const gone = new Set(ended.map(({ session }) => session));
    const wanted = (await clientSessions(control)).filter(isToEnd);
    return {
      ended,
      left: wanted.filter(({ id }) => !gone.has(id)).length,
      newest: Math.max(0, ...gone, ...wanted.map(({ id }) => id)),
      changedServer: this.#hasLockPlugin,
    };
  }

  /** Whether a session that holds no lock may be in a transaction, or lose what it does not know of. */
  #mayHold(id: number, idleMs: number): boolean {
    // What it did since the last swap is not read yet.
    const sinceSwapMs = this.#swapped === null ? Infinity : performance.now() - this.#swapped.at;
    return this.tracker.mayHold(id, idleMs >= sinceSwapMs) ?? idleMs < LEAST_IDLE_MS;
  }

  async #finishRecycling(): Promise<void> {
    this.tracker.followTransactions(false);
    const { marker } = await readSchema(this.control, this.storeId);
    if (marker?.hasLockPlugin ?? this.#hasLockPlugin) {
      await removeLockPlugin(this.control, marker !== null);
    }
    this.#hasLockPlugin = false;
  }

  async #newestCovered(): Promise<number | null> {
    return (await isSlowLogOn(this.control)) ? newestSession(this.control) : null;
  }

  /** @returns warnings. */
  async #endWarmUp(settings: LogSettings): Promise<string[]> {
    const { marker } = await readSchema(this.control, this.storeId);
    const since = marker === null ? this.#warmSince : marker.warmSince;
    this.#warmSince = null;
    this.#warmEnd = null;
    if (since === null) return [];
    // A server that was restarted since has forgotten it: what it is set to is its owner's.
    if (since !== this.serverStart || settings.slowLog) {
      if (marker !== null) await noteWarmUp(this.control, null);
      return [];
    }
    const warning = await switchOff(this.control, marker !== null);
    return warning === null ? [] : [warning];
  }

  async state(readUpTo = this.readUpTo): Promise<SwappedLogState> {
    const contents = await this.#slots.refresh(this.storeId, readUpTo);
    const settings = await readLogSettings(this.control);
    const { switchedOffAt, switchedOffBy } = contents.marker ?? {};
    this.#isMarked = contents.state === 'ours';
    // The switch ran on a connection of its own, whose statements are ours.
    if (switchedOffBy != null) {
      this.own.addRemembered([{ connectionId: switchedOffBy, serverStart: null }]);
    }
    return {
      unread: this.#slots.frozen,
      isFilling: (await whoseIsLive(this.control)) === 'ours',
      logging: logsToTable(settings),
      setAside: contents.tables.has('owners_log'),
      marked: this.#isMarked,
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
    this.#lastBeat = performance.now();
    return this.#explained(async () => {
      await forgetSwitchOff(this.control);
      return setDeadMan(this.control, settings, afterMs);
    });
  }

  async backlogBytes(): Promise<number> {
    return Math.max(await logBytes(this.control), await this.#growth.unread());
  }

  readonly warmUps: WarmUps = {
    keepOn: (forMs) => this.warmUp(this.settings, forMs),
    newestCovered: () => this.#newestCovered(),
  };

  readonly recycling: SessionRecycling = {
    end: (isWanted, most) => this.#endSessions(isWanted, most),
    finish: () => this.#finishRecycling(),
  };

  get stopped(): SourceStop | null {
    return this.#guard.stopped;
  }

  takeWarnings(): string[] {
    return [...this.#guard.takeWarnings(), ...this.#warnings.splice(0)];
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
        if (await this.#guard.stopIfFull(error)) throw new LogStopped();
        throw error;
      }
    });
  }

  async #swap(generation: number): Promise<Swap> {
    const control = this.control;
    await this.#find();
    if (this.#slots.has(generation)) {
      throw new AppError('conflict', `Generation ${generation} of the log is frozen already`);
    }
    await this.#makeNext(generation + 1);
    const before = await this.now();
    const at = performance.now();
    await this.#slots.swap(generation, this.#sentinel(generation + 1));
    this.#live = generation + 1;
    const row = await control.row(
      `SELECT UTC_TIMESTAMP(6), ${this.flavor.gtid}, @@GLOBAL.general_log, @@GLOBAL.log_output`,
    );
    const [time, gtid = null, isOn, output] = row ?? [];
    const after = instant(time);
    this.#swappedBefore = this.#swapped?.generation === generation - 1 ? this.#swapped.until : null;
    this.#swapped = { generation, at, until: after };
    await this.#beatWhenDue();
    const logging = logsToTable({ generalLog: isOn === '1', logOutput: output ?? '' });
    return { before, after, gtid, logging };
  }

  /**
   * Reads a frozen table. One that another program put in the place of ours, or emptied, is put right
   * first.
   */
  async *read(
    generation: number,
    { skip = 0, since = null, spool = null, own = [] }: Partial<ReadOptions> = {},
  ): AsyncGenerator<BatchPart> {
    this.own.addRemembered(own);
    let position = skip;
    let isRepaired = false;
    await this.#find();
    const { serverStart, writtenAt } = await this.#mend(generation, since);
    const table = this.#slots.tableOf(generation);
    this.own.setTable(serverStart);
    const form = {
      anyBytes: this.flavor.textIsBlob,
      cutAt: this.flavor.cutAt,
      zones: await this.#zonesOf(generation, since ?? writtenAt),
    };
    for (;;) {
      const reader = await this.#openReader();
      const isFromBeginning = position === 0;
      try {
        const batches = reader.read(table, position, this.tracker, this.own, form, spool);
        for await (const batch of batches) {
          position += batch.rows;
          yield batch;
          // A backlog takes long, and whoever reads it is alive.
          await this.#beatWhenDue();
        }
        // Somebody may have emptied it since it was looked at; while it is read the lock keeps it.
        const isWhole = isFromBeginning
          ? reader.hasSentinel
          : (await readSentinel(this.control, table)) !== null;
        if (!isWhole) yield await this.#emptied(generation, since);
        await this.#confirmDatabases(generation);
        if (this.#swapped?.generation === generation) await this.gone.lookWhenDue(this.control);
        return;
      } catch (error) {
        // A server that died left the table marked; its rows are all there.
        // What has no code is no refusal of the server's but a fault of ours.
        if (codeOf(error) === null) throw error;
        if (!saysDamaged(error) || isRepaired) throw this.control.translate(error);
        isRepaired = true;
        await this.#repair(generation);
      } finally {
        if (!reader.isUsable) this.#closeReader();
      }
    }
  }

  /** What is missing of a frozen table that another program emptied just before it was read. */
  async #emptied(generation: number, since: ServerInstant | null): Promise<BatchPart> {
    const frozenAt = this.#swapped?.generation === generation ? this.#swapped.until : null;
    return {
      rows: 0,
      statements: [],
      interruption: {
        cause: 'log_table_changed',
        from: since,
        to: frozenAt ?? (await this.now()),
        reason:
          "Another program emptied a table of the recorder's that held a part of the log and was not read yet",
      },
    };
  }

  override async release(generation: number): Promise<void> {
    await super.release(generation);
    // Somebody may have their log locked; what was committed before a crash comes again, and is known.
    if (logsToTable(this.settings)) await this.appendToOwners(generation);
    await this.drop(generation);
  }

  /**
   * Appends a frozen table to the owner's own set-aside log table, once, however often it is called; only
   * when they log to a table. In the order of the calls. Where somebody has theirs locked it is put off to
   * a later call, or to `restore`.
   */
  async appendToOwners(generation: number): Promise<void> {
    await this.#beat();
    await this.#find();
    if (!this.#unappended.includes(generation)) this.#unappended.push(generation);
    if (performance.now() < this.#ownersLockedUntil) return;
    const replaceDropped = (): Promise<void> => this.#replaceWhereOursIsLive();
    for (;;) {
      const [first] = this.#unappended;
      if (first === undefined) return;
      try {
        await appendGeneration(this.control, this.storeId, this.#slots, first, replaceDropped);
      } catch (error) {
        if (!isLockWait(error)) throw error;
        // Somebody reads the owner's log: later generations wait for this one.
        this.#ownersLockedUntil = performance.now() + OWNERS_LOCKED_MS;
        return;
      }
      this.#unappended.shift();
      if (this.#dropped.delete(first)) await this.#slots.release(first);
    }
  }

  /** Where the owner's is live it has gone back to its place, and is not gone. */
  async #replaceWhereOursIsLive(): Promise<void> {
    const { marker } = await readSchema(this.control, this.storeId);
    const engine = marker?.settings?.tableEngine ?? null;
    if (engine === null || (await whoseIsLive(this.control)) === 'owners') return;
    await this.#replaceDropped(engine);
  }

  /** Puts an empty table in the place of the owner's that somebody dropped. */
  async #replaceDropped(engine: string): Promise<void> {
    await noteEmptied(this.control);
    await makeOwnersTable(this.control, this.flavor, engine);
    if (!this.#isDropSaid) this.#warnings.push(OWNERS_DROPPED);
    this.#isDropSaid = true;
  }

  /**
   * Drops a frozen table; nothing happens when it is gone already. One that is still to be appended stays
   * until then.
   */
  async drop(generation: number): Promise<void> {
    await this.#find();
    const isLast = this.#live === generation + 1;
    // Before the table is emptied, which frees room: a full disk is noticed here.
    if (isLast) await this.#askForRoom();
    if (this.#unappended.includes(generation)) this.#dropped.add(generation);
    else await this.#slots.release(generation);
    try {
      // Made here, where nobody waits for it, the next swap is one RENAME.
      if (isLast) await this.#makeNext(generation + 2);
      else await this.#slots.tidy(this.#sentinel(generation));
    } catch (error) {
      // Then the swap makes it.
      if (!isLockWait(error) && !(await this.#guard.stopIfFull(error))) throw error;
    }
    if (isLast && this.#swapped !== null) this.#growth.readUntil(this.#swapped.at);
  }

  async stop(): Promise<string[]> {
    return this.restore(this.settings, this.filling ?? (await this.findLive()));
  }

  /**
   * See `OpenSource.stop`: the settings, the owner's log table and rows, our tables dropped, our schema too
   * when we made it and it is empty, the lock released.
   */
  async restore(settings: LogSettings, generation: number): Promise<string[]> {
    return this.#explained(async () => {
      try {
        return await this.#restore(settings, generation);
      } catch (error) {
        if (!(await this.#guard.stopIfFull(error))) throw error;
        return this.#restore(settings, generation);
      }
    });
  }

  async #restore(settings: LogSettings, generation: number): Promise<string[]> {
    const control = this.control;
    this.#guard.close();
    const contents = await this.#slots.refresh(this.storeId, 0);
    requireOurs(contents);
    const warnings: string[] = [];
    const isLive = (await whoseIsLive(control)) === 'ours';
    const { marker } = contents;
    const wasWarm = (marker === null ? this.#warmSince : marker.warmSince) === this.serverStart;
    // Also without the marker or its row: a crash of the server can take it, and others can drop it.
    const hasLockPlugin = marker?.hasLockPlugin ?? this.#hasLockPlugin;
    if (isLive || marker !== null || contents.tables.size > 0 || wasWarm || hasLockPlugin) {
      warnings.push(...(await this.#endWarmUp(settings)));
      warnings.push(...(await this.#restoreSettings(settings)));
      await requireUnlogged(control, this.flavor);
      warnings.push(
        ...(await this.#restoreTable(settings, contents, this.#liveOf(contents, generation))),
      );
      warnings.push(...this.#warnings.splice(0));
      await requireRestored(control, settings, wasWarm);
      // Last, and not worth a failure: nobody is harmed by a list of locks.
      warnings.push(...(await this.#endRecyclingAnyway()));
      await this.#dropOurs();
    } else {
      await requireSight(control);
    }
    warnings.push(...(await releaseSchema(control, this.flavor, this.storeId)));
    await releaseLock(control);
    return warnings;
  }

  /** @returns a warning where what listed locks stays there. */
  async #endRecyclingAnyway(): Promise<string[]> {
    try {
      await this.#finishRecycling();
      return [];
    } catch (error) {
      if (this.control.isLost) throw error;
      return [`${messageOf(error)}; to remove it: UNINSTALL SONAME 'metadata_lock_info'`];
    }
  }

  sampleCounters(): Promise<Record<string, number>> {
    if (this.#reader?.isUsable === false) this.#closeReader();
    return sampleWithoutOwn(this.control, this.#reader, this.#lastLost);
  }

  async close(): Promise<void> {
    this.#guard.close();
    this.#closeReader();
    await this.control.close();
  }

  /**
   * Sets the owner's table aside and puts one of ours in its place. Where ours is there already, or
   * was, it is frozen for what it holds, and the new one says what may be missing before it.
   * @returns the generation that the live table is.
   */
  async #putOursInPlace(generation: number): Promise<{ live: number; warnings: string[] }> {
    const control = this.control;
    const contents = await this.#slots.refresh(this.storeId, generation - 1);
    const whose = await whoseIsLive(control);
    const live = this.#liveOf(contents, generation);
    if (!contents.tables.has('owners_log') && whose !== 'ours') {
      // A first generation follows on nothing, a later one on what was recorded until then.
      const interruption = generation > 1 ? GIVEN_BACK_MEANWHILE : null;
      await this.#slots.prepare({ ...this.#sentinel(live), interruption });
      if (whose === 'missing') {
        await this.#slots.putInPlace(null);
        return { live, warnings: ['The server had no table mysql.general_log'] };
      }
      await this.#slots.putInPlace(TABLES.owners);
      return { live, warnings: (await repairIfDamaged(control, TABLES.owners)) ? [REPAIRED] : [] };
    }
    const isLogging = logsToTable(await readLogSettings(control));
    if (whose === 'ours' && isLogging && (await this.#isOfThisStart(LIVE_TABLE))) {
      return { live, warnings: [] };
    }
    const warnings: string[] = [];
    // In the place of one that is gone: reading it looks for where ours went.
    if (whose === 'missing') await this.#slots.standIn(live);
    // All of it is read: of a table that lost its end the beginning is in order.
    const read = (): Promise<LogInterruption> => this.#interruption(contents, whose, isLogging);
    const { found: interruption, wasDamaged } = await readRepaired(control, LIVE_TABLE, read);
    if (wasDamaged) warnings.push(REPAIRED);
    const next = { ...this.#sentinel(live + 1), interruption };
    if (whose === 'missing') {
      await this.#slots.prepare(next);
      await this.#slots.putInPlace(null);
    } else {
      await this.#slots.swap(live, next);
    }
    return { live: live + 1, warnings };
  }

  #liveOf(contents: SchemaContents, atLeast: number): number {
    return liveGeneration(contents, this.#slots.frozen, atLeast);
  }

  /** Whether a table was made since the server's last start: it was logged to ever since. */
  async #isOfThisStart(table: string): Promise<boolean> {
    try {
      return (await readSentinel(this.control, table))?.serverStart === this.serverStart;
    } catch (error) {
      if (saysDamaged(error)) return false;
      throw error;
    }
  }

  /** What may be missing between the live table that is there and the one that takes its place. */
  async #interruption(
    { marker }: SchemaContents,
    whose: 'ours' | 'owners' | 'missing',
    isLogging: boolean,
  ): Promise<LogInterruption> {
    const control = this.control;
    const sentinel = whose === 'missing' ? null : await readSentinel(control, LIVE_TABLE);
    if (
      sentinel !== null &&
      sentinel.serverStart !== this.serverStart &&
      marker?.switchedOffAt == null
    ) {
      return this.#restarted(sentinel.writtenAt, isLogging);
    }
    const since = sentinel?.writtenAt ?? null;
    const from =
      whose === 'missing'
        ? null
        : (await timesIn(control, LIVE_TABLE, { since, before: null })).last;
    if (marker?.switchedOffAt != null) {
      return {
        cause: 'log_switched_off',
        from: marker.switchedOffAt,
        to: null,
        reason: `The dead-man switch on the server switched the log off at ${marker.switchedOffAt}: the recorder had not been heard of for too long`,
      };
    }
    if (!isLogging) {
      return {
        cause: 'log_switched_off',
        from,
        to: null,
        reason: "Somebody switched the server's log off while no recorder was there",
      };
    }
    return {
      cause: 'log_table_changed',
      from,
      to: null,
      reason: "Another program put a table of its own in the place of the server's log table",
    };
  }

  /**
   * What may be missing where the server was restarted while a table of ours was live. Whoever switches
   * the log on again before the recorder is back has it written to the same table, and of its rows none
   * says in which life of the server it was written: the server may have been restarted twice, and its
   * start is known to the second. So from the instant at which the table was made (the drain knows
   * better where rows of before it are the last ones) to the first row behind the second in which the
   * server started; to the next table's first where none was, or the log is off.
   */
  async #restarted(writtenAt: ServerInstant, isLogging: boolean): Promise<LogInterruption> {
    const started = this.serverStart;
    const at = new Date(started * 1_000).toISOString();
    // All of it is read: of a table that lost its end the beginning is in order.
    const behind = await this.control.value(
      `SELECT MIN(IF(event_time >= FROM_UNIXTIME(${started} + 1), event_time, NULL)) FROM ${LIVE_TABLE}`,
      WHOLE_TABLE_MS,
    );
    // Nothing is said by times of a clock that was set back, or in each session's own zone.
    const canTell = isLogging && writtenAt < at && this.flavor.engine !== 'CSV';
    const first = canTell ? behind : null;
    return {
      cause: 'server_restarted',
      from: writtenAt,
      to: first === null ? null : instant(first),
      reason:
        first === null
          ? `The server was restarted at ${at}, and with that its log was off until the recorder came back`
          : `The server was restarted at ${at}; somebody else, or its configuration, had its log on again before the recorder came back`,
    };
  }

  /**
   * Makes sure that a frozen table can be read and holds all that was logged in its time.
   * @returns the start of the server in which it was made, and when: null where it does not say.
   */
  async #mend(
    generation: number,
    since: ServerInstant | null,
  ): Promise<{ serverStart: number; writtenAt: ServerInstant | null }> {
    const control = this.control;
    const table = this.#slots.tableOf(generation);
    for (let attempt = 0; ; attempt++) {
      try {
        const sentinel = await readSentinel(control, table);
        if (sentinel?.generation === generation && isOfTap(sentinel.tap, this.tap)) {
          return sentinel;
        }
        if (attempt === 2) return { serverStart: this.serverStart, writtenAt: null };
        const isLast = this.#swapped?.generation === generation;
        const times = {
          since,
          movedSince: isLast ? this.#swappedBefore : null,
          until: isLast ? (this.#swapped?.until ?? null) : null,
        };
        await rebuildGeneration(control, this.flavor, table, this.#sentinel(generation), times);
      } catch (error) {
        if (!saysDamaged(error) || attempt === 2) throw error;
        await this.#repair(generation);
      }
    }
  }

  /** What puts the times of a frozen table right: needed where its engine keeps local ones. */
  async #zonesOf(generation: number, since: ServerInstant | null): Promise<SessionZones | null> {
    if ((await engineOf(this.control, this.#slots.tableOf(generation))) !== 'CSV') return null;
    this.#zones ??= new SessionZones(await readServerOffset(this.control));
    const last = this.#swapped?.generation === generation ? this.#swapped : null;
    this.#zones.setBounds(since, last?.until ?? (await this.now()));
    return this.#zones;
  }

  /** Repairs a frozen table; what it lost is written down at its end. */
  async #repair(generation: number): Promise<void> {
    const table = this.#slots.tableOf(generation);
    const said = await repair(this.control, table);
    // A row that a full disk tore is in the gap of what stopped the log.
    const isOfThisStart = this.stopped === null && (await this.#isOfThisStart(table));
    const until = this.#swapped?.generation === generation ? this.#swapped.until : null;
    await noteLoss(this.control, table, this.#sentinel(generation), {
      said,
      isOfThisStart,
      until,
    });
  }

  #sentinel(generation: number): Sentinel {
    return { tap: this.tap, generation, serverStart: this.serverStart, interruption: null };
  }

  async #restoreSettings(settings: LogSettings): Promise<string[]> {
    const control = this.control;
    const warnings: string[] = [];
    const now = await readLogSettings(control);
    if (now.generalLog && !settings.generalLog) {
      await control.run('SET GLOBAL general_log = OFF');
    } else if (!now.generalLog && settings.generalLog && this.stopped !== null) {
      await control.run('SET GLOBAL general_log = ON');
    } else if (!now.generalLog && settings.generalLog) {
      warnings.push('Somebody switched general_log off while recording; it is left off');
    }
    if (sameOutput(now.logOutput, settings.logOutput)) return warnings;
    if (sameOutput(now.logOutput, recordingOutput(settings))) {
      await control.run(`SET GLOBAL log_output = ${literal(settings.logOutput)}`);
    } else {
      warnings.push(
        `Somebody set log_output to ${now.logOutput} while recording; it is left so (it was ${settings.logOutput})`,
      );
    }
    return warnings;
  }

  async #restoreTable(
    settings: LogSettings,
    contents: SchemaContents,
    live: number,
  ): Promise<string[]> {
    const control = this.control;
    if (await takeBackIncomplete(control, contents)) {
      const again = await readSchema(control, this.storeId);
      return this.#restoreTable(settings, again, this.#liveOf(again, live));
    }
    const whose = await whoseIsLive(control);
    if (!contents.tables.has('owners_log')) {
      if (whose !== 'ours') return [];
      await control.run(`DROP TABLE IF EXISTS ${TABLES.retired}`);
      if (settings.tableEngine === null) {
        await whenLockFree(() => control.run(`RENAME TABLE ${LIVE_TABLE} TO ${TABLES.retired}`));
        return [];
      }
      if (contents.marker === null) {
        const owner = { storeId: this.storeId, nonce: this.nonce };
        await claimSchema(control, this.flavor, owner, settings);
      }
      await this.#replaceDropped(settings.tableEngine);
      const again = await readSchema(control, this.storeId);
      return this.#restoreTable(settings, again, this.#liveOf(again, live));
    }
    await control.run(`DROP TABLE IF EXISTS ${TABLES.retired}`, DROP_MS);
    if (whose === 'missing') {
      await control.run(`RENAME TABLE ${TABLES.owners} TO ${LIVE_TABLE}`);
      return ["Somebody dropped the server's log table while recording; the one of before is back"];
    }
    const warnings = (await displacedTables(control, 'mysql')).map(
      (table) =>
        `Another program moved a log table of the recorder's to ${table.replaceAll('`', '')}; it is left there`,
    );
    if (whose === 'owners' && logsToTable(settings)) {
      // What was logged into it is the owner's to have; the table itself is kept aside.
      await this.#slots.swap(live, this.#sentinel(live + 1));
      await this.#mend(live, null);
      const again = await readSchema(control, this.storeId);
      return [...warnings, ...(await this.#restoreTable(settings, again, live + 1))];
    }
    if (whose === 'owners') {
      const stray = strayTable();
      await exchange(control, stray, TABLES.owners);
      return [
        ...warnings,
        `Somebody put a log table in the place of the recorder's; it is kept as ${stray}`,
      ];
    }
    if (!logsToTable(settings)) {
      await exchange(control, TABLES.retired, TABLES.owners);
      return warnings;
    }
    const mend = async (generation: number): Promise<void> => {
      await this.#mend(generation, null);
    };
    const replaceDropped = (): Promise<void> => this.#replaceWhereOursIsLive();
    const now = await readLogSettings(control);
    if (logsToTable(now)) {
      await requireLogOff(control, this.flavor);
      // With the two that it opens we have three connections.
      this.#closeReader();
      const tools = {
        connect: (): Promise<MysqlConnection> => this.opened.connectHelper(),
        slots: this.#slots,
        sentinelOf: (generation: number): Sentinel => this.#sentinel(generation),
        mend,
        replaceDropped,
      };
      await giveBackWhileLogging(tools, control, this.storeId, live);
    } else {
      // Nothing is logged to the table any more: what there is can be moved at leisure.
      await this.#slots.swap(live, this.#sentinel(live + 1));
      for (const number of this.#slots.frozen) {
        await mend(number);
        await appendGeneration(control, this.storeId, this.#slots, number, replaceDropped);
        await this.#slots.release(number);
      }
      await exchange(control, TABLES.retired, TABLES.owners);
    }
    return warnings;
  }

  /** Drops what we made, and nothing else. */
  async #dropOurs(): Promise<void> {
    await removeDeadMan(this.control);
    await this.#slots.dropAll(await readSchema(this.control, this.storeId));
    const { oldNext, retired, joined, joinedParts } = TABLES;
    for (const table of [oldNext, retired, joined, ...joinedParts, SPARE_TABLE, ROOM_TABLE]) {
      await this.control.run(`DROP TABLE IF EXISTS ${table}`, DROP_MS);
    }
  }

  /**
   * Leaves a server alone whose disk is nearly full.
   * @throws AppError `remote_failed`; the log is off then, when it was on for us.
   */
  async #requireRoom(): Promise<void> {
    const shortage = await this.#guard.shortage();
    if (shortage === null) return;
    const { marker } = await readSchema(this.control, this.storeId);
    const isOurs = (await whoseIsLive(this.control)) === 'ours';
    if (isOurs && marker?.settings != null && !logsToTable(marker.settings)) {
      await this.control.run('SET GLOBAL general_log = OFF');
    }
    throw noRoom(shortage);
  }

  /** When the disk is full the log is off afterwards. */
  async #askForRoom(): Promise<void> {
    try {
      await this.#guard.askForRoom(this.#swapped?.until ?? (await this.now()));
    } catch (error) {
      // A dump may have the table locked that is written to.
      if (!isLockWait(error) && !(await this.#guard.stopIfFull(error))) throw error;
    }
  }

  async #find(): Promise<void> {
    if (!this.#slots.isFound) await this.#slots.refresh(this.storeId, 0);
  }

  #makeNext(generation: number): Promise<void> {
    return this.#slots.prepare(this.#sentinel(generation));
  }

  /**
   * Asks the server where the log does not say whether a change of database succeeded. Only of
   * sessions that have been idle since the swap: what they have now is what they had there.
   */
  async #confirmDatabases(generation: number): Promise<void> {
    if (this.#swapped?.generation !== generation) return;
    if (performance.now() - this.#lastConfirmed < CONFIRM_INTERVAL_MS) return;
    const sessions = this.tracker.unconfirmed(CONFIRMED_AT_ONCE);
    if (sessions.length === 0) return;
    this.#lastConfirmed = performance.now();
    const isMariadb = this.server.flavor === 'mariadb';
    const { at } = this.#swapped;
    for (const { session, db } of await listIdleDatabases(this.control, isMariadb, sessions, at)) {
      this.tracker.confirm(session, db);
    }
  }

  async #beatWhenDue(): Promise<void> {
    if (performance.now() - this.#lastBeat >= HEARTBEAT_MS) await this.#beat();
  }

  async #beat(): Promise<void> {
    this.#lastBeat = performance.now();
    try {
      if ((await beat(this.control)) || !this.#isMarked) return;
    } catch (error) {
      // A dump has the marker locked; the dead-man switch waits for many heartbeats.
      if (!isLockWait(error) && !(await this.#guard.stopIfFull(error))) throw error;
      return;
    }
    // Whoever connects again makes it anew.
    throw new AppError(
      'remote_failed',
      `Somebody emptied ${MARKER}, which says how the server was`,
    );
  }

  async #openReader(): Promise<LogTableReader> {
    if (this.#reader?.isUsable === true) return this.#reader;
    this.#closeReader();
    this.#reader = new LogTableReader(await this.opened.connectHelper());
    return this.#reader;
  }

  #closeReader(): void {
    this.#lastLost = this.#reader?.connectionId ?? this.#lastLost;
    this.#reader?.close();
    this.#reader = null;
  }
}
