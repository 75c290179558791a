import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A published metric: its value at the start of a minute; null where nothing was published. */
export type Published = (at: number, statistic: string) => number | null;

/** What the server does with one request instead of answering it. */
export type Misbehaviour =
  | {
      readonly error: string;
      readonly message?: string;
      readonly status?: number;
      readonly queryError?: string;
    }
  | { readonly html: string; readonly status?: number }
  /** Never answers; with `headers` it sends those and then nothing. */
  | { readonly hang: 'before' | 'headers' }
  | { readonly reset: true }
  /** Answers, but with this StatusCode for every result and without the points after the first. */
  | { readonly statusCode: 'PartialData' | 'InternalError' | 'Forbidden' };

export interface GetMetricDataRequest {
  readonly StartTime: number;
  readonly EndTime: number;
  readonly ScanBy?: string;
  readonly NextToken?: string;
  readonly MaxDatapoints?: number;
  readonly MetricDataQueries: readonly {
    readonly Id: string;
    readonly MetricStat: {
      readonly Metric: {
        readonly Namespace: string;
        readonly MetricName: string;
        readonly Dimensions: readonly { readonly Name: string; readonly Value: string }[];
      };
      readonly Period: number;
      readonly Stat: string;
      readonly Unit?: string;
    };
  }[];
}

interface Result {
  Id: string;
  Label: string;
  Timestamps: number[];
  Values: number[];
  StatusCode: string;
  Messages?: { Code: string; Value: string }[];
}

/**
 * CloudWatch as far as `captures` uses it, over real HTTP: AWS JSON 1.0, alignment, paging, retention
 * by age, late points, and on demand every way in which it is known to misbehave.
 */
export class CloudWatchServer {
  readonly requests: GetMetricDataRequest[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  /** Metrics by instance, then name. */
  readonly instances = new Map<string, Map<string, Published>>();
  /** Done to the next requests, one each, before the server behaves again; null: behave. */
  readonly misbehaviours: (Misbehaviour | null)[] = [];
  /** Points a page; CloudWatch's own limit unless a test wants pages. */
  pageSize = 100_800;
  /** What time it is there: later points do not exist, and old ones are forgotten. */
  now: () => number = () => Date.now();
  /** How late points arrive, in milliseconds. */
  lateness = 0;
  listMetricsIsDenied = false;
  readonly #server = createServer((request, response) => void this.#handle(request, response));
  readonly #sockets = new Set<Socket>();

  static async start(): Promise<CloudWatchServer> {
    const server = new CloudWatchServer();
    server.#server.on('connection', (socket) => {
      server.#sockets.add(socket);
      socket.on('close', () => server.#sockets.delete(socket));
    });
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Publishes a metric of an instance. */
  publish(instance: string, name: string, values: Published): void {
    let metrics = this.instances.get(instance);
    if (metrics === undefined)
      this.instances.set(instance, (metrics = new Map<string, Published>()));
    metrics.set(name, values);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.headers.push(request.headers);
    const misbehaviour = this.misbehaviours.shift() ?? null;
    if (misbehaviour !== null && !('statusCode' in misbehaviour)) {
      this.#misbehave(misbehaviour, response);
      return;
    }
    const target = String(request.headers['x-amz-target']);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as unknown;
    if (!/^AWS4-HMAC-SHA256 /.test(request.headers.authorization ?? '')) {
      this.#fail(
        response,
        'MissingAuthenticationToken',
        'Request is missing Authentication Token',
        403,
      );
    } else if (target === 'GraniteServiceVersion20100801.GetMetricData') {
      const asked = body as GetMetricDataRequest;
      this.requests.push(asked);
      const refusal = whatIsWrong(asked);
      if (refusal !== null) this.#fail(response, 'ValidationError', refusal, 400);
      else this.#send(response, this.#answer(asked, misbehaviour?.statusCode ?? null));
    } else if (target === 'GraniteServiceVersion20100801.ListMetrics') {
      if (this.listMetricsIsDenied) this.#fail(response, 'AccessDenied', 'not you', 403);
      else this.#send(response, this.#list(body as { Dimensions?: { Value: string }[] }));
    } else {
      this.#fail(response, 'UnknownOperationException', `no operation ${target}`, 404);
    }
  }

