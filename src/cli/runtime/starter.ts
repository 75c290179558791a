import { AppError } from '../../core/errors.ts';
import type { Context } from './context.ts';
import { hasLiveDaemon } from '../output/daemon-warnings.ts';

// A daemon needs a fraction of a second to take the lease; a busy machine gets more.
const PATIENCE_MS = 10_000;
const MOST_STARTS = 3;

/** Sees to it that a daemon lives while a command waits for it, starting one in the background. */
export class DaemonKeeper {
  readonly #context: Context;
  #startedAt: number | null = null;
  #starts = 0;
  #logFile: string | null = null;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Says so where one has to be started; does nothing while one lives or is coming up. */
  async ensure(): Promise<void> {
    const { store, world } = this.#context;
    const now = this.#context.now();
    if (hasLiveDaemon(store, now) && !this.#isKilled()) return;
    if (this.#startedAt !== null && now - this.#startedAt < PATIENCE_MS) return;
    if (this.#starts === MOST_STARTS) {
      throw new AppError('capture_failed', 'The daemon does not start', {
        hint: `See why in ${this.#logFile ?? store.directory}, or run it in a terminal: captures daemon`,
      });
    }
    const { pid, logFile } = await world.startDaemon(store.directory);
    this.#startedAt = now;
    this.#starts += 1;
    this.#logFile = logFile;
    await this.#context.note(
      `no daemon was running: started one in the background (pid ${pid}, log ${logFile})`,
    );
  }

  /**
   * Whether the lease is that of a daemon of this machine that was killed: it runs on for up to three
   * seconds, and a command that returns at once would leave the capture to nobody. Asked only before one
   * is started, which waits until the lease lapses, or leaves where it is renewed after all: a host's
   * name can be that of a container, too, whose processes have other ids.
   */
  #isKilled(): boolean {
    const { store, world } = this.#context;
    const lease = store.lease.find();
    if (lease === null || this.#startedAt !== null) return false;
    return lease.host === world.hostName && !world.isRunning(lease.pid);
  }
}
