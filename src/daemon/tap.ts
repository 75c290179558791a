import { DAEMON } from '../core/audit.ts';
import type { Capture } from '../core/captures.ts';
import { isAppError, messageOf, type AppError } from '../core/errors.ts';
import { TapTally } from '../core/own-commands.ts';
import type { TapRow } from '../core/store.ts';
import {
  LeaseLost,
  ServerTaken,
  type ServerEnvironment,
  type TapContext,
  type TapState,
  type Waiting,
} from './tap-context.ts';
import { NO_OTHER_TAPS, type OtherTap, type OtherTaps } from './server-proof.ts';
import { TapSession } from './tap-session.ts';
import { isDue } from './window.ts';

/** A capture that is to end waits this long for a server or a disk that is away, then it FAILS. */
const PATIENCE_MS = 30_000;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5_000;

/**
 * How a tap ended: `restored`; `left` with the log still on, for the next daemon; `owed` when the
 * server could not be given back (the tap's row stays in the store); `taken` when the server has a
 * tap already, which `captures` are to be handed to.
 */
export type TapEnd =
  | { readonly how: 'restored' | 'left' | 'owed' }
  | { readonly how: 'taken'; readonly tapId: number; readonly waiting: readonly Waiting[] };

/**
 * The one reader of one server's log, shared by every capture on that server. It switches the log
 * on when the first capture needs it, drains it into every capture whose window is open, and gives
 * the server back as it was when the last one ends.
 */
export class Tap implements OtherTap {
  readonly environment: ServerEnvironment;
  readonly #context: TapContext;
  readonly #state: TapState;
  readonly #waiting = new Map<number, Waiting>();
  readonly #leave = new AbortController();
  #abandoned: AppError | null = null;
  #session: TapSession | null = null;
  #wake = new AbortController();
  #failingSince: number | null = null;
  #isClosing = false;
  #isOver = false;
  #caughtUpTo: number | null = null;

  constructor(context: TapContext, environment: ServerEnvironment, row: TapRow | null) {
    this.#context = context;
    this.environment = environment;
    this.#state = { serverKey: row?.serverKey ?? null, row, skew: 0, own: new TapTally() };
  }

  /** What the server calls itself, once that is known. */
  get serverKey(): string | null {
    return this.#state.serverKey;
  }

  /** Its row in the store; null until it has one. */
  get row(): TapRow | null {
    return this.#state.row;
  }

  get connectionId(): number | null {
    return this.#session?.connectionId ?? null;
  }

