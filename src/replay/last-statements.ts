import type { ReplayTarget } from '../core/replays/target.ts';
import { Turnstile, type Pace } from './pace.ts';
import type { SessionPlayer } from './session-player.ts';

/** They may end by themselves, for so long. */
const MOMENT_MS = 50;
/** All of it takes so long at most, and less where nothing is heard of the target for so long. */
const MOST_MS = 700;
const SILENCE_MS = 300;
/** The next one is broken off when this one is answered, and so much later at the latest. */
const BETWEEN_MS = 5;

/**
 * Ends what sessions are doing when a replay is ended before its time: what is answered is accounted for by its answer.
 *
 * One after the other: in MariaDB all that sleep share a lock, and KILL looks for it again after 50 ms when one that
 * was woken has it (sql_class.cc, `abort_current_cond_wait`; 32 at once took up to five seconds).
 */
export class LastStatements {
  readonly #target: ReplayTarget;
  readonly #pace: Pace;
  readonly #answered = new Turnstile();

  constructor(target: ReplayTarget, pace: Pace) {
    this.#target = target;
    this.#pace = pace;
  }

  /** A statement was answered. */
  answered(): void {
    this.#answered.open();
  }

  /** From the moment that it is called nothing more begins. Ends within 700 ms, whatever the target does. */
  async end(sessions: Iterable<SessionPlayer>): Promise<void> {
    const all = [...sessions];
    for (const session of all) session.halt();
    const until = this.#pace.now() + MOST_MS;
    const busy = all.filter(isBusy);
    await this.#untilAnswered(busy, MOMENT_MS);
    for (const session of busy) {
      const { connection } = session;
      if (!isBusy(session) || connection === null) continue;
      const left = until - this.#pace.now();
      if (left <= 0 || !(await this.#isDone(this.#target.breakOff(connection), left))) return;
      await this.#untilAnswered([session], BETWEEN_MS);
    }
    await this.#untilAnswered(busy, Math.min(until - this.#pace.now(), SILENCE_MS));
  }

  async #untilAnswered(sessions: readonly SessionPlayer[], within: number): Promise<void> {
    const until = this.#pace.now() + within;
    for (;;) {
      const left = until - this.#pace.now();
      if (left <= 0 || !sessions.some(isBusy)) return;
      await this.#isDone(this.#answered.wait(), left);
    }
  }

  async #isDone(promise: Promise<void>, within: number): Promise<boolean> {
    const done = new AbortController();
    const late = this.#pace.sleep(Math.min(within, SILENCE_MS), done.signal).then(() => false);
    try {
      return await Promise.race([promise.then(() => true), late]);
    } finally {
      done.abort();
    }
  }
}

function isBusy({ state }: SessionPlayer): boolean {
  return state === 'busy';
}
