import { createServer as createHttpServer, request as httpRequest } from 'node:http';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openCloudWatch } from '../../../src/metrics-source/cloudwatch/cloudwatch.ts';
import type { Clock } from '../../../src/core/clock.ts';
import type { Environment } from '../../../src/core/environments/environment.ts';
import { AppError } from '../../../src/core/errors.ts';
import { CLOUDWATCH_METRICS } from '../../../src/metrics-source/cloudwatch/catalogue.ts';
import { statisticsOf, type MetricSource } from '../../../src/core/metrics/metric-source.ts';
import { CloudWatchServer } from '../../support/cloudwatch-server.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOW = Date.parse('2026-11-22T12:00:00Z');

let server: CloudWatchServer;
const sources: MetricSource[] = [];

beforeEach(async () => {
  server = await CloudWatchServer.start();
  server.now = () => NOW;
  // The SDK reads credentials and files of the process: none of the developer's own.
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent/config');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent/credentials');
  for (const name of ['AWS_PROFILE', 'AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_SESSION_TOKEN']) {
    vi.stubEnv(name, undefined);
  }
});
afterEach(async () => {
  for (const source of sources.splice(0)) source.close();
  await server.stop();
  vi.unstubAllEnvs();
});

/** Time does not pass; how long was waited is kept. */
function patientClock(): Clock & { readonly pauses: number[] } {
  const pauses: number[] = [];
  return { pauses, now: () => NOW, sleep: (ms) => (pauses.push(ms), Promise.resolve()) };
}

async function open(
  changes: Partial<Environment> = {},
  clock: Clock = patientClock(),
  timeouts = { connect: 2_000, answer: 2_000 },
): Promise<MetricSource> {
  const environment: Environment = {
    id: 1,
    name: 'shop',
    server: null,
    region: 'eu-central-1',
    instance: 'shop-db',
    profile: null,
    endpointUrl: server.url,
    createdAt: 0,
    ...changes,
  };
  const source = await openCloudWatch(environment, { clock, random: () => 1, timeouts });
  sources.push(source);
  return source;
}

const CPU = [
  { label: 'CPUUtilization', statistic: 'Average' },
  { label: 'CPUUtilization', statistic: 'Maximum' },
];
const LAST_HOUR = { from: NOW - HOUR, to: NOW };

async function failure(work: Promise<unknown>): Promise<AppError> {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AppError)) throw new Error(`no AppError: ${String(error)}`);
  expect(error.code).toBe('remote_failed');
  expect(error.message).not.toContain('\n');
  expect(error.hint).toBeTruthy();
  return error;
}

