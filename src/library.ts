import { hostname, userInfo } from 'node:os';
import { randomBytes } from 'node:crypto';
import { UNLIMITED, type Actor } from './core/access.ts';
import type { Api } from './core/api.ts';
import type { CaptureRequest } from './core/captures/capture-timing.ts';
import { systemClock } from './core/clock.ts';
import { isLive } from './core/daemon/lease.ts';
import { AppError, isAppError, messageOf } from './core/errors.ts';
import { resultOf, type Progress } from './core/progress.ts';
import type { Lease, ListedCapture } from './core/store.ts';
import { DEFAULT_REPLAY } from './core/replays/replay-request.ts';
import type { Replay, ReplayEvent, ReplayOptions, ReplayResult } from './core/replays/replay.ts';
import { prepareUser, UserService } from './core/users/user-service.ts';
import type { Approval } from './core/warm-ups/approvals.ts';
import type { VerificationResult } from './core/verification/verification.ts';
import { EVERY_STATEMENT, type StatementSearch } from './core/workloads/statement-search.ts';
import type { StatementRecord } from './core/workloads/statements.ts';
import { runDaemon } from './daemon/daemon.ts';
import { programVersion } from './package.ts';
import { createStore, openStore, storeClosed } from './store/sqlite-store.ts';
import { mysqlServers, Wiring, type Machine } from './wiring.ts';

const GRACE_MS = 10 * 60_000;
const LOOK_MS = 20;

type OnEvent = (event: string) => void | Promise<void>;

/** A capture to begin now, or at `scheduledStart`; what is left out is as `captures create` has it. */
export type NewCapture = Pick<CaptureRequest, 'name' | 'environment'> & Partial<CaptureRequest>;

/**
 * Opens a store; makes it, with its first user, where there is none in the folder. Who can write the
 * folder can do anything in it: nobody is asked for a password.
 * @param options.user in whose name the program acts, an administrator where the store is made: by default
 *   that of the operating system's user.
 * @throws AppError `not_found` for a user that the store does not have; `store_unusable`.
 */
export async function openCaptures(options: {
  readonly store: string;
  readonly user?: string;
}): Promise<Captures> {
  const name = options.user ?? userInfo().username;
  const wiring = new Wiring(MACHINE, { store: options.store });
  if (!wiring.hasStore) {
    const { clock } = MACHINE;
    // Nobody has to know it: another can be set where one is needed.
    const user = await prepareUser(name, randomBytes(32).toString('base64url'));
    try {
      const made = createStore(options.store, { sharedGroup: null, now: clock.now() }, (store) => {
        new UserService(store, clock, MACHINE).openFirstSession(user);
      });
      wiring.adoptStore(made);
    } catch (error) {
      // Somebody else made it meanwhile.
      if (!isAppError(error, 'conflict')) throw error;
    }
  }
  const user = wiring.store.users.findByName(name);
  if (user === null) {
    wiring.close();
    throw new AppError('not_found', `There is no user named "${name}"`);
  }
  const actor = {
    userId: user.id,
    userName: user.name,
    isStoreAdmin: user.isAdmin,
    scope: UNLIMITED,
  };
  return new Captures(wiring, actor);
}

/**
 * An open store, and the user in whose name the program acts. `close` it: what is asked of it afterwards, or
 * waits then, rejects with an AppError `store_unusable`.
 */
