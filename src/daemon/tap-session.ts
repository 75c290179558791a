import { DAEMON } from '../core/audit.ts';
import { AppError, messageOf } from '../core/errors.ts';
import type { Gap } from '../core/gaps.ts';
import type { CounterReading } from '../core/received.ts';
import type { ServerLog } from '../core/server-log.ts';
import type { Recording, RecordingProgress, TapRow } from '../core/store.ts';
import { LineSerialiser } from '../workload/statement-line.ts';
import { CounterSampler } from './counter-sampler.ts';
import { Guards } from './guards.ts';
import { committedPosition, Recorder } from './recorder.ts';
import { StatementBatch } from './statement-batch.ts';
import {
  LeaseLost,
  ServerTaken,
  type ServerEnvironment,
  type TapContext,
  type TapState,
  type Waiting,
} from './tap-context.ts';
import {
  closeWindow,
  isDue,
  milliseconds,
  openWindow,
  sessionsNow,
  type WindowMoment,
} from './window.ts';

/** How often the log is drained; also how far behind the record is when all is well. */
const DRAIN_INTERVAL_MS = 500;
/** Within one generation (a backlog) the cursor is committed each time this much was read. */
const COMMIT_EVERY_ROWS = 500_000;
/** … or this long ago: of long statements there are few. */
const COMMIT_EVERY_MS = 5_000;
/** The log's switch is looked at this often: who turns it off must not go unnoticed. */
const CHECK_INTERVAL_MS = 5_000;

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
  readonly #guards: Guards;
  /** What the server was asked for; undefined before it was. */
  #deadMan: number | null | undefined = undefined;
  /** The generation that the live table will be frozen as. */
  #live = 0;
  #lastDrain = 0;
  #caughtUpTo: number | null = null;
  #lastCheck: number;
  #warnings: readonly string[] = [];
  /** Whether our table is the live one; false when all that is left to do is to give back. */
  #isTapped = false;
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
    this.#guards = new Guards(context);
    this.#lastCheck = context.clock.now();
  }

  /**
   * Connects, takes the server's lock, saves its settings, switches the log on (or finds it on after
   * a crash) and reads what was left frozen. Without a capture to record for, nothing is switched on.
   * @param options.isTaken whether another tap of this daemon reads the server with this key.
   * @param options.isGivingUp only to `restore`: no file is opened, which a full disk would refuse.
   * @throws AppError; ServerTaken; LeaseLost.
   */
  static async open(
    context: TapContext,
    environment: ServerEnvironment,
    state: TapState,
    options: { isTaken: (serverKey: string) => boolean; hasWaiting: boolean; isGivingUp?: boolean },
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
      if (options.isGivingUp !== true) await session.#start(options.hasWaiting);
      log('info', session.#isTapped ? 'log tapped' : 'server found to be given back', {
        environment: environment.name,
        server: session.serverName,
        version: server.server.version,
      });
      return session;
    } catch (error) {
      await (session ?? server).close();
      throw error;
    }
  }

  async #start(hasWaiting: boolean): Promise<void> {
    const { store } = this.#context;
    const row = this.#row();
    this.#server.setOwnConnections(store.taps.connectionsOf(row.id));
    const isNeeded =
      hasWaiting || store.recordings.listOfTap(row.id).some((r) => !isDrained(r, row.generation));
    if (isNeeded) await this.#tapLog(row);
    for (const { captureId } of store.recordings.listOfTap(row.id)) {
      await this.#openRecorder(captureId);
    }
    if (!isNeeded) return;
    // Before what may take long: it also says that we are here.
    if (this.#recorders.size > 0) await this.#tendDeadMan();
    await this.#catchUp();
  }

  /** Reads what was frozen and not read. */
  async #catchUp(): Promise<void> {
    for (const generation of (await this.#server.state()).frozen) {
      await this.#drainFrozen(generation);
    }
  }

  /** Behind everything that is frozen or was read. */
  async #findLive(row: TapRow): Promise<number> {
    const { frozen } = await this.#server.state();
    return Math.max(row.generation, frozen.at(-1) ?? 0) + 1;
  }

  /** Makes sure that the server logs to our table. */
  async #tapLog(row: TapRow): Promise<void> {
    const state = await this.#server.state();
    this.#live = await this.#findLive(row);
    if (state.installed && state.logging) {
      this.#server.restoreSessions(this.#context.store.taps.sessionsOf(row.id));
    } else {
      await this.#install(row, state.switchedOffAt);
    }
    this.#isTapped = true;
  }

  /** Switches the log on; where captures are open already it was off meanwhile, which is a gap. */
  async #install(row: TapRow, switchedOffAt: string | null): Promise<void> {
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
        if (isDrained(recording, row.generation)) continue;
        const facts = JSON.parse(recording.facts) as Recorder['facts'];
        const from =
          switchedOffAt ?? committedPosition(recording)?.lastTime ?? facts.start?.time ?? null;
        const reason =
          switchedOffAt === null
            ? 'the log was off when the recorder came back: the server was restarted, or somebody switched it off'
            : `the dead-man switch on the server switched the log off at ${switchedOffAt}: the recorder had not been heard of for too long`;
        const gap: Gap = {
          from,
          to: now,
          cause: switchedOffAt === null ? 'server_restarted' : 'log_switched_off',
          reason,
          after: { generation: row.generation + 1, row: row.row },
          before: { generation, row: 0 },
          afterSeq: recording.records,
          missing: null,
        };
        const gaps = [...facts.gaps, gap];
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
      const isGuarded = this.#guards.reasonOf(id) !== null;
      if (capture.status === 'STOPPING' || isGuarded) next = 0;
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
    if (!this.#isTapped) {
      // Everything was read before this daemon came; the live log table may be the owner's again.
      if (waiting.length === 0) {
        await this.#finishEnded(this.#row().generation, isLast);
        return;
      }
      await this.#tapLog(this.#row());
      await this.#catchUp();
    }
    for (const { captureId } of waiting) {
      if (this.#recorders.has(captureId)) continue;
      commit(() => store.recordings.begin(captureId, this.#tapId));
      await this.#openRecorder(captureId);
    }
    await this.#tendDeadMan();
    await this.#checkSwitch();
    const generation = this.#live;
    const asked = clock.now();
    const began = this.#guards.now();
    // Decided before the swap: what is asked for while it is under way belongs to the next one, or
    // statements that were received before the request would be behind the end of the window.
    const opening = waiting.filter(({ notBefore }) => notBefore <= asked).map((w) => w.captureId);
    const ending = [...this.#recorders.values()].filter((recorder) =>
      this.#isEnding(recorder, asked + this.#state.skew),
    );
    const isEdge = opening.length > 0 || ending.length > 0;
    const before = isEdge ? await this.#readCounters() : null;
    const swap = await this.#server.swap(generation);
    const after = isEdge ? await this.#readCounters() : null;
    this.#live = generation + 1;
    this.#lastDrain = clock.now();
    this.#state.skew = milliseconds(swap.after) - this.#lastDrain;
    const now = isEdge ? await sessionsNow(this.#server) : null;
    this.#moveWindows({ generation, swap, now, counters: { before, after } }, opening, ending);
    await this.#sampler.sample(this.#server, this.#openCaptures(generation), {
      skew: this.#state.skew,
      isEdge,
    });
    await this.#drainFrozen(generation);
    this.#caughtUpTo = asked;
    this.#guards.caughtUp(began);
    await this.#checkGuards();
    await this.#finishEnded(generation, isLast);
  }

  /** The counters that the record is compared with; null, and a word in the log, where it fails. */
  async #readCounters(): Promise<CounterReading | null> {
    try {
      return await this.#server.readEdgeCounters();
    } catch (error) {
      const environment = this.#environment.name;
      const message = messageOf(error);
      this.#context.log('warn', "server's counters not read", { environment, message });
      return null;
    }
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
    const live = this.#live > 0 ? this.#live : await this.#findLive(row);
    const warnings = await this.#server.restore(row.settings, live);
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
      () => this.#server.commandsSent(),
    );
    this.#recorders.set(captureId, recorder);
    this.#guards.note([recording]);
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

  /** Whether a window is open and its capture is to end at `now`, by the server's clock. */
  #isEnding(recorder: Recorder, now: number): boolean {
    if (recorder.firstGeneration === null || recorder.lastGeneration !== null) return false;
    const capture = this.#context.store.captures.find(recorder.captureId);
    if (capture === null) return false;
    return isDue(capture, now) || this.#guards.reasonOf(capture.id) !== null;
  }

  /** Opens and closes the windows whose edge this swap is, in one transaction. */
  #moveWindows(edge: WindowMoment, opening: readonly number[], ending: readonly Recorder[]): void {
    const { store, commit, log } = this.#context;
    const moved: { capture: number; event: string }[] = [];
    commit(() => {
      for (const recorder of ending) {
        closeWindow(this.#context, recorder, edge, this.#guards.reasonOf(recorder.captureId));
        moved.push({ capture: recorder.captureId, event: 'capture stopping' });
      }
      for (const id of opening) {
        const recorder = this.#recorders.get(id);
        const capture = store.captures.find(id);
        if (recorder === undefined || capture === null) continue;
        const next = { ...edge, generation: edge.generation + 1 };
        if (openWindow(this.#context, recorder, capture, next)) {
          moved.push({ capture: id, event: 'capture running' });
        }
      }
    });
    for (const { capture, event } of moved) {
      log('info', event, { capture, environment: this.#environment.name });
    }
  }

  /** Reads a frozen table into every capture whose window it is in, commits, and drops it. */
  async #drainFrozen(generation: number): Promise<void> {
    const row = this.#row();
    if (generation > row.generation) {
      const readers = [...this.#recorders.values()].filter((r) => r.wants(generation));
      let position = generation === row.generation + 1 ? row.row : 0;
      let uncommitted = 0;
      let committedAt = this.#guards.now();
      for await (const { rows, statements } of this.#server.read(generation, position)) {
        position += rows;
        uncommitted += rows;
        if (readers.length > 0) {
          const batch = new StatementBatch(statements, this.#lines);
          for (const recorder of readers) await recorder.write(batch);
        }
        const isLongAgo = this.#guards.now() - committedAt >= COMMIT_EVERY_MS;
        if (uncommitted >= COMMIT_EVERY_ROWS || isLongAgo) {
          await this.#commitCursor(generation - 1, position, readers);
          uncommitted = 0;
          committedAt = this.#guards.now();
          await this.#checkGuards();
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
    this.#guards.note(recordings);
  }

  /** Looks whether a guard ends a capture whose window is open: at the next swap then. */
  async #checkGuards(): Promise<void> {
    const open = [...this.#recorders.values()].filter(
      ({ firstGeneration, lastGeneration }) => firstGeneration !== null && lastGeneration === null,
    );
    await this.#guards.check(
      this.#server,
      open.map(({ captureId }) => captureId),
    );
  }

  /**
   * Keeps the server's dead-man switch as the captures want it. The shortest time counts, also against
   * a capture that wants none: it is for the server's sake.
   */
  async #tendDeadMan(): Promise<void> {
    const { store, log } = this.#context;
    let after: number | null = null;
    for (const [id, { lastGeneration }] of this.#recorders) {
      const deadMan = lastGeneration === null ? store.captures.find(id)?.options.deadMan : null;
      if (deadMan != null) after = Math.min(after ?? deadMan, deadMan);
    }
    if (after === this.#deadMan) return;
    const obstacle = await this.#server.setDeadMan(after, this.#row().settings);
    this.#deadMan = after;
    if (obstacle === null) return;
    log('warn', 'no dead-man switch', { environment: this.#environment.name, obstacle });
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
        // Who stopped it may have said why.
        reason: facts.endReason ?? store.captures.find(captureId)?.reason ?? null,
      });
    });
    this.#guards.forget(captureId);
    log('info', 'capture done', { capture: captureId, records: progress.records });
  }
}

/** Whether a capture's window is over and everything of it was read and committed. */
function isDrained({ lastGeneration }: Recording, generation: number): boolean {
  return lastGeneration !== null && lastGeneration <= generation;
}
