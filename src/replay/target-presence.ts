import type { ReplayTarget } from '../core/replays/target.ts';
import type { Pace } from './pace.ts';

/** A target that does not answer within this, when it is asked whether it is there, is lost. */
const ALIVE_MS = 3_000;

/** Tells a connection that was lost from a target that was. */
export class TargetPresence {
  readonly #target: ReplayTarget;
  readonly #pace: Pace;
  #looking: Promise<string | null> | null = null;

  constructor(target: ReplayTarget, pace: Pace) {
    this.#target = target;
    this.#pace = pace;
  }

  /**
   * Asks whether it is there: it answers, or lets somebody in. Within a few seconds; those who ask meanwhile get the
   * same answer.
   * @returns why it is not, in words; null where it is. Never rejects.
   */
  whyLost(): Promise<string | null> {
    this.#looking ??= this.#look().finally(() => (this.#looking = null));
    return this.#looking;
  }

  async #look(): Promise<string | null> {
    const done = new AbortController();
    const late = this.#pace
      .sleep(ALIVE_MS, done.signal)
      .then(() => 'the target does not answer any more');
    try {
      return await Promise.race([this.#ask(), late]);
    } finally {
      done.abort();
    }
  }

  async #ask(): Promise<string | null> {
    try {
      await this.#target.now();
      return null;
    } catch {
      // Somebody may have ended that connection as well.
    }
    try {
      (await this.#target.openSession({ account: null })).destroy();
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}
