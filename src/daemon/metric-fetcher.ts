import type { Clock } from '../core/clock.ts';
import { isAppError, messageOf } from '../core/errors.ts';
import { MetricArchive } from '../core/metrics/metric-archive.ts';
import { windowOf } from '../core/metrics/metric-service.ts';
import type { MetricProvider } from '../core/metrics/metric-source.ts';
import type { Store } from '../core/store.ts';
import type { DaemonLog } from './daemon-log.ts';
import { LeaseLost } from './tap-context.ts';

interface MetricFetcherContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: DaemonLog;
  readonly metricProvider: MetricProvider;
  /** Runs `work` in one store transaction that also proves the lease. @throws LeaseLost. */
  readonly commit: <T>(work: () => T) => T;
}

const PAUSE_AFTER_FAILURE_MS = 60_000;

/**
 * Fetches the provider's metrics of captures that are over, one capture at a time, beside the daemon's
 * other work: at their end, when the late points are in, and again after a failure.
 */
export class MetricFetcher {
  readonly #context: MetricFetcherContext;
  readonly #archive: MetricArchive;
  readonly #leaving = new AbortController();
  #inHand: Promise<void> | null = null;
  /** After a failure of our own (a store that cannot be written) nothing is tried for a while. */
  #notBefore = 0;

  constructor(context: MetricFetcherContext) {
    this.#context = context;
    const { store, clock, metricProvider, commit } = context;
    this.#archive = new MetricArchive(store, clock, metricProvider, this.#leaving.signal, commit);
  }

  get isBusy(): boolean {
    return this.#inHand !== null;
  }

  /** When something is to be fetched next; null when nothing is, or while it is busy. */
  nextDue(): number | null {
    const { store, clock } = this.#context;
    const now = clock.now();
    const due = this.isBusy ? null : store.metrics.nextDue(now);
    if (due === null) return null;
    // Further away than it ever is: the clock was set back meanwhile.
    if (this.#notBefore > now + PAUSE_AFTER_FAILURE_MS) this.#notBefore = 0;
    return Math.max(due, this.#notBefore);
  }

  /**
   * Begins with what is due, and goes on until nothing is. Returns at once.
   * @param onIdle called when nothing is due any more.
   */
  look(onIdle: () => void): void {
    if (this.isBusy || this.#leaving.signal.aborted || this.#due() === null) return;
    this.#inHand = this.#fetchDue().finally(() => {
      this.#inHand = null;
      onIdle();
    });
  }

  /** Gives up what is in hand; it is due again for the next daemon. */
  async leave(): Promise<void> {
    this.#leaving.abort();
    await this.#inHand;
  }

  #due(): number | null {
    const { store, clock } = this.#context;
    const now = clock.now();
    return now < this.#notBefore ? null : (store.metrics.listDue(now, 1)[0] ?? null);
  }

  async #fetchDue(): Promise<void> {
    const { clock, log } = this.#context;
    try {
      for (let id = this.#due(); id !== null; id = this.#due()) {
        if (this.#leaving.signal.aborted) return;
        await this.#fetch(id);
      }
    } catch (error) {
      if (error instanceof LeaseLost) {
        this.#leaving.abort();
        return;
      }
      this.#notBefore = clock.now() + PAUSE_AFTER_FAILURE_MS;
      log('error', 'metrics not kept', { message: messageOf(error) });
    }
  }

  async #fetch(captureId: number): Promise<void> {
    const { store, clock, log, commit } = this.#context;
    const capture = store.captures.find(captureId);
    const environment = capture === null ? null : store.environments.find(capture.environmentId);
    const captureWindow = capture === null ? null : windowOf(capture, clock.now());
    const fetch = store.metrics.findFetch(captureId);
    if (capture === null || fetch === null) return;
    const { metricProvider } = this.#context;
    if (
      environment === null ||
      metricProvider.whyNone(environment) !== null ||
      captureWindow === null
    ) {
      commit(() => store.metrics.saveFetch({ ...fetch, nextAt: null }, []));
      return;
    }
    try {
      const warnings = await this.#archive.keep({ capture, environment, captureWindow });
      log('info', 'metrics fetched', { capture: captureId });
      for (const warning of warnings) log('warn', warning, { capture: captureId });
    } catch (error) {
      if (this.#leaving.signal.aborted) return;
      if (!isAppError(error) || isAppError(error, 'store_unusable')) throw error;
      log('warn', 'metrics not fetched', { capture: captureId, message: messageOf(error) });
    }
  }
}
