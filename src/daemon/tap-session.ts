import { AppError } from '../core/errors.ts';
import type {
  Cut,
  FreshStart,
  LogInterruption,
  OpenSource,
  ServerInstant,
} from '../core/source.ts';
import type { Recording, TapRow } from '../core/store.ts';
import { CounterSampler } from './counter-sampler.ts';
import { Guards, SYSTEM_SOURCES } from './guard-watch.ts';
import { LogDrain } from './log-drain.ts';
import type { Recorder } from './recorder.ts';
import { Recorders } from './recorders.ts';
import { Recycler } from './recycler.ts';
import type { OtherTaps } from './server-proof.ts';
import { reachServer } from './tap-opening.ts';
import { DeadManSwitch } from './dead-man-switch.ts';
import type { ServerEnvironment } from '../core/environments/environment.ts';
import { TimesSampler } from './times-sampler.ts';
import { WarmUpHolder } from './warm-up-holder.ts';
import { tapRowOf, type TapContext, type TapMemory, type Waiting } from './tap-context.ts';
import { milliseconds } from './window.ts';

/** How often the log is drained; also how far behind the record is when all is well. */
const DRAIN_INTERVAL_MS = 500;

/**
 * One connection's worth of tapping: from the lock on the server, over the drains, to the server
 * restored. After an error, close it and open a new one, which goes on from what is committed and from
 * what is on the server. That is what a new daemon does after a crash, too:
 * there is one way to resume, not two.
 */
export class TapSession {
  readonly #context: TapContext;
  readonly #environment: ServerEnvironment;
  readonly #memory: TapMemory;
  readonly #server: OpenSource;
  readonly #tapId: number;
  readonly #recorders: Recorders;
  readonly #drainer: LogDrain;
  readonly #sampler: CounterSampler;
  readonly #times: TimesSampler;
  readonly #recycler: Recycler;
  readonly #holder: WarmUpHolder;
  /** Whether the next drain follows this one at once. */
  #drainsAtOnce = false;
  readonly #guards: Guards;
  readonly #deadMan: DeadManSwitch;
  /** When the last cut was, in milliseconds of time that passes. */
  #drainedAt = -Infinity;
  #caughtUpTo: number | null = null;
  /** When the batch that is being filled began, by the server's clock; null where an earlier session cut. */
  #cutAt: ServerInstant | null = null;
  /** Read just before that cut: everything received until then is in batches before it. */
  #since: ServerInstant | null = null;
  #warnings: readonly string[] = [];

