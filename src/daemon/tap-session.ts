import { randomUUID } from 'node:crypto';
import { isOver } from '../core/captures/capture.ts';
import { AppError, messageOf } from '../core/errors.ts';
import type { CounterReading } from '../core/verification/edge-counters.ts';
import {
  type LogInterruption,
  LogStopped,
  RotatedMeanwhile,
  type KnownChanges,
  type ServerInstant,
  type ServerLog,
  type Swap,
} from '../core/source.ts';
import type { Recording, Store, TapRow } from '../core/store.ts';
import { CounterSampler } from './counter-sampler.ts';
import { Guards, SYSTEM_SOURCES } from './guards.ts';
import { findLive, tapLog, type FreshLog } from './live-log.ts';
import { LogDrain } from './log-drain.ts';
import { Recorder, type RecordingFacts } from './recorder.ts';
import { Recycler } from './recycler.ts';
import { findRow, requireSameServer, type OtherTaps } from './server-proof.ts';
import { WarmUpHolder } from './warm-up-holder.ts';
import {
  LeaseLost,
  type ServerEnvironment,
  type TapContext,
  type TapState,
  type Waiting,
} from './tap-context.ts';
import {
  closeWindow,
  finishCapture,
  isDue,
  milliseconds,
  openWindow,
  sessionsNow,
  type WindowMoment,
} from './window.ts';

