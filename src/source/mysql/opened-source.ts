import { messageOf } from '../../core/errors.ts';
import type {
  AttachedTap,
  BatchPart,
  Cut,
  CutEdge,
  CutResult,
  OpenSource,
  OpenTransaction,
  OwnConnection,
  ReadOptions,
  ServerInstant,
  ServerMarks,
  SessionState,
  SourceState,
  SourceStop,
  Started,
  StartOptions,
} from '../../core/source.ts';
import type {
  SessionRecycling,
  Unavailable,
  WarmUps,
} from '../../core/warm-ups/source-sessions.ts';
import type { CounterReading } from '../../core/verification/server-counters.ts';
import type { OpenedServer } from './connection/control-connection.ts';
import { type Flavor, flavorOf, type MysqlIdentity } from './connection/flavor.ts';
import type { MysqlConnection } from './connection/mysql-connection.ts';
import type { OwnConnections } from './connection/own-connections.ts';
import { instant, serverNow } from './connection/server-clock.ts';
import { lockFor } from './connection/recorder-lock.ts';
import { LatestLoss, readEdgeCounters, sampleWithoutOwn } from './connection/status-counters.ts';
import { StatementDigests } from './counters/statement-digests.ts';
import { logSettingsOf, logsToTable, type LogSettings } from './log/log-settings.ts';
import type { LogTableReader } from './reading/log-table-reader.ts';
import { GoneSessions, listOpenTransactions, listSessions } from './reading/sessions.ts';
import { SessionTracker } from './reading/session-tracker.ts';

/** What a log was set to and switched to, once it is on. */
export interface InstalledLog {
  /** For the user, one sentence each. */
  readonly warnings: readonly string[];
  /** The generation that the live table is. */
  readonly generation: number;
  /** The first generation that was written to since the log is on. */
  readonly since: number;
  /** Why the server will not switch its log off by itself; null when it will, or was not asked to. */
  readonly deadManObstacle: string | null;
}

/** A live table that was frozen. */
export interface Swap {
  /** Read just before it: every statement received until then is in the frozen table. */
  readonly before: ServerInstant;
  /** Read just after it: every statement received from then on is in the next one. */
  readonly after: ServerInstant;
  readonly gtid: string | null;
  /** Whether the server was still logging to the table just after it. */
  readonly logging: boolean;
}

/**
 * What the general log of every MySQL-family server has in common: one control connection, the log's
 * tables numbered by generation (a batch of `OpenSource` is a generation), one reader of sessions.
 */
export abstract class OpenedMysqlSource implements OpenSource {
  readonly server: MysqlIdentity;
  readonly serverStart: number;
  protected readonly opened: OpenedServer;
  protected readonly control: MysqlConnection;
  protected readonly storeId: string;
  /** Grows, because rows outlive the connections that wrote them. */
  protected readonly own: OwnConnections;
  protected readonly tracker: SessionTracker;
  protected readonly gone: GoneSessions;
  readonly times: StatementDigests;
  readonly #losses = new LatestLoss();
  /** As the sentinels and marks of our tables have it; empty where no tap is. */
  protected tap = '';
  /** The last generation that was read and committed. */
  protected readUpTo = 0;
  /** The generation that the live table will be frozen as; null before that is known. */
  protected filling: number | null = null;
  #settings: LogSettings | null = null;

  protected constructor(opened: OpenedServer, storeId: string) {
    this.opened = opened;
    this.control = opened.control;
    this.own = opened.own;
    this.storeId = storeId;
    this.server = opened.server;
    this.serverStart = opened.serverStart;
    this.tracker = new SessionTracker(flavorOf(opened.server.version));
    this.gone = new GoneSessions(this.tracker);
    const { connectHelper, noTimes, server } = opened;
    this.times = new StatementDigests(connectHelper, server.flavor, noTimes);
  }

  abstract readonly stopped: SourceStop | null;
  abstract readonly warmUps: WarmUps | Unavailable;
  abstract readonly recycling: SessionRecycling | Unavailable;
  protected abstract readonly flavor: Flavor;
  abstract marks(): Promise<ServerMarks>;
  abstract readSettings(): Promise<LogSettings>;
  abstract settingsToRestore(): Promise<LogSettings>;
  abstract state(): Promise<SourceState>;
  abstract cut(isEdge: boolean): Promise<CutResult>;
  abstract read(generation: number, options?: Partial<ReadOptions>): AsyncIterable<BatchPart>;
  abstract stop(): Promise<string[]>;
  abstract backlogBytes(): Promise<number>;
  abstract takeWarnings(): string[];
  abstract setUnattendedLimit(afterMs: number | null): Promise<string | null>;
  abstract sampleCounters(): Promise<Record<string, number>>;
  abstract close(): Promise<void>;
  /** Whether statements arrive in our table since the server's start, as far as can be seen. */
  protected abstract isOn(): Promise<boolean>;
  /**
   * Switches the log on, with the proof that a statement of another connection arrives.
   * @param generation that the live table is to be.
   */
  abstract install(
    settings: LogSettings,
    generation: number,
    deadManMs?: number | null,
  ): Promise<InstalledLog>;

