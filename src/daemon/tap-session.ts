import { DAEMON, type AuditTrail } from '../core/audit.ts';
import { REACHED_ITS_END } from '../core/capture-service.ts';
import type { Capture } from '../core/captures.ts';
import type { Clock } from '../core/clock.ts';
import type { Environment, ServerAddress } from '../core/environments.ts';
import { AppError } from '../core/errors.ts';
import type { OpenTransaction, ServerLog, ServerLogs, Swap } from '../core/server-log.ts';
import type { RecordingProgress, Store, TapRow } from '../core/store.ts';
import type { ManifestSession } from '../workload/manifest.ts';
import { LineSerialiser } from '../workload/statement-line.ts';
import { CounterSampler } from './counter-sampler.ts';
import type { DaemonLog } from './log.ts';
import { committedPosition, Recorder } from './recorder.ts';

/** How often the log is drained; also how far behind the record is when all is well. */
const DRAIN_INTERVAL_MS = 500;
/** Within one generation (a backlog) the cursor is committed each time this much was read. */
const COMMIT_EVERY_ROWS = 500_000;
/** The log's switch is looked at this often: who turns it off must not go unnoticed. */
const CHECK_INTERVAL_MS = 5_000;

/** Another daemon has the lease, or the store is gone: nothing may be written any more. */
export class LeaseLost extends Error {}

export type ServerEnvironment = Environment & { readonly server: ServerAddress };

export interface TapContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly serverLogs: ServerLogs;
  readonly log: DaemonLog;
  readonly programVersion: string;
  /** For the reasons of failures: host and pid. */
  readonly daemonName: string;
  readonly audit: AuditTrail;
  /**
   * Runs `work` in one store transaction that also proves the lease is still ours.
   * @throws LeaseLost.
   */
  readonly commit: <T>(work: () => T) => T;
}

/** What outlives one connection to the server. */
export interface TapState {
  /** The server's key; null until it was reached. */
  serverKey: string | null;
  row: TapRow | null;
  /** Server clock minus ours, in milliseconds, as of the last swap. */
  skew: number;
}

/** A capture that is STARTING: its window opens at the first swap from `notBefore` (our clock) on. */
export interface Waiting {
  readonly captureId: number;
  readonly notBefore: number;
}

/** The server turned out to be one that another tap reads already. */
export class ServerTaken extends Error {
  readonly serverKey: string;
  constructor(serverKey: string) {
    super('another tap reads this server');
    this.serverKey = serverKey;
  }
}

interface SessionsNow {
  readonly sessions: ManifestSession[];
  readonly transactions: OpenTransaction[];
}

/**
 * One connection's worth of tapping: from the lock on the server, over the drains, to the server
 * given back. After an error it is of no more use: close it and open another, which goes on from what
 * is committed and from what is on the server. That is what a new daemon does after a crash, too:
 * there is one way to resume, not two.
 */
export class TapSession {
  readonly #context: TapContext;
  readonly #environment: ServerEnvironment;
  readonly #state: TapState;
  readonly #server: ServerLog;
  readonly #tapId: number;
  readonly #recorders = new Map<number, Recorder>();
  readonly #lines = new LineSerialiser();
  readonly #sampler: CounterSampler;
  /** The generation that the live table will be frozen as. */
  #live = 0;
  #lastDrain = 0;
  #caughtUpTo: number | null = null;
  #lastCheck: number;
  #warnings: readonly string[] = [];
  #isRestored = false;

  private constructor(
    context: TapContext,
    environment: ServerEnvironment,
    state: TapState,
    server: ServerLog,
    tapId: number,
  ) {
    this.#context = context;
    this.#environment = environment;
    this.#state = state;
    this.#server = server;
    this.#tapId = tapId;
    this.#sampler = new CounterSampler(context, environment.name);
    this.#lastCheck = context.clock.now();
  }

