import { isOver, type Capture } from '../captures/capture.ts';
import type { Clock } from '../clock.ts';
import type { Environment } from '../environments/environment.ts';
import { isAppError, messageOf } from '../errors.ts';
import type { MetricDescription } from './metric.ts';
import { keptWindow, mergeTracks, nextFetch, nextRetry } from './metric-archive-rules.ts';
import { aggregateSeries } from './metric-series.ts';
import type { MetricFetch } from './metric-store.ts';
import {
  alignWindow,
  statisticsOf,
  type MetricAnswer,
  type MetricProvider,
  type MetricQuery,
  type MetricSeries,
  type MetricSource,
  type MetricTrack,
  type TimeWindow,
} from './metric-source.ts';
import type { Store } from '../store.ts';

interface Answer {
  readonly series: MetricSeries[];
  readonly warnings: string[];
}

interface MetricSubject {
  readonly capture: Capture;
  readonly environment: Environment;
  /** From its start to its end, or until now. */
  readonly captureWindow: TimeWindow;
  /** Whether another store recorded it: then there is what came with it, and nobody is asked. Absent: no. */
  readonly isImported?: boolean;
}

interface ProviderRequest {
  readonly metrics: readonly MetricDescription[];
  readonly window: TimeWindow;
  readonly statistic: string | null;
  readonly period: number | null;
  readonly refresh: boolean;
}

/**
 * A provider's metrics of captures, kept in the store: a provider forgets fine points within weeks, a
 * capture is looked at years later. What is kept is the capture's window with a margin, of every
 * metric of the catalogue and whatever else was asked for, at the finest period there was.
 */
export class MetricArchive {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #provider: MetricProvider;
  readonly #signal: AbortSignal | null;
  readonly #commit: Store['transaction'];
  /** The last answer about a capture that runs: who watches it asks every few seconds, and pays. */
  #recent: { readonly key: string; readonly at: number; readonly answer: Answer } | null = null;

  /**
   * @param signal aborted: what is under way fails, and is not noted as a failure.
   * @param commit runs its work in one transaction; the daemon's proves its lease as well.
   */
  constructor(
    store: Store,
    clock: Clock,
    provider: MetricProvider,
    signal: AbortSignal | null = null,
    commit: Store['transaction'] = (work) => store.transaction(work),
  ) {
    this.#commit = commit;
    this.#store = store;
    this.#clock = clock;
    this.#provider = provider;
    this.#signal = signal;
  }

