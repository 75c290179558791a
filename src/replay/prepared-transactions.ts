import type { PreparedTransaction, ReplayTarget, TargetSession } from '../core/replays/target.ts';
import { literalBytes } from '../sql/literal-bytes.ts';
import type { StatementNature } from '../sql/statement-nature.ts';
import type { Pace } from './pace.ts';

const PREPARES = /\bxa\s/i;
const PREPARED =
  /\bxa\s+prepare\s+((?:x?'[^']*'|"[^"]*"|0x[0-9a-f]+)(?:\s*,\s*(?:x?'[^']*'|"[^"]*"|0x[0-9a-f]+|\d+)){0,2})/gi;
/** ER_XAER_NOTA. */
const UNKNOWN = 1397;
/** Names that are remembered; the others are told of. */
const MOST_NAMES = 10_000;
/** A server needs a moment to see that the session is gone whose transaction it was. */
const TRIES = 10;
const BETWEEN_TRIES_MS = 100;
const FIRST_TRIES_MS = 20;

/**
 * The distributed transactions (XA) that are prepared during a replay: they outlive their sessions, and hold their
 * locks until somebody decides. Those that what was sent names are rolled back at the end: the record does not decide
 * on them. Others, as of a procedure of the target or of somebody else, are only told of.
 */
export class PreparedTransactions {
  /** Names of those that were there before; null where they are not known. */
  #before: ReadonlySet<string> | null = null;
  /** All literals of the texts that may prepare one: their names are among these. */
  readonly #named = new Set<string>();
  /** By name, how those were named that a text prepared in so many words. */
  readonly #sent = new Map<string, string>();
  #left: readonly PreparedTransaction[] = [];

  /** Before anything is sent. Never throws. */
  async begin(target: ReplayTarget): Promise<void> {
    const all = await target.preparedTransactions();
    this.#before = all === null ? null : new Set(all.map(({ name }) => name));
  }

  /** A text was sent. */
  follow(sql: string, { texts }: Pick<StatementNature, 'texts'>): void {
    for (const text of [sql, ...texts]) {
      if (!PREPARES.test(text) || this.#named.size >= MOST_NAMES) continue;
      for (const name of literalBytes(text)) this.#named.add(name);
      for (const [, id = ''] of text.matchAll(PREPARED)) {
        this.#sent.set(literalBytes(id).join(''), id);
      }
    }
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
    if (this.#before === null && this.#named.size === 0) return 0;
    const done = new AbortController();
    const enough = signal === null ? done.signal : AbortSignal.any([done.signal, signal]);
    const ended = new Set<string>();
    const all = this.#rollBackAll(target, pace, ended).finally(() => done.abort());
    await Promise.race([all, pace.sleep(within, enough)]);
    this.#left = this.#left.filter(({ name }) => !ended.has(name));
    return ended.size;
  }

  async #rollBackAll(target: ReplayTarget, pace: Pace, ended: Set<string>): Promise<void> {
    const all = await target.preparedTransactions();
    if (all === null) this.#left = [...this.#sent].map(([name, id]) => ({ id, name }));
    else this.#left = all.filter(({ name }) => this.#before?.has(name) !== true);
    const open = this.#left.filter(({ name }) => this.#sent.has(name) || this.#isNamed(name));
    if (open.length === 0) return;
    let session: TargetSession;
    try {
      session = await target.openSession({ account: null });
    } catch {
      return;
    }
    const unknown = new Set<string>();
    for (let tries = 0; tries < TRIES && ended.size < open.length; tries++) {
      if (tries > 0) await pace.sleep(tries < 3 ? FIRST_TRIES_MS : BETWEEN_TRIES_MS);
      for (const { id, name } of open) {
        if (ended.has(name)) continue;
        const code = await codeOf(session, `XA ROLLBACK ${id}`);
        if (code === 0) ended.add(name);
        // One that is not there, or still somebody's.
        else if (code === UNKNOWN && all === null) unknown.add(name);
      }
    }
    session.close();
    this.#left = this.#left.filter(({ name }) => !unknown.has(name));
  }

  /** Whether it is one literal, or one behind another. */
  #isNamed(name: string): boolean {
    if (this.#named.has(name)) return true;
    for (let at = 2; at < name.length; at += 2) {
      if (this.#named.has(name.slice(0, at)) && this.#named.has(name.slice(at))) return true;
    }
    return false;
  }

  /** How those are named, in a statement, that nobody decided on. */
  get left(): readonly string[] {
    return this.#left.map(({ id }) => id);
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
