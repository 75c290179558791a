import type { Actor } from '../access.ts';
import type { DaemonStarted, DaemonStarter } from '../daemon/daemon-starter.ts';
import type { ServerEnvironment } from '../environments/environment.ts';
import type { WarmUpLog } from '../environments/server-inspection.ts';
import type { Readiness } from '../environments/readiness.ts';
import { AppError } from '../errors.ts';
import type { Noticed } from '../notices.ts';
import type { Outside } from '../outside.ts';
import type { Progress } from '../progress.ts';
import { listUnrestored } from '../recovery/recovery-rules.ts';
import type { Approval } from './approvals.ts';
import { WarmUpRules } from './warm-up-rules.ts';
import type { WarmUpStatus } from './warm-up-status.ts';
import type { WarmUp } from './warm-up.ts';

/** A warm-up that continues when others are ended. */
interface ContinuingWarmUp {
  readonly askedBy: string;
  /** The capture that it is for; null for one that was asked for by itself. */
  readonly capture: { readonly id: number; readonly name: string } | null;
}

/** A warm-up that is not over: it ends at `until`, or when its capture starts. */
export interface OpenWarmUpOf {
  readonly environment: string;
  readonly until: number;
  /** The name of its capture; null where it was asked for by itself. */
  readonly capture: string | null;
}

export type WarmUpEvent =
  | DaemonStarted
  | Noticed
  /** It is stored; it is on when the daemon has reached the server. */
  | {
      readonly type: 'requested';
      readonly warmUp: WarmUp;
      readonly slowLog: WarmUpLog;
      /** Whether the server ends it by itself if no daemon ever returns. */
      readonly endsByItself: boolean;
    }
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
    const environment = this.#rules.environment(actor, ref, 'environment.check');
    return { environment, warmUps: this.#outside.store.warmUps.listOf(environment.id) };
  }

  /** Warm-ups of the actor's environments that are on or to come on. */
  async listOpen(actor: Actor): Promise<readonly OpenWarmUpOf[]> {
    const { store } = this.#outside;
    const mine = new Map(store.environments.listFor(actor).map(({ id, name }) => [id, name]));
    return store.warmUps.listOpen().flatMap(({ environmentId, until, captureId }) => {
      const environment = mine.get(environmentId);
      if (environment === undefined) return [];
      const capture = captureId === null ? null : (store.captures.find(captureId)?.name ?? null);
      return [{ environment, until, capture }];
    });
  }

  /**
   * Looks at a server and says how its warm-ups are, and which sessions are covered.
   * @throws AppError as `list`; `remote_failed`; `forbidden` where only the daemon may log in.
   */
  async status(
    actor: Actor,
    ref: string,
  ): Promise<{ readonly status: WarmUpStatus; readonly readiness: Readiness }> {
    const { environment } = await this.list(actor, ref);
    const [{ readServer }, { warmUpStatusOf }] = await Promise.all([
      import('../environments/readiness.ts'),
      import('./warm-up-status.ts'),
    ]);
    const readiness = await readServer(this.#outside, environment);
    // As they are once it was looked at.
    const { warmUps } = await this.list(actor, ref);
    return { status: warmUpStatusOf(readiness, warmUps), readiness };
  }

  /**
   * Asks for a warm-up from now on, and waits until it is on, or is kept from coming on by a capture whose log
   * covers more.
   * @param options.waits without, it is returned as it was stored.
   * @param options.approved what somebody has agreed to.
   * @returns null where none is needed.
   * @throws AppError `not_found`; `invalid`, also for what nobody approved; `conflict`; `remote_failed`, also
   *   when the server lets it wait: it is tried again until its time is up.
   */
  async *begin(
    actor: Actor,
    ref: string,
    options: {
      readonly lengthMs: number;
      readonly waits: boolean;
      readonly approved: readonly Approval['for'][];
    },
    signal: AbortSignal,
  ): Progress<WarmUpEvent, WarmUp | null> {
    const { store, clock } = this.#outside;
    const { environment } = await this.list(actor, ref);
    const [{ readServer, warmUpNotNeeded }, { requireApproved, warmUpApproval }] =
      await Promise.all([import('../environments/readiness.ts'), import('./approvals.ts')]);
    const readiness = await readServer(this.#outside, environment);
    const notice = warmUpNotNeeded(readiness);
    if (notice !== null) {
      yield { type: 'notice', notice };
      return null;
    }
    const { values, deadManObstacle } = readiness.inspection;
    if (values.warmUpObstacle !== null) {
      const { instance } = environment;
      const commands = await this.#outside.logSwitchCommands(environment, 'warm_up');
      throw new AppError('remote_failed', values.warmUpObstacle, {
        hint: { code: 'switch_warm_up_log_on', instance, commands },
      });
    }
    if (readiness.refusal !== null) throw readiness.refusal;
    const { slowLog } = values;
    requireApproved([warmUpApproval(slowLog)], options.approved);
    const requested = this.#rules.begin(actor, ref, options.lengthMs);
    const endsByItself = deadManObstacle === null;
    yield { type: 'requested', warmUp: requested, slowLog, endsByItself };
    const deadline = clock.now() + PATIENCE_MS;
    for (;;) {
      const warmUp = store.warmUps.find(requested.id);
      if (warmUp === null) throw new AppError('conflict', 'The environment was deleted meanwhile');
      this.#rules.requireStill(actor, warmUp.environmentId);
      const isRecorded = store.captures
        .listByStatus(['STARTING', 'RUNNING'])
        .some((one) => one.recordsStatements && one.environmentId === warmUp.environmentId);
      if (options.waits && warmUp.state === 'over') {
        throw new AppError('remote_failed', `The warm-up is over already: ${warmUp.outcome ?? ''}`);
      }
      if (options.waits && (warmUp.state === 'on' || isRecorded)) return warmUp;
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
      this.#rules.requireStill(actor, id);
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