  private constructor(
    context: TapContext,
    environment: ServerEnvironment,
    memory: TapMemory,
    server: OpenSource,
    tapId: number,
  ) {
    this.#context = context;
    this.#environment = environment;
    this.#memory = memory;
    this.#server = server;
    this.#tapId = tapId;
    this.#sampler = new CounterSampler(context, environment.name);
    this.#times = new TimesSampler(context, environment.name, tapId, server);
    this.#deadMan = new DeadManSwitch(context, environment.name, tapId, server);
    this.#recycler = new Recycler(context, server);
    this.#holder = new WarmUpHolder(context, environment.id, tapId, server);
    this.#guards = new Guards(context, SYSTEM_SOURCES, memory.caughtUpAt);
    this.#recorders = new Recorders(context, environment, server, this.#guards);
    this.#drainer = new LogDrain(
      context,
      environment.name,
      server,
      tapId,
      this.#recorders,
      this.#guards,
      () => this.#checkGuards(),
      memory,
    );
  }

  /**
   * Connects, takes the server's lock, saves its settings, starts recording (or finds it on after a
   * crash) and reads what was left there. Without a capture to record for, nothing is switched on.
   * @param options.others the other taps of this daemon: one of them may read this server.
   * @param options.signal aborted, drops every connection, also after this.
   * @param options.isGivingUp only to `restore`: no file is opened, which a full disk would refuse.
   * @throws AppError; ServerTaken; LeaseLost.
   */
  static async open(
    context: TapContext,
    environment: ServerEnvironment,
    memory: TapMemory,
    options: {
      others: OtherTaps;
      waiting: Iterable<Waiting>;
      signal: AbortSignal;
      isGivingUp?: boolean;
    },
  ): Promise<TapSession> {
    const { store, log } = context;
    const { server, row } = await reachServer(context, environment, memory, options);
    const session = new TapSession(context, environment, memory, server, row.id);
    try {
      if (options.isGivingUp !== true) await session.#start([...options.waiting]);
      const { warmUps } = store;
      const isWarm = warmUps.listOpen().some((one) => one.environmentId === environment.id);
      const found = isWarm ? 'server found for a warm-up' : 'server found to be restored';
      log('info', memory.life.is('recording') ? 'log tapped' : found, {
        environment: environment.name,
        server: session.serverName,
        version: server.server.version,
      });
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  async #start(waiting: readonly Waiting[]): Promise<void> {
    const { store } = this.#context;
    const row = tapRowOf(this.#context, this.#tapId);
    const isNeeded =
      waiting.length > 0 ||
      store.recordings.listOfTap(row.id).some((r) => !isDrained(r, row.batch));
    const fresh = isNeeded ? await this.#startRecording(row, waiting) : null;
    for (const { captureId } of store.recordings.listOfTap(row.id)) {
      await this.#recorders.add(captureId, row, this.#warnings);
    }
    if (!isNeeded) return;
    // Before what may take long: it also says that we are here.
    if (this.#recorders.size > 0) await this.#deadMan.tend(this.#recorders);
    await this.#drainer.catchUp(fresh);
  }

  /** Makes sure that every statement of the server is recorded. */
  async #startRecording(row: TapRow, waiting: readonly Waiting[]): Promise<FreshStart | null> {
    const { store, log } = this.#context;
    const after = this.#deadMan.wanted(waiting);
    await this.#holder.suspend();
    void this.#server.times.prepare();
    this.#server.restoreSessions(store.taps.sessionsOf(row.id));
    const { fresh, warnings } = await this.#server.start({
      provenSince: row.serverStart,
      unattendedMs: after,
    });
    for (const warning of warnings) {
      const environment = this.#environment.name;
      log('warn', 'log switched on with a warning', { environment, warning });
    }
    this.#warnings = warnings;
    this.#memory.life.moveTo({ name: 'recording' });
    if (after !== null && fresh !== null) this.#deadMan.note(after, fresh.unattendedObstacle);
    return fresh;
  }

  /** The server's id of the control connection. */
  get connectionId(): number {
    return this.#server.connectionId;
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

  has(captureId: number): boolean {
    return this.#recorders.find(captureId) !== null;
  }

  /** Whether everything that was there was read once: what comes now is new. */
  get hasDrained(): boolean {
    return this.#caughtUpTo !== null;
  }

  /** When something is due next, by our clock: a drain, or the edge of a window. */
  nextDue(waiting: Iterable<Waiting>): number {
    const now = this.#context.clock.now();
    if (this.#memory.life.is('warming'))
      return [...waiting].length > 0 ? now : this.#holder.nextDue;
    // By the time that passes, not by the clock: set back, it would put the next drain off for hours.
    const interval = this.#drainsAtOnce ? 0 : DRAIN_INTERVAL_MS;
    let next = now + this.#drainedAt + interval - this.#guards.now();
    const serverNow = this.#serverNow();
    for (const { notBefore } of waiting) next = Math.min(next, notBefore);
    for (const { captureId, firstBatch } of this.#recorders) {
      if (firstBatch === null) continue;
      const capture = this.#context.store.captures.find(captureId);
      if (capture === null) continue;
      const isGuarded = this.#guards.reasonOf(captureId) !== null;
      if (capture.status === 'STOPPING' || isGuarded) next = 0;
      else if (capture.scheduledEnd !== null && serverNow !== null) {
        next = Math.min(next, now + capture.scheduledEnd - serverNow);
      }
    }
    return next;
  }

  /**
   * The server's clock, as of the last cut and the time that has passed since, whatever is done to
   * ours; null before the first cut.
   */
  #serverNow(): number | null {
    if (this.#cutAt === null) return null;
    return milliseconds(this.#cutAt) + this.#guards.now() - this.#drainedAt;
  }

  /**
   * One cut and everything that follows from it: windows open and close there, the batch is read into
   * every capture whose window it is in, committed and released, and captures whose window is drained
   * become DONE.
   * @param waiting captures to admit; those whose instant has come are RUNNING afterwards.
   * @param isLast asked, without a pause before the answer is acted on, when no capture is left: true
   *   restores the server.
   */
  async drain(waiting: readonly Waiting[], isLast: () => boolean): Promise<void> {
    const { clock, store, commit } = this.#context;
    if (!this.#memory.life.is('recording')) {
      // Everything was read before this daemon came; recording may be off by now.
      if (waiting.length === 0) return this.#drainIdle(isLast);
      await this.#drainer.catchUp(
        await this.#startRecording(tapRowOf(this.#context, this.#tapId), waiting),
      );
    }
    await this.#holder.endThoseOver();
    await this.#recorders.letGoOfOver();
    for (const { captureId } of waiting) {
      if (this.has(captureId)) continue;
      commit(() => store.recordings.begin(captureId, this.#tapId));
      await this.#recorders.add(captureId, tapRowOf(this.#context, this.#tapId), this.#warnings);
    }
    await this.#deadMan.tend(this.#recorders);
    this.#endStopped(waiting);
    const asked = clock.now();
    const began = this.#guards.now();
    // Decided before the cut: what is asked for while it is under way belongs to the next one, or
    // statements that were received before the request would be behind the end of the window.
    const admitted = this.#server.stopped === null ? waiting : [];
    const opening = admitted.filter(({ notBefore }) => notBefore <= asked).map((w) => w.captureId);
    const serverNow = this.#serverNow() ?? -Infinity;
    const ending = this.#recorders.ending(serverNow);
    const isEdge = opening.length > 0 || ending.length > 0;
    if (ending.length > 0) {
      commit(() => {
        for (const { captureId } of ending) store.recordings.closing(captureId);
      });
    }
    const cut = await this.#cut(isEdge);
    // Recording had to be switched off: every window closes at the cut that there is then.
    if (cut === null) return this.drain(waiting, isLast);
    const { batch } = cut;
    const since = this.#since;
    this.#since = cut.before;
    this.#cutAt = cut.after;
    this.#drainedAt = this.#guards.now();
    this.#memory.skew = milliseconds(cut.after) - clock.now();
    this.#recorders.moveWindows(cut, opening, ending);
    // Of a connection that is at work its share of the counters is not known.
    if (isEdge || !this.#times.isReading) {
      await this.#sampler.sample(this.#server, this.#recorders.captureIdsAt(batch), {
        skew: this.#memory.skew,
        isEdge,
      });
    }
    this.#times.tend(idsOf(this.#recorders.open), idsOf(ending));
    const interruption = this.#whySwitchedOff(since, cut);
    await this.#drainer.drain(batch, { since, until: cut.after, interruption });
    this.#caughtUpTo = asked;
    this.#guards.caughtUp(began);
    this.#memory.caughtUpAt = began;
    await this.#checkGuards();
    await this.#recycle();
    await this.#finishEnded(batch, isLast);
    await this.#afterSwitchedOff();
  }

  /** Keeps a warm-up on while one is wanted; restores the server when nothing is. */
  async #drainIdle(isLast: () => boolean): Promise<void> {
    const { life } = this.#memory;
    const isWarm = await this.#holder.tend();
    if (isWarm) life.moveTo({ name: 'warming' });
    else if (life.is('warming')) life.moveTo({ name: 'connected' });
    await this.#finishEnded(
      tapRowOf(this.#context, this.#tapId).batch,
      isWarm ? () => false : isLast,
    );
  }

  /**
   * Ends idle sessions where that was asked for: behind a drain that follows another at once, and so has
   * little to read. What a session did since the last cut nobody knows, and one of a busy pool is not idle
   * for long: 28 to 65 ms passed behind the cut of a usual drain of 500 rows, about 15 behind this one's.
   */
  async #recycle(): Promise<void> {
    const asking = this.#recorders.open.filter((one) => this.#recycler.isUnderWay(one));
    this.#drainsAtOnce = asking.length > 0 && !this.#drainsAtOnce;
    if (this.#drainsAtOnce) return;
    await this.#recycler.tend(asking);
  }

  /** Ends the batch that is being filled, having read what others ended before us; null when nothing was. */
  async #cut(isEdge: boolean): Promise<Cut | null> {
    for (;;) {
      const result = await this.#server.cut(isEdge);
      if (result.is === 'stopped') return null;
      if (result.is === 'cut') {
        for (const message of result.edge?.failures ?? []) {
          const environment = this.#environment.name;
          this.#context.log('warn', "server's counters not read", { environment, message });
        }
        return result;
      }
      const edges = { since: this.#since, until: null, interruption: null };
      await this.#drainer.drain(result.batch, edges);
    }
  }

  /** Goes on after the dead-man switch; ends, with what was recorded, after anybody else's. */
  async #afterSwitchedOff(): Promise<void> {
    const { state } = this.#memory.life;
    if (state.name !== 'switched_off') return;
    if (state.by === 'unattended') {
      this.#deadMan.hasActed();
      await this.#drainer.catchUp(
        await this.#startRecording(tapRowOf(this.#context, this.#tapId), []),
      );
      return;
    }
    throw new AppError(
      'conflict',
      'Somebody else switched the general log off, so statements are missing',
      { hint: 'Their setting was left as it is.' },
    );
  }

  /** Restores the server. Nothing is left to record. */
  async restore(): Promise<void> {
    const { life } = this.#memory;
    life.moveTo({ name: 'restoring' });
    const warnings = await this.#server.stop();
    life.moveTo({ name: 'over', ending: 'restored' });
    const { log } = this.#context;
    for (const warning of warnings) {
      // Those that are not finished yet were recorded until now.
      for (const recorder of this.#recorders) recorder.noteWarning(warning);
      log('warn', 'server restored with a warning', {
        environment: this.#environment.name,
        warning,
      });
    }
    log('info', 'server restored', { environment: this.#environment.name });
  }

  /** Lets go of the connection and the files; what was not committed is read again. Never throws. */
  async close(): Promise<void> {
    this.#memory.stopped ??= this.#server.stopped?.why ?? null;
    await this.#recorders.close();
    await this.#times.close(this.#memory.life.is('over'));
    await this.#server.close();
  }

  /**
   * What it means that recording is off: somebody's wish, which is respected, or the dead-man switch,
   * which took us for dead; then it goes on again.
   * @returns null for the latter, which the batches tell of.
   */
  #whySwitchedOff(since: ServerInstant | null, cut: Cut): LogInterruption | null {
    const { stopped } = this.#server;
    if (cut.switchedOff === null) return null;
    if (stopped !== null) {
      // Windows that are open yet close at the next cut: until then it lasts.
      if (this.#recorders.open.length > 0) return null;
      return {
        cause: 'disk_full',
        from: stopped.from ?? since,
        to: cut.after,
        reason: `The recorder switched the log off: ${stopped.why}`,
      };
    }
    const by = cut.switchedOff === 'unattended' ? 'unattended' : 'others';
    this.#memory.life.moveTo({ name: 'switched_off', by });
    if (by === 'unattended') return null;
    return {
      cause: 'log_switched_off',
      from: since,
      to: cut.after,
      reason: "Somebody else switched the server's log off",
    };
  }

  /** Looks whether a guard ends a capture whose window is open: at the next cut then. */
  async #checkGuards(): Promise<void> {
    const { open } = this.#recorders;
    for (const warning of this.#server.takeWarnings()) {
      for (const recorder of open) recorder.noteWarning(warning);
      this.#context.log('warn', 'recording with less', {
        environment: this.#environment.name,
        warning,
      });
    }
    const ids = open.map(({ captureId }) => captureId);
    if (this.#server.stopped === null) await this.#guards.check(this.#server, ids);
    else this.#guards.end(ids, this.#server.stopped.why);
  }

  /**
   * Ends every capture whose window was open when the log had to be switched off, by this session or an
   * earlier one that could not go on.
   * @throws AppError when others are to begin: there is no log that they could be recorded from.
   */
  #endStopped(waiting: readonly Waiting[]): void {
    const { stopped } = this.#server;
    const why = stopped?.why ?? this.#memory.stopped;
    if (why === null) return;
    this.#memory.stopped = null;
    const open = this.#recorders.open.map(({ captureId }) => captureId);
    this.#guards.end(open, why);
    if (stopped === null || open.length > 0 || waiting.length === 0) return;
    throw new AppError('remote_failed', `Nothing can be recorded: ${why}`, {
      hint: "Free space on the disk of the server's data folder.",
    });
  }

  /** Finishes captures whose window is drained; the last one only once the server is as it was. */
  async #finishEnded(batch: number, isLast: () => boolean): Promise<void> {
    const ended = [...this.#recorders].filter(
      (recorder) => recorder.lastBatch !== null && recorder.lastBatch <= batch,
    );
    let restoreFailure: Error | null = null;
    if (ended.length === this.#recorders.size && isLast()) {
      try {
        await this.restore();
      } catch (error) {
        // The workload is whole all the same; what is to be restored stays in the store.
        restoreFailure = error instanceof Error ? error : new Error(String(error));
      }
    }
    if (ended.length > 0) await this.#times.settle();
    for (const recorder of ended) {
      this.#recycler.end(recorder);
      await this.#recorders.finish(recorder);
    }
    if (restoreFailure !== null) throw restoreFailure;
  }
}

const idsOf = (recorders: readonly Recorder[]): number[] =>
  recorders.map(({ captureId }) => captureId);

/** Whether a capture's window is over and everything of it was read and committed. */
function isDrained({ lastBatch }: Recording, batch: number): boolean {
  return lastBatch !== null && lastBatch <= batch;
}
