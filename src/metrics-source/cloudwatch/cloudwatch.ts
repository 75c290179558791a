import type { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type * as CloudWatch from '@aws-sdk/client-cloudwatch';
import type { CloudWatchClient, MetricDataResult } from '@aws-sdk/client-cloudwatch';
import type { Clock } from '../../core/clock.ts';
import type { Environment } from '../../core/environments/environment.ts';
import { AppError } from '../../core/errors.ts';
import type {
  MetricAnswer,
  MetricQuery,
  MetricSource,
  TimeWindow,
} from '../../core/metrics/metric-source.ts';
import { batchQueries, mergePages, type MetricPage } from './limits.ts';
import { asAwsFailure, isPassing, noSuchInstance } from './failures.ts';
import { explainAwsFailure } from './missing-credentials.ts';

interface CloudWatchDependencies {
  readonly clock: Clock;
  /** 0 to 1; spreads retries. */
  readonly random: () => number;
  /** Aborted: whatever is under way fails at once; absent for a caller who waits. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds; for tests that do not want to wait as long as a person would. */
  readonly timeouts?: { readonly connect: number; readonly answer: number };
}

const NAMESPACE = 'AWS/RDS';
const TIMEOUTS = { connect: 5_000, answer: 20_000 };
/** With pauses of 0.2, 0.4, 0.8 and 1.6 s: longer than a throttled second, short enough to wait for. */
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
/** A page takes about 60,000 points at most; more pages than this are a server gone wrong. */
const MOST_PAGES = 1_000;

/**
 * Where the metrics of an environment are: its RDS instance in CloudWatch. Region, profile and
 * endpoint are the environment's; what it leaves open comes from where the AWS tools look
 * (`AWS_REGION`, `AWS_PROFILE`, `AWS_ENDPOINT_URL_CLOUDWATCH`, `~/.aws`, the instance's role …). The
 * SDK is imported here and nowhere else, when somebody asks.
 * @throws AppError `invalid` for an environment that names no instance.
 */
export async function openCloudWatch(
  environment: Environment,
  dependencies: CloudWatchDependencies,
): Promise<MetricSource> {
  const { instance, region, profile, endpointUrl } = environment;
  if (instance === null) {
    throw new AppError('invalid', `The environment "${environment.name}" names no RDS instance`);
  }
  const sdk = await import('@aws-sdk/client-cloudwatch');
  const timeouts = dependencies.timeouts ?? TIMEOUTS;
  const client = new sdk.CloudWatchClient({
    ...(region === null ? {} : { region }),
    ...(profile === null ? {} : { profile }),
    ...(endpointUrl === null ? {} : { endpoint: endpointUrl }),
    // Retried here, through the injected clock.
    maxAttempts: 1,
    disableRequestCompression: true,
    requestHandler: {
      connectionTimeout: timeouts.connect,
      requestTimeout: timeouts.answer,
      // Without it the SDK only logs a warning and goes on waiting.
      throwOnRequestTimeout: true,
      // What it warns of is told in our sentences. On the client itself a logger costs 50 ms a day of
      // points, which are prepared for it.
      logger: SILENT,
      ...(await proxyAgents()),
    },
  });
  return new CloudWatchSource(sdk, client, { instance, environment }, dependencies);
}

/**
 * Agents that go through the proxy of HTTPS_PROXY, which the SDK knows nothing of and Node does (from
 * 22.21 and 24.5; older ones ignore it). Importing node:http costs 18 ms, for it brings all of undici:
 * who has no proxy need not wait for that.
 */
async function proxyAgents(): Promise<{ httpAgent?: HttpAgent; httpsAgent?: HttpsAgent }> {
  const names = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'];
  if (!names.some((name) => (process.env[name] ?? '') !== '')) return {};
  const [http, https] = await Promise.all([import('node:http'), import('node:https')]);
  const options = { keepAlive: true, proxyEnv: process.env };
  return { httpAgent: new http.Agent(options), httpsAgent: new https.Agent(options) };
}

const nothing = (): void => undefined;
const SILENT = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };

type Sdk = typeof CloudWatch;

class CloudWatchSource implements MetricSource {
  readonly #sdk: Sdk;
  readonly #client: CloudWatchClient;
  readonly #instance: string;
  readonly #environment: Environment;
  readonly #dependencies: CloudWatchDependencies;

  constructor(
    sdk: Sdk,
    client: CloudWatchClient,
    target: { instance: string; environment: Environment },
    dependencies: CloudWatchDependencies,
  ) {
    this.#sdk = sdk;
    this.#client = client;
    this.#instance = target.instance;
    this.#environment = target.environment;
    this.#dependencies = dependencies;
  }

