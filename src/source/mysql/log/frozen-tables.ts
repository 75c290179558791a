import type { BatchPart, ReadOptions, ServerInstant } from '../../../core/source.ts';
import type { MysqlConnection } from '../connection/mysql-connection.ts';
import type { OwnConnections } from '../connection/own-connections.ts';
import { codeOf } from '../connection/server-errors.ts';
import { LogTableReader } from '../reading/log-table-reader.ts';
import { type GoneSessions, listIdleDatabases } from '../reading/sessions.ts';
import type { SessionTracker } from '../reading/session-tracker.ts';
import { SessionZones } from '../reading/session-zones.ts';
import { rebuildGeneration } from './changed-log.ts';
import type { Heartbeat } from './heartbeat.ts';
import { engineOf } from './log-engine.ts';
import { readServerOffset } from './log-settings.ts';
import { noteLoss, repair, saysDamaged } from './log-table.ts';
import type { RecorderTables } from './recorder-tables.ts';
import { isOfTap, readSentinel } from './sentinel.ts';

const CONFIRM_INTERVAL_MS = 1_000;
const CONFIRMED_AT_ONCE = 200;

/** What the reader knows of sessions. */
interface KnownSessions {
  readonly own: OwnConnections;
  readonly tracker: SessionTracker;
  readonly gone: GoneSessions;
}

/** Reads the tables that were swapped out of the log's place, having put right what others did to them. */
export class FrozenTables {
  readonly #tables: RecorderTables;
  readonly #sessions: KnownSessions;
  readonly #heartbeat: Heartbeat;
  readonly #connect: () => Promise<MysqlConnection>;
  #reader: LogTableReader | null = null;
  /** Id of the reader's connection that was closed last; null where none was. */
  #lastLost: number | null = null;
  /** Offsets of sessions from UTC; null where the log table keeps true times. */
  #zones: SessionZones | null = null;
  #lastConfirmed = 0;

  /** @param connect opens a connection that leaves no trace in the log. */
  constructor(
    tables: RecorderTables,
    sessions: KnownSessions,
    heartbeat: Heartbeat,
    connect: () => Promise<MysqlConnection>,
  ) {
    this.#tables = tables;
    this.#sessions = sessions;
    this.#heartbeat = heartbeat;
    this.#connect = connect;
  }