/** How often the log is drained; also how far behind the record is when all is well. */
const DRAIN_INTERVAL_MS = 500;

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
  readonly #drainer: LogDrain;
  readonly #sampler: CounterSampler;
  readonly #recycler: Recycler;
  readonly #holder: WarmUpHolder;
  /** Whether a warm-up is on, and nothing is recorded. */
  #isHolding = false;
  /** Whether the next drain follows this one at once. */
  #drainsAtOnce = false;
  readonly #guards: Guards;
  /** What the server was asked for; undefined before it was. */
  #deadMan: number | null | undefined = undefined;
  /** Why the server will not do it; null when it will. */
  #deadManObstacle: string | null = null;
  /** The generation that the live table will be frozen as. */
  #live = 0;
  /** When the last swap was, in milliseconds of time that passes. */
  #drainedAt = -Infinity;
  #caughtUpTo: number | null = null;
  /** When the live table was put in place, by the server's clock; null where an earlier session did. */
  #swappedAt: ServerInstant | null = null;
  /** Read just before that swap: everything received until then is in what was frozen there. */
  #since: ServerInstant | null = null;
  #isSwitchedOff: 'no' | 'by somebody' | 'by dead-man' = 'no';
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
    this.#recycler = new Recycler(context, server);
    this.#holder = new WarmUpHolder(context, environment.id, tapId, server);
    this.#guards = new Guards(context, SYSTEM_SOURCES, state.caughtUpAt);
    this.#drainer = new LogDrain(
      context,
      environment.name,
      server,
      tapId,
      this.#recorders,
      this.#guards,
      () => this.#checkGuards(),
      state,
    );
  }

  /**
   * Connects, takes the server's lock, saves its settings, switches the log on (or finds it on after
   * a crash) and reads what was left frozen. Without a capture to record for, nothing is switched on.
   * @param options.others the other taps of this daemon: one of them may read this server.
   * @param options.signal aborted, drops every connection, also after this.
   * @param options.isGivingUp only to `restore`: no file is opened, which a full disk would refuse.
   * @throws AppError; ServerTaken; LeaseLost.
   */
  static async open(
    context: TapContext,
    environment: ServerEnvironment,
    state: TapState,
    options: {
      others: OtherTaps;
      waiting: Iterable<Waiting>;
      signal: AbortSignal;
      isGivingUp?: boolean;
    },
  ): Promise<TapSession> {
    const { store, commit, clock, serverLogs, log } = context;
    // Before anything is sent, where the server is known by then.
    adoptCommands(context, state);
    const server = await serverLogs.open(
      environment.server,
      store.id,
      (connection) => {
        const { row } = state;
        if (row !== null) commit(() => store.taps.addConnection(row.id, connection));
      },
      state.own,
      options.signal,
    );
    let session: TapSession | null = null;
    try {
      const { key } = server.server;
      // Asked and known without a pause between: of two taps that reach a server at once, one waits
      // for the other.
      const earlier = options.others.at(key);
      state.serverKey = key;
      if (state.row === null) {
        const { others } = options;
        state.row = await findRow(context, environment, server, earlier, (id) => others.hasRow(id));
      } else {
        const { nonce } = await server.marks();
        // Another name is another server: nonce or none.
        requireSameServer(state.row, state.row.serverKey === key ? nonce : '');
      }
      await server.lock(state.row === null ? [] : store.taps.connectionsOf(state.row.id));
      if (state.row === null) {
        const settings = await server.ownersSettings();
        // Saved before anything is touched: from here on a crash cannot lose what to go back to.
        state.row = commit(() =>
          store.taps.insert(
            { serverKey: key, nonce: randomUUID(), environmentId: environment.id, settings },
            clock.now(),
          ),
        );
      }
      adoptCommands(context, state);
      const tapId = state.row.id;
      const { connectionId, serverStart } = server;
      commit(() => store.taps.addConnection(tapId, { connectionId, serverStart }));
      server.setTap(tapId, state.row.nonce, knownChanges(store, tapId, serverStart));
      session = new TapSession(context, environment, state, server, tapId);
      if (options.isGivingUp !== true) await session.#start([...options.waiting]);
      const { warmUps } = store;
      const isWarm = warmUps.listOpen().some((one) => one.environmentId === environment.id);
      const found = isWarm ? 'server found for a warm-up' : 'server found to be restored';
      log('info', session.#isTapped ? 'log tapped' : found, {
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

  async #start(waiting: readonly Waiting[]): Promise<void> {
    const { store } = this.#context;
    const row = this.#row();
    this.#server.setOwnConnections(store.taps.connectionsOf(row.id));
    const isNeeded =
      waiting.length > 0 ||
      store.recordings.listOfTap(row.id).some((r) => !isDrained(r, row.generation));
    const fresh = isNeeded ? await this.#tapLog(row, waiting) : null;
    for (const { captureId } of store.recordings.listOfTap(row.id)) {
      await this.#openRecorder(captureId);
    }
    if (!isNeeded) return;
    // Before what may take long: it also says that we are here.
    if (this.#recorders.size > 0) await this.#tendDeadMan();
    await this.#drainer.catchUp(fresh);
  }

  /** Makes sure that the server logs to our table, and knows which one it is. */
  async #tapLog(row: TapRow, waiting: readonly Waiting[]): Promise<FreshLog | null> {
    const after = this.#wantedDeadMan(waiting);
    await this.#holder.suspend();
    this.#isHolding = false;
    const live = await tapLog(this.#context, this.#environment.name, this.#server, row, after);
    this.#live = live.generation;
    this.#warnings = live.warnings;
    this.#isTapped = true;
    if (after !== null && live.deadManObstacle !== undefined) {
      this.#noteDeadMan(after, live.deadManObstacle);
    }
    return live.fresh;
  }

  /** The server's id of the control connection. */
  get connectionId(): number {
    return this.#server.connectionId;
  }

  /** Whether something is switched on for us, and so the marker has our nonce. */
  get isMarked(): boolean {
    return this.#isTapped || this.#isHolding;
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

  /** Whether everything that was there was read once: what comes now is new. */
  get hasDrained(): boolean {
    return this.#caughtUpTo !== null;
  }

  /** Whether every capture is recorded to its end and the server is as it was. */
  get isRestored(): boolean {
    return this.#isRestored;
  }

  /** When something is due next, by our clock: a drain, or the edge of a window. */
  nextDue(waiting: Iterable<Waiting>): number {
    const now = this.#context.clock.now();
    if (this.#isHolding) return [...waiting].length > 0 ? now : this.#holder.nextDue;
    // By the time that passes, not by the clock: set back, it would put the next drain off for hours.
    const interval = this.#drainsAtOnce ? 0 : DRAIN_INTERVAL_MS;
    let next = now + this.#drainedAt + interval - this.#guards.now();
    const serverNow = this.#serverNow();
    for (const { notBefore } of waiting) next = Math.min(next, notBefore);
    for (const [id, recorder] of this.#recorders) {
      if (recorder.firstGeneration === null) continue;
      const capture = this.#context.store.captures.find(id);
      if (capture === null) continue;
      const isGuarded = this.#guards.reasonOf(id) !== null;
      if (capture.status === 'STOPPING' || isGuarded) next = 0;
      else if (capture.scheduledEnd !== null && serverNow !== null) {
        next = Math.min(next, now + capture.scheduledEnd - serverNow);
      }
    }
    return next;
  }

  /**
   * The server's clock, as of the last swap and the time that has passed since, whatever is done to
   * ours; null before the first swap.
   */
  #serverNow(): number | null {
    if (this.#swappedAt === null) return null;
    return milliseconds(this.#swappedAt) + this.#guards.now() - this.#drainedAt;
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
        const row = this.#row();
        this.#isHolding = await this.#holder.tend(row.settings);
        await this.#finishEnded(row.generation, this.#isHolding ? () => false : isLast);
        return;
      }
      await this.#drainer.catchUp(await this.#tapLog(this.#row(), waiting));
    }
    await this.#holder.endThoseOver();
    await this.#letGoOfOver();
    for (const { captureId } of waiting) {
      if (this.#recorders.has(captureId)) continue;
      commit(() => store.recordings.begin(captureId, this.#tapId));
      await this.#openRecorder(captureId);
    }
    await this.#tendDeadMan();
    this.#endStopped(waiting);
    const asked = clock.now();
    const began = this.#guards.now();
    // Decided before the swap: what is asked for while it is under way belongs to the next one, or
    // statements that were received before the request would be behind the end of the window.
    const admitted = this.#server.stopped === null ? waiting : [];
    const opening = admitted.filter(({ notBefore }) => notBefore <= asked).map((w) => w.captureId);
    const serverNow = this.#serverNow() ?? -Infinity;
    const ending = [...this.#recorders.values()].filter((recorder) =>
      this.#isEnding(recorder, serverNow),
    );
    const isEdge = opening.length > 0 || ending.length > 0;
    if (ending.length > 0) {
      commit(() => {
        for (const { captureId } of ending) store.recordings.closing(captureId);
      });
    }
    const swapped = await this.#swap(isEdge);
    // The disk is full and the log is off: every window closes at the swap that there is then.
    if (swapped === null) return this.drain(waiting, isLast);
    const { generation, before, swap } = swapped;
    const after = isEdge ? await this.#readCounters() : null;
    this.#live = generation + 1;
    const since = this.#since;
    this.#since = swap.before;
    this.#swappedAt = swap.after;
    this.#drainedAt = this.#guards.now();
    this.#state.skew = milliseconds(swap.after) - clock.now();
    const now = isEdge ? await sessionsNow(this.#server) : null;
    this.#moveWindows({ generation, swap, now, counters: { before, after } }, opening, ending);
    await this.#sampler.sample(this.#server, this.#openCaptures(generation), {
      skew: this.#state.skew,
      isEdge,
    });
    const interruption = swap.logging ? null : await this.#switchedOff(since, swap);
    await this.#drainer.drain(generation, { since, until: swap.after, interruption });
    this.#caughtUpTo = asked;
    this.#guards.caughtUp(began);
    this.#state.caughtUpAt = began;
    await this.#checkGuards();
    await this.#recycle();
    await this.#finishEnded(generation, isLast);
    await this.#afterSwitchedOff();
  }

  /**
   * Ends idle sessions where that was asked for: behind a drain that follows another at once, and so has
   * little to read. What a session did since the last swap nobody knows, and one of a busy pool is not idle
   * for long: 28 to 65 ms passed behind the swap of a usual drain of 500 rows, about 15 behind this one's.
   */
  async #recycle(): Promise<void> {
    const asking = this.#openWindows().flatMap((id) => {
      const recorder = this.#recorders.get(id);
      return recorder !== undefined && this.#recycler.isUnderWay(recorder) ? [recorder] : [];
    });
    this.#drainsAtOnce = asking.length > 0 && !this.#drainsAtOnce;
    if (this.#drainsAtOnce) return;
    await this.#recycler.tend(asking);
  }

  /**
   * Freezes the live table, having read what others froze before us; null when the disk of the server is
   * full and nothing was frozen.
   */
  async #swap(
    isEdge: boolean,
  ): Promise<{ generation: number; before: CounterReading | null; swap: Swap } | null> {
    for (;;) {
      while (await this.#server.findForeignRotation(this.#live)) {
        const rotated = this.#live++;
        const edges = { since: this.#since, until: null, interruption: null };
        await this.#drainer.drain(rotated, edges);
      }
      const generation = this.#live;
      const before = isEdge ? await this.#readCounters() : null;
      try {
        return { generation, before, swap: await this.#server.swap(generation) };
      } catch (error) {
        if (error instanceof LogStopped) return null;
        if (!(error instanceof RotatedMeanwhile)) throw error;
      }
    }
  }

  /** Goes on after the dead-man switch; ends, with what was recorded, after anybody else's. */
  async #afterSwitchedOff(): Promise<void> {
    if (this.#isSwitchedOff === 'no' || this.#isRestored) return;
    if (this.#isSwitchedOff === 'by dead-man') {
      this.#isSwitchedOff = 'no';
      // It is gone with what it did, and has to be asked for again.
      this.#deadMan = undefined;
      await this.#drainer.catchUp(await this.#tapLog(this.#row(), []));
      return;
    }
    throw new AppError(
      'conflict',
      'Somebody else switched the general log off, so statements are missing',
      { hint: 'Their setting was left as it is.' },
    );
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
    const live = this.#live > 0 ? this.#live : await findLive(this.#server, row);
    const warnings = await this.#server.restore(row.settings, live);
    this.#isRestored = true;
    const { log } = this.#context;
    for (const warning of warnings) {
      // Those that are not finished yet were recorded until now.
      for (const recorder of this.#recorders.values()) recorder.noteWarning(warning);
      log('warn', 'server restored with a warning', {
        environment: this.#environment.name,
        warning,
      });
    }
    log('info', 'server restored', { environment: this.#environment.name });
  }

  /** Lets go of the connection and the files; what was not committed is read again. Never throws. */
  async close(): Promise<void> {
    this.#state.stopped ??= this.#server.stopped?.why ?? null;
    for (const recorder of this.#recorders.values()) await recorder.close();
    await this.#server.close();
  }

  #row(): TapRow {
    const row = this.#context.store.taps.find(this.#tapId);
    if (row === null) throw new LeaseLost('the tap is not in the store any more');
    return row;
  }

  async #openRecorder(captureId: number): Promise<void> {
    const { store } = this.#context;
    const capture = store.captures.find(captureId);
    const recording = store.recordings.find(captureId);
    if (capture === null || recording === null) return;
    const { flavor, version, uuid, hostname, port } = this.#server.server;
    const recorder = await Recorder.open(this.#context, capture, this.#environment, recording, {
      server: { flavor, version, uuid, hostname, port },
      settingsBefore: this.#row().settings,
      warnings: this.#warnings,
    });
    this.#recorders.set(captureId, recorder);
    this.#guards.note([recording]);
  }

  /**
   * What it means that the log is off: somebody's wish, which is respected, or the dead-man switch,
   * which took us for dead; then the log goes on again.
   * @returns null for the latter, which the log's own tables tell of.
   */
  async #switchedOff(since: ServerInstant | null, swap: Swap): Promise<LogInterruption | null> {
    const { stopped } = this.#server;
    if (stopped !== null) {
      // Windows that are open yet close at the next swap: until then it lasts.
      if (this.#openWindows().length > 0) return null;
      return {
        cause: 'disk_full',
        from: stopped.from ?? since,
        to: swap.after,
        reason: `The recorder switched the log off: ${stopped.why}`,
      };
    }
    const { switchedOffAt } = await this.#server.state();
    this.#isSwitchedOff = switchedOffAt === null ? 'by somebody' : 'by dead-man';
    if (switchedOffAt !== null) return null;
    return {
      cause: 'log_switched_off',
      from: since,
      to: swap.after,
      reason: "Somebody else switched the server's log off",
    };
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

  /** Looks whether a guard ends a capture whose window is open: at the next swap then. */
  async #checkGuards(): Promise<void> {
    const open = this.#openWindows();
    for (const warning of this.#server.takeWarnings()) {
      for (const id of open) this.#recorders.get(id)?.noteWarning(warning);
      this.#context.log('warn', 'recording with less', {
        environment: this.#environment.name,
        warning,
      });
    }
    if (this.#server.stopped === null) await this.#guards.check(this.#server, open);
    else this.#guards.end(open, this.#server.stopped.why);
  }

  /**
   * Ends every capture whose window was open when the log had to be switched off, by this session or an
   * earlier one that could not go on.
   * @throws AppError when others are to begin: there is no log that they could be recorded from.
   */
  #endStopped(waiting: readonly Waiting[]): void {
    const { stopped } = this.#server;
    const why = stopped?.why ?? this.#state.stopped;
    if (why === null) return;
    this.#state.stopped = null;
    const open = this.#openWindows();
    this.#guards.end(open, why);
    if (stopped === null || open.length > 0 || waiting.length === 0) return;
    throw new AppError('remote_failed', `Nothing can be recorded: ${why}`, {
      hint: "Free space on the disk of the server's data folder.",
    });
  }

  #openWindows(): number[] {
    return [...this.#recorders.values()]
      .filter(
        ({ firstGeneration, lastGeneration }) =>
          firstGeneration !== null && lastGeneration === null,
      )
      .map(({ captureId }) => captureId);
  }

  /**
   * When the server is to switch its log off by itself. The shortest time counts, also against a capture
   * that wants none: it is for the server's sake.
   */
  #wantedDeadMan(waiting: readonly Waiting[]): number | null {
    const { store } = this.#context;
    const open = store.recordings
      .listOfTap(this.#tapId)
      .filter(({ lastGeneration }) => lastGeneration === null);
    let after: number | null = null;
    for (const { captureId } of [...open, ...waiting]) {
      const deadMan = store.captures.find(captureId)?.options.deadMan ?? null;
      if (deadMan !== null) after = Math.min(after ?? deadMan, deadMan);
    }
    return after;
  }

  /** Keeps the server's dead-man switch as the captures want it. */
  async #tendDeadMan(): Promise<void> {
    const after = this.#wantedDeadMan([]);
    if (after !== this.#deadMan) {
      this.#noteDeadMan(after, await this.#server.setDeadMan(after, this.#row().settings));
    }
    for (const recorder of this.#recorders.values()) recorder.noteDeadMan(this.#deadManObstacle);
  }

  #noteDeadMan(after: number | null, obstacle: string | null): void {
    this.#deadMan = after;
    const isNews = obstacle !== null && obstacle !== this.#deadManObstacle;
    this.#deadManObstacle = obstacle;
    if (!isNews) return;
    const environment = this.#environment.name;
    this.#context.log('warn', 'no dead-man switch', { environment, obstacle });
  }

  /** Lets go of captures that somebody gave up. */
  async #letGoOfOver(): Promise<void> {
    for (const [id, recorder] of this.#recorders) {
      const capture = this.#context.store.captures.find(id);
      if (capture !== null && !isOver(capture.status)) continue;
      this.#recorders.delete(id);
      this.#guards.forget(id);
      await recorder.close();
    }
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
      this.#recycler.end(recorder);
      await recorder.writeManifest(true);
      finishCapture(this.#context, recorder, await recorder.flush());
      this.#guards.forget(recorder.captureId);
      await recorder.close();
      this.#recorders.delete(recorder.captureId);
    }
    if (restoreFailure !== null) throw restoreFailure;
  }
}

/** What the store knows that this tap has on a server in this life of it. */
function knownChanges(store: Store, tapId: number, serverStart: number): KnownChanges {
  const isWarm = store.warmUps.listOfTap(tapId).some((one) => one.serverStart === serverStart);
  const recycled = store.recordings.listOfTap(tapId).flatMap(({ facts }) => {
    const { recycled: one } = JSON.parse(facts ?? '{}') as Partial<RecordingFacts>;
    return one === undefined || one.isOver ? [] : [one];
  });
  return {
    warmSince: isWarm ? serverStart : null,
    lockPlugin: recycled.some(({ installedPlugin }) => installedPlugin),
    isRecycling: recycled.length > 0,
  };
}

/** Goes on counting our own commands from where the daemon before us was. */
function adoptCommands({ store, commit }: TapContext, { row, own }: TapState): void {
  if (row === null) return;
  own.adopt(row.ownCommands, (stored) => commit(() => store.taps.saveOwnCommands(row.id, stored)));
}

/** Whether a capture's window is over and everything of it was read and committed. */
function isDrained({ lastGeneration }: Recording, generation: number): boolean {
  return lastGeneration !== null && lastGeneration <= generation;
}
