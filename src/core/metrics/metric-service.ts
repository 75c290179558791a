import type { Actor } from '../access.ts';
import { CaptureRules } from '../captures/capture-rules.ts';
import { checkTime, isOver, LONGEST_DURATION_MS } from '../captures/capture.ts';
import type { Origin } from '../audit/audit-trail.ts';
import type { Clock } from '../clock.ts';
import type { Environment } from '../environments/environment.ts';
import { AppError } from '../errors.ts';
import { isMetricNamed, type MetricDescription, type MetricOrigin } from './metric.ts';
import { MetricArchive } from './metric-archive.ts';
import { MARGIN_MS } from './metric-archive-rules.ts';
import { aggregateSeries } from './metric-series.ts';
import {
  parseStatistic,
  type MetricSeries,
  type MetricSources,
  type TimeWindow,
} from './metric-source.ts';
import { WORKLOAD_BUCKET_MS, WORKLOAD_METRICS, workloadSeries } from './workload-metrics.ts';
import type { ListedCapture, Store } from '../store.ts';
import { committedFacts } from '../workloads/committed.ts';

/** What somebody wants to know about a capture. Times and lengths are milliseconds. */
export interface MetricRequest {
  /** null for whatever the capture has. */
  readonly origins: readonly MetricOrigin[] | null;
  /** Labels or types; empty for all that there usually are. */
  readonly names: readonly string[];
  /** A statistic to have besides Average and Maximum; null for none. */
  readonly statistic: string | null;
  readonly period: number | null;
  /** null for the capture's own start or end. */
  readonly from: number | null;
  readonly to: number | null;
  /**
   * Shown before and after the capture; null for the usual: a quarter of an hour where the provider
   * knows what was before, nothing where only the recorder was there.
   */
  readonly margin: number | null;
  /** Asks the provider again, whatever is kept. */
  readonly refresh: boolean;
}

export interface MetricReport {
  readonly capture: ListedCapture;
  /** From its start to its end, or until now; null for one that has not started. */
  readonly captureWindow: TimeWindow | null;
  readonly window: TimeWindow;
  /** What averages and extremes are of: the capture, or the part of it that was asked for. */
  readonly counted: TimeWindow;
  /** The workload's, then the provider's, then the server's, each in the order of its catalogue. */
  readonly series: readonly MetricSeries[];
  /** Things to know about them, one sentence each. */
  readonly warnings: readonly string[];
}

/** The metrics of captures, for an actor. */
export class MetricService {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #captures: CaptureRules;
  readonly #sources: MetricSources;
  readonly #archive: MetricArchive;

  constructor(store: Store, clock: Clock, origin: Origin, sources: MetricSources) {
    this.#store = store;
    this.#clock = clock;
    this.#captures = new CaptureRules(store, clock, origin);
    this.#sources = sources;
    this.#archive = new MetricArchive(store, clock, sources.provider);
  }

  /**
   * A capture's metrics. Those of one that is over come from the store once they are all in;
   * otherwise the provider is asked.
   * @throws AppError `not_found` also where there is nothing that could have metrics; `invalid` for
   *   names, periods and times that make no sense; `remote_failed` when the provider fails and nothing
   *   is kept.
   */
  async report(actor: Actor, ref: string, asked: MetricRequest): Promise<MetricReport> {
    const capture = this.#captures.get(actor, ref, 'capture.metrics');
    const request = checkedRequest(asked);
    const environment = this.#store.environments.find(capture.environmentId);
    if (environment === null) throw new AppError('not_found', "Capture's environment not found");
    const origins = this.#originsOf(capture, environment, request);
    const wanted = this.#chooseMetrics(request.names, origins);
    const now = this.#clock.now();
    const captureWindow = windowOf(capture, now);
    if (captureWindow === null) {
      const window = { from: now, to: now };
      const series = wanted.map(withoutPoints);
      return { capture, captureWindow, window, counted: window, series, warnings: [] };
    }
    const hasBefore = wanted.some(({ origin }) => origin === 'provider');
    const margin = request.margin ?? (hasBefore ? MARGIN_MS : 0);
    const window = shownWindow(captureWindow, request, margin, now);
    const isPart = request.from !== null || request.to !== null;
    const counted = isPart ? window : captureWindow;
    const warnings: string[] = [];
    const series: MetricSeries[] = [];
    const of = (origin: MetricOrigin): MetricDescription[] =>
      wanted.filter((metric) => metric.origin === origin);
    if (of('workload').length > 0) series.push(...this.#workload(capture, captureWindow));
    const provided = of('provider');
    if (provided.length > 0) {
      const answer = await this.#archive.fetch(
        {
          capture,
          environment,
          captureWindow,
          isImported: isImportedCapture(this.#store, capture),
        },
        {
          metrics: provided,
          window,
          statistic: request.statistic,
          period: request.period,
          refresh: request.refresh,
        },
      );
      series.push(...answer.series);
      warnings.push(...answer.warnings);
    }
    if (of('server').length > 0) series.push(...this.#server(capture, request.statistic));
    const finest = Math.min(...series.map(({ period }) => period));
    if (request.period !== null && request.period < finest) {
      warnings.push(`No points here are shorter than ${finest / 1_000} s`);
    }
    const found = wanted.flatMap((metric) => {
      const one = series.find(
        (s) => s.metric.origin === metric.origin && s.metric.label === metric.label,
      );
      return one === undefined ? [] : [atPeriod(one, request.period, counted.from)];
    });
    return { capture, captureWindow, window, counted, series: found, warnings };
  }

  #originsOf(
    capture: ListedCapture,
    environment: Environment,
    request: MetricRequest,
  ): readonly MetricOrigin[] {
    // A provider knows the servers of this store alone: of an imported capture there is what came with it.
    const isImported = isImportedCapture(this.#store, capture);
    const hasKept = this.#store.metrics.findFetch(capture.id)?.fetched != null;
    const nonePublished =
      isImported && hasKept ? null : this.#sources.provider.whyNone(environment);
    const isSampled = capture.recordsStatements || capture.type === 'REPLAY';
    const there: MetricOrigin[] = [
      ...(capture.recordsStatements ? (['workload'] as const) : []),
      ...(nonePublished === null && (!isImported || hasKept) ? (['provider'] as const) : []),
      ...(isSampled ? (['server'] as const) : []),
    ];
    const asked = request.origins?.filter((origin) => there.includes(origin)) ?? there;
    if (asked.some((origin) => origin !== 'workload')) return asked;
    if (nonePublished !== null && request.origins?.includes('provider') !== false) {
      throw nonePublished;
    }
    throw new AppError('not_found', `The server of "${capture.name}" was not sampled`, {
      hint: { code: 'needs_server' },
    });
  }

  #chooseMetrics(names: readonly string[], origins: readonly MetricOrigin[]): MetricDescription[] {
    const { provider, counters } = this.#sources;
    const known = [...WORKLOAD_METRICS, ...provider.metrics, ...counters.metrics].filter(
      ({ origin }) => origins.includes(origin),
    );
    if (names.length === 0) return known;
    const chosen = names.flatMap((name) => {
      const found = known.filter((metric) => isMetricNamed(metric, name));
      if (found.length > 0) return found;
      const described = origins.includes('provider') ? provider.describe(name) : null;
      if (described !== null) return [described];
      throw new AppError('invalid', `There is no metric "${name}" here`, {
        hint: `There are: ${known.map(({ label }) => label).join(', ')}`,
      });
    });
    return [...new Set(chosen)];
  }

  #workload(capture: ListedCapture, captureWindow: TimeWindow): MetricSeries[] {
    const rates = this.#store.metrics.ratesOf(capture.id);
    // What the server did in the last seconds is not drained yet: no record is not no statement.
    const until = isOver(capture.status)
      ? captureWindow.to
      : Math.floor((captureWindow.to - DRAIN_LAG_MS) / WORKLOAD_BUCKET_MS) * WORKLOAD_BUCKET_MS;
    return workloadSeries(rates, captureWindow.from, until);
  }

