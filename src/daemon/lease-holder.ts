import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { isAppError, messageOf, StoreBusy, type AppError } from '../core/errors.ts';
import { isLive, LEASE_MS } from '../core/daemon/lease.ts';
import type { Lease, Store } from '../core/store.ts';
import type { DaemonLog } from './daemon-log.ts';
import type { ServiceNotifier } from './sd-notify.ts';
import { LeaseLost } from './tap-context.ts';

const RENEW_MS = 1_000;
const STAND_BY_MS = 250;

interface LeaseContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: DaemonLog;
  readonly hostname: string;
  readonly pid: number;
  readonly notifier: ServiceNotifier;
}

/** One daemon's hold on the store's lease: waited for, renewed, proved with every commit, released. */
export class LeaseHolder {
  readonly #context: LeaseContext;
  readonly #background: boolean;
  readonly #onLost: () => void;
  #isLost = false;
  /** Random, one per daemon process. */
  readonly id = randomUUID();

  /** @param onLost called once when another daemon turns out to have taken over. */
  constructor(context: LeaseContext, background: boolean, onLost: () => void) {
    this.#context = context;
    this.#background = background;
    this.#onLost = onLost;
  }

  /** Whether another daemon took over since `standBy` returned true. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /**
   * Waits for the lease. False when it was told to leave first, or is not needed: one in the background
   * leaves where another daemon runs.
   */
  async standBy(signal: AbortSignal): Promise<boolean> {
    const { store, clock, log, pid, notifier } = this.#context;
    let first: Lease | null = null;
    let last: Lease | null = null;
    let looks = 0;
    let isStoreFailing = false;
    while (!signal.aborted) {
      if (!store.isStillThere()) return false;
      const isStale = last !== null && looks * STAND_BY_MS > LEASE_MS && !isLive(last, clock.now());
      const claimed = this.#tryToClaim(isStale ? last : null, first !== null);
      if (isAppError(claimed)) {
        if (!isStoreFailing) log('warn', 'standing by', { message: claimed.message });
        isStoreFailing = true;
      } else if (claimed !== null) {
        log('info', 'daemon active', { pid, background: this.#background });
        this.#isLost = false;
        return true;
      }
      const holder = store.lease.find();
      // A holder that is alive renews every second. Where the clock was set back after one died, its
      // lease seems to run for long: it has to be seen unchanged for as long as a lease lasts.
      looks =
        holder?.holder === last?.holder && holder?.expiresAt === last?.expiresAt ? looks + 1 : 0;
      last = holder;
      if (first === null && holder !== null) {
        first = holder;
        log('info', 'another daemon is active: standing by, takes over when it ends', {
          host: holder.host,
          pid: holder.pid,
        });
        notifier.ready(`standing by for pid ${holder.pid} on ${holder.host}`);
      }
      // One started for a single command is not needed where a daemon runs, which shows when
      // the lease is renewed; that of a killed daemon has to be waited out.
      const isRenewed = holder?.holder === first?.holder && holder?.expiresAt !== first?.expiresAt;
      if (this.#background && isRenewed) return false;
      notifier.beat(() => `standing by for pid ${holder?.pid ?? 0} on ${holder?.host ?? ''}`);
      await clock.sleep(STAND_BY_MS, signal);
    }
    return false;
  }

  /**
   * @param isStandingBy one that stands by does not leave for a store that is full just now; none leaves for
   *   one that is busy: its holder may be suspended, or dying.
   * @returns why the store cannot be used just now; null when somebody else has the lease.
   */
  #tryToClaim(stale: Lease | null, isStandingBy: boolean): Lease | AppError | null {
    const { store, clock, hostname, pid } = this.#context;
    const ours = { holder: this.id, host: hostname, pid, background: this.#background };
    try {
      return stale === null
        ? store.lease.claim(ours, clock.now(), LEASE_MS)
        : store.lease.takeOver(stale, ours, clock.now(), LEASE_MS);
    } catch (error) {
      if (error instanceof StoreBusy) return error;
      if (isStandingBy && isAppError(error, 'store_unusable')) return error;
      throw error;
    }
  }

  /**
   * Renews the lease every second until `signal` is aborted or the lease is lost.
   * @param also done in the transaction of the renewal: a commit costs a second one nothing.
   */
  async keep(signal: AbortSignal, also: (now: number) => void): Promise<void> {
    const { store, clock, log } = this.#context;
    let isFailing = false;
    for (;;) {
      await clock.sleep(RENEW_MS, signal);
      if (signal.aborted) return;
      try {
        const now = clock.now();
        const isRenewed = store.transaction(() => {
          if (!store.lease.renew(this.id, now, LEASE_MS)) return false;
          try {
            also(now);
          } catch (error) {
            log('error', 'status not saved', { message: messageOf(error) });
          }
          return true;
        });
        if (!isRenewed) {
          this.standDown();
          return;
        }
        isFailing = false;
      } catch (error) {
        // A full disk or a long writer; every write proves the lease again, so nothing can go wrong.
        if (!isFailing) log('error', 'lease not renewed', { message: messageOf(error) });
        isFailing = true;
      }
    }
  }

  /**
   * Runs `work` in one store transaction that also proves the lease.
   * @throws LeaseLost, having written nothing.
   */
  readonly commit = <T>(work: () => T): T => {
    const { store, clock } = this.#context;
    return store.transaction(() => {
      if (!store.lease.renew(this.id, clock.now(), LEASE_MS)) {
        this.standDown();
        throw new LeaseLost('another daemon has the lease');
      }
      return work();
    });
  };

  /** Another daemon has the lease. */
  standDown(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#context.log('warn', 'another daemon took over');
    this.#onLost();
  }

  /** Releases the lease. Never throws: it lapses by itself in three seconds. */
  release(): void {
    const { store, log } = this.#context;
    try {
      store.lease.release(this.id);
    } catch (error) {
      log('error', 'lease not released', { message: messageOf(error) });
    }
  }
}
