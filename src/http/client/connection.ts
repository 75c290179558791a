import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import * as z from 'zod/mini';
import { AppError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import {
  API_VERSION,
  API_VERSION_HEADER,
  CLIENT_HEADER,
  failureOf,
  type FailureOnWire,
} from '../contract/failure-form.ts';
import type { EventOf, Input, InputOf, ResultOf, Route, RowOf } from '../contract/route.ts';
import { readEvents } from './event-stream.ts';

export interface ConnectionOptions {
  /** `https://captures.example.com`, without a path. */
  readonly url: string;
  /** Of the program that asks. */
  readonly version: string;
  /** Certificates to trust besides the usual ones, as PEM; null for none. */
  readonly ca?: string | null;
}

type Asked<R> = Partial<InputOf<R>> & { readonly upload?: AsyncIterable<Uint8Array> };

const NEVER = new AbortController().signal;

/** A server, asked by the table of its routes. Sockets are kept for the next request until `close`. */
export class Connection {
  readonly #url: URL;
  readonly #version: string;
  readonly #agent: Agent;
  /** Who asks; null before anybody has said so. */
  secret: string | null = null;

  constructor({ url, version }: ConnectionOptions) {
    this.#url = new URL(url);
    this.#version = version;
    const options = { keepAlive: true, maxSockets: 8 };
    this.#agent = this.#url.protocol === 'https:' ? new TlsAgent(options) : new Agent(options);
  }

  /** Asks for one value. @throws AppError what the server answers; `remote_failed` where there is no answer. */
  async value<R extends Route>(
    route: R,
    asked: Asked<R>,
    signal = NEVER,
  ): Promise<ResultOf<R['answer']>> {
    const response = await this.#send(route, asked, 'application/json', signal);
    const text = await textOf(response);
    const { answer } = route;
    if (answer.is !== 'json') return undefined as ResultOf<R['answer']>;
    return decoded(answer.form, JSON.parse(text)) as ResultOf<R['answer']>;
  }

  /** Asks for rows, which are read as they are taken. @throws AppError as `value`. */
  async *rows<R extends Route>(
    route: R,
    asked: Asked<R>,
    signal = NEVER,
  ): AsyncGenerator<RowOf<R['answer']>, void, void> {
    const { answer } = route;
    if (answer.is !== 'rows') throw new Error(`${route.id} has no rows`);
    const response = await this.#send(route, asked, 'application/x-ndjson', signal);
    try {
      for await (const line of linesOf(response)) {
        yield decoded(answer.row, JSON.parse(line)) as RowOf<R['answer']>;
      }
      refuseBroken(response);
    } finally {
      response.destroy();
    }
  }

  /** All rows. @throws AppError as `value`. */
  async list<R extends Route>(
    route: R,
    asked: Asked<R>,
    signal = NEVER,
  ): Promise<RowOf<R['answer']>[]> {
    const all: RowOf<R['answer']>[] = [];
    for await (const row of this.rows(route, asked, signal)) all.push(row);
    return all;
  }

  /** Asks for what takes a while. @throws AppError as `value`. */
  async *progress<R extends Route>(
    route: R,
    asked: Asked<R>,
    signal = NEVER,
  ): Progress<EventOf<R['answer']>, ResultOf<R['answer']>> {
    const { answer } = route;
    if (answer.is !== 'progress') throw new Error(`${route.id} has no progress`);
    const response = await this.#send(route, asked, 'text/event-stream', signal);
    try {
      for await (const { event, data } of readEvents(response)) {
        if (event === 'error') throw failureOf(JSON.parse(data) as FailureOnWire);
        if (event === 'result') {
          return decoded(answer.result, JSON.parse(data)) as ResultOf<R['answer']>;
        }
        yield decoded(answer.event, JSON.parse(data)) as EventOf<R['answer']>;
      }
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      response.destroy();
    }
    throw brokenOff();
  }

  /** What goes on until it ends or is left. @throws AppError as `value`. */
  async *live<R extends Route>(
    route: R,
    asked: Asked<R>,
    signal = NEVER,
  ): AsyncGenerator<EventOf<R['answer']>, void, void> {
    const { answer } = route;
    if (answer.is !== 'live') throw new Error(`${route.id} is not live`);
    const response = await this.#send(route, asked, 'text/event-stream', signal);
    try {
      for await (const { event, data } of readEvents(response)) {
        if (event === 'error') throw failureOf(JSON.parse(data) as FailureOnWire);
        if (event === 'result') return;
        yield decoded(answer.event, JSON.parse(data)) as EventOf<R['answer']>;
      }
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    } finally {
      response.destroy();
    }
    throw brokenOff();
  }

  /** Asks for bytes, which are read as they are taken; back-pressure reaches the server. @throws AppError as `value`. */
  async *bytes<R extends Route>(
    route: R,
    asked: Asked<R>,
    signal = NEVER,
  ): Progress<Uint8Array, ResultOf<R['answer']>> {
    const { answer } = route;
    if (answer.is !== 'bytes') throw new Error(`${route.id} has no bytes`);
    const response = await this.#send(route, asked, '*/*', signal);
    try {
      for await (const chunk of response) yield chunk as Uint8Array;
      refuseBroken(response);
      const result = response.trailers['captures-result'];
      const value: unknown = result === undefined ? undefined : JSON.parse(fromHeader(result));
      return z.decode(answer.result, value ?? undefined) as ResultOf<R['answer']>;
    } finally {
      response.destroy();
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #send(
    route: Route,
    asked: Partial<Input<unknown, unknown, unknown>> & { upload?: AsyncIterable<Uint8Array> },
    accept: string,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    signal.throwIfAborted();
    const body =
      route.body === null || route.body === 'bytes'
        ? null
        : JSON.stringify(z.encode(route.body, asked.body ?? {}));
    const url = new URL(pathOf(route, asked), this.#url);
    const send = url.protocol === 'https:' ? tlsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const request = send(url, {
        method: route.method,
        agent: this.#agent,
        signal,
        headers: {
          accept,
          te: 'trailers',
          [CLIENT_HEADER]: this.#version,
          [API_VERSION_HEADER]: String(API_VERSION),
          ...(this.secret === null ? {} : { authorization: `Bearer ${this.secret}` }),
          ...(body === null
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
        },
      });
      request.once('error', (error) =>
        reject(signal.aborted ? (signal.reason as Error) : this.#unreachable(error)),
      );
      request.once('response', (response) => {
        this.#checked(response).then(resolve, reject);
      });
      if (asked.upload !== undefined) void pump(asked.upload, request);
      else request.end(body ?? undefined);
    });
  }

  async #checked(response: IncomingMessage): Promise<IncomingMessage> {
    if (response.statusCode === 200) return response;
    const text = await textOf(response);
    let failure: FailureOnWire;
    try {
      failure = JSON.parse(text) as FailureOnWire;
    } catch {
      throw new AppError(
        'remote_failed',
        `${this.#url.origin} is no server of captures: it answered ${response.statusCode ?? 0}`,
      );
    }
    throw failureOf(failure);
  }

  #unreachable(error: Error): AppError {
    const { origin } = this.#url;
    return new AppError('remote_failed', `Cannot reach the server ${origin}: ${error.message}`, {
      cause: error,
    });
  }
}

async function pump(
  upload: AsyncIterable<Uint8Array>,
  request: ReturnType<typeof httpRequest>,
): Promise<void> {
  try {
    for await (const chunk of upload) {
      if (request.destroyed) return;
      if (!request.write(chunk)) {
        await new Promise<void>((resolve) => {
          request.once('drain', resolve);
          request.once('close', resolve);
        });
      }
    }
    request.end();
  } catch (error) {
    request.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}

function pathOf(route: Route, asked: Partial<Input<unknown, unknown, unknown>>): string {
  const params = z.encode(route.params, asked.params ?? {}) as Record<string, string>;
  const query = z.encode(route.query, asked.query ?? {}) as Record<string, string>;
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(params[name] ?? ''),
  );
  const entries = Object.entries(query).filter(([, value]) => (value as unknown) !== undefined);
  return entries.length === 0 ? path : `${path}?${new URLSearchParams(entries).toString()}`;
}

function decoded(schema: z.ZodMiniType, value: unknown): unknown {
  return z.decode(schema, value);
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString('utf8');
}

async function* linesOf(response: AsyncIterable<unknown>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response) {
    rest += decoder.decode(chunk as Uint8Array, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') throw brokenOff();
}

/** @throws AppError the error that the server said behind its answer. */
function refuseBroken(response: IncomingMessage): void {
  const error = response.trailers['captures-error'];
  if (error !== undefined) throw failureOf(JSON.parse(fromHeader(error)) as FailureOnWire);
  if (!response.complete) throw brokenOff();
}

function fromHeader(value: string): string {
  return Buffer.from(value, 'base64url').toString('utf8');
}

function brokenOff(): AppError {
  return new AppError('remote_failed', 'The server ended its answer early');
}
