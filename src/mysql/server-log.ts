import type { ServerAddress } from '../core/environments.ts';
import { CommandTally } from './command-tally.ts';
import { readCounters } from './counters.ts';
import { AppError } from '../core/errors.ts';
import { EDGE_COUNTERS, type CounterReading, type OwnCommands } from '../core/received.ts';
import type {
  LogSettings,
  OpenTransaction,
  ServerIdentity,
  ServerLog,
  ServerLogState,
  SessionState,
  Swap,
} from '../core/server-log.ts';
import { MysqlConnection } from './connection.ts';
import { codeOf } from './errors.ts';
import { type Flavor, flavorOf } from './flavor.ts';
import { LogTableReader, type StatementBatch } from './log-table-reader.ts';
import {
  exchange,
  LIVE_TABLE,
  logBytes,
  makeNextTable,
  repair,
  REPAIRED,
  repairIfDamaged,
  saysDamaged,
  whenLockFree,
  whoseIsLive,
} from './log-table.ts';
import {
  ownerLogsToTable,
  readLogSettings,
  recordingOutput,
  sameOutput,
  settingsWarnings,
} from './log-settings.ts';
import { removeDeadMan, setDeadMan } from './dead-man.ts';
import { proveLogging } from './proof.ts';
import { prepareSession } from './recorder-session.ts';
import { OwnConnections } from './own-connections.ts';
import { appendGeneration, giveBackWhileLogging } from './owners-log.ts';
import {
  beat,
  claimSchema,
  frozenTable,
  liveGeneration,
  readSchema,
  RECORDER_SCHEMA,
  releaseSchema,
  requireOurs,
  type SchemaContents,
  TABLES,
} from './recorder-schema.ts';
import { endLockHolder, takeLock, releaseLock } from './recorder-lock.ts';
import { listOpenTransactions, listSessions } from './sessions.ts';
import { SessionTracker } from './session-tracker.ts';

const HEARTBEAT_MS = 10_000;

/** The general log of a MariaDB or MySQL server, as its table. See `ServerLog` for what is promised. */
export class MysqlServerLog implements ServerLog {
  readonly server: ServerIdentity;
  readonly #password: string | null;
  readonly #storeId: string;
  readonly #onConnection: (connectionId: number) => void;
  readonly #control: MysqlConnection;
  readonly #flavor: Flavor;
  readonly #tracker = new SessionTracker();
  /** Grows, because rows outlive the connections that wrote them. */
  readonly #own: OwnConnections;
  readonly #tally: CommandTally;
  #reader: LogTableReader | null = null;
  #nextIsReady = false;
  #lastBeat = 0;

  private constructor(
    password: string | null,
    storeId: string,
    onConnection: (connectionId: number) => void,
    own: OwnConnections,
    tally: CommandTally,
    control: MysqlConnection,
    server: ServerIdentity,
  ) {
    this.#password = password;
    this.#storeId = storeId;
    this.#onConnection = onConnection;
    this.#own = own;
    this.#tally = tally;
    this.#control = control;
    this.#flavor = flavorOf(server.version);
    this.server = server;
  }

  /** @throws AppError `remote_failed`. */
  static async open(
    address: ServerAddress,
    password: string | null,
    storeId: string,
    onConnection: (connectionId: number) => void,
  ): Promise<MysqlServerLog> {
    const own = new OwnConnections(address.user);
    const tally = new CommandTally();
    const announce = (id: number): void => {
      own.add(id);
      onConnection(id);
    };
    const control = await MysqlConnection.open(address, password, announce, tally);
    try {
      const server = await prepareSession(control);
      const uptime = (await control.row("SHOW GLOBAL STATUS LIKE 'Uptime'"))?.[1] ?? '0';
      const now = Date.parse(instant(await control.value('SELECT UTC_TIMESTAMP(6)')));
      // The uptime is in whole seconds: the server started up to one before.
      own.setInstants(new Date(now - (Number(uptime) + 1) * 1000), new Date(now));
      return new MysqlServerLog(password, storeId, announce, own, tally, control, server);
    } catch (error) {
      await control.close();
      throw error;
    }
  }

  get connectionId(): number {
    return this.#control.id;
  }

  isConnectionLost(): boolean {
    return this.#control.isLost;
  }

