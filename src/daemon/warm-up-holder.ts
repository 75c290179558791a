import { messageOf } from '../core/errors.ts';
import type { OpenSource } from '../core/source.ts';
import type { WarmUpAnswer } from '../core/warm-ups/source-sessions.ts';
import { closed, latestEnd, seenUpTo, whyOver, type WarmUp } from '../core/warm-ups/warm-up.ts';
import type { Store } from '../core/store.ts';
import { LeaseLost, type TapContext } from './tap-context.ts';

/** How often a warm-up is looked at; also the recorder's sign of life to the server meanwhile. */
const LOOK_MS = 5_000;

/**
 * The warm-ups of a server that are not over, each with the reason why it is to end now; null while it
 * goes on.
 * @param tapId of the server's tap; null where it has none yet.
 */
export function openWarmUps(
  store: Store,
  environmentId: number,
  tapId: number | null,
  now: number,
): { warmUp: WarmUp; why: string | null }[] {
  return store.warmUps
    .listOpen()
    .filter((one) => {
      return one.environmentId === environmentId || (tapId !== null && one.tapId === tapId);
    })
    .map((warmUp) => {
      const { captureId } = warmUp;
      const capture = captureId === null ? null : store.captures.find(captureId);
      return { warmUp, why: whyOver(warmUp, capture, now) };
    });
}

/**
 * The warm-ups on one server, which the tap of that server keeps on between its captures. While a capture
 * is recorded they are suspended: the log itself covers the sessions that come.
 */
export class WarmUpHolder {
  readonly #context: TapContext;
  readonly #environmentId: number;
  readonly #tapId: number;
  readonly #server: OpenSource;
  #nextLook = 0;

  constructor(context: TapContext, environmentId: number, tapId: number, server: OpenSource) {
    this.#context = context;
    this.#environmentId = environmentId;
    this.#tapId = tapId;
    this.#server = server;
  }

  /** When something is to be done next, by our clock. */
  get nextDue(): number {
    const now = this.#context.clock.now();
    const ends = this.#open()
      // One whose capture is late ends when that begins, which it looks for now and then.
      .filter(({ captureId, until }) => captureId === null || until > now)
      .map(({ until }) => until);
    return Math.min(this.#nextLook, ...ends);
  }

  /**
   * Keeps the session default on while a warm-up wants it.
   * @returns false when none does: the server is to be restored then.
   */
  async tend(): Promise<boolean> {
    const { clock } = this.#context;
    const now = clock.now();
    this.#nextLook = now + LOOK_MS;
    const wanted = await this.endThoseOver();
    if (wanted.length === 0) return false;
    const until = Math.max(...wanted.map(latestEnd));
    const { warmUps } = this.#server;
    const answer: WarmUpAnswer =
      'unavailable' in warmUps
        ? { is: 'ended', why: warmUps.unavailable }
        : await warmUps.keepOn(until - now);
    switch (answer.is) {
      case 'on':
        this.#update(wanted, ({ covered, serverStart }) => ({
          state: 'on',
          serverStart: this.#server.serverStart,
          covered: [
            ...(serverStart === this.#server.serverStart ? closed(covered, null) : []),
            { after: answer.after, upTo: answer.after, isOpen: true },
          ],
          tapId: this.#tapId,
        }));
        this.#say('info', 'warm-up on', {});
        return true;
      case 'goes_on':
        await this.#join(wanted);
        return true;
      case 'needless':
      case 'ended':
        this.#update(wanted, ({ covered }) => ({
          state: 'over',
          outcome: answer.is === 'needless' ? `not needed: ${answer.why}` : answer.why,
          covered: closed(covered, null),
        }));
        this.#say(answer.is === 'needless' ? 'info' : 'warn', 'warm-up over', { why: answer.why });
        return false;
    }
  }

  /** Suspends them, because a log was switched on: what it covers is not counted as theirs. */
  async suspend(): Promise<void> {
    const open = this.#open().filter(({ covered }) => covered.some(({ isOpen }) => isOpen));
    if (open.length === 0) return;
    const newest = await this.#newest();
    this.#update(open, ({ covered }) => ({ covered: closed(covered, newest) }));
  }

  /** Ends those whose time is up, and whose capture began or is gone. @returns the others. */
  async endThoseOver(): Promise<WarmUp[]> {
    const { store, clock } = this.#context;
    const open = openWarmUps(store, this.#environmentId, this.#tapId, clock.now());
    const over = open.filter(({ why }) => why !== null);
    if (over.length > 0) {
      const newest = await this.#newest();
      for (const { warmUp, why } of over) {
        this.#update([warmUp], ({ covered, outcome }) => ({
          state: 'over',
          outcome: outcome ?? why,
          covered: closed(covered, newest),
        }));
        this.#say('info', 'warm-up over', { why: warmUp.outcome ?? why });
      }
    }
    return open.filter(({ why }) => why === null).map(({ warmUp }) => warmUp);
  }

  /** Has a warm-up that came later count what comes from now on. */
  async #join(wanted: readonly WarmUp[]): Promise<void> {
    const { serverStart } = this.#server;
    const newest = await this.#newestCovered();
    if (newest === null) return;
    const isIn = (warmUp: WarmUp): boolean =>
      warmUp.state === 'on' && warmUp.covered.some(({ isOpen }) => isOpen);
    this.#update(wanted.filter(isIn), ({ covered }) => ({ covered: seenUpTo(covered, newest) }));
    const joining = wanted.filter((warmUp) => !isIn(warmUp));
    this.#update(joining, (warmUp) => ({
      state: 'on',
      serverStart,
      covered: [
        ...(warmUp.serverStart === serverStart ? warmUp.covered : []),
        { after: newest, upTo: newest, isOpen: true },
      ],
      tapId: this.#tapId,
    }));
  }

  #open(): WarmUp[] {
    const { store, clock } = this.#context;
    const open = openWarmUps(store, this.#environmentId, this.#tapId, clock.now());
    return open.map(({ warmUp }) => warmUp);
  }

  async #newestCovered(): Promise<number | null> {
    const { warmUps } = this.#server;
    return 'unavailable' in warmUps ? null : warmUps.newestCovered();
  }

  async #newest(): Promise<number | null> {
    try {
      return await this.#newestCovered();
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      this.#say('warn', 'sessions not listed', { message: messageOf(error) });
      return null;
    }
  }

  #update(
    warmUps: readonly WarmUp[],
    changes: (warmUp: WarmUp) => Parameters<TapContext['store']['warmUps']['update']>[1],
  ): void {
    const { store, commit } = this.#context;
    commit(() => {
      for (const warmUp of warmUps) store.warmUps.update(warmUp.id, changes(warmUp));
    });
  }

  #say(
    level: 'info' | 'warn',
    event: string,
    facts: Readonly<Record<string, string | null>>,
  ): void {
    const { store, log } = this.#context;
    const environment = store.environments.find(this.#environmentId)?.name ?? null;
    log(level, event, { environment, ...facts });
  }
}