  async fetch(
    queries: readonly MetricQuery[],
    window: TimeWindow,
    period: number,
  ): Promise<MetricAnswer> {
    const ids = queries.map((query, index) => ({ id: `m${index}`, query }));
    const pages: MetricPage[] = [];
    const incomplete = new Set<string>();
    const points = Math.ceil((window.to - window.from) / period);
    for (const batch of batchQueries(ids, points)) {
      for (const id of await this.#fetchBatch(batch, window, period, pages)) incomplete.add(id);
    }
    const merged = mergePages(pages);
    const tracks = ids.map(({ id, query }) => ({
      ...query,
      ...(merged.get(id) ?? { times: [], values: [] }),
    }));
    if (queries.length > 0 && tracks.every(({ times }) => times.length === 0)) {
      await this.#requireInstance();
    }
    const missing = ids.flatMap(({ id, query }) => (incomplete.has(id) ? [query.label] : []));
    return { tracks, incomplete: [...new Set(missing)] };
  }

  close(): void {
    this.#client.destroy();
  }

  /**
   * Fetches one batch to its last page; what CloudWatch itself calls partial is asked for again.
   * @returns ids that are still partial after that.
   */
  async #fetchBatch(
    batch: readonly { id: string; query: MetricQuery }[],
    window: TimeWindow,
    period: number,
    pages: MetricPage[],
  ): Promise<string[]> {
    let asked = batch;
    for (let attempt = 1; ; attempt += 1) {
      const states = await this.#fetchPages(asked, window, period, pages);
      asked = asked.filter(({ id }) => isUnfinished(states.get(id)));
      if (asked.length === 0 || attempt === ATTEMPTS) return asked.map(({ id }) => id);
      await this.#pause(attempt);
    }
  }

  /** @returns the last status of each id. */
  async #fetchPages(
    batch: readonly { id: string; query: MetricQuery }[],
    window: TimeWindow,
    period: number,
    pages: MetricPage[],
  ): Promise<Map<string, string>> {
    const states = new Map<string, string>();
    let token: string | undefined;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const command = new this.#sdk.GetMetricDataCommand({
        StartTime: new Date(window.from),
        EndTime: new Date(window.to),
        ScanBy: 'TimestampAscending',
        MetricDataQueries: batch.map(({ id, query }) => ({
          Id: id,
          // No unit: with one that differs from the publisher's there is no point at all.
          MetricStat: {
            Metric: {
              Namespace: NAMESPACE,
              MetricName: query.label,
              Dimensions: [{ Name: 'DBInstanceIdentifier', Value: this.#instance }],
            },
            Period: period / 1_000,
            Stat: query.statistic,
          },
        })),
        ...(token === undefined ? {} : { NextToken: token }),
      });
      const answer = await this.#call('cloudwatch:GetMetricData', (signal) =>
        this.#client.send(command, { abortSignal: signal }),
      );
      for (const result of answer.MetricDataResults ?? []) {
        const { Id: id = '' } = result;
        if (result.StatusCode === 'Forbidden') throw this.#forbidden(result);
        states.set(id, result.StatusCode ?? 'Complete');
        pages.push({
          id,
          times: (result.Timestamps ?? []).map((time) => time.getTime()),
          values: result.Values ?? [],
        });
      }
      token = answer.NextToken;
      if (token === undefined || token === '') return states;
    }
    throw new AppError('remote_failed', 'CloudWatch sends pages without end', {
      hint: { code: 'ask_for_shorter_time' },
    });
  }

  /** Sends a request, again after a pause where CloudWatch is busy or the network failed for a moment. */
  async #call<T>(action: string, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#withDeadline(send);
      } catch (error) {
        if (attempt === ATTEMPTS || !isPassing(error)) {
          throw await explainAwsFailure(error, { action, environment: this.#environment });
        }
        await this.#pause(attempt);
      }
    }
  }

  /** The SDK's own timeout ends with the answer's first byte; this one covers its body as well. */
  async #withDeadline<T>(send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { connect, answer } = this.#dependencies.timeouts ?? TIMEOUTS;
    const timeout = AbortSignal.timeout(connect + answer);
    const leaving = this.#dependencies.signal;
    const signal = leaving === undefined ? timeout : AbortSignal.any([timeout, leaving]);
    signal.throwIfAborted();
    const late = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
    return Promise.race([send(signal), late]);
  }

  async #pause(attempt: number): Promise<void> {
    const { clock, random, signal } = this.#dependencies;
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS);
    await clock.sleep(longest * (0.5 + random() / 2), signal);
  }

  #forbidden(result: MetricDataResult): AppError {
    const said = result.Messages?.map(({ Value }) => Value).join('; ') ?? '';
    const error = Object.assign(new Error(said), { name: 'AccessDenied' });
    const environment = this.#environment;
    return asAwsFailure(error, { action: 'cloudwatch:GetMetricData', environment });
  }

  /**
   * No points at all: is there such an instance? CloudWatch lists what had points within two weeks.
   * Who may not list does not learn it.
   */
  async #requireInstance(): Promise<void> {
    const command = new this.#sdk.ListMetricsCommand({
      Namespace: NAMESPACE,
      Dimensions: [{ Name: 'DBInstanceIdentifier', Value: this.#instance }],
    });
    let answer;
    try {
      answer = await this.#client.send(command);
    } catch {
      return;
    }
    if ((answer.Metrics ?? []).length > 0) return;
    const region = await this.#client.config.region();
    throw noSuchInstance(this.#environment, region);
  }
}

/** Statuses of a last page that promise more: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataResult.html */
function isUnfinished(status: string | undefined): boolean {
  return status === 'PartialData' || status === 'InternalError';
}
