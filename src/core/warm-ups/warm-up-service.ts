import type { Actor } from '../access.ts';
import type { DaemonStarted, DaemonStarter } from '../daemon/daemon-starter.ts';
import type { ServerEnvironment } from '../environments/environment.ts';
import { AppError } from '../errors.ts';
import type { Outside } from '../outside.ts';
import type { Progress } from '../progress.ts';
import { listUnrestored } from '../recovery/recovery-rules.ts';
import { WarmUpRules } from './warm-up-rules.ts';
import type { WarmUp } from './warm-up.ts';

/** A warm-up that continues when others are ended. */
export interface ContinuingWarmUp {
  readonly askedBy: string;
  /** The capture that it is for; null for one that was asked for by itself. */
  readonly capture: { readonly id: number; readonly name: string } | null;
}

export type WarmUpEvent =
  | DaemonStarted
  /** It is stored; it is on when the daemon has reached the server. */
  | { readonly type: 'requested'; readonly warmUp: WarmUp }
  /** So many are to end. */
  | {
      readonly type: 'ending';
      readonly ended: number;
      readonly goingOn: readonly ContinuingWarmUp[];
    };

const POLL_MS = 50;
/** A server answers within seconds, or somebody wants to know that it does not. */
const PATIENCE_MS = 20_000;

/** Warm-ups of servers. A daemon is started where one is needed and none is alive. */
export class WarmUpService {
  readonly #outside: Outside;
  readonly #starter: DaemonStarter;
  readonly #rules: WarmUpRules;

  constructor(outside: Outside, starter: DaemonStarter) {
    this.#outside = outside;
    this.#starter = starter;
    this.#rules = new WarmUpRules(outside.store, outside.clock, outside.origin);
  }

  /**
   * An environment with its latest warm-ups, newest first.
   * @throws AppError `not_found`; `invalid` for one without a server.
   */
  async list(
    actor: Actor,
    ref: string,
  ): Promise<{ readonly environment: ServerEnvironment; readonly warmUps: readonly WarmUp[] }> {
    const { server, ...environment } = this.#rules.environment(actor, ref);
    if (server === null) throw new Error('an environment without a server was not refused');
    const warmUps = this.#outside.store.warmUps.listOf(environment.id);
    return { environment: { ...environment, server }, warmUps };
  }

  /**
   * Asks for a warm-up from now on, and waits until it is on, is over, or is kept from coming on by a
   * capture whose log covers more.
   * @param options.waits without, it is returned as it was stored.
   * @throws AppError `not_found`; `invalid`; `remote_failed` when the server lets it wait: it is tried again
   *   until its time is up.
   */
  async *begin(
    actor: Actor,
    ref: string,
    options: { readonly lengthMs: number; readonly waits: boolean },
    signal: AbortSignal,
  ): Progress<WarmUpEvent, WarmUp> {
    const { store, clock } = this.#outside;
    const requested = this.#rules.begin(actor, ref, options.lengthMs);
    yield { type: 'requested', warmUp: requested };
    const deadline = clock.now() + PATIENCE_MS;
    for (;;) {
      const warmUp = store.warmUps.find(requested.id);
      if (warmUp === null) throw new AppError('conflict', 'The environment was deleted meanwhile');
      const isRecorded = store.captures
        .listByStatus(['STARTING', 'RUNNING'])
        .some(({ environmentId }) => environmentId === warmUp.environmentId);
      const isSettled = warmUp.state !== 'waiting' || isRecorded;
      if (options.waits && isSettled) return warmUp;
      yield* this.#starter.ensure();
      if (!options.waits) return warmUp;
      if (clock.now() >= deadline) throw this.#notOn(actor, warmUp);
      await clock.sleep(POLL_MS, signal);
      signal.throwIfAborted();
    }
  }

  /**
   * Ends the warm-ups that the actor asked for by themselves, an admin those of others too, and waits until
   * they are over and undone.
   * @param options.waits without, it is left to the daemon.
   * @throws AppError `not_found`; `forbidden` where only others asked for some; `remote_failed` when the
   *   server is not restored in time: it is tried again.
   */
  async *end(
    actor: Actor,
    ref: string,
    options: { readonly waits: boolean },
    signal: AbortSignal,
  ): Progress<WarmUpEvent, void> {
    const { store, clock } = this.#outside;
    const { id } = this.#rules.environment(actor, ref);
    const { ended, goingOn } = this.#rules.end(actor, ref);
    const continuing = goingOn.map(({ askedBy, captureId }) => {
      const capture = captureId === null ? null : store.captures.find(captureId);
      return { askedBy, capture: capture && { id: capture.id, name: capture.name } };
    });
    yield { type: 'ending', ended, goingOn: continuing };
    if (ended === 0) return;
    const began = clock.now();
    while (!this.#isUndone(id, began)) {
      yield* this.#starter.ensure();
      if (!options.waits) return;
      if (clock.now() >= began + PATIENCE_MS) {
        throw new AppError('remote_failed', 'The server is not restored yet', {
          hint: { code: 'see_why_not_restored' },
        });
      }
      await clock.sleep(POLL_MS, signal);
      signal.throwIfAborted();
    }
  }

  #notOn(actor: Actor, { environmentId }: WarmUp): AppError {
    const { store } = this.#outside;
    const environment = store.environments.find(environmentId)?.name ?? '';
    const unrestored = listUnrestored(store, actor).find(
      ({ environmentName }) => environmentName === environment,
    );
    const reason = unrestored?.trouble?.reason ?? 'the daemon has not reached the server';
    return new AppError('remote_failed', `The warm-up is not on yet: ${reason}`, {
      hint: { code: 'warm_up_is_retried', environment },
    });
  }

  /** Whether the warm-ups of an environment that were asked for by themselves are over and undone. */
  #isUndone(environmentId: number, began: number): boolean {
    const { store } = this.#outside;
    const open = store.warmUps.listOpen();
    const isOpen = open.some(
      (one) => one.environmentId === environmentId && one.captureId === null && one.until <= began,
    );
    // Not while captures, or warm-ups of it or of another environment of the same server, are there.
    const isPending = store.taps
      .list()
      .some(
        (tap) =>
          tap.environmentId === environmentId &&
          store.recordings.listOfTap(tap.id).length === 0 &&
          !open.some((one) => one.environmentId === environmentId || one.tapId === tap.id),
      );
    return !isOpen && !isPending;
  }
}