  get isMarked(): boolean {
    return this.#session?.isTapped ?? this.#state.row?.serverStart != null;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether it is too late to hand captures to this tap: wait for its end and make another. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** `host:port` as the server calls itself; null while it is not connected. */
  get serverName(): string | null {
    return this.#session?.serverName ?? null;
  }

  /** Everything the server received before this, by our clock, is committed; null before a drain. */
  get caughtUpTo(): number | null {
    return (this.#caughtUpTo = this.#session?.caughtUpTo ?? this.#caughtUpTo);
  }

  /** The captures in its care. */
  captureIds(): number[] {
    return this.#captures().map(({ id }) => id);
  }

  has(captureId: number): boolean {
    return this.#waiting.has(captureId) || this.#session?.has(captureId) === true;
  }

  /** Takes over a capture that is STARTING. */
  add(waiting: Waiting): void {
    this.#waiting.set(waiting.captureId, waiting);
    this.wake();
  }

  /** Makes it look at the store now instead of at the next drain. */
  wake(): void {
    this.#wake.abort();
  }

  /** Makes `run` finish the batch in hand and return, with the log left on for the next daemon. */
  leave(): void {
    this.#leave.abort();
    this.wake();
  }

  /** Makes `run` fail every capture with this error, give the server back and return. */
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
    try {
      return await this.#run(others);
    } finally {
      this.#isOver = true;
    }
  }

  async #run(others: OtherTaps): Promise<TapEnd> {
    let retry = FIRST_RETRY_MS;
    while (!this.#isLeaving()) {
      try {
        this.#session = await TapSession.open(this.#context, this.environment, this.#state, {
          others,
          hasWaiting: this.#waiting.size > 0,
        });
        this.#noteRecovery();
        retry = FIRST_RETRY_MS;
        const how = await this.#record(this.#session);
        if (how === 'restored') return { how };
        break;
      } catch (error) {
        if (error instanceof ServerTaken) {
          this.#isClosing = true;
          const waiting = [...this.#waiting.values()];
          this.#handOnCommands(error.tapId);
          return { how: 'taken', tapId: error.tapId, waiting };
        }
        if (error instanceof LeaseLost) throw error;
        if (this.#isLeaving()) break;
        if (!this.#isWorthRetrying(error)) {
          await this.#closeSession();
          return { how: await this.#giveUp(error) };
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

  async #record(session: TapSession): Promise<'restored' | 'left'> {
    const { clock, store, commit } = this.#context;
    while (!this.#isLeaving()) {
      await clock.sleep(session.nextDue(this.#waiting.values()) - clock.now(), this.#wake.signal);
      if (this.#wake.signal.aborted) this.#wake = new AbortController();
      if (this.#isLeaving()) break;
      if (this.#abandoned !== null) throw this.#abandoned;
      // Woken for something that is not this server's.
      if (session.nextDue(this.#waiting.values()) > clock.now()) continue;
      await session.drain([...this.#waiting.values()], () => this.#closeIfIdle());
      for (const id of this.#waiting.keys()) {
        if (store.captures.find(id)?.status !== 'STARTING') this.#waiting.delete(id);
      }
      if (session.isRestored) {
        const { row } = this.#state;
        if (row !== null) commit(() => store.taps.delete(row.id));
        return 'restored';
      }
    }
    return 'left';
  }

  /** Whether nothing is left to record; from a yes on, no capture may be added. */
  #closeIfIdle(): boolean {
    const { store } = this.#context;
    for (const id of this.#waiting.keys()) {
      if (store.captures.find(id)?.status === 'STARTING') return false;
    }
    this.#isClosing = true;
    return true;
  }

  #noteRecovery(): void {
    if (this.#failingSince === null) return;
    this.#failingSince = null;
    this.#context.log('info', 'recording goes on', { environment: this.environment.name });
  }

  async #closeSession(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    await session?.close();
  }

  /** The other tap's captures must not miss what was sent until the server was known to be its. */
  #handOnCommands(tapId: number): void {
    const { store, commit } = this.#context;
    const { questions } = this.#state.own.counts();
    commit(() => store.recordings.addOtherCommands(tapId, questions));
  }

  /** Says that nothing more is sent, so that the next daemon knows the number exactly. */
  #noteLeaving(): void {
    const { store, commit } = this.#context;
    const { row, own } = this.#state;
    if (row === null) return;
    try {
      commit(() => store.taps.saveOwnCommands(row.id, own.toLeave()));
    } catch {
      // What is stored stays true: only less exact.
    }
  }

  /**
   * A server or a disk may come back: RUNNING captures wait for a server, anything else waits for a
   * while. A capture that has not started yet does not wait: its start would not be the one asked for.
   */
  #isWorthRetrying(error: unknown): boolean {
    const { clock, log } = this.#context;
    const now = clock.now();
    if (this.#abandoned !== null) return false;
    if (this.#failingSince === null) {
      this.#failingSince = now;
      const { name } = this.environment;
      log('error', 'recording interrupted', { environment: name, message: messageOf(error) });
    }
    const isServerAway = isAppError(error, 'remote_failed');
    if (!isServerAway && !isAppError(error, 'store_unusable')) return false;
    const captures = this.#captures();
    const starting = captures.filter((capture) => capture.status === 'STARTING');
    if (starting.length === captures.length) return false;
    this.#fail(starting, error);
    const isAnyGoingOn = captures.some((capture) => !isDue(capture, now + this.#state.skew));
    // A clock that was set back must not make it wait for an hour.
    this.#failingSince = Math.min(this.#failingSince, now);
    return (isServerAway && isAnyGoingOn) || now - this.#failingSince < PATIENCE_MS;
  }

  /** The captures in its care, as the store has them now. */
  #captures(): Capture[] {
    const { store } = this.#context;
    const { row } = this.#state;
    const recording = row === null ? [] : store.recordings.listOfTap(row.id);
    const ids = new Set([...this.#waiting.keys(), ...recording.map((r) => r.captureId)]);
    return [...ids].flatMap((id) => store.captures.find(id) ?? []);
  }

  #fail(captures: readonly Capture[], error: unknown): void {
    if (captures.length === 0) return;
    const { clock, store, audit, commit, log } = this.#context;
    const now = clock.now();
    const reason = failureReason(messageOf(error), this.#context.daemonName, now);
    commit(() => {
      for (const { id, status, start } of captures) {
        if (status === 'DONE' || status === 'FAILED') continue;
        const end = start === null ? null : now;
        audit.moveCapture(DAEMON, id, status, 'FAILED', { reason, end });
        store.recordings.detach(id);
      }
    });
    for (const { id } of captures) {
      this.#waiting.delete(id);
      log('error', 'capture failed', { capture: id, reason });
    }
  }

  /** Fails every capture and gives the server back all the same. */
  async #giveUp(error: unknown): Promise<'restored' | 'owed'> {
    const { store, log, commit } = this.#context;
    this.#isClosing = true;
    try {
      // A full disk must not keep the failure itself from being written.
      if (isAppError(error, 'store_unusable')) store.releaseReserve();
      this.#fail(this.#captures(), error);
    } catch (failure) {
      if (failure instanceof LeaseLost) throw failure;
      log('error', 'failure could not be stored', { message: messageOf(failure) });
    }
    const { row } = this.#state;
    if (row === null) return 'restored';
    try {
      this.#session = await TapSession.open(this.#context, this.environment, this.#state, {
        others: NO_OTHER_TAPS,
        hasWaiting: false,
        isGivingUp: true,
      });
      await this.#session.restore();
      commit(() => store.taps.delete(row.id));
      return 'restored';
    } catch (failure) {
      if (failure instanceof LeaseLost) throw failure;
      log('error', 'server not given back', {
        environment: this.environment.name,
        message: messageOf(failure),
      });
      return 'owed';
    } finally {
      await this.#closeSession();
    }
  }
}

/**
 * Why a capture FAILED, with the daemon it happened in (whose environment it was that a credential
 * was missing from) and the time.
 */
export function failureReason(what: string, daemonName: string, now: number): string {
  return `${what} (${daemonName}, at ${new Date(now).toISOString()})`;
}