  #list(asked: { Dimensions?: { Value: string }[] }): object {
    const instance = asked.Dimensions?.[0]?.Value ?? '';
    const names = [...(this.instances.get(instance)?.keys() ?? [])];
    return {
      Metrics: names.map((MetricName) => ({
        Namespace: 'AWS/RDS',
        MetricName,
        Dimensions: [{ Name: 'DBInstanceIdentifier', Value: instance }],
      })),
    };
  }

  #answer(asked: GetMetricDataRequest, statusCode: string | null): object {
    const results: Result[] = [];
    let room = Math.min(asked.MaxDatapoints ?? this.pageSize, this.pageSize);
    let [query, offset] = (asked.NextToken ?? '0:0').split(':').map(Number) as [number, number];
    const queries = asked.MetricDataQueries;
    for (; query < queries.length && room > 0; query += 1, offset = 0) {
      const wanted = queries[query];
      if (wanted === undefined) break;
      const points = this.#points(asked, wanted.MetricStat).slice(offset, offset + room);
      room -= points.length;
      const hasMore =
        this.#points(asked, wanted.MetricStat).length > offset + points.length && room === 0;
      const shown = statusCode === null ? points : points.slice(0, 1);
      results.push({
        Id: wanted.Id,
        Label: wanted.MetricStat.Metric.MetricName,
        Timestamps: shown.map(([at]) => at / 1_000),
        Values: shown.map(([, value]) => value),
        StatusCode: statusCode ?? (hasMore ? 'PartialData' : 'Complete'),
        ...(statusCode === 'Forbidden' ? { Messages: [{ Code: 'Forbidden', Value: 'no' }] } : {}),
      });
      if (hasMore) {
        return { MetricDataResults: results, NextToken: `${query}:${offset + points.length}` };
      }
    }
    return query < queries.length
      ? { MetricDataResults: results, NextToken: `${query}:0` }
      : { MetricDataResults: results };
  }

  #points(
    asked: GetMetricDataRequest,
    stat: GetMetricDataRequest['MetricDataQueries'][number]['MetricStat'],
  ): [number, number][] {
    const { Namespace, MetricName, Dimensions } = stat.Metric;
    const instance = Dimensions.find(({ Name }) => Name === 'DBInstanceIdentifier')?.Value ?? '';
    const published =
      Namespace === 'AWS/RDS' && stat.Unit === undefined
        ? this.instances.get(instance)?.get(MetricName)
        : undefined;
    const period = stat.Period * 1_000;
    const now = this.now();
    const age = now - asked.StartTime * 1_000;
    const least = age <= 15 * DAY ? 60_000 : age <= 63 * DAY ? 300_000 : 3_600_000;
    if (published === undefined || period % least !== 0) return [];
    const points: [number, number][] = [];
    const first = Math.floor((asked.StartTime * 1_000) / period) * period;
    for (let at = first; at < asked.EndTime * 1_000; at += period) {
      const values: number[] = [];
      for (let minute = at; minute < at + period; minute += 60_000) {
        if (minute + 60_000 + this.lateness > now || now - minute > 455 * DAY) continue;
        const value = published(minute, stat.Stat);
        if (value !== null) values.push(value);
      }
      if (values.length > 0) points.push([at, combine(values, stat.Stat)]);
    }
    if (asked.ScanBy !== 'TimestampAscending') points.reverse();
    return points;
  }

  #misbehave(how: Exclude<Misbehaviour, { statusCode: string }>, response: ServerResponse): void {
    if ('reset' in how) response.socket?.resetAndDestroy();
    else if ('hang' in how) {
      if (how.hang === 'headers') {
        response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
        response.write('{"MetricDataResults":[');
      }
    } else if ('html' in how) {
      response.writeHead(how.status ?? 200, { 'content-type': 'text/html' });
      response.end(how.html);
    } else
      this.#fail(response, how.error, how.message ?? how.error, how.status ?? 400, how.queryError);
  }

  #fail(
    response: ServerResponse,
    type: string,
    message: string,
    status: number,
    queryError?: string,
  ): void {
    response.writeHead(status, {
      'content-type': 'application/x-amz-json-1.0',
      ...(queryError === undefined ? {} : { 'x-amzn-query-error': queryError }),
    });
    response.end(JSON.stringify({ __type: `com.amazonaws.cloudwatch#${type}`, message }));
  }

  #send(response: ServerResponse, body: object): void {
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify(body));
  }
}

const DAY = 86_400_000;

function combine(values: readonly number[], statistic: string): number {
  const sum = values.reduce((total, value) => total + value, 0);
  if (statistic === 'Maximum') return Math.max(...values);
  if (statistic === 'Minimum') return Math.min(...values);
  if (statistic === 'Sum') return sum;
  if (statistic === 'SampleCount') return values.length;
  return sum / values.length;
}

/** What CloudWatch refuses: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html */
function whatIsWrong(asked: GetMetricDataRequest): string | null {
  const queries = asked.MetricDataQueries;
  if (queries.length > 500) return 'MetricDataQueries has more than 500 members';
  if (asked.StartTime >= asked.EndTime) return 'StartTime must be less than EndTime';
  if (new Set(queries.map(({ Id }) => Id)).size < queries.length) return 'Ids are not unique';
  for (const { Id, MetricStat } of queries) {
    if (!/^[a-z][A-Za-z0-9_]*$/.test(Id)) return `Id ${Id} is not valid`;
    if (!Number.isInteger(MetricStat.Period) || MetricStat.Period < 1) return 'Period is not valid';
  }
  return null;
}
