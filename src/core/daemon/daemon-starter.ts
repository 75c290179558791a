import { AppError } from '../errors.ts';
import type { Outside } from '../outside.ts';
import type { Store } from '../store.ts';
import { isLive } from './lease.ts';

/** Daemons in the background, on this machine. */
export interface DaemonProcesses {
  /**
   * Starts one for a store, detached from the streams of this process.
   * @returns null where none was started because one came up by itself.
   */
  start(storeDirectory: string): Promise<StartedDaemon | null>;
  /** Whether a process with this id runs on this machine, of any user. */
  isRunning(pid: number): boolean;
}

/** A daemon that was started and let go. */
export interface StartedDaemon {
  readonly pid: number;
  readonly logFile: string;
}

/** No daemon was alive, and one was started in the background. */
export interface DaemonStarted extends StartedDaemon {
  readonly type: 'daemon_started';
}

// A daemon needs a fraction of a second to take the lease; a busy machine gets more.
const PATIENCE_MS = 10_000;
const MOST_STARTS = 3;

/** Whether a daemon holds the store's lease now. */
export function hasLiveDaemon(store: Pick<Store, 'lease'>, now: number): boolean {
  return isLive(store.lease.find(), now);
}

/** Starts daemons in the background for what this process asks of one. One of them serves a process. */
export class DaemonStarter {
  readonly #outside: Outside;
  #startedAt: number | null = null;
  #starts = 0;
  #logFile: string | null = null;

  constructor(outside: Outside) {
    this.#outside = outside;
  }

  /**
   * Starts a daemon unless one is alive or coming up, and says so.
   * @throws AppError `capture_failed` when none came up, or stayed up, three times in a row.
   */
  async *ensure(): AsyncGenerator<DaemonStarted, void, void> {
    const { store, clock, daemons } = this.#outside;
    const now = clock.now();
    const isRecent = this.#startedAt !== null && now - this.#startedAt < PATIENCE_MS;
    if (hasLiveDaemon(store, now) && !this.#isKilled()) {
      // The one that was started last works: a program that lives long may need another one some day.
      if (!isRecent) this.#starts = 0;
      return;
    }
    if (isRecent) return;
    if (this.#starts === MOST_STARTS) {
      throw new AppError('capture_failed', 'The daemon does not start', {
        hint: { code: 'see_daemon_log', log: this.#logFile ?? store.directory },
      });
    }
    const started = await daemons.start(store.directory);
    if (started === null) return;
    this.#startedAt = now;
    this.#starts += 1;
    this.#logFile = started.logFile;
    yield { type: 'daemon_started', ...started };
  }

  /**
   * Whether the lease is that of a daemon of this machine that was killed: it runs on for up to three
   * seconds, and a command that returns at once would leave the capture to nobody. Asked only before one
   * is started, which waits until the lease lapses, or leaves where it is renewed after all: a host's
   * name can be that of a container, too, whose processes have other ids.
   */
  #isKilled(): boolean {
    const { store, origin, daemons } = this.#outside;
    const lease = store.lease.find();
    if (lease === null || this.#startedAt !== null) return false;
    return lease.host === origin.hostName && !daemons.isRunning(lease.pid);
  }
}
