import { shellQuoted } from '../shell.ts';
import type { Actor } from '../access.ts';
import { CaptureService } from '../captures/capture-service.ts';
import { isOver } from '../captures/capture.ts';
import type { Clock } from '../clock.ts';
import type { Environment } from '../environments/environment.ts';
import { AppError } from '../errors.ts';
import {
  CLOUDWATCH_METRICS,
  describeCloudWatchMetric,
  isMetricNamed,
  WORKLOAD_METRICS,
  type MetricDescription,
  type MetricOrigin,
} from './metric-catalogue.ts';
import { MetricKeeper } from './metric-keeper.ts';
import { MARGIN_MS } from './metric-keeping.ts';
import { aggregateSeries } from './metric-series.ts';
import type { MetricSeries, OpenMetricSource, TimeWindow } from './metric-source.ts';
import {
  SERVER_METRICS,
  serverSeries,
  WORKLOAD_BUCKET_MS,
  workloadSeries,
} from './server-metrics.ts';
import type { ListedCapture, Store } from '../store.ts';

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
   * Shown before and after the capture; null for the usual: a quarter of an hour where CloudWatch
   * knows what was before, nothing where only the recorder was there.
   */
  readonly margin: number | null;
  /** Asks CloudWatch again, whatever is kept. */
  readonly refresh: boolean;
}

export interface MetricReport {
  readonly capture: ListedCapture;
  /** From its start to its end, or until now; null for one that has not started. */
  readonly captureWindow: TimeWindow | null;
  /** What was asked for. */
  readonly window: TimeWindow;
  /** What averages and extremes are of: the capture, or the part of it that was asked for. */
  readonly counted: TimeWindow;
  /** The workload's, then CloudWatch's, then the server's, each in the order of its catalogue. */
  readonly series: readonly MetricSeries[];
  /** Things to know about them, one sentence each. */
  readonly warnings: readonly string[];
}

/** The metrics of captures, for whoever is asking. */
export class MetricService {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #captures: CaptureService;
  readonly #keeper: MetricKeeper;

  constructor(store: Store, clock: Clock, openSource: OpenMetricSource) {
    this.#store = store;
    this.#clock = clock;
    this.#captures = new CaptureService(store, clock);
    this.#keeper = new MetricKeeper(store, clock, openSource);
  }