describe('fetching from CloudWatch', () => {
  it('asks ascending, aligned, without a unit, signed, and gets every point in order', async () => {
    server.publish(
      'shop-db',
      'CPUUtilization',
      (at, stat) => ((at / MINUTE) % 60) + (stat === 'Maximum' ? 1 : 0),
    );
    const source = await open();
    const { tracks, incomplete } = await source.fetch(CPU, LAST_HOUR, MINUTE);
    expect(incomplete).toEqual([]);
    expect(tracks.map(({ label, statistic, times }) => [label, statistic, times.length])).toEqual([
      ['CPUUtilization', 'Average', 60],
      ['CPUUtilization', 'Maximum', 60],
    ]);
    expect(tracks[1]?.times[0]).toBe(LAST_HOUR.from);
    expect(tracks[1]?.values.slice(0, 3)).toEqual([1, 2, 3]);
    const [request] = server.requests;
    expect(request?.ScanBy).toBe('TimestampAscending');
    expect(request?.StartTime).toBe(LAST_HOUR.from / 1_000);
    expect(request?.MetricDataQueries[0]?.MetricStat).not.toHaveProperty('Unit');
    expect(server.headers[0]?.authorization).toContain('/eu-central-1/monitoring/');
  });

  it('asks for all metrics and all their statistics in one call', async () => {
    for (const { label } of CLOUDWATCH_METRICS) server.publish('shop-db', label, () => 1);
    const queries = CLOUDWATCH_METRICS.flatMap((metric) =>
      statisticsOf(metric).map((statistic) => ({ label: metric.label, statistic })),
    );
    const { tracks } = await (await open()).fetch(queries, LAST_HOUR, MINUTE);
    expect(server.requests).toHaveLength(1);
    expect(tracks.every(({ times }) => times.length === 60)).toBe(true);
  });

  it.each([1, 7, 59, 60, 61, 1_000])(
    'joins pages of %i points to the same answer',
    async (size) => {
      const value = (at: number): number => Math.sin(at);
      server.publish('shop-db', 'CPUUtilization', value);
      server.pageSize = size;
      const { tracks } = await (await open()).fetch(CPU, LAST_HOUR, MINUTE);
      for (const { times, values } of tracks) {
        expect(times).toEqual(Array.from({ length: 60 }, (_, i) => LAST_HOUR.from + i * MINUTE));
        expect(values).toEqual(times.map(value));
      }
    },
  );

  it('leaves absent points absent', async () => {
    server.publish('shop-db', 'CPUUtilization', (at) => (at === NOW - 30 * MINUTE ? 5 : null));
    const { tracks } = await (await open()).fetch(CPU, LAST_HOUR, MINUTE);
    expect(tracks[0]).toMatchObject({ times: [NOW - 30 * MINUTE], values: [5] });
  });

  it('gives a metric that is not published no points, and no error', async () => {
    server.publish('shop-db', 'CPUUtilization', () => 1);
    const { tracks } = await (
      await open()
    ).fetch([...CPU, { label: 'ReplicaLag', statistic: 'Maximum' }], LAST_HOUR, MINUTE);
    expect(tracks[2]).toMatchObject({ label: 'ReplicaLag', times: [], values: [] });
  });

  it('waits longer and longer while it is throttled, by both of its names for that', async () => {
    server.publish('shop-db', 'CPUUtilization', () => 1);
    server.misbehaviours.push(
      { error: 'ThrottlingException', message: 'Rate exceeded' },
      { error: 'Whatever', queryError: 'Throttling;Sender' },
      { error: 'InternalFailure', status: 503 },
      { reset: true },
    );
    const clock = patientClock();
    const { tracks } = await (await open({}, clock)).fetch(CPU, LAST_HOUR, MINUTE);
    expect(tracks[0]?.times).toHaveLength(60);
    expect(clock.pauses).toEqual([200, 400, 800, 1_600]);
  });

  it('asks again for what is partial, and says what stayed so', async () => {
    server.publish('shop-db', 'CPUUtilization', () => 1);
    server.misbehaviours.push({ statusCode: 'PartialData' }, { statusCode: 'InternalError' });
    const source = await open();
    const answer = await source.fetch(CPU, LAST_HOUR, MINUTE);
    expect(answer.incomplete).toEqual([]);
    expect(answer.tracks[0]?.times).toHaveLength(60);

    for (let i = 0; i < 5; i++) server.misbehaviours.push({ statusCode: 'PartialData' });
    const partial = await source.fetch(CPU, LAST_HOUR, MINUTE);
    expect(partial.incomplete).toEqual(['CPUUtilization']);
    expect(partial.tracks[0]?.times).toHaveLength(1);
  });

  it('takes the endpoint and the region from the environment variables of the AWS tools', async () => {
    server.publish('shop-db', 'CPUUtilization', () => 1);
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:9');
    vi.stubEnv('AWS_ENDPOINT_URL_CLOUDWATCH', server.url);
    vi.stubEnv('AWS_REGION', 'us-west-2');
    const source = await open({ endpointUrl: null, region: null });
    await source.fetch(CPU, LAST_HOUR, MINUTE);
    expect(server.headers[0]?.authorization).toContain('/us-west-2/monitoring/');
  });
});