  /**
   * What was asked for, from the store where it is all there and settled, else from the provider. When
   * that fails, what is kept is shown with a warning.
   * @throws AppError `remote_failed` when nothing is kept.
   */
  async fetch(subject: MetricSubject, request: ProviderRequest): Promise<Answer> {
    const { capture } = subject;
    const warnings: string[] = [];
    if (subject.isImported === true) {
      return { series: this.#fromStore(capture.id, request, true) ?? [], warnings };
    }
    if (isOver(capture.status)) {
      const before = this.#store.metrics.findFetch(capture.id);
      if (request.refresh || !this.#isSettled(before)) {
        try {
          warnings.push(...(await this.keep(subject)));
        } catch (error) {
          if (before?.fetched == null || !isAppError(error)) throw error;
          const as = new Date(before.fetched.at).toISOString();
          warnings.push(`${messageOf(error)}; shown is what was fetched at ${as}`);
        }
      }
      const kept = this.#fromStore(capture.id, request);
      if (kept !== null) return { series: kept, warnings };
    }
    const key = JSON.stringify([capture.id, request.metrics, request.statistic, request.period]);
    const now = this.#clock.now();
    if (this.#recent?.key === key && now - this.#recent.at < this.#provider.publishedEveryMs) {
      return this.#recent.answer;
    }
    const asked = await this.#fetchNow(subject, request);
    this.#recent = isOver(capture.status) ? null : { key, at: now, answer: asked };
    return { series: asked.series, warnings: [...warnings, ...asked.warnings] };
  }

  /**
   * Fetches everything of a capture that is over and keeps it; also notes when to do so again, or why
   * it failed.
   * @returns warnings, one sentence each.
   * @throws AppError `remote_failed`, after having noted it.
   */
  async keep(subject: MetricSubject): Promise<string[]> {
    const { capture, environment, captureWindow } = subject;
    const { metrics } = this.#store;
    const before = metrics.findFetch(capture.id);
    try {
      const now = this.#clock.now();
      const period = this.#provider.choosePeriod(keptWindow(captureWindow, 1), now, null);
      const known = before?.fetched ?? null;
      if (known !== null && known.period < period) {
        this.#save({ ...noted(capture.id, before), nextAt: null }, []);
        return [
          `${this.#provider.name} keeps points of ${period / 1_000} s only by now; those of ${known.period / 1_000} s from the store are kept`,
        ];
      }
      const window = keptWindow(captureWindow, period);
      const kept = known === null ? [] : metrics.tracksOf(capture.id);
      const queries = queriesToKeep(this.#provider.metrics, kept);
      const answer = await this.#ask(environment, queries, window, period);
      const tracks = known?.period === period ? mergeTracks(kept, answer.tracks) : answer.tracks;
      const isComplete = answer.incomplete.length === 0;
      const fetchedAt = this.#clock.now();
      this.#save(
        {
          captureId: capture.id,
          fetched: { window, period, at: fetchedAt },
          nextAt: isComplete
            ? nextFetch(captureWindow.to, fetchedAt, this.#provider.settleMs)
            : nextRetry((before?.failures ?? 0) + 1, fetchedAt),
          failures: isComplete ? 0 : (before?.failures ?? 0) + 1,
          failure: isComplete ? null : this.#partial(answer.incomplete),
        },
        tracks,
      );
      return isComplete ? [] : [this.#partial(answer.incomplete)];
    } catch (error) {
      if (!isAppError(error) || this.#signal?.aborted === true) throw error;
      const failures = (before?.failures ?? 0) + 1;
      const isHopeless = error.code !== 'remote_failed';
      const nextAt = isHopeless ? null : nextRetry(failures, this.#clock.now());
      this.#save({ ...noted(capture.id, before), failures, failure: error.message, nextAt }, []);
      throw error;
    }
  }

  #save(fetch: MetricFetch, tracks: readonly MetricTrack[]): void {
    this.#commit(() => this.#store.metrics.saveFetch(fetch, tracks));
  }

  /** Whether the store's answer will do: nothing more is to come, or it was asked just now. */
  #isSettled(fetch: MetricFetch | null): boolean {
    if (fetch?.fetched == null) return false;
    const age = Math.abs(this.#clock.now() - fetch.fetched.at);
    const isFresh = fetch.failures === 0 && age < this.#provider.publishedEveryMs / 2;
    return fetch.nextAt === null || isFresh;
  }

  #partial(labels: readonly string[]): string {
    return `${this.#provider.name} itself says that points are missing: ${labels.join(', ')}`;
  }

  /**
   * The answer out of the store; null when a part of it is not there, unless that will do: then only where
   * nothing is.
   */
  #fromStore(captureId: number, request: ProviderRequest, willDo = false): MetricSeries[] | null {
    const { metrics } = this.#store;
    const known = metrics.findFetch(captureId)?.fetched ?? null;
    if (known === null) return null;
    const { window, period } = known;
    const isWithin = request.window.from >= window.from && request.window.to <= window.to;
    if (!isWithin && !willDo) return null;
    const asked = request.period ?? period;
    if (asked % period !== 0) return null;
    const kept = metrics.tracksOf(captureId);
    const series: MetricSeries[] = [];
    for (const metric of request.metrics) {
      const names = statisticsFor(metric, request.statistic);
      const tracks = kept.filter((t) => t.label === metric.label && names.includes(t.statistic));
      const whole: MetricSeries = { metric, period, reach: period, end: null, tracks };
      const shown = asked === period ? whole : aggregateSeries(whole, asked);
      const isThere = names.every((name) =>
        shown.tracks.some(({ statistic }) => statistic === name),
      );
      if (!isThere && !willDo) return null;
      series.push(shown);
    }
    return series;
  }

  /** Asks the provider for what was asked for; of a capture that is over, further metrics are kept. */
  async #fetchNow(subject: MetricSubject, request: ProviderRequest): Promise<Answer> {
    const { capture, environment } = subject;
    const now = this.#clock.now();
    const known = this.#store.metrics.findFetch(capture.id)?.fetched ?? null;
    const period = this.#provider.choosePeriod(request.window, now, request.period);
    const isKept =
      isOver(capture.status) &&
      known?.period === period &&
      request.window.from >= known.window.from &&
      request.window.to <= known.window.to;
    const window = isKept ? known.window : alignWindow(request.window, period);
    const queries = request.metrics.flatMap((metric) =>
      statisticsFor(metric, request.statistic).map((statistic) => ({
        label: metric.label,
        statistic,
      })),
    );
    const answer = await this.#ask(environment, queries, window, period);
    if (isKept && answer.incomplete.length === 0) {
      const before = this.#store.metrics.findFetch(capture.id);
      this.#save(noted(capture.id, before), answer.tracks);
    }
    return {
      series: seriesOf(request.metrics, answer.tracks, period),
      warnings: answer.incomplete.length === 0 ? [] : [this.#partial(answer.incomplete)],
    };
  }

  async #ask(
    environment: Environment,
    queries: readonly MetricQuery[],
    window: TimeWindow,
    period: number,
  ): Promise<MetricAnswer> {
    // There is nothing to be had from the future.
    const until = Math.min(window.to, alignWindow({ from: 0, to: this.#clock.now() }, period).to);
    if (until <= window.from) {
      const tracks = queries.map((query) => ({ ...query, times: [], values: [] }));
      return { tracks, incomplete: [] };
    }
    let source: MetricSource | null = null;
    try {
      source = await this.#provider.open(environment, this.#signal ?? undefined);
      return await source.fetch(queries, { from: window.from, to: until }, period);
    } finally {
      source?.close();
    }
  }
}

/** The catalogue's metrics, and what else is kept already. */
function queriesToKeep(
  catalogue: readonly MetricDescription[],
  kept: readonly MetricTrack[],
): MetricQuery[] {
  const queries = new Map<string, MetricQuery>();
  const add = ({ label, statistic }: MetricQuery): void => {
    queries.set(`${label} ${statistic}`, { label, statistic });
  };
  for (const metric of catalogue) {
    for (const statistic of statisticsOf(metric)) add({ label: metric.label, statistic });
  }
  for (const track of kept) add(track);
  return [...queries.values()];
}

function statisticsFor(metric: MetricDescription, statistic: string | null): string[] {
  const usual = statisticsOf(metric);
  return statistic === null || usual.includes(statistic) ? usual : [...usual, statistic];
}

function seriesOf(
  metrics: readonly MetricDescription[],
  tracks: readonly MetricTrack[],
  period: number,
): MetricSeries[] {
  return metrics.map((metric) => ({
    metric,
    period,
    reach: period,
    end: null,
    tracks: tracks.filter(({ label }) => label === metric.label),
  }));
}

function noted(captureId: number, before: MetricFetch | null): MetricFetch {
  return before ?? { captureId, fetched: null, nextAt: null, failures: 0, failure: null };
}
