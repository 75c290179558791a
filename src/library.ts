import { hostname, userInfo } from 'node:os';
import { randomBytes } from 'node:crypto';
import type { Actor } from './core/access.ts';
import type { Api } from './core/api.ts';
import type { CaptureRequest } from './core/captures/capture-timing.ts';
import { systemClock } from './core/clock.ts';
import { hasLiveDaemon } from './core/daemon/daemon-starter.ts';
import { AppError } from './core/errors.ts';
import { resultOf } from './core/progress.ts';
import type { ListedCapture } from './core/store.ts';
import { prepareUser, UserService } from './core/users/user-service.ts';
import type { Approval } from './core/warm-ups/approvals.ts';
import type { VerificationResult } from './core/verification/verification.ts';
import type { StatementRecord } from './core/workloads/statements.ts';
import { runDaemon } from './daemon/daemon.ts';
import { programVersion } from './package.ts';
import { createStore, openStore } from './store/sqlite-store.ts';
import { mysqlServers, Wiring, type Machine } from './wiring.ts';

const GRACE_MS = 10 * 60_000;
const LOOK_MS = 20;
/** Captures of programs wait for no signal: `close` ends the daemon, which leaves them to the next one. */
const NEVER = new AbortController().signal;

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
    const made = createStore(options.store, { sharedGroup: null, now: clock.now() }, (store) => {
      new UserService(store, clock, MACHINE).openFirstSession(user);
    });
    wiring.adoptStore(made);
  }
  const user = wiring.store.users.findByName(name);
  if (user === null) {
    wiring.close();
    throw new AppError('not_found', `There is no user named "${name}"`);
  }
  const actor = { userId: user.id, userName: user.name, isStoreAdmin: user.isAdmin };
  return new Captures(wiring, actor);
}

/** An open store, and the user in whose name the program acts. `close` it. */
export class Captures {
  readonly actor: Actor;
  readonly #wiring: Wiring;
  readonly #leaving = new AbortController();
  #daemon: Promise<void> | null = null;

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
   * by `env:NAME` are read in this process's environment. Resolves when a daemon is running.
   * @param options.onEvent is told what it does.
   * @throws AppError `store_unusable`.
   */
  async startDaemon(options: { readonly onEvent?: (event: string) => void } = {}): Promise<void> {
    this.#daemon ??= this.#run(options.onEvent ?? (() => undefined));
    await Promise.race([this.#daemon, this.#untilDaemonLives()]);
  }

  async #untilDaemonLives(): Promise<void> {
    const { clock } = MACHINE;
    const { signal } = this.#leaving;
    while (!signal.aborted && !hasLiveDaemon(this.#wiring.store, clock.now())) {
      await clock.sleep(LOOK_MS, signal);
    }
  }

  async #run(onEvent: (event: string) => void): Promise<void> {
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
          log: (_level, event) => onEvent(event),
          ...running,
        },
        { background: false, graceMs: GRACE_MS, signal: this.#leaving.signal },
      );
    } finally {
      store.close();
    }
  }

  /**
   * Looks at the server, creates a capture, and waits until it records unless it is to start later.
   * @param approved what it may do that disturbs others.
   * @throws AppError as the API's `create`; `capture_failed` when it FAILED.
   */
  async record(
    capture: NewCapture,
    approved: readonly Approval['for'][] = [],
  ): Promise<ListedCapture> {
    const { captures } = this.api;
    const request = { status: null, start: null, scheduledStart: null, duration: null, ...capture };
    const created = await resultOf(captures.create(this.actor, request, { approved }));
    if (created.status === 'SCHEDULED') return created;
    return resultOf(captures.wait(this.actor, String(created.id), 'begun', NEVER));
  }

  /** Waits until a capture is over. @throws AppError `not_found`; `capture_failed` when it FAILED. */
  async untilOver(id: number): Promise<ListedCapture> {
    return resultOf(this.api.captures.wait(this.actor, String(id), 'over', NEVER));
  }

  /** Stops a capture, and waits until its record is complete. @throws AppError `conflict`. */
  async stop(id: number, reason: string | null = null): Promise<ListedCapture> {
    const options = { reason, waits: true };
    return resultOf(this.api.captures.stop(this.actor, String(id), options, NEVER));
  }

  /** Reads a record as a whole and says what is known of its truth. @throws AppError `not_found`. */
  async verify(id: number): Promise<VerificationResult> {
    const { result } = await resultOf(this.api.verification.verify(this.actor, String(id), null));
    return result;
  }

  /** The statements that were recorded so far, in order. @throws AppError `not_found`; `store_unusable`. */
  async *workload(id: number): AsyncGenerator<StatementRecord, void, void> {
    for await (const records of this.api.workloads.records(this.actor, String(id))) yield* records;
  }

  /**
   * Ends this process's daemon, which leaves what is RUNNING to the next one, and closes the store.
   * @throws what made the daemon fail.
   */
  async close(): Promise<void> {
    this.#leaving.abort();
    try {
      await this.#daemon;
    } finally {
      this.#wiring.close();
    }
  }
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