  /**
   * A capture's metrics. Those of one that is over come from the store once they are all in;
   * otherwise CloudWatch is asked.
   * @throws AppError `not_found` also where there is nothing that could have metrics; `invalid` for
   *   names, periods and times that make no sense; `remote_failed` when CloudWatch fails and nothing
   *   is kept.
   */
  async report(actor: Actor, ref: string, request: MetricRequest): Promise<MetricReport> {
    const capture = this.#captures.get(actor, ref, 'capture.metrics');
    const environment = this.#store.environments.find(capture.environmentId);
    if (environment === null) throw new AppError('not_found', "Capture's environment not found");
    const origins = originsOf(capture, environment, request);
    const wanted = chooseMetrics(request.names, origins);
    const now = this.#clock.now();
    const captureWindow = windowOf(capture, now);
    if (captureWindow === null) {
      const window = { from: now, to: now };
      const series = wanted.map(withoutPoints);
      return { capture, captureWindow, window, counted: window, series, warnings: [] };
    }
    const hasBefore = wanted.some(({ origin }) => origin === 'cloudwatch');
    const margin = request.margin ?? (hasBefore ? MARGIN_MS : 0);
    const window = shownWindow(captureWindow, request, margin, now);
    const warnings: string[] = [];
    const series: MetricSeries[] = [];
    const of = (origin: MetricOrigin): MetricDescription[] =>
      wanted.filter((metric) => metric.origin === origin);
    if (of('workload').length > 0) series.push(...this.#workload(capture, captureWindow));
    const fromCloudWatch = of('cloudwatch');
    if (fromCloudWatch.length > 0) {
      const answer = await this.#keeper.fetch(
        { capture, environment, captureWindow },
        {
          metrics: fromCloudWatch,
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
    const found = wanted.flatMap((metric) => {
      const one = series.find(
        (s) => s.metric.origin === metric.origin && s.metric.label === metric.label,
      );
      return one === undefined ? [] : [atPeriod(one, request.period)];
    });
    const isPart = request.from !== null || request.to !== null;
    const counted = isPart ? window : captureWindow;
    return { capture, captureWindow, window, counted, series: found, warnings };
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
    const all = serverSeries(this.#store.metrics.samplesOf(capture.id));
    if (statistic !== 'Minimum') return all;
    return all.map((series) => ({
      ...series,
      tracks: [...series.tracks, ...series.tracks.slice(0, 1).map((t) => ({ ...t, statistic }))],
    }));
  }
}

const DRAIN_LAG_MS = 2_000;

/** From its start to its end, or until now; null for a capture that has not started. */
export function windowOf(capture: ListedCapture, now: number): TimeWindow | null {
  if (capture.start === null) return null;
  const end = capture.end ?? (isOver(capture.status) ? capture.start : now);
  return { from: capture.start, to: Math.max(end, capture.start) };
}

function originsOf(
  capture: ListedCapture,
  environment: Environment,
  request: MetricRequest,
): readonly MetricOrigin[] {
  const there: MetricOrigin[] = [
    ...(capture.recordsStatements ? (['workload'] as const) : []),
    ...(environment.instance === null ? [] : (['cloudwatch'] as const)),
    ...(capture.recordsStatements ? (['server'] as const) : []),
  ];
  const asked = request.origins?.filter((origin) => there.includes(origin)) ?? there;
  if (asked.some((origin) => origin !== 'workload')) return asked;
  if (request.origins?.includes('cloudwatch') !== false) {
    throw new AppError(
      'not_found',
      `There are no CloudWatch metrics: the environment "${environment.name}" names no RDS instance`,
      {
        hint: `Set one with: captures env edit ${shellQuoted(environment.name)} --instance ID --region R`,
      },
    );
  }
  throw new AppError('not_found', `The server of "${capture.name}" was not sampled`, {
    hint: "A server's own metrics are sampled while its statements are recorded: only in an environment with a server (--url).",
  });
}

function chooseMetrics(
  names: readonly string[],
  origins: readonly MetricOrigin[],
): MetricDescription[] {
  const known = [
    ...WORKLOAD_METRICS,
    ...CLOUDWATCH_METRICS,
    ...SERVER_METRICS.map(({ metric }) => metric),
  ].filter(({ origin }) => origins.includes(origin));
  if (names.length === 0) return known;
  const chosen = names.flatMap((name) => {
    const found = known.filter((metric) => isMetricNamed(metric, name));
    if (found.length > 0) return found;
    // Any metric of AWS/RDS can be asked for by name; CloudWatch knows whether there is one.
    if (origins.includes('cloudwatch') && /^[A-Za-z][A-Za-z0-9_%]*$/.test(name)) {
      return [describeCloudWatchMetric(name)];
    }
    throw new AppError('invalid', `There is no metric "${name}" here`, {
      hint: `There are: ${known.map(({ label }) => label).join(', ')}`,
    });
  });
  return [...new Set(chosen)];
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
      hint: 'Without --from and --to it is the whole capture.',
    });
  }
  // Of a capture that began this instant, by a clock ahead of ours, there is nothing to be seen yet.
  return { from, to: Math.max(to, from + 1_000) };
}

function withoutPoints(metric: MetricDescription): MetricSeries {
  return { metric, period: 60_000, reach: 60_000, end: null, tracks: [] };
}

/** CloudWatch's points come at the period that was asked for; ours are made longer here. */
function atPeriod(series: MetricSeries, period: number | null): MetricSeries {
  if (period === null || series.metric.origin === 'cloudwatch') return series;
  return period > series.period ? aggregateSeries(series, period) : series;
}
