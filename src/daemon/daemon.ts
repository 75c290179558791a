import { AuditTrail, DAEMON, type Origin } from '../core/audit/audit-trail.ts';
import { ACTIVE_STATUSES, type Capture, type CaptureStatus } from '../core/captures/capture.ts';
import { CaptureRules } from '../core/captures/capture-rules.ts';
import type { Clock } from '../core/clock.ts';
import { AppError, isAppError, messageOf } from '../core/errors.ts';
import type { MetricProvider } from '../core/metrics/metric-source.ts';
import { RetentionService } from '../core/captures/retention.ts';
import type { Source } from '../core/source.ts';
import type { CaptureChanges, Store } from '../core/store.ts';
import { closed, whyOver } from '../core/warm-ups/warm-up.ts';
import { keepHouse } from './housekeeping.ts';
import { LeaseHolder } from './lease-holder.ts';
import type { DaemonLog } from './daemon-log.ts';
import { MetricFetcher } from './metric-fetcher.ts';
import { noServiceManager, type ServiceNotifier } from './sd-notify.ts';
import { StatusReport } from './status-report.ts';
import { LeaseLost } from './tap-context.ts';
import { failureReason } from './tap-captures.ts';
import { Taps } from './open-taps.ts';
import { isOfOneRow, LEAD_MS, Timetable } from './timetable.ts';

export { LEASE_MS } from '../core/daemon/lease.ts';
export { MISSED_START } from './timetable.ts';

/** How soon a change that a command wrote is seen; at 50 ms an idle daemon took 0.6 % of a core. */
const LOOK_MS = 100;
const STORE_RETRY_MS = 1_000;
const STILL_THERE_MS = 1_000;
/** One in the background does not leave when a capture is due so soon. */
const STAYS_FOR_MS = 60_000;
const NO_SERVER = 'its environment has no server any more';

export interface DaemonContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly source: Source;
  readonly log: DaemonLog;
  readonly hostname: string;
  readonly pid: number;
  readonly programVersion: string;
  /** The operating system's user; for the audit trail. */
  readonly userName?: string;
  /** Where the metrics of hosted servers come from; absent where nobody fetches them. */
  readonly metricProvider?: MetricProvider;
  /** Absent where no service manager is to be told. */
  readonly notifier?: ServiceNotifier;
}

interface DaemonOptions {
  /** Leaves when nothing is left to do, and at once when another daemon is there. */
  readonly background: boolean;
  /** A capture whose scheduled start was missed by more than this many milliseconds FAILS. */
  readonly graceMs: number;
  /** Aborted: take no more work, finish the batch in hand, leave RUNNING captures to the next daemon. */
  readonly signal: AbortSignal;
}

/**
 * Runs the store's daemon: stands by while another one has the lease, then records and keeps the
 * schedule until `signal` is aborted (or, in the background, until nothing is left to do).
 * @throws AppError `store_unusable` when the store cannot be used at all.
 */
export async function runDaemon(context: DaemonContext, options: DaemonOptions): Promise<void> {
  const daemon = new Daemon(context, options);
  try {
    while (!options.signal.aborted) {
      if (!(await daemon.standBy())) return;
      if ((await daemon.lead()) === 'finished') return;
    }
  } finally {
    await context.notifier?.stopping();
  }
}

class Daemon {
  readonly #context: DaemonContext;
  readonly #options: DaemonOptions;
  readonly #captures: CaptureRules;
  readonly #lease: LeaseHolder;
  readonly #taps: Taps;
  /** The state of the store changed, or a tap ended: look at everything. */
  #isDirty = true;
  #seenChanges = -1;
  /** When to look although nothing has changed; by the clock, so a clock that is set back is seen too. */
  #nextDue = 0;
  #lookedAt = 0;
  /** Parts of a look that failed last time. */
  readonly #faults = new Set<string>();
  #isStoreFailing = false;
  readonly #name: string;
  readonly #audit: AuditTrail;
  readonly #retention: RetentionService;
  readonly #report: StatusReport;
  readonly #notifier: ServiceNotifier;
  #hasStatus = true;
  #timetable: Timetable | null = null;
  #fetcher: MetricFetcher | null = null;