  /**
   * Connects, takes the server's lock, saves its settings, switches the log on (or finds it on after
   * a crash) and reads what was left frozen. Without a capture to record for, nothing is switched on.
   * @param isTaken whether another tap of this daemon reads the server with this key.
   * @throws AppError; ServerTaken; LeaseLost.
   */
  static async open(
    context: TapContext,
    environment: ServerEnvironment,
    state: TapState,
    options: { isTaken: (serverKey: string) => boolean; hasWaiting: boolean },
  ): Promise<TapSession> {
    const { store, commit, clock, serverLogs, log } = context;
    const server = await serverLogs.open(environment.server, store.id, (connectionId) => {
      const { row } = state;
      if (row !== null) commit(() => store.taps.addConnection(row.id, connectionId));
    });
    let session: TapSession | null = null;
    try {
      const { key } = server.server;
      if (state.row === null && options.isTaken(key)) throw new ServerTaken(key);
      // Known from here on, without a pause since it was asked: no second tap can begin on it.
      state.serverKey = key;
      state.row ??= store.taps.findByServer(key);
      if (state.row !== null && state.row.serverKey !== key) {
        throw new AppError(
          'conflict',
          'The environment leads to another server now than the one whose log was switched on',
          { hint: 'Point it back at the first one, so that its settings can be restored.' },
        );
      }
      await server.lock(state.row === null ? [] : store.taps.connectionsOf(state.row.id));
      if (state.row === null) {
        const settings = await server.readSettings();
        // Saved before anything is touched: from here on a crash cannot lose what to go back to.
        state.row = commit(() =>
          store.taps.insert(
            { serverKey: key, environmentId: environment.id, settings },
            clock.now(),
          ),
        );
      }
      const tapId = state.row.id;
      commit(() => store.taps.addConnection(tapId, server.connectionId));
      session = new TapSession(context, environment, state, server, tapId);
      const recordings = store.recordings.listOfTap(tapId);
      const isNeeded = options.hasWaiting || recordings.length > 0;
      await session.#start(isNeeded);
      log('info', isNeeded ? 'log tapped' : 'server found to be given back', {
        environment: environment.name,
        server: `${server.server.hostname}:${server.server.port}`,
        version: server.server.version,
      });
      return session;
    } catch (error) {
      await (session ?? server).close();
      throw error;
    }
  }