describe('a proxy', () => {
  it('is gone through when HTTP_PROXY or HTTPS_PROXY names one', async () => {
    server.publish('shop-db', 'CPUUtilization', () => 1);
    const seen: string[] = [];
    const proxy = createHttpServer((request, response) => {
      seen.push(request.url ?? '');
      const onward = httpRequest(
        request.url ?? '',
        { method: request.method, headers: request.headers, agent: false },
        (answer) => {
          response.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(response);
        },
      );
      request.pipe(onward);
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const address = proxy.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    vi.stubEnv('HTTP_PROXY', `http://127.0.0.1:${port}`);
    vi.stubEnv('NO_PROXY', undefined);
    try {
      const { tracks } = await (await open()).fetch(CPU, LAST_HOUR, MINUTE);
      expect(tracks[0]?.times).toHaveLength(60);
      expect(seen).toEqual([`${server.url}/`]);
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });
});

describe('what goes wrong at AWS', () => {
  const fetch = async (changes: Partial<Environment> = {}): Promise<unknown> =>
    (await open(changes)).fetch(CPU, LAST_HOUR, MINUTE);

  it('is said when there are no credentials', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
    expect((await failure(fetch())).message).toBe('There are no AWS credentials');
    expect((await failure(fetch({ profile: 'nobody' }))).message).toBe(
      'There are no AWS credentials (profile "nobody"): Could not resolve credentials using profile: [nobody] in configuration/credentials file(s)',
    );
  });

  it('is said when no region is known', async () => {
    expect((await failure(fetch({ region: null }))).message).toBe(
      'The environment "shop" has no AWS region, and neither has the configuration',
    );
  });

  it.each([
    ['ExpiredTokenException', 'The AWS credentials have expired'],
    ['ExpiredToken', 'The AWS credentials have expired'],
    ['UnrecognizedClientException', 'AWS does not know these credentials'],
    ['InvalidClientTokenId', 'AWS does not know these credentials'],
    ['SignatureDoesNotMatch', 'AWS refuses the signature of the request'],
    ['InvalidParameterValueException', 'CloudWatch refused: the server says so'],
  ])('is said when AWS answers %s', async (error, sentence) => {
    server.misbehaviours.push({ error, message: 'the server says so', status: 403 });
    expect((await failure(fetch())).message).toBe(sentence);
  });

  it('names the action that is missing, and to whom', async () => {
    server.misbehaviours.push({
      error: 'AccessDenied',
      message:
        'User: arn:aws:iam::123456789012:user/eve is not authorized to perform: cloudwatch:GetMetricData because no identity-based policy allows it',
      status: 403,
    });
    const error = await failure(fetch());
    expect(error.message).toBe(
      'AWS denies cloudwatch:GetMetricData to arn:aws:iam::123456789012:user/eve',
    );
    server.misbehaviours.push({ statusCode: 'Forbidden' });
    expect((await failure(fetch())).message).toBe('AWS denies cloudwatch:GetMetricData');
  });

  it('is said when there is no such instance, or it is in another region', async () => {
    server.publish('other-db', 'CPUUtilization', () => 1);
    const error = await failure(fetch());
    expect(error.message).toBe(
      'CloudWatch has no metrics of an RDS instance "shop-db" in eu-central-1',
    );
    expect(error.hint).toMatchObject({ code: 'check_instance', environment: 'shop' });
  });

  it('is nothing when the instance is there and only has no points yet, or one may not list', async () => {
    server.publish('shop-db', 'CPUUtilization', () => null);
    await expect(fetch()).resolves.toMatchObject({ incomplete: [] });
    server.instances.clear();
    server.listMetricsIsDenied = true;
    await expect(fetch()).resolves.toMatchObject({ incomplete: [] });
  });

  it('is said when throttling does not end', async () => {
    for (let i = 0; i < 5; i++) server.misbehaviours.push({ error: 'ThrottlingException' });
    expect((await failure(fetch())).message).toContain('throttling');
  });

  it.each([200, 302, 407, 503])('is said when a proxy answers with a page (%i)', async (status) => {
    for (let i = 0; i < 5; i++) {
      server.misbehaviours.push({ html: '<!doctype html><p>Please log in', status });
    }
    expect((await failure(fetch())).message).toBe(
      'The endpoint is not an AWS service: it sent a page, not data',
    );
  });

  it('is said when nobody listens there, or there is no such host', async () => {
    const placeholder = createServer().listen(0, '127.0.0.1');
    await once(placeholder, 'listening');
    const address = placeholder.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    placeholder.close();
    await once(placeholder, 'close');
    const refused = await failure(fetch({ endpointUrl: `http://127.0.0.1:${port}` }));
    expect(refused.message).toContain('CloudWatch cannot be reached: connect ECONNREFUSED');
    const unknown = await failure(fetch({ endpointUrl: 'http://nowhere.invalid' }));
    expect(unknown.message).toMatch(
      /^CloudWatch cannot be reached: there is no host nowhere\.invalid/,
    );
  });

  it.each(['before', 'headers'] as const)(
    'is said when the answer hangs (%s) longer than was set, and it is not asked again',
    async (hang) => {
      server.misbehaviours.push({ hang });
      const source = await open({}, patientClock(), { connect: 100, answer: 200 });
      const asked = server.headers.length;
      const error = await failure(source.fetch(CPU, LAST_HOUR, MINUTE));
      expect(error.message).toBe('CloudWatch did not answer in time');
      expect(server.headers).toHaveLength(asked + 1);
    },
  );
});
