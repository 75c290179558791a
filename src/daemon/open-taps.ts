import type { AuditTrail } from '../core/audit/audit-trail.ts';
import { messageOf } from '../core/errors.ts';
import type { TapRow } from '../core/store.ts';
import type { DaemonContext } from './daemon.ts';
import { LeaseLost, type TapContext, type Waiting } from './tap-context.ts';
import { Tap, type TapEnd } from './tap.ts';

const RETRY_RESTORE_MS = 5_000;

interface TapsContext extends Pick<
  DaemonContext,
  'store' | 'clock' | 'source' | 'log' | 'programVersion'
> {
  readonly daemonName: string;
  readonly audit: AuditTrail;
  readonly commit: TapContext['commit'];
  /** Called when a tap has ended: what it leaves undone is to be looked for. */
  readonly onEnd: () => void;
  readonly onLeaseLost: () => void;
}

/** The taps of a daemon: one a server, from their launch to their end. */
export class Taps implements Iterable<Tap> {
  readonly #context: TapsContext;
  readonly #runs = new Map<Tap, Promise<void>>();
  /** When servers that could not be restored are tried again; null for no time. */
  #nextRestore: number | null = null;

  constructor(context: TapsContext) {
    this.#context = context;
  }

  [Symbol.iterator](): Iterator<Tap> {
    return this.#runs.keys();
  }

  get size(): number {
    return this.#runs.size;
  }

  get nextRestore(): number | null {
    return this.#nextRestore;
  }

  find(isIt: (tap: Tap) => boolean): Tap | undefined {
    return [...this].find(isIt);
  }

  /** Resolves when all have ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#runs.values());
  }

  /**
   * Makes a tap, for `launch`.
   * @param row of a tap that a daemon before this one left.
   * @returns null where the environment has no server any more.
   */
  make(environmentId: number, row: TapRow | null): Tap | null {
    const { store, clock, source, log, programVersion, daemonName, audit, commit } = this.#context;
    const environment = store.environments.find(environmentId);
    if (environment?.server == null) return null;
    const context = { store, clock, source, log, programVersion, daemonName, audit, commit };
    return new Tap(context, { ...environment, server: environment.server }, row);
  }

  launch(tap: Tap): void {
    const { log, onEnd } = this.#context;
    const others = (): Tap[] => [...this].filter((other) => other !== tap);
    const run = tap
      .run({
        at: (serverKey) => others().filter((other) => other.serverKey === serverKey),
        hasRow: (rowId) => others().some(({ row }) => row?.id === rowId),
      })
      .then(
        (end) => this.#settle(tap, end),
        (error: unknown) => this.#settle(tap, error),
      )
      // What it leaves undone is found at the next look.
      .catch((error: unknown) => {
        if (!(error instanceof LeaseLost))
          log('error', 'tap failed', { message: messageOf(error) });
        onEnd();
      });
    this.#runs.set(tap, run);
  }

  /** The rows of taps that a daemon before this one left, or that could not be restored, when they are due. */
  rowsToResume(): TapRow[] {
    const { store, clock } = this.#context;
    const now = clock.now();
    const next = this.#nextRestore;
    // Further away than it ever is: the clock was set back meanwhile.
    if (next !== null && next > now && next <= now + RETRY_RESTORE_MS) return [];
    this.#nextRestore = null;
    return store.taps
      .list()
      .filter(({ id }) => this.find(({ row }) => row?.id === id) === undefined);
  }

  #settle(tap: Tap, end: unknown): void {
    const { clock, log, onEnd, onLeaseLost } = this.#context;
    this.#runs.delete(tap);
    onEnd();
    if (end instanceof LeaseLost) {
      onLeaseLost();
    } else if (isTapEnd(end)) {
      if (end.how === 'unrestored') this.#nextRestore = clock.now() + RETRY_RESTORE_MS;
      if (end.how === 'taken') this.#merge(tap, end.tapId, end.waiting);
    } else {
      log('error', 'tap failed', { environment: tap.environment.name, message: messageOf(end) });
      this.#nextRestore = clock.now() + RETRY_RESTORE_MS;
    }
  }

  #merge(taken: Tap, tapId: number, waiting: readonly Waiting[]): void {
    const { store, commit } = this.#context;
    commit(() => {
      for (const { id, environmentId } of store.warmUps.listOpen()) {
        if (environmentId === taken.environment.id) store.warmUps.update(id, { tapId });
      }
    });
    const tap = this.find(({ row, isClosing }) => row?.id === tapId && !isClosing);
    for (const capture of waiting) tap?.add(capture);
  }
}

function isTapEnd(end: unknown): end is TapEnd {
  return typeof end === 'object' && end !== null && 'how' in end;
}
