import { isAppError, messageOf, type AppError } from '../core/errors.ts';
import { TapTally } from '../core/verification/own-commands.ts';
import type { TapRow, Trouble } from '../core/store.ts';
import type { ServerEnvironment } from '../core/environments/environment.ts';
import {
  LeaseLost,
  ServerTaken,
  type TapContext,
  type TapMemory,
  type Waiting,
} from './tap-context.ts';
import { NO_OTHER_TAPS, type OtherTap, type OtherTaps } from './server-proof.ts';
import { TapCaptures } from './tap-captures.ts';
import { TapLife, type TapEnding } from './tap-life.ts';
import { TapSession } from './tap-session.ts';
import { openWarmUps } from './warm-up-holder.ts';

/** A disk here that is full is waited for this long; then the captures FAIL, for the server's log grows. */
const PATIENCE_MS = 30_000;
/** How often what must not wait for a statement is looked at. */
const WATCH_MS = 1_000;
/** Told to leave, it lets go of a server that has sent nothing for this long. */
const LEAVE_MS = 2_000;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5_000;

/** How `run` ended; where the server has a tap already, `captures` are to be handed to that one. */
export type TapEnd =
  | { readonly how: Exclude<TapEnding, 'taken'> }
  | { readonly how: 'taken'; readonly tapId: number; readonly waiting: readonly Waiting[] };

/**
 * The one reader of one server's log, shared by every capture on that server. It switches the log
 * on when the first capture needs it, drains it into every capture whose window is open, and restores
 * the server when the last one ends. Its life is in `TapState`.
 */
export class Tap implements OtherTap {
  readonly environment: ServerEnvironment;
  readonly #context: TapContext;
  readonly #memory: TapMemory;
  readonly #captures: TapCaptures;
  readonly #leave = new AbortController();
  /** Of its connections: whatever waits for the server fails. */
  readonly #letGo = new AbortController();
  #abandoned: AppError | null = null;
  #session: TapSession | null = null;
  #wake = new AbortController();
  /** What is in its way, as the store has it. */
  #trouble: Trouble | null;
  /** Whether that was said in this daemon's log. */
  #isInterrupted = false;
  readonly #patienceMs: number | null;
  #caughtUpTo: number | null = null;