  async lock(ownConnectionIds: readonly number[]): Promise<void> {
    if (await takeLock(this.#control)) return;
    await endLockHolder(this.#control, ownConnectionIds);
  }

  readSettings(): Promise<LogSettings> {
    return readLogSettings(this.#control);
  }

  async install(
    settings: LogSettings,
    generation: number,
  ): Promise<{ warnings: string[]; ownConnectionIds: number[] }> {
    const control = this.#control;
    await claimSchema(control, this.#flavor, this.#storeId, settings);
    this.#lastBeat = performance.now();
    const warnings = settingsWarnings(settings);
    warnings.push(...(await this.#putOursInPlace()));

    const now = await readLogSettings(control);
    const output = recordingOutput(settings);
    if (!sameOutput(now.logOutput, output))
      await control.run(`SET GLOBAL log_output = '${output}'`);
    if (!now.generalLog) await control.run('SET GLOBAL general_log = ON');

    const proof = await proveLogging(
      control,
      () => this.#connect(),
      this.#flavor,
      this.#storeId,
      generation,
    );
    this.#nextIsReady = true;
    return {
      warnings: [...warnings, ...proof.warnings],
      ownConnectionIds: proof.ownConnectionIds,
    };
  }

  async state(): Promise<ServerLogState> {
    const contents = await readSchema(this.#control, this.#storeId);
    const settings = await readLogSettings(this.#control);
    const { switchedOffAt, switchedOffBy } = contents.marker ?? {};
    // The switch ran on a connection of its own, whose statements are ours.
    if (switchedOffBy != null) this.#own.addRemembered([switchedOffBy]);
    return {
      frozen: contents.frozen,
      installed: (await whoseIsLive(this.#control)) === 'ours',
      logging: ownerLogsToTable(settings),
      setAside: contents.tables.has('owners_log'),
      switchedOffAt: switchedOffAt ?? null,
    };
  }

  async setDeadMan(afterMs: number | null, settings: LogSettings): Promise<string | null> {
    this.#lastBeat = performance.now();
    return setDeadMan(this.#control, settings, afterMs);
  }

  async logBytes(): Promise<number> {
    return logBytes(this.#control);
  }

  sessions(): Promise<SessionState[]> {
    return listSessions(this.#control, this.#own);
  }

  openTransactions(): Promise<OpenTransaction[]> {
    return listOpenTransactions(this.#control, this.#own);
  }

  async swap(generation: number): Promise<Swap> {
    const control = this.#control;
    await this.#makeNext();
    const before = await this.#now();
    try {
      await exchange(control, frozenTable(generation), TABLES.next);
    } catch (error) {
      this.#nextIsReady = false;
      if (codeOf(error) === 'ER_TABLE_EXISTS_ERROR') {
        throw new AppError('conflict', `Generation ${generation} of the log is frozen already`, {
          cause: error,
        });
      }
      throw error;
    }
    this.#nextIsReady = false;
    const row = await control.row(`SELECT UTC_TIMESTAMP(6), ${this.#flavor.gtid}`);
    await this.#beatWhenDue();
    return { before, after: instant(row?.[0]), gtid: row?.[1] ?? null };
  }

  async *read(generation: number, skip: number): AsyncGenerator<StatementBatch> {
    const table = frozenTable(generation);
    let position = skip;
    let isRepaired = false;
    for (;;) {
      const reader = await this.#openReader();
      try {
        for await (const batch of reader.read(table, position, this.#tracker, this.#own, {
          anyBytes: this.#flavor.textIsBlob,
          cutAt: Infinity,
          zones: null,
        })) {
          position += batch.rows;
          yield batch;
          // A backlog takes long, and whoever reads it is alive.
          await this.#beatWhenDue();
        }
        return;
      } catch (error) {
        // A server that died left the table marked; its rows are all there.
        // What has no code is no refusal of the server's but a fault of ours.
        if (codeOf(error) === null) throw error;
        if (!saysDamaged(error) || isRepaired) throw this.#control.translate(error);
        isRepaired = true;
        await repair(this.#control, table);
      } finally {
        if (!reader.isUsable) this.#closeReader();
      }
    }
  }

  setOwnConnections(ids: readonly number[]): void {
    this.#own.addRemembered(ids);
  }

  restoreSessions(sessions: readonly SessionState[]): void {
    this.#tracker.restore(sessions);
  }

  takeSessionChanges(): { changed: SessionState[]; ended: number[] } {
    return this.#tracker.takeChanges();
  }

  async appendToOwners(generation: number): Promise<void> {
    await beat(this.#control);
    await appendGeneration(this.#control, this.#storeId, generation);
  }

  async drop(generation: number): Promise<void> {
    await this.#control.run(`DROP TABLE IF EXISTS ${frozenTable(generation)}`);
    // Made here, where nobody waits for it, the next swap is one RENAME.
    await this.#makeNext();
  }

  async restore(settings: LogSettings, generation: number): Promise<string[]> {
    const control = this.#control;
    const contents = await readSchema(control, this.#storeId);
    requireOurs(contents);
    const warnings: string[] = [];
    // Also without the marker's row, which a crash of the server can take with it.
    if (contents.marker !== null || contents.tables.size > 0) {
      warnings.push(...(await this.#restoreSettings(settings)));
      warnings.push(
        ...(await this.#restoreTable(settings, contents, liveGeneration(contents, generation))),
      );
      await this.#dropOurs();
    }
    warnings.push(...(await releaseSchema(control, this.#flavor, this.#storeId)));
    await releaseLock(control);
    return warnings;
  }

  sampleCounters(): Promise<Record<string, number>> {
    return readCounters(this.#control);
  }

  async readEdgeCounters(): Promise<CounterReading> {
    const counters = await readCounters(this.#control, EDGE_COUNTERS);
    return { counters, own: this.commandsSent() };
  }

  commandsSent(): OwnCommands {
    return this.#tally.counts();
  }

  async close(): Promise<void> {
    this.#closeReader();
    await this.#control.close();
  }

  /** Sets the owner's table aside and puts an empty one of ours in its place. */
  async #putOursInPlace(): Promise<string[]> {
    const control = this.#control;
    const live = await whoseIsLive(control);
    if (live === 'ours') return [];
    await this.#makeNext();
    this.#nextIsReady = false;
    if (live === 'missing') {
      await control.run(`RENAME TABLE ${TABLES.next} TO ${LIVE_TABLE}`);
      return ['The server had no table mysql.general_log'];
    }
    const { tables } = await readSchema(control, this.#storeId);
    if (tables.has('owners_log')) {
      const stray = `${RECORDER_SCHEMA}.stray_log_${Date.now()}`;
      await exchange(control, stray, TABLES.next);
      return [`Somebody put a log table in the place of the recorder's; it is kept as ${stray}`];
    }
    await exchange(control, TABLES.owners, TABLES.next);
    return (await repairIfDamaged(control, TABLES.owners)) ? [REPAIRED] : [];
  }

  async #restoreSettings(settings: LogSettings): Promise<string[]> {
    const control = this.#control;
    const warnings: string[] = [];
    const now = await readLogSettings(control);
    if (now.generalLog && !settings.generalLog) {
      await control.run('SET GLOBAL general_log = OFF');
    } else if (!now.generalLog && settings.generalLog) {
      warnings.push('Somebody switched general_log off while recording; it is left off');
    }
    if (sameOutput(now.logOutput, settings.logOutput)) return warnings;
    if (sameOutput(now.logOutput, recordingOutput(settings))) {
      await control.run(`SET GLOBAL log_output = '${settings.logOutput}'`);
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
    const control = this.#control;
    if ((await whoseIsLive(control)) !== 'ours') return [];
    if (!contents.tables.has('owners_log')) {
      if (settings.tableEngine !== null) {
        return ["The server's own log table is gone; the recorder's is left in its place"];
      }
      await whenLockFree(() => control.run(`RENAME TABLE ${LIVE_TABLE} TO ${TABLES.retired}`));
      return [];
    }
    await control.run(`DROP TABLE IF EXISTS ${TABLES.retired}`);
    if (!ownerLogsToTable(settings)) {
      await exchange(control, TABLES.retired, TABLES.owners);
      return [];
    }
    const now = await readLogSettings(control);
    if (ownerLogsToTable(now)) {
      const connect = (): Promise<MysqlConnection> => this.#connectHelper();
      await giveBackWhileLogging(connect, control, this.#flavor, this.#storeId, live);
    } else {
      // Nothing is logged to the table any more: what there is can be moved at leisure.
      await this.#makeNext();
      this.#nextIsReady = false;
      await exchange(control, frozenTable(live), TABLES.next);
      for (const number of [...contents.frozen, live]) {
        await appendGeneration(control, this.#storeId, number);
        await control.run(`DROP TABLE IF EXISTS ${frozenTable(number)}`);
      }
      await exchange(control, TABLES.retired, TABLES.owners);
    }
    return [];
  }

  /** Drops what we made, and nothing else. */
  async #dropOurs(): Promise<void> {
    await removeDeadMan(this.#control);
    const { frozen } = await readSchema(this.#control, this.#storeId);
    const ours = [
      ...frozen.map(frozenTable),
      TABLES.next,
      TABLES.retired,
      TABLES.proof,
      TABLES.joined,
      ...TABLES.joinedParts,
    ];
    for (const table of ours) await this.#control.run(`DROP TABLE IF EXISTS ${table}`);
    this.#nextIsReady = false;
  }

  async #makeNext(): Promise<void> {
    if (this.#nextIsReady) return;
    await makeNextTable(this.#control, this.#flavor);
    this.#nextIsReady = true;
  }

  async #now(): Promise<string> {
    return instant(await this.#control.value('SELECT UTC_TIMESTAMP(6)'));
  }

  async #beatWhenDue(): Promise<void> {
    if (performance.now() - this.#lastBeat < HEARTBEAT_MS) return;
    this.#lastBeat = performance.now();
    await beat(this.#control);
  }

  async #connectHelper(): Promise<MysqlConnection> {
    const connection = await this.#connect();
    await prepareSession(connection);
    return connection;
  }

  #connect(): Promise<MysqlConnection> {
    return MysqlConnection.open(
      this.#control.address,
      this.#password,
      this.#onConnection,
      this.#tally,
    );
  }

  async #openReader(): Promise<LogTableReader> {
    if (this.#reader?.isUsable === true) return this.#reader;
    this.#closeReader();
    this.#reader = new LogTableReader(await this.#connectHelper());
    return this.#reader;
  }

  #closeReader(): void {
    this.#reader?.close();
    this.#reader = null;
  }
}

/** The server's `2026-11-21 20:00:00.123456` as ISO-8601; our sessions are in UTC. */
function instant(text: string | null | undefined): string {
  if (text == null) throw new AppError('remote_failed', 'The server does not say what time it is');
  return `${text.replace(' ', 'T')}Z`;
}