export class Captures {
  readonly actor: Actor;
  readonly #wiring: Wiring;
  readonly #leaving = new AbortController();
  /** What waits, and ends by itself when `close` is called. */
  readonly #waiting = new Set<Promise<unknown>>();
  #daemon: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(wiring: Wiring, actor: Actor) {
    this.#wiring = wiring;
    this.actor = actor;
  }

  /** Every use case; each takes `actor`. */
  get api(): Api {
    return this.#wiring.api;
  }

  /**
   * Records in this process until `close`: the store's daemon, or one that stands by for another. Passwords
   * by `env:NAME` are read in this process's environment. Resolves when a daemon is running: this one, or
   * another that has just been seen to renew its lease.
   * @param options.onEvent is told what it does; what it throws becomes a warning of the process.
   * @throws AppError `store_unusable`.
   */
  async startDaemon(options: { readonly onEvent?: OnEvent } = {}): Promise<void> {
    const before = this.#wiring.store.lease.find();
    const settled = new AbortController();
    const signal = AbortSignal.any([this.#leaving.signal, settled.signal]);
    this.#daemon ??= this.#run(options.onEvent ?? (() => undefined));
    try {
      await Promise.race([this.#daemon, this.#untilRenewed(before, signal)]);
    } finally {
      settled.abort();
    }
    this.#leaving.signal.throwIfAborted();
  }

  /** A daemon that died leaves a lease that looks alive for three seconds; only one that lives changes it. */
  async #untilRenewed(before: Lease | null, signal: AbortSignal): Promise<void> {
    const { clock } = MACHINE;
    while (!signal.aborted) {
      const now = this.#wiring.store.lease.find();
      const isNew = now?.holder !== before?.holder || now?.expiresAt !== before?.expiresAt;
      if (isNew && isLive(now, clock.now())) return;
      await clock.sleep(LOOK_MS, signal);
    }
  }

  async #run(onEvent: OnEvent): Promise<void> {
    const { clock, hostName, pid, userName } = MACHINE;
    const source = await this.#wiring.servers();
    const { provider: metricProvider } = await this.#wiring.metricSources();
    const running = { hostname: hostName, pid, userName, programVersion: programVersion() };
    // A connection of its own: SQLite tells one of changes that others made, never of its own.
    const store = openStore(this.#wiring.store.directory);
    try {
      await runDaemon(
        {
          store,
          clock,
          source,
          metricProvider,
          log: (_level, event) => tell(onEvent, event),
          ...running,
        },
        { background: false, graceMs: GRACE_MS, signal: this.#leaving.signal },
      );
    } finally {
      store.close();
    }
  }

  /**
   * Looks at the server, creates a capture, and waits until it records unless it is to start later. One that
   * no daemon took until it rejects is not stored any more.
   * @param approved what it may do that disturbs others.
   * @throws AppError as the API's `create`; `capture_failed` when it FAILED.
   */
  async record(
    capture: NewCapture,
    approved: readonly Approval['for'][] = [],
  ): Promise<ListedCapture> {
    const { signal } = this.#leaving;
    const request = { status: null, start: null, scheduledStart: null, duration: null, ...capture };
    return this.#resultOf(this.api.captures.record(this.actor, request, { approved }, signal));
  }

  /** Waits until a capture is over. @throws AppError `not_found`; `capture_failed` when it FAILED. */
  async untilOver(id: number): Promise<ListedCapture> {
    const { signal } = this.#leaving;
    return this.#resultOf(this.api.captures.wait(this.actor, String(id), 'over', signal));
  }

  /** Stops a capture, and waits until its record is complete. @throws AppError `conflict`. */
  async stop(id: number, reason: string | null = null): Promise<ListedCapture> {
    const options = { reason, waits: true };
    const { signal } = this.#leaving;
    return this.#resultOf(this.api.captures.stop(this.actor, String(id), options, signal));
  }

  /** Reads a record as a whole and says what is known of its truth. @throws AppError `not_found`. */
  async verify(id: number): Promise<VerificationResult> {
    const { result } = await resultOf(this.api.verification.verify(this.actor, String(id), null));
    return result;
  }

  /**
   * Sends what a capture recorded to the server of another environment, and waits until that is done: read-only and at
   * the times of the record, unless the options say otherwise. Nobody is asked: with `writes` the target's data
   * changes. `close` ends it; what was done is kept.
   * @param request.to the target, by id or name.
   * @param request.confirm the target's name: needed where that is the recorded server, or another that was recorded.
   * @param request.onEvent is told how far it is.
   * @throws AppError as the API's `replays.run`; `capture_failed` when the target was lost: the result is kept.
   */
  async replay(
    id: number,
    request: Partial<ReplayOptions> & {
      readonly to: string;
      readonly name?: string;
      readonly confirm?: string;
      readonly onEvent?: (event: ReplayEvent) => void | Promise<void>;
    },
  ): Promise<Replay & { readonly result: ReplayResult }> {
    const { to, name = null, confirm = null, onEvent, ...options } = request;
    const asked = {
      environment: to,
      name,
      options: { ...DEFAULT_REPLAY, ...options },
      confirmed: confirm,
      approvesWrites: true,
    };
    const { signal } = this.#leaving;
    const run = this.api.replays.run(this.actor, String(id), asked, signal);
    const replay = await this.#resultOf(run, onEvent);
    const { capture, result } = replay;
    if (capture.status === 'DONE' && result !== null) return { ...replay, result };
    throw new AppError(
      'capture_failed',
      `The replay failed: ${capture.reason ?? 'reason unknown'}`,
    );
  }

  /**
   * The statements that were recorded so far, in order.
   * @param options.search which of them; all of them where it asks for nothing.
   * @param options.limit so many at most.
   * @param options.follow goes on with what comes, until the capture is over.
   * @throws AppError `not_found`; `invalid` for what cannot be searched for; `store_unusable`, also when `close`
   *   is called while it follows.
   */
  async *workload(
    id: number,
    options: {
      readonly search?: Partial<StatementSearch>;
      readonly limit?: number;
      readonly follow?: boolean;
    } = {},
  ): AsyncGenerator<StatementRecord, void, void> {
    const { search, limit = null, follow = false } = options;
    const following = { signal: this.#leaving.signal, tell: () => undefined };
    const parts = this.api.workloads.records(this.actor, String(id), {
      search: { ...EVERY_STATEMENT, ...search },
      limit,
      follow: follow ? following : null,
    });
    for await (const records of parts) yield* records;
  }

  /** Runs a use case that `close` ends, and then waits for. */
  async #resultOf<Event, Result>(
    run: Progress<Event, Result>,
    onEvent?: (event: Event) => void | Promise<void>,
  ): Promise<Result> {
    const result = resultOf(run, onEvent);
    this.#waiting.add(result);
    try {
      return await result;
    } finally {
      this.#waiting.delete(result);
    }
  }

  /**
   * Ends what waits and this process's daemon, which leaves what is RUNNING to the next one, and closes the
   * store for good.
   * @throws what made the daemon fail.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#leaving.abort(storeClosed(this.#wiring.store.directory));
    try {
      await Promise.allSettled(this.#waiting);
      await this.#daemon;
    } finally {
      this.#wiring.close();
    }
  }
}

/** A listener cannot end a recording: what it throws, or rejects with, becomes a warning. */
function tell(onEvent: OnEvent, event: string): void {
  new Promise<void>((resolve) => resolve(onEvent(event))).catch((error: unknown) =>
    process.emitWarning(`The onEvent of startDaemon failed: ${messageOf(error)}`),
  );
}

const MACHINE: Machine = {
  clock: systemClock,
  env: process.env,
  userName: userInfo().username,
  hostName: hostname(),
  pid: process.pid,
  serverLogs: mysqlServers,
  isRunning: (pid) => {
    try {
      return process.kill(pid, 0);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  },
  startDaemon: () =>
    Promise.reject(
      new AppError('capture_failed', 'No daemon is running', {
        hint: 'Call startDaemon() first, or keep a daemon running for this store.',
      }),
    ),
};