  /**
   * @param patienceMs how long it waits for a server that cannot be reached or read before it ends as
   *   `unrestored`, its captures as they are; null for as long as it takes.
   */
  constructor(
    context: TapContext,
    environment: ServerEnvironment,
    row: TapRow | null,
    patienceMs: number | null = null,
  ) {
    this.#context = context;
    this.environment = environment;
    this.#trouble = row?.trouble ?? null;
    this.#patienceMs = patienceMs;
    this.#memory = {
      life: new TapLife(),
      serverKey: row?.serverKey ?? null,
      row,
      skew: 0,
      own: new TapTally(),
      caughtUpAt: performance.now(),
      progressAt: performance.now(),
      stopped: null,
    };
    this.#captures = new TapCaptures(context, environment.name, this.#memory, () => this.wake());
  }

  /** What the server calls itself, once that is known. */
  get serverKey(): string | null {
    return this.#memory.serverKey;
  }

  /** Its row in the store; null until it has one. */
  get row(): TapRow | null {
    return this.#memory.row;
  }

  get connectionId(): number | null {
    return this.#session?.connectionId ?? null;
  }

  get isMarked(): boolean {
    const { life, row } = this.#memory;
    if (life.is('connecting')) return row?.serverStart != null;
    return life.is('warming', 'recording', 'switched_off');
  }

  get isOver(): boolean {
    return this.#memory.life.is('over');
  }

  /** Whether it is too late to hand captures to this tap: wait for its end and make another. */
  get isClosing(): boolean {
    return this.#memory.life.is('restoring', 'over');
  }

  /** `host:port` as the server calls itself; null while it is not connected. */
  get serverName(): string | null {
    return this.#session?.serverName ?? null;
  }

  /** Everything the server received before this, by our clock, is committed; null before a drain. */
  get caughtUpTo(): number | null {
    return (this.#caughtUpTo = this.#session?.caughtUpTo ?? this.#caughtUpTo);
  }

  captureIds(): number[] {
    return this.#captures.list().map(({ id }) => id);
  }

  has(captureId: number): boolean {
    return this.#captures.isWaiting(captureId) || this.#session?.has(captureId) === true;
  }

  /** Takes over a capture that is STARTING. */
  add(waiting: Waiting): void {
    this.#captures.add(waiting);
    this.wake();
  }

  /** Makes it look at the store now instead of at the next drain. */
  wake(): void {
    this.#wake.abort();
  }

  /** Makes `run` finish the batch in hand and return, with the log left on for the next daemon. */
  leave(): void {
    this.#memory.progressAt = performance.now();
    this.#leave.abort();
    this.wake();
  }

  /** Makes `run` fail every capture with this error, restore the server and return. */
  abandon(error: AppError): void {
    this.#abandoned = error;
    this.wake();
  }

  /**
   * Records until no capture is left and the server is as it was, or until `leave`.
   * @param others the other taps of this daemon.
   * @throws LeaseLost, having written nothing after the loss.
   */
  async run(others: OtherTaps): Promise<TapEnd> {
    const watching = new AbortController();
    const watch = this.#watch(watching.signal);
    const { life } = this.#memory;
    try {
      const end = await this.#run(others);
      if (!life.is('over')) life.moveTo({ name: 'over', ending: end.how });
      return end;
    } finally {
      // Without the lease, or by a fault of ours: what is left is the next daemon's.
      if (!life.is('over')) life.moveTo({ name: 'over', ending: 'left' });
      watching.abort();
      await watch;
    }
  }

  async #run(others: OtherTaps): Promise<TapEnd> {
    const began = this.#context.clock.now();
    let retry = FIRST_RETRY_MS;
    while (!this.#isLeaving()) {
      try {
        this.#captures.forgetStarted();
        this.#session = await TapSession.open(this.#context, this.environment, this.#memory, {
          others,
          waiting: this.#captures.waiting,
          signal: this.#letGo.signal,
        });
        const how = await this.#record(this.#session);
        if (how === 'restored') return { how };
        break;
      } catch (error) {
        if (error instanceof ServerTaken) {
          const { waiting } = this.#captures;
          this.#handOnCommands(error.tapId);
          return { how: 'taken', tapId: error.tapId, waiting };
        }
        if (error instanceof LeaseLost) throw error;
        if (this.#isLeaving()) break;
        if (this.#session?.hasDrained === true) retry = FIRST_RETRY_MS;
        const isWorthIt = this.#isWorthRetrying(error);
        await this.#closeSession();
        if (!isWorthIt) return { how: await this.#giveUp(error) };
        const { clock, log } = this.#context;
        if (this.#patienceMs !== null && clock.now() - began >= this.#patienceMs) {
          log('error', 'server not restored', {
            environment: this.environment.name,
            message: messageOf(error),
          });
          return { how: 'unrestored' };
        }
      } finally {
        await this.#closeSession();
      }
      await this.#context.clock.sleep(retry, this.#leave.signal);
      retry = Math.min(retry * 2, LONGEST_RETRY_MS);
    }
    this.#noteLeaving();
    return { how: 'left' };
  }

  #isLeaving(): boolean {
    return this.#leave.signal.aborted;
  }

  /** Does what must not wait for a statement that the server does not answer. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#context;
    for (;;) {
      await clock.sleep(WATCH_MS, signal);
      if (signal.aborted) return;
      if (this.#isLeaving()) {
        if (performance.now() - this.#memory.progressAt >= LEAVE_MS) this.#letGo.abort();
        continue;
      }
      try {
        this.#captures.stopLate();
        if (this.#trouble !== null) this.#captures.stopDue();
      } catch (error) {
        if (error instanceof LeaseLost) return;
        log('warn', 'captures not checked', { message: messageOf(error) });
      }
    }
  }

  async #record(session: TapSession): Promise<'restored' | 'left'> {
    const { clock, store, commit } = this.#context;
    while (!this.#isLeaving()) {
      await clock.sleep(session.nextDue(this.#captures.waiting) - clock.now(), this.#wake.signal);
      if (this.#wake.signal.aborted) this.#wake = new AbortController();
      if (this.#isLeaving()) break;
      if (this.#abandoned !== null) throw this.#abandoned;
      // Woken for something that is not this server's.
      if (session.nextDue(this.#captures.waiting) > clock.now()) continue;
      await session.drain(this.#captures.waiting, () => this.#captures.isNoneStarting());
      this.#noteRecovery();
      this.#captures.forgetStarted();
      if (this.#memory.life.is('over')) {
        const { row } = this.#memory;
        if (row !== null) commit(() => store.taps.delete(row.id));
        return 'restored';
      }
    }
    return 'left';
  }

  #noteRecovery(): void {
    if (this.#trouble === null) return;
    this.#isInterrupted = false;
    this.#saveTrouble(null);
    this.#context.log('info', 'recording continues', { environment: this.environment.name });
  }

  /** Saves what is in the way, which `get` and the status of the daemon show. */
  #saveTrouble(trouble: Trouble | null): void {
    const { store, commit, log } = this.#context;
    const { row } = this.#memory;
    const isNews = trouble?.reason !== this.#trouble?.reason;
    this.#trouble = trouble;
    if (row === null || !isNews) return;
    try {
      commit(() => store.taps.saveTrouble(row.id, trouble));
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      log('warn', 'not written down', { message: messageOf(error) });
    }
  }

  async #closeSession(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    const { life } = this.#memory;
    if (!life.is('connecting', 'restoring', 'over')) life.moveTo({ name: 'connecting' });
    await session?.close();
  }

  /** The other tap's captures must not miss what was sent until the server was known to be its. */
  #handOnCommands(tapId: number): void {
    const { store, commit } = this.#context;
    const { questions } = this.#memory.own.counts();
    commit(() => store.recordings.addOtherCommands(tapId, questions));
  }

  /** Says that nothing more is sent, so that the next daemon knows the number exactly. */
  #noteLeaving(): void {
    const { store, commit } = this.#context;
    const { row, own } = this.#memory;
    if (row === null) return;
    try {
      commit(() => store.taps.saveOwnCommands(row.id, own.toLeave()));
    } catch {
      // What is stored stays true: only less exact.
    }
  }

  /**
   * What was logged is on the server until it is read, so captures wait for their server as long as it
   * takes: those whose end has passed are STOPPING, and giving up ends the wait. For a disk here they
   * wait for a while. A capture that has not started yet does not wait: its start would not be the one asked
   * for.
   */
  #isWorthRetrying(error: unknown): boolean {
    const { clock, log } = this.#context;
    if (this.#abandoned !== null) return false;
    const now = clock.now();
    const reason = messageOf(error);
    if (!this.#isInterrupted) {
      this.#isInterrupted = true;
      log('error', 'recording interrupted', {
        environment: this.environment.name,
        message: reason,
      });
    }
    // A clock that was set back must not make it wait for an hour.
    const since = Math.min(this.#trouble?.since ?? now, now);
    this.#saveTrouble({ since, reason });
    // A server that is down receives nothing: the record does not fall behind.
    if (isDown(error)) this.#memory.caughtUpAt = performance.now();
    const isOfServer = isAppError(error, 'remote_failed') || isAppError(error, 'invalid');
    if (!isOfServer && !isAppError(error, 'store_unusable')) return false;
    const captures = this.#captures.list();
    const starting = captures.filter((capture) => capture.status === 'STARTING');
    if (starting.length === captures.length && !this.#isWarmUpWanted()) return false;
    this.#captures.fail(starting, error);
    this.#captures.stopDue();
    return isOfServer || now - since < PATIENCE_MS;
  }

  /** Whether a warm-up of this server goes on: what it waits for may be there in time. */
  #isWarmUpWanted(): boolean {
    const { store, clock } = this.#context;
    const tapId = this.#memory.row?.id ?? null;
    const open = openWarmUps(store, this.environment.id, tapId, clock.now());
    return open.some(({ why }) => why === null);
  }

  /** Fails every capture and restores the server all the same. */
  async #giveUp(error: unknown): Promise<'restored' | 'unrestored'> {
    const { clock, store, log, commit } = this.#context;
    this.#memory.life.moveTo({ name: 'restoring' });
    try {
      // A full disk must not keep the failure itself from being written.
      if (isAppError(error, 'store_unusable')) store.releaseReserve();
      const captures = this.#captures.list();
      this.#captures.fail(captures, error);
      await this.#captures.noteGapsOf(captures);
    } catch (failure) {
      if (failure instanceof LeaseLost) throw failure;
      log('error', 'failure could not be stored', { message: messageOf(failure) });
    }
    const { row } = this.#memory;
    if (row === null) return 'restored';
    try {
      this.#session = await TapSession.open(this.#context, this.environment, this.#memory, {
        others: NO_OTHER_TAPS,
        waiting: [],
        signal: this.#letGo.signal,
        isGivingUp: true,
      });
      await this.#session.restore();
      commit(() => store.taps.delete(row.id));
      return 'restored';
    } catch (failure) {
      if (failure instanceof LeaseLost) throw failure;
      const reason = messageOf(failure);
      log('error', 'server not restored', { environment: this.environment.name, message: reason });
      this.#saveTrouble({ since: this.#trouble?.since ?? clock.now(), reason });
      return 'unrestored';
    } finally {
      await this.#closeSession();
    }
  }
}

/** Whether nothing listens where the server is: it is not running. */
function isDown(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : null;
  return (cause as { code?: unknown } | null)?.code === 'ECONNREFUSED';
}