  get connectionId(): number {
    return this.control.id;
  }

  isConnectionLost(): boolean {
    return this.control.isLost;
  }

  lock(own: readonly OwnConnection[]): Promise<void> {
    return lockFor(this.control, own, this.serverStart);
  }

  attach({ id, settings, readUpTo, own }: AttachedTap): void {
    this.own.addRemembered(own);
    this.tap = id === null ? '' : `${this.storeId}/${id}`;
    this.readUpTo = readUpTo;
    this.#settings = logSettingsOf(settings);
  }

  async start({ provenSince, unattendedMs }: StartOptions): Promise<Started> {
    const generation = await this.findLive();
    if (provenSince === this.serverStart && (await this.isOn())) {
      this.filling = generation;
      return { warnings: [], fresh: null };
    }
    const installed = await this.install(this.settings, generation, unattendedMs);
    this.filling = installed.generation;
    return {
      warnings: installed.warnings,
      fresh: {
        since: installed.since,
        sessions: await this.sessions(),
        unattendedObstacle: installed.deadManObstacle,
      },
    };
  }

  release(generation: number): Promise<void> {
    this.readUpTo = Math.max(this.readUpTo, generation);
    return Promise.resolve();
  }

  sessions(): Promise<SessionState[]> {
    return listSessions(this.control, this.own);
  }

  openTransactions(): Promise<OpenTransaction[]> {
    return listOpenTransactions(this.control, this.own);
  }

  restoreSessions(sessions: readonly SessionState[]): void {
    this.tracker.restore(sessions);
  }

  takeSessionChanges(): { changed: SessionState[]; ended: number[] } {
    return this.tracker.takeChanges();
  }

  /** What the owner has the log set to. */
  protected get settings(): LogSettings {
    if (this.#settings === null) throw new Error('nothing was attached');
    return this.#settings;
  }

  /** The generation of the live table: behind everything that is frozen or was read. */
  protected async findLive(): Promise<number> {
    const { unread } = await this.state();
    return Math.max(this.readUpTo, unread.at(-1) ?? 0) + 1;
  }

  /**
   * Does a swap, with what is read at both sides of it for the edge of a window.
   * @param swap null when nothing was frozen.
   */
  protected async cutAt(
    batch: number,
    isEdge: boolean,
    swap: () => Promise<Swap | null>,
  ): Promise<Cut | null> {
    const failures: string[] = [];
    const counters = (): Promise<CounterReading | null> => this.#readCounters(failures);
    const goOn = isEdge ? await this.times.hush() : null;
    let before: CounterReading | null = null;
    let after: CounterReading | null = null;
    let swapped: Swap | null;
    try {
      if (isEdge) before = await counters();
      swapped = await swap();
      if (isEdge && swapped !== null) after = await counters();
    } finally {
      goOn?.();
    }
    if (swapped === null) return null;
    this.filling = batch + 1;
    const edge: CutEdge | null = isEdge
      ? {
          counters: { before, after },
          failures,
          sessions: await this.sessions(),
          transactions: await this.openTransactions(),
        }
      : null;
    return {
      batch,
      before: swapped.before,
      after: swapped.after,
      replicaPosition: swapped.gtid,
      switchedOff: swapped.logging ? null : await this.whoSwitchedOff(),
      edge,
    };
  }

  protected whoSwitchedOff(): Promise<Cut['switchedOff']> {
    return Promise.resolve('others');
  }

  /** As `sampleCounters`. @param lastLost as `LatestLoss.of`, of the reader. */
  protected sampleBeside(
    reader: LogTableReader | null,
    lastLost: number | null,
  ): Promise<Record<string, number>> {
    const { share, lastLost: ofTimes } = this.times;
    return sampleWithoutOwn(this.control, reader, share, this.#losses.of(lastLost, ofTimes));
  }

  async readEdgeCounters(): Promise<CounterReading> {
    const reading = await readEdgeCounters(this.control, this.flavor.name, this.opened.tally);
    return { ...reading, serverStart: this.serverStart };
  }

  protected now(): Promise<ServerInstant> {
    return serverNow(this.control);
  }

  /** What is read just behind a swap, in one statement. */
  protected async behindSwap(): Promise<Omit<Swap, 'before'>> {
    const row = await this.control.row(
      `SELECT UTC_TIMESTAMP(6), ${this.flavor.gtid}, @@GLOBAL.general_log, @@GLOBAL.log_output`,
    );
    const [time, gtid = null, isOn, output] = row ?? [];
    const logging = logsToTable({ generalLog: isOn === '1', logOutput: output ?? '' });
    return { after: instant(time), gtid, logging };
  }

  /** null, and why, where it fails. */
  async #readCounters(failures: string[]): Promise<CounterReading | null> {
    try {
      return await this.readEdgeCounters();
    } catch (error) {
      failures.push(messageOf(error));
      return null;
    }
  }
}