  constructor(context: DaemonContext, options: DaemonOptions) {
    const { store, clock, hostname, pid, userName } = context;
    this.#context = context;
    this.#options = options;
    this.#name = `daemon on ${hostname}, pid ${pid}`;
    const origin: Origin = { userName: userName ?? 'unknown', hostName: hostname, pid };
    this.#captures = new CaptureRules(store, clock, origin);
    this.#audit = new AuditTrail(store, clock, origin);
    this.#report = new StatusReport(store);
    this.#notifier = context.notifier ?? noServiceManager;
    const { background } = options;
    this.#lease = new LeaseHolder({ ...context, notifier: this.#notifier }, background, () => {
      for (const tap of this.#taps) tap.leave();
    });
    this.#taps = new Taps({
      ...context,
      daemonName: this.#name,
      audit: this.#audit,
      commit: this.#lease.commit,
      onEnd: () => (this.#isDirty = true),
      onLeaseLost: () => this.#lease.standDown(),
    });
    this.#retention = new RetentionService(store, clock, origin, this.#lease.commit);
  }

  /** Waits for the lease. False when it was told to leave first. */
  standBy(): Promise<boolean> {
    return this.#lease.standBy(this.#options.signal);
  }

  /** Does the store's work until told to leave, or until the lease is lost. */
  async lead(): Promise<'finished' | 'lost'> {
    const { store, clock, log } = this.#context;
    const { signal } = this.#options;
    this.#isDirty = true;
    const renewing = new AbortController();
    const renewal = this.#lease.keep(renewing.signal, this.#saveStatus);
    const { commit } = this.#lease;
    const house = keepHouse(
      { ...this.#context, retention: this.#retention, commit },
      renewing.signal,
    );
    this.#timetable = this.#newTimetable();
    this.#fetcher = this.#newFetcher();
    this.#notifier.ready(this.#statusLine());
    try {
      store.keepReserve();
      let lastSeenThere = 0;
      while (this.#isLeading()) {
        const now = clock.now();
        if (Math.abs(now - lastSeenThere) >= STILL_THERE_MS) {
          lastSeenThere = now;
          if (!store.isStillThere()) {
            await this.#abandonStore();
            return 'finished';
          }
        }
        const pause = this.#lookWhenNeeded();
        if (pause === 'finished') return 'finished';
        this.#notifier.beat(() => this.#statusLine());
        await clock.sleep(pause, signal);
      }
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error;
      this.#lease.standDown();
    } finally {
      for (const tap of this.#taps) tap.leave();
      await this.#taps.ended();
      await this.#fetcher?.leave();
      renewing.abort();
      await Promise.all([renewal, house]);
    }
    if (this.#lease.isLost) {
      return this.#options.background ? 'finished' : 'lost';
    }
    this.#sayWhatIsLeft();
    this.#lease.release();
    log('info', 'daemon left');
    return 'finished';
  }

  /**
   * Looks at the store when it changed or something is due. A store that cannot be used just now (a
   * full disk, a long writer) is looked at again after a while: a daemon does not leave for that.
   * @returns how long to pause, in milliseconds.
   */
  #lookWhenNeeded(): number | 'finished' {
    const { store, clock, log } = this.#context;
    try {
      const seen = store.changeCounter();
      const now = clock.now();
      const wasSetBack = now < this.#lookedAt;
      this.#lookedAt = now;
      if (seen !== this.#seenChanges || this.#isDirty || now >= this.#nextDue || wasSetBack) {
        this.#seenChanges = seen;
        this.#isDirty = false;
        this.#look();
        if (this.#leaveIfIdle()) return 'finished';
        this.#nextDue = this.#findNextDue();
        // What could not be done stays due.
        if (this.#nextDue <= now) this.#nextDue = now + LOOK_MS;
        if (this.#faults.size > 0) this.#nextDue = Math.max(this.#nextDue, now + STORE_RETRY_MS);
      }
      this.#isStoreFailing = false;
      return Math.min(LOOK_MS, Math.max(this.#nextDue - now, 1));
    } catch (error) {
      if (!isAppError(error, 'store_unusable')) throw error;
      if (!this.#isStoreFailing) log('error', 'store not usable', { message: error.message });
      this.#isStoreFailing = true;
      this.#isDirty = true;
      return STORE_RETRY_MS;
    }
  }

  #newFetcher(): MetricFetcher | null {
    const { store, clock, log, metricProvider } = this.#context;
    if (metricProvider === undefined) return null;
    const { commit } = this.#lease;
    return new MetricFetcher({ store, clock, log, metricProvider, commit });
  }

  #newTimetable(): Timetable {
    const { store, clock, log } = this.#context;
    const { graceMs } = this.#options;
    return new Timetable({
      store,
      clock,
      log,
      audit: this.#audit,
      graceMs,
      commit: this.#lease.commit,
    });
  }

  #statusLine(): string {
    const captures = [...this.#taps].flatMap((tap) => tap.captureIds()).length;
    return captures === 0
      ? 'active, nothing is being recorded'
      : `recording ${captures} capture${captures === 1 ? '' : 's'} on ${this.#taps.size} server${this.#taps.size === 1 ? '' : 's'}`;
  }

  #isLeading(): boolean {
    return !this.#options.signal.aborted && !this.#lease.isLost;
  }

  /** Says how the recording goes, while there is something to say: once a second is enough. */
  readonly #saveStatus = (now: number): void => {
    if (this.#taps.size === 0 && !this.#hasStatus) return;
    const taps = this.#report.measure(this.#taps, now);
    this.#context.store.daemonStatus.save({ holder: this.#lease.id, at: now, taps });
    this.#hasStatus = taps.length > 0;
  };

  /**
   * When something is due next that nobody has to write for; asked once after each look, because the
   * answer changes with the store alone (asking twenty times a second cost half of an idle daemon).
   */
  #findNextDue(): number {
    const { store, clock } = this.#context;
    const now = clock.now();
    const start = store.captures.nextDue();
    const end = store.captures.nextEnd();
    return Math.min(
      // A tap is opened ahead of the start; from then on the start itself is waited for.
      start === null ? Infinity : start - LEAD_MS > now ? start - LEAD_MS : Math.max(start, now),
      // Of what records nothing; the tap ends the others, by the server's clock.
      end ?? Infinity,
      store.captures.nextWarming() ?? Infinity,
      this.#taps.nextRestore ?? Infinity,
      this.#fetcher?.nextDue() ?? Infinity,
    );
  }

  /** Looks at the whole store and does what is due. */
  #look(): void {
    const { store } = this.#context;
    this.#isolated('ends', () => this.#settleEnds());
    this.#isolated('starts', () => this.#timetable?.startDue());
    this.#isolated('schedules', () => this.#timetable?.tend());
    this.#isolated('servers to restore', () => this.#resumeTaps());
    this.#isolated('warm-ups', () => this.#careForWarmUps());
    for (const capture of store.captures.listByStatus(ACTIVE_STATUSES)) {
      if (!capture.recordsStatements) continue;
      this.#isolated(`capture ${capture.id}`, () => {
        try {
          this.#care(capture);
        } catch (error) {
          if (!isOfOneRow(error)) throw error;
          this.#fail(capture, messageOf(error));
        }
      });
    }
    for (const tap of this.#taps) {
      this.#isolated(`tap of ${tap.environment.name}`, () => tap.wake());
    }
    this.#isolated('metrics', () => this.#fetcher?.look(() => (this.#isDirty = true)));
  }

  /** Does one part of a look: a fault of ours in it is logged, once, and the other parts are done. */
  #isolated(what: string, work: () => void): void {
    try {
      work();
      this.#faults.delete(what);
    } catch (error) {
      if (!isOfOneRow(error)) throw error;
      if (!this.#faults.has(what)) {
        this.#context.log('error', 'not looked after', { what, message: messageOf(error) });
      }
      this.#faults.add(what);
    }
  }

  #settleEnds(): void {
    const { store, clock } = this.#context;
    const end = store.captures.nextEnd();
    if (end !== null && end <= clock.now()) this.#lease.commit(() => this.#captures.settle(DAEMON));
  }

  /** Taps that a daemon before this one left, or could not restore. */
  #resumeTaps(): void {
    for (const row of this.#taps.rowsToResume()) {
      this.#isolated(`tap ${row.id}`, () => {
        const tap = this.#taps.make(row.environmentId, row);
        if (tap !== null) this.#taps.launch(tap);
      });
    }
  }

  /** Makes sure that a capture which is active is in a tap's hands. */
  #care(capture: Capture): void {
    const { store, clock } = this.#context;
    if (this.#taps.find((tap) => tap.has(capture.id)) !== undefined) return;
    if (capture.status === 'STARTED') {
      if (this.#lease.commit(() => this.#moveOn(capture, 'STARTING')) === null) return;
      this.#handOver(capture, clock.now());
    } else if (capture.status === 'STARTING') {
      this.#handOver(capture, capture.scheduledStart ?? clock.now());
    } else if (store.recordings.find(capture.id)?.tapId == null) {
      this.#fail(capture, 'its recording is not in the store any more');
    }
  }

  /** Makes sure that a warm-up which is due is in a tap's hands. */
  #careForWarmUps(): void {
    const { store, clock } = this.#context;
    const now = clock.now();
    const due = store.captures.listWarming(now);
    if (due.length > 0) {
      this.#lease.commit(() => {
        for (const { id, environmentId, ownerId, scheduledStart } of due) {
          const askedBy = store.users.find(ownerId)?.name ?? 'unknown';
          const until = scheduledStart ?? now;
          store.warmUps.insert({ environmentId, captureId: id, askedBy, begin: now, until });
        }
      });
    }
    for (const warmUp of store.warmUps.listOpen()) {
      const { id, environmentId, captureId, tapId } = warmUp;
      const running = this.#taps.find(
        ({ environment, row }) => environment.id === environmentId || row?.id === (tapId ?? NaN),
      );
      if (running !== undefined) continue;
      const tap = this.#taps.make(environmentId, null);
      const capture = captureId === null ? null : store.captures.find(captureId);
      const why = tap === null ? NO_SERVER : whyOver(warmUp, capture, now);
      if (tap !== null && why === null) {
        this.#taps.launch(tap);
        continue;
      }
      const covered = closed(warmUp.covered, null);
      this.#lease.commit(() => {
        store.warmUps.update(id, { state: 'over', outcome: warmUp.outcome ?? why, covered });
      });
    }
  }

  #handOver(capture: Capture, notBefore: number): void {
    const { environmentId } = capture;
    const running = this.#taps.find(({ environment }) => environment.id === environmentId);
    // A tap that is closing is waited for: its end makes everything be looked at again.
    if (running?.isClosing === true) return;
    const tap = running ?? this.#taps.make(environmentId, null);
    if (tap === null) {
      this.#fail(capture, NO_SERVER);
      return;
    }
    tap.add({ captureId: capture.id, notBefore });
    if (running === undefined) this.#taps.launch(tap);
  }

  #fail(capture: Capture, why: string): void {
    const { clock, log } = this.#context;
    const reason = failureReason(why, this.#name, clock.now());
    this.#lease.commit(() => this.#moveOn(capture, 'FAILED', { reason }));
    log('error', 'capture failed', { capture: capture.id, reason });
  }

  #moveOn(capture: Capture, to: CaptureStatus, changes: CaptureChanges = {}): Capture | null {
    return this.#audit.moveCapture(DAEMON, capture.id, capture.status, to, changes);
  }

  /** In the background: releases the lease when nothing is left to do, in one step with the proof. */
  #leaveIfIdle(): boolean {
    const { store, clock, log } = this.#context;
    if (!this.#options.background || this.#taps.size > 0) return false;
    if (this.#fetcher?.isBusy === true) return false;
    const isIdle = this.#lease.commit(() => {
      if (this.#captures.listActive().length > 0 || this.#hasUnrestored()) return false;
      if (store.warmUps.listOpen().length > 0) return false;
      const due = Math.min(
        store.captures.nextDue() ?? Infinity,
        store.captures.nextWarming() ?? Infinity,
      );
      if (due <= clock.now() + STAYS_FOR_MS) return false;
      store.lease.release(this.#lease.id);
      return true;
    });
    if (isIdle) {
      this.#sayWhatIsLeft();
      log('info', 'daemon left: nothing to do');
    }
    return isIdle;
  }

  /** Whether a server that can be tried again is not restored yet. */
  #hasUnrestored(): boolean {
    const { store } = this.#context;
    return store.taps
      .list()
      .some(({ environmentId }) => store.environments.find(environmentId)?.server != null);
  }

  #sayWhatIsLeft(): void {
    const { store, log } = this.#context;
    for (const row of store.taps.list()) {
      const environment = store.environments.find(row.environmentId)?.name ?? null;
      const running = store.recordings.listOfTap(row.id).length;
      const what = running > 0 ? 'the general log stays on' : 'the server is not restored';
      log('warn', `${what} until a daemon runs again, or a recovery by hand`, {
        environment,
        captures: running,
      });
    }
  }

  /** The store was deleted under us: what it switched on must not stay on. */
  async #abandonStore(): Promise<void> {
    this.#context.log('error', 'the store is gone', { store: this.#context.store.directory });
    const error = new AppError('store_unusable', 'The store was deleted while it was recording');
    for (const tap of this.#taps) tap.abandon(error);
    await this.#taps.ended();
  }
}