  async #start(isNeeded: boolean): Promise<void> {
    const { store } = this.#context;
    const row = this.#row();
    this.#server.setOwnConnections(store.taps.connectionsOf(row.id));
    const state = await this.#server.state();
    const newest = Math.max(row.generation, state.frozen.at(-1) ?? 0);
    this.#live = newest + 1;
    if (!isNeeded) return;
    if (state.installed && state.logging) {
      this.#server.restoreSessions(store.taps.sessionsOf(row.id));
    } else {
      await this.#install(row);
    }
    for (const { captureId } of store.recordings.listOfTap(row.id))
      await this.#openRecorder(captureId);
    for (const generation of (await this.#server.state()).frozen)
      await this.#drainFrozen(generation);
  }

  /** Switches the log on; where captures are open already it was off meanwhile, which is a gap. */
  async #install(row: TapRow): Promise<void> {
    const { store, commit, log } = this.#context;
    const generation = this.#live;
    const { warnings, ownConnectionIds } = await this.#server.install(row.settings, generation);
    this.#live = generation + 1;
    this.#warnings = warnings;
    const sessions = await this.#server.sessions();
    const now = new Date(this.#context.clock.now()).toISOString();
    commit(() => {
      for (const id of ownConnectionIds) store.taps.addConnection(row.id, id);
      store.taps.replaceSessions(row.id, sessions);
      for (const recording of store.recordings.listOfTap(row.id)) {
        if (recording.firstGeneration === null || recording.facts === null) continue;
        const facts = JSON.parse(recording.facts) as Recorder['facts'];
        const from = committedPosition(recording)?.lastTime ?? facts.start?.time ?? null;
        const reason =
          'the log was off when the recorder came back: the server was restarted, or somebody switched it off';
        const gaps = [...facts.gaps, { from, to: now, reason }];
        store.recordings.saveFacts(recording.captureId, JSON.stringify({ ...facts, gaps }));
      }
    });
    this.#server.setOwnConnections(store.taps.connectionsOf(row.id));
    this.#server.restoreSessions(sessions);
    for (const warning of warnings) {
      log('warn', 'log switched on with a warning', {
        environment: this.#environment.name,
        warning,
      });
    }
  }

  /** `host:port` as the server calls itself. */
  get serverName(): string {
    const { hostname, port } = this.#server.server;
    return `${hostname}:${port}`;
  }

  /** Everything the server received before this, by our clock, is recorded and committed. */
  get caughtUpTo(): number | null {
    return this.#caughtUpTo;
  }

  /** Captures that have a recorder. */
  has(captureId: number): boolean {
    return this.#recorders.has(captureId);
  }

  /** Whether every capture is recorded to its end and the server is as it was. */
  get isRestored(): boolean {
    return this.#isRestored;
  }

  /** When something is due next, by our clock: a drain, or the edge of a window. */
  nextDue(waiting: Iterable<Waiting>): number {
    // A clock that was set back must not put the next drain off.
    let next = Math.min(this.#lastDrain, this.#context.clock.now()) + DRAIN_INTERVAL_MS;
    for (const { notBefore } of waiting) next = Math.min(next, notBefore);
    for (const [id, recorder] of this.#recorders) {
      if (recorder.firstGeneration === null) continue;
      const capture = this.#context.store.captures.find(id);
      if (capture === null) continue;
      if (capture.status === 'STOPPING') next = 0;
      else if (capture.scheduledEnd !== null) {
        next = Math.min(next, capture.scheduledEnd - this.#state.skew);
      }
    }
    return next;
  }

  /**
   * One swap and everything that follows from it: windows open and close there, the frozen table is
   * read into every capture whose window it is in, committed and dropped, and captures whose window
   * is drained become DONE.
   * @param waiting captures to admit; those whose instant has come are RUNNING afterwards.
   * @param isLast asked, without a pause before the answer is acted on, when no capture is left:
   *   true gives the server back.
   */
  async drain(waiting: readonly Waiting[], isLast: () => boolean): Promise<void> {
    const { clock, store, commit } = this.#context;
    for (const { captureId } of waiting) {
      if (this.#recorders.has(captureId)) continue;
      commit(() => store.recordings.begin(captureId, this.#tapId));
      await this.#openRecorder(captureId);
    }
    await this.#checkSwitch();
    const generation = this.#live;
    const asked = clock.now();
    const swap = await this.#server.swap(generation);
    this.#live = generation + 1;
    this.#lastDrain = clock.now();
    this.#state.skew = milliseconds(swap.after) - this.#lastDrain;
    const opening = waiting.filter(({ notBefore }) => notBefore <= asked).map((w) => w.captureId);
    const isEdge =
      opening.length > 0 || [...this.#recorders.values()].some((r) => this.#isEnding(r));
    this.#moveWindows(generation, swap, opening, isEdge ? await this.#sessionsNow() : null);
    await this.#sampler.sample(this.#server, this.#openCaptures(generation), {
      skew: this.#state.skew,
      isEdge,
    });
    await this.#drainFrozen(generation);
    this.#caughtUpTo = asked;
    await this.#finishEnded(generation, isLast);
  }

  /** Captures whose window is open, or was until this generation. */
  #openCaptures(generation: number): number[] {
    return [...this.#recorders.values()]
      .filter(({ firstGeneration, lastGeneration }) => {
        return firstGeneration !== null && (lastGeneration ?? generation) >= generation;
      })
      .map(({ captureId }) => captureId);
  }

  /** Gives the server back when no capture needed it in the first place. */
  async restore(): Promise<void> {
    const row = this.#row();
    const warnings = await this.#server.restore(row.settings, this.#live);
    this.#isRestored = true;
    const { log } = this.#context;
    for (const warning of warnings) {
      log('warn', 'server given back with a warning', {
        environment: this.#environment.name,
        warning,
      });
    }
    log('info', 'server given back', { environment: this.#environment.name });
  }

  /** Lets go of the connection and the files; what was not committed is read again. Never throws. */
  async close(): Promise<void> {
    for (const recorder of this.#recorders.values()) await recorder.close();
    await this.#server.close();
  }

  #row(): TapRow {
    const row = this.#context.store.taps.find(this.#tapId);
    if (row === null) throw new LeaseLost('the tap is not in the store any more');
    return row;
  }

  async #openRecorder(captureId: number): Promise<void> {
    const { store, programVersion } = this.#context;
    const capture = store.captures.find(captureId);
    const recording = store.recordings.find(captureId);
    if (capture === null || recording === null) return;
    const { flavor, version, uuid, hostname, port } = this.#server.server;
    const recorder = await Recorder.open(
      { store, programVersion },
      capture,
      this.#environment,
      recording,
      {
        server: { flavor, version, uuid, hostname, port },
        settingsBefore: this.#row().settings,
        warnings: this.#warnings,
      },
    );
    this.#recorders.set(captureId, recorder);
  }

  async #checkSwitch(): Promise<void> {
    const now = this.#context.clock.now();
    const passed = now - this.#lastCheck;
    if (passed >= 0 && passed < CHECK_INTERVAL_MS) return;
    this.#lastCheck = now;
    const state = await this.#server.state();
    if (!state.logging || !state.installed) {
      throw new AppError(
        'conflict',
        'Somebody else switched the general log off, so statements are missing',
        { hint: 'Their setting was left as it is.' },
      );
    }
  }

  async #sessionsNow(): Promise<SessionsNow> {
    const sessions = await this.#server.sessions();
    return {
      sessions: sessions.map(({ session, user, host, db }) => ({ session, user, host, db })),
      transactions: await this.#server.openTransactions(),
    };
  }

  /** Whether a window is open and its capture is to end now. */
  #isEnding(recorder: Recorder): boolean {
    if (recorder.firstGeneration === null || recorder.lastGeneration !== null) return false;
    const capture = this.#context.store.captures.find(recorder.captureId);
    return capture !== null && isDue(capture, this.#lastDrain + this.#state.skew);
  }

  /** Opens and closes the windows whose edge this swap is, in one transaction. */
  #moveWindows(
    generation: number,
    swap: Swap,
    opening: readonly number[],
    now: SessionsNow | null,
  ): void {
    const { commit, log } = this.#context;
    const moved = commit(() => {
      // In this order: a window that opens here cannot end here.
      const closed = [...this.#recorders.values()]
        .filter((recorder) => this.#isEnding(recorder))
        .map((recorder) => this.#closeWindow(recorder, generation, swap, now));
      const opened = opening.flatMap((id) => this.#openWindow(id, generation + 1, swap, now));
      return [...closed, ...opened];
    });
    for (const { capture, event } of moved) {
      log('info', event, { capture, environment: this.#environment.name });
    }
  }

  #openWindow(
    captureId: number,
    generation: number,
    swap: Swap,
    now: SessionsNow | null,
  ): { capture: number; event: string }[] {
    const { store, audit } = this.#context;
    const recorder = this.#recorders.get(captureId);
    const capture = store.captures.find(captureId);
    if (recorder === undefined || capture === null) return [];
    // Rounded inwards: from `start` to `end`, every statement is recorded.
    const start = Math.ceil(milliseconds(swap.after));
    const scheduledEnd = capture.duration === null ? null : start + capture.duration;
    if (
      audit.moveCapture(DAEMON, captureId, 'STARTING', 'RUNNING', { start, scheduledEnd }) === null
    ) {
      return [];
    }
    recorder.facts = {
      ...recorder.facts,
      start: { time: swap.after, generation, gtid: swap.gtid },
      sessionsAtStart: now?.sessions ?? [],
      transactionsAtStart: now?.transactions ?? [],
    };
    recorder.firstGeneration = generation;
    store.recordings.open(captureId, generation, JSON.stringify(recorder.facts));
    return [{ capture: captureId, event: 'capture running' }];
  }

  #closeWindow(
    recorder: Recorder,
    generation: number,
    swap: Swap,
    now: SessionsNow | null,
  ): { capture: number; event: string } {
    const { store, audit } = this.#context;
    const { captureId } = recorder;
    const isEndOfItsOwn = audit.moveCapture(DAEMON, captureId, 'RUNNING', 'STOPPING') !== null;
    recorder.facts = {
      ...recorder.facts,
      end: { time: swap.before, generation, gtid: swap.gtid },
      sessionsAtEnd: now?.sessions ?? null,
      transactionsAtEnd: now?.transactions ?? null,
      endReason: isEndOfItsOwn ? REACHED_ITS_END : null,
    };
    recorder.lastGeneration = generation;
    store.recordings.end(captureId, generation, JSON.stringify(recorder.facts));
    return { capture: captureId, event: 'capture stopping' };
  }

  /** Reads a frozen table into every capture whose window it is in, commits, and drops it. */
  async #drainFrozen(generation: number): Promise<void> {
    const row = this.#row();
    if (generation > row.generation) {
      const readers = [...this.#recorders.values()].filter((r) => r.wants(generation));
      let position = generation === row.generation + 1 ? row.row : 0;
      let uncommitted = 0;
      for await (const { rows, statements } of this.#server.read(generation, position)) {
        position += rows;
        uncommitted += rows;
        if (readers.length > 0) {
          const tails = this.#lines.tails(statements);
          for (const recorder of readers) await recorder.write(statements, tails);
        }
        if (uncommitted >= COMMIT_EVERY_ROWS) {
          await this.#commitCursor(generation - 1, position, readers);
          uncommitted = 0;
        }
      }
      if (row.settings.generalLog && row.settings.logOutput.includes('TABLE')) {
        // Before the commit: a crash in between doubles rows in the owner's log, never loses any.
        await this.#server.appendToOwners(generation);
      }
      await this.#commitCursor(generation, 0, readers);
      for (const recorder of readers) await recorder.refreshManifest();
    }
    await this.#server.drop(generation);
  }

  async #commitCursor(
    generation: number,
    row: number,
    readers: readonly Recorder[],
  ): Promise<void> {
    const { store, commit } = this.#context;
    const recordings: RecordingProgress[] = [];
    for (const recorder of readers) recordings.push(await recorder.flush());
    const { changed, ended } = this.#server.takeSessionChanges();
    commit(() => {
      store.taps.commit({
        tapId: this.#tapId,
        generation,
        row,
        changedSessions: changed,
        endedSessions: ended,
        recordings,
      });
    });
  }

  /** Finishes captures whose window is drained; the last one only once the server is as it was. */
  async #finishEnded(generation: number, isLast: () => boolean): Promise<void> {
    const ended = [...this.#recorders.values()].filter(
      (recorder) => recorder.lastGeneration !== null && recorder.lastGeneration <= generation,
    );
    let restoreFailure: Error | null = null;
    if (ended.length === this.#recorders.size && isLast()) {
      try {
        await this.restore();
      } catch (error) {
        // The workload is whole all the same; what is owed to the server stays in the store.
        restoreFailure = error instanceof Error ? error : new Error(String(error));
      }
    }
    for (const recorder of ended) {
      await recorder.writeManifest(true);
      this.#finish(recorder, await recorder.flush());
      await recorder.close();
      this.#recorders.delete(recorder.captureId);
    }
    if (restoreFailure !== null) throw restoreFailure;
  }

  #finish(recorder: Recorder, progress: RecordingProgress): void {
    const { store, audit, commit, log } = this.#context;
    const { facts, captureId } = recorder;
    commit(() => {
      store.recordings.finish(progress, JSON.stringify(facts));
      store.metrics.packSamples(captureId);
      audit.moveCapture(DAEMON, captureId, 'STOPPING', 'DONE', {
        end: facts.end === null ? null : Math.floor(milliseconds(facts.end.time)),
        reason: facts.endReason,
      });
    });
    log('info', 'capture done', { capture: captureId, records: progress.records });
  }
}

/** Whether a capture whose window is open is to end at `now`, by the server's clock. */
export function isDue(capture: Capture, now: number): boolean {
  if (capture.status !== 'RUNNING') return true;
  return capture.scheduledEnd !== null && capture.scheduledEnd <= now;
}

/** Milliseconds since the epoch, with the microseconds as a fraction, of `2026-11-22T01:00:00.123456Z`. */
function milliseconds(time: string): number {
  return Date.parse(`${time.slice(0, 23)}Z`) + Number(time.slice(23, 26)) / 1_000;
}