  /** The reader that is open, and the id of the one that was closed last; null for none. */
  get connections(): { reader: LogTableReader | null; lastLost: number | null } {
    if (this.#reader?.isUsable === false) this.closeReader();
    return { reader: this.#reader, lastLost: this.#lastLost };
  }

  /**
   * Reads a frozen table. One that another program put in the place of ours, or emptied, is put right
   * first.
   */
  async *read(
    generation: number,
    { skip = 0, since = null, spool = null }: Partial<ReadOptions> = {},
  ): AsyncGenerator<BatchPart> {
    let position = skip;
    let isRepaired = false;
    await this.#tables.find();
    const { serverStart, writtenAt } = await this.mend(generation, since);
    const table = this.#tables.slots.tableOf(generation);
    this.#sessions.own.setTable(serverStart);
    const form = {
      anyBytes: this.#tables.flavor.textIsBlob,
      cutAt: this.#tables.flavor.cutAt,
      zones: await this.#zonesOf(generation, since ?? writtenAt),
    };
    for (;;) {
      const reader = await this.#openReader();
      const isFromBeginning = position === 0;
      try {
        const batches = reader.read(
          table,
          position,
          this.#sessions.tracker,
          this.#sessions.own,
          form,
          spool,
        );
        for await (const batch of batches) {
          position += batch.rows;
          yield batch;
          // A backlog takes long: reading it is a sign of life, too.
          await this.#heartbeat.beatWhenDue();
        }
        // Somebody may have emptied it since it was looked at; while it is read the lock keeps it.
        const isWhole = isFromBeginning
          ? reader.hasSentinel
          : (await readSentinel(this.#tables.control, table)) !== null;
        if (!isWhole) yield await this.#emptied(generation, since);
        await this.#confirmDatabases(generation);
        if (this.#tables.lastSwap?.generation === generation)
          await this.#sessions.gone.lookWhenDue(this.#tables.control);
        return;
      } catch (error) {
        // A server that died left the table marked; its rows are all there.
        // What has no code is no refusal of the server's but a fault of ours.
        if (codeOf(error) === null) throw error;
        if (!saysDamaged(error) || isRepaired) throw this.#tables.control.translate(error);
        isRepaired = true;
        await this.#repair(generation);
      } finally {
        if (!reader.isUsable) this.closeReader();
      }
    }
  }

  /** What is missing of a frozen table that another program emptied just before it was read. */
  async #emptied(generation: number, since: ServerInstant | null): Promise<BatchPart> {
    const frozenAt =
      this.#tables.lastSwap?.generation === generation ? this.#tables.lastSwap.until : null;
    return {
      rows: 0,
      statements: [],
      interruption: {
        cause: 'log_table_changed',
        from: since,
        to: frozenAt ?? (await this.#tables.now()),
        reason:
          "Another program emptied a table of the recorder's that held a part of the log and was not read yet",
      },
    };
  }

  /**
   * Makes sure that a frozen table can be read and holds all that was logged in its time.
   * @returns the start of the server in which it was made, and when: null where it does not say.
   */
  async mend(
    generation: number,
    since: ServerInstant | null,
  ): Promise<{ serverStart: number; writtenAt: ServerInstant | null }> {
    const control = this.#tables.control;
    const table = this.#tables.slots.tableOf(generation);
    for (let attempt = 0; ; attempt++) {
      try {
        const sentinel = await readSentinel(control, table);
        if (sentinel?.generation === generation && isOfTap(sentinel.tap, this.#tables.tap)) {
          return sentinel;
        }
        if (attempt === 2) return { serverStart: this.#tables.serverStart, writtenAt: null };
        const isLast = this.#tables.lastSwap?.generation === generation;
        const times = {
          since,
          movedSince: isLast ? this.#tables.swapBefore : null,
          until: isLast ? (this.#tables.lastSwap?.until ?? null) : null,
        };
        await rebuildGeneration(
          control,
          this.#tables.flavor,
          table,
          this.#tables.sentinel(generation),
          times,
        );
      } catch (error) {
        if (!saysDamaged(error) || attempt === 2) throw error;
        await this.#repair(generation);
      }
    }
  }

  /** What puts the times of a frozen table right: needed where its engine keeps local ones. */
  async #zonesOf(generation: number, since: ServerInstant | null): Promise<SessionZones | null> {
    if ((await engineOf(this.#tables.control, this.#tables.slots.tableOf(generation))) !== 'CSV')
      return null;
    this.#zones ??= new SessionZones(await readServerOffset(this.#tables.control));
    const last = this.#tables.lastSwap?.generation === generation ? this.#tables.lastSwap : null;
    this.#zones.setBounds(since, last?.until ?? (await this.#tables.now()));
    return this.#zones;
  }

  /** Repairs a frozen table; what it lost is written down at its end. */
  async #repair(generation: number): Promise<void> {
    const table = this.#tables.slots.tableOf(generation);
    const said = await repair(this.#tables.control, table);
    // A row that a full disk tore is in the gap of what stopped the log.
    const isOfThisStart =
      this.#tables.guard.stopped === null && (await this.#tables.isOfThisStart(table));
    const until =
      this.#tables.lastSwap?.generation === generation ? this.#tables.lastSwap.until : null;
    await noteLoss(this.#tables.control, table, this.#tables.sentinel(generation), {
      said,
      isOfThisStart,
      until,
    });
  }

  /**
   * Asks the server where the log does not say whether a change of database succeeded. Only of
   * sessions that have been idle since the swap: what they have now is what they had there.
   */
  async #confirmDatabases(generation: number): Promise<void> {
    if (this.#tables.lastSwap?.generation !== generation) return;
    if (performance.now() - this.#lastConfirmed < CONFIRM_INTERVAL_MS) return;
    const sessions = this.#sessions.tracker.unconfirmed(CONFIRMED_AT_ONCE);
    if (sessions.length === 0) return;
    this.#lastConfirmed = performance.now();
    const isMariadb = this.#tables.flavor.name === 'mariadb';
    const { at } = this.#tables.lastSwap;
    for (const { session, db } of await listIdleDatabases(
      this.#tables.control,
      isMariadb,
      sessions,
      at,
    )) {
      this.#sessions.tracker.confirm(session, db);
    }
  }

  async #openReader(): Promise<LogTableReader> {
    if (this.#reader?.isUsable === true) return this.#reader;
    this.closeReader();
    this.#reader = new LogTableReader(await this.#connect());
    return this.#reader;
  }

  closeReader(): void {
    this.#lastLost = this.#reader?.connectionId ?? this.#lastLost;
    this.#reader?.close();
    this.#reader = null;
  }
}
