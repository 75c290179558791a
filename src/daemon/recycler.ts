import { captureSubject, DAEMON } from '../core/audit/audit-trail.ts';
import { AppError, isAppError } from '../core/errors.ts';
import type { OpenSource } from '../core/source.ts';
import type { Recycled, ServerSession } from '../core/warm-ups/source-sessions.ts';
import { isCovered } from '../core/warm-ups/warm-up.ts';
import { matchesPattern } from '../core/captures/name-patterns.ts';
import type { Recorder } from './recorder.ts';
import type { TapContext } from './tap-context.ts';

/** At each drain, of which there are two a second: a pool that connects anew is not to come all at once. */
const AT_ONCE = 2;
/** A session that was never idle in so long will not be. */
const LONGEST_MS = 120_000;
const MOST_LISTED = 1_000;

/**
 * Ends idle sessions of before a capture's start where that was asked for, a few a second, so that what
 * they execute is prepared again, under the log.
 */
export class Recycler {
  readonly #context: TapContext;
  readonly #server: OpenSource;

  constructor(context: TapContext, server: OpenSource) {
    this.#context = context;
    this.#server = server;
  }

  /** Whether sessions are to be ended for a capture yet. */
  isUnderWay(recorder: Recorder): boolean {
    const capture = this.#context.store.captures.find(recorder.captureId);
    return capture?.options.recycleUsers != null && recorder.facts.recycled?.isOver !== true;
  }

  /**
   * Goes on with it, for captures whose window is open and that ask for it yet.
   * @throws AppError where the connection is lost.
   */
  async tend(recorders: readonly Recorder[]): Promise<void> {
    for (const recorder of recorders) await this.#tend(recorder);
    const isOver = recorders.every((recorder) => !this.isUnderWay(recorder));
    // What is known of sessions is forgotten then.
    if (recorders.length > 0 && isOver) await this.#endRecycling(recorders);
  }

  async #tend(recorder: Recorder): Promise<void> {
    const { store, clock } = this.#context;
    const capture = store.captures.find(recorder.captureId);
    const users = capture?.options.recycleUsers ?? null;
    const { recycled, sessionsAtStart } = recorder.facts;
    if (capture === null || users === null) return;
    const before = recycled ?? this.#begun(sessionsAtStart);
    const warmUps = store.warmUps.listOf(capture.environmentId);
    const isWanted = ({ id, user }: ServerSession): boolean =>
      id <= before.newest &&
      user !== null &&
      (users.length === 0 || users.some((pattern) => matchesPattern(pattern, user))) &&
      !isCovered(id, this.#server.serverStart, warmUps, false);
    const isLate = clock.now() - Date.parse(before.since) >= LONGEST_MS;
    try {
      const { recycling } = this.#server;
      if ('unavailable' in recycling) throw new AppError('remote_failed', recycling.unavailable);
      const { ended, left, newest, changedServer } = await recycling.end(isWanted, AT_ONCE);
      recorder.noteRecycled({
        ...before,
        ended: before.ended + ended.length,
        sessions: [...before.sessions, ...ended].slice(0, MOST_LISTED),
        left,
        newest: recycled === undefined ? Math.min(newest, before.newest) : before.newest,
        installedPlugin: before.installedPlugin || changedServer,
        isOver: left === 0 || isLate,
      });
    } catch (error) {
      this.#noteFailure(recorder, error, 'Sessions were not ended');
      recorder.noteRecycled({ ...before, isOver: true });
    }
    if (!this.isUnderWay(recorder)) this.#record(recorder);
  }

  /** Writes down how far it came, for a capture whose window closed before it was over. */
  end(recorder: Recorder): void {
    const { recycled } = recorder.facts;
    if (recycled === undefined || recycled.isOver) return;
    recorder.noteRecycled({ ...recycled, isOver: true });
    this.#record(recorder);
  }

  async #endRecycling(recorders: readonly Recorder[]): Promise<void> {
    const { recycling } = this.#server;
    if ('unavailable' in recycling) return;
    try {
      await recycling.finish();
    } catch (error) {
      // It is tried once more when the server is restored.
      const what = 'The plugin that lists locks is still installed';
      for (const recorder of recorders) this.#noteFailure(recorder, error, what);
    }
  }

  /** @throws the error, where it is not a refusal of the server's. */
  #noteFailure(recorder: Recorder, error: unknown, what: string): void {
    if (this.#server.isConnectionLost() || !isAppError(error, 'remote_failed')) throw error;
    recorder.noteWarning(`${what}: ${error.message}`);
  }

  #begun(sessionsAtStart: readonly { readonly session: number }[]): Recycled {
    return {
      since: new Date(this.#context.clock.now()).toISOString(),
      ended: 0,
      sessions: [],
      left: 0,
      newest: Math.max(0, ...sessionsAtStart.map(({ session }) => session)),
      installedPlugin: false,
      isOver: false,
    };
  }

  #record(recorder: Recorder): void {
    const { store, commit, audit, log } = this.#context;
    const capture = store.captures.find(recorder.captureId);
    const { ended = 0, left = 0, sessions = [] } = recorder.facts.recycled ?? {};
    if (capture === null) return;
    const users = [...new Set(sessions.map(({ user }) => user ?? ''))].sort().join(', ');
    commit(() => {
      audit.record(DAEMON, 'capture.recycle', captureSubject(capture), {
        details: { ended, left, users },
      });
    });
    log('info', 'sessions ended', { capture: capture.id, ended, left });
  }
}