  #server(capture: ListedCapture, statistic: string | null): MetricSeries[] {
    const all = this.#sources.counters.series(this.#store.metrics.samplesOf(capture.id));
    if (statistic !== 'Minimum') return all;
    return all.map((series) => ({
      ...series,
      tracks: [...series.tracks, ...series.tracks.slice(0, 1).map((t) => ({ ...t, statistic }))],
    }));
  }
}

const DRAIN_LAG_MS = 2_000;
const SHORTEST_PERIOD_MS = 1_000;

/** @throws AppError `invalid`. */
function checkedRequest(request: MetricRequest): MetricRequest {
  const { statistic, period, margin, from, to } = request;
  if (period !== null && !(period >= SHORTEST_PERIOD_MS)) {
    throw new AppError('invalid', 'A period is at least 1 s');
  }
  if (margin !== null && !(margin >= 0)) {
    throw new AppError('invalid', 'A margin cannot be negative');
  }
  // What is shown of it has to be times.
  if (margin !== null && margin > LONGEST_DURATION_MS) {
    throw new AppError('invalid', 'A margin is at most 10 years');
  }
  if (period !== null && period > LONGEST_DURATION_MS) {
    throw new AppError('invalid', 'A period is at most 10 years');
  }
  checkTime('beginning of the time to show', from);
  checkTime('end of the time to show', to);
  return statistic === null ? request : { ...request, statistic: parseStatistic(statistic) };
}

function isImportedCapture({ recordings }: Store, { id }: ListedCapture): boolean {
  return committedFacts(recordings.find(id))?.imported !== undefined;
}

/** From its start to its end, or until now; null for a capture that has not started. */
export function windowOf(capture: ListedCapture, now: number): TimeWindow | null {
  if (capture.start === null) return null;
  const end = capture.end ?? (isOver(capture.status) ? capture.start : now);
  return { from: capture.start, to: Math.max(end, capture.start) };
}

function shownWindow(
  capture: TimeWindow,
  request: MetricRequest,
  margin: number,
  now: number,
): TimeWindow {
  const from = request.from ?? capture.from - margin;
  // There is nothing to be seen of the future.
  const to = request.to ?? Math.max(Math.min(capture.to + margin, now), capture.to);
  if (from >= to && (request.from !== null || request.to !== null)) {
    throw new AppError('invalid', 'The end of the time to show is not after its start', {
      hint: 'Leave both out for the whole capture.',
    });
  }
  // Of a capture that began this instant, by a clock ahead of ours, there is nothing to be seen yet.
  return { from, to: Math.max(to, from + 1_000) };
}

function withoutPoints(metric: MetricDescription): MetricSeries {
  return { metric, period: 60_000, reach: 60_000, end: null, tracks: [] };
}

/** The provider's points come at the period that was asked for; ours are made longer here. */
function atPeriod(series: MetricSeries, period: number | null, from: number): MetricSeries {
  if (period === null || series.metric.origin === 'provider') return series;
  if (period <= series.period) return series;
  return { ...aggregateSeries(series, period, from), measured: series };
}
