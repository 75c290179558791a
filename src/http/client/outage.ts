import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { ServerFault } from '../../core/hints.ts';

/** A failure that may be over in a moment: the server starts anew, or what is in front of it does. */
export class NoAnswer extends AppError {
  constructor(message: string, fault: ServerFault, url: string, cause?: unknown) {
    super('remote_failed', message, { hint: { code: 'check_server', fault, url }, cause });
  }
}

/** There is too much of what its user asks for: that passes only where the server may still count what broke off. */
export class TooMuch extends NoAnswer {}

/** That a server does not answer and is asked again, and that it answers again. */
export type OutageNews =
  | { readonly type: 'begins'; readonly failure: AppError; readonly patience: number }
  | { readonly type: 'ends' };

/** A server that has not answered for so long is given up, in milliseconds. */
const PATIENCE_MS = 60_000;
const SHORTEST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;
/** One that fails again within this time has not been back: else one that dies of each request would be asked for ever. */
const SOUND_AFTER_MS = 10_000;

/** When a server that does not answer is asked again: with growing pauses, for a minute. */
export class Outage {
  readonly #clock: Clock | null;
  readonly #closing: AbortSignal;
  #began: number | null = null;
  #ended: number | null = null;
  #pause = SHORTEST_PAUSE_MS;
  #isTold = false;
  /** Whether there is such a server at all: one that never answered is not waited for. */
  hasAnswered = false;
  /** Told once when it begins and once when it ends, and waited for. */
  listener: (news: OutageNews) => Promise<void> | void = () => undefined;

  /**
   * @param clock null: nothing is asked again.
   * @param closing aborted when nothing can be asked any more.
   */
  constructor(clock: Clock | null, closing: AbortSignal) {
    this.#clock = clock;
    this.#closing = closing;
  }

  /**
   * Waits until it is time to ask again.
   * @param signal ends the wait.
   * @throws the error itself where asking again would not help, or the patience is over.
   */
  async outlast(error: unknown, signal: AbortSignal): Promise<void> {
    const clock = this.#clock;
    if (clock === null || !this.hasAnswered || !(error instanceof NoAnswer)) throw error;
    const left = AbortSignal.any([signal, this.#closing]);
    if (left.aborted) throw error;
    const now = clock.now();
    if (this.#ended !== null && now - this.#ended >= SOUND_AFTER_MS) this.#began = null;
    if (this.#began === null && error instanceof TooMuch) throw error;
    this.#ended = null;
    if (this.#began === null) {
      this.#began = now;
      this.#pause = SHORTEST_PAUSE_MS;
    }
    const rest = this.#began + PATIENCE_MS - now;
    if (rest <= 0) throw error;
    if (!this.#isTold) {
      this.#isTold = true;
      await this.listener({ type: 'begins', failure: error, patience: PATIENCE_MS });
    }
    const pause = Math.min(this.#pause, rest);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    await clock.sleep(pause, left);
    left.throwIfAborted();
  }

  /** To be called with what the server answers. */
  async answered(): Promise<void> {
    if (this.#clock === null || this.#began === null || this.#ended !== null) return;
    this.#ended = this.#clock.now();
    this.#isTold = false;
    await this.listener({ type: 'ends' });
  }

  /** Asks until there is an answer. @throws as `outlast`, and what else the server answers. */
  async value<Value>(ask: () => PromiseLike<Value>, signal: AbortSignal): Promise<Value> {
    for (;;) {
      try {
        const value = await ask();
        await this.answered();
        return value;
      } catch (error) {
        await this.outlast(error, signal);
      }
    }
  }

  /** Runs again, from its beginning, what ends without an answer. @throws as `outlast`, and what else ends it. */
  async *run<Event, Result>(
    begin: () => AsyncGenerator<Event, Result, void>,
    signal: AbortSignal,
  ): AsyncGenerator<Event, Result, void> {
    for (;;) {
      try {
        return yield* begin();
      } catch (error) {
        await this.outlast(error, signal);
      }
    }
  }
}
