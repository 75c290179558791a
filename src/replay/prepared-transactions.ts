import type { ReplayTarget, TargetSession } from '../core/replays/target.ts';
import type { Pace } from './pace.ts';

const STEP = /^\s*xa\s+(prepare|commit|rollback)\s+(.+?)(?:\s+one\s+phase)?\s*;?\s*$/is;
/** A server needs a moment to see that the session is gone whose transaction it was. */
const TRIES = 10;
const BETWEEN_TRIES_MS = 100;
const FIRST_TRIES_MS = 20;

/**
 * The distributed transactions (XA) that the replay has prepared: they outlive their sessions, and hold their locks
 * until somebody decides. What the record does not decide is rolled back.
 */
export class PreparedTransactions {
  readonly #open = new Set<string>();

  /** A statement was done. */
  follow(sql: string): void {
    const [, step = '', id = ''] = STEP.exec(sql) ?? [];
    if (step.toLowerCase() === 'prepare') this.#open.add(id);
    else this.#open.delete(id);
  }

  /**
   * Once the sessions are gone. Never throws.
   * @param within milliseconds; what is not done by then, or when the signal is aborted, is left.
   * @returns how many were rolled back.
   */
  async rollBack(
    target: ReplayTarget,
    pace: Pace,
    within: number,
    signal: AbortSignal | null,
  ): Promise<number> {
    const before = this.#open.size;
    if (before === 0) return 0;
    const done = new AbortController();
    const enough = signal === null ? done.signal : AbortSignal.any([done.signal, signal]);
    const all = this.#rollBackAll(target, pace).finally(() => done.abort());
    await Promise.race([all, pace.sleep(within, enough)]);
    return before - this.#open.size;
  }

  async #rollBackAll(target: ReplayTarget, pace: Pace): Promise<void> {
    let session: TargetSession;
    try {
      session = await target.openSession({ account: null });
    } catch {
      return;
    }
    for (let tries = 0; tries < TRIES && this.#open.size > 0; tries++) {
      if (tries > 0) await pace.sleep(tries < 3 ? FIRST_TRIES_MS : BETWEEN_TRIES_MS);
      for (const id of [...this.#open]) {
        if ((await codeOf(session, `XA ROLLBACK ${id}`)) === 0) this.#open.delete(id);
      }
    }
    session.close();
  }

  /** Those that nobody decided on. */
  get left(): number {
    return this.#open.size;
  }
}

function codeOf(session: TargetSession, text: string): Promise<number> {
  return new Promise((resolve) => {
    if (session.isLost) {
      resolve(-1);
      return;
    }
    session.run({ type: 'query', text, isSeveral: false }, [], ({ code }) => resolve(code));
  });
}
