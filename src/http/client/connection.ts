import type { IncomingMessage } from 'node:http';
import * as z from 'zod/mini';
import { AppError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import {
  API_VERSION,
  API_VERSION_HEADER,
  ATTENTION_HEADER,
  CLIENT_HEADER,
  failureOf,
  NEEDS_TLS_HEADER,
  VERSION_HEADER,
  type FailureOnWire,
} from '../contract/failure-form.ts';
import type { EventOf, Input, InputOf, ResultOf, Route, RowOf } from '../contract/route.ts';
import { FRAMES_TYPE, readFrames } from '../contract/frames.ts';
import { endOf } from '../contract/row-lines.ts';
import { linesOf, textOf } from './answer-texts.ts';
import { readEvents } from './event-stream.ts';
import { RequestSender, UploadFailure } from './request-sender.ts';
import { ServerFailures } from './server-failures.ts';

export interface ConnectionOptions {
  /** `https://captures.example.com`, without a path. */
  readonly url: string;
  /** Of the program that asks. */
  readonly version: string;
  /** Certificates to trust besides the usual ones, as PEM; null for none. */
  readonly ca?: string | null;
  /** Aborted when the program is to end: then every request does. */
  readonly signal?: AbortSignal;
  /** Milliseconds until the head of an answer must have come; 30 s where it is left out. */
  readonly patience?: number;
}

type Asked<R> = Partial<InputOf<R>> & { readonly upload?: AsyncIterable<Uint8Array> };
type AnyAsked = Partial<Input<unknown, unknown, unknown>> & {
  readonly upload?: AsyncIterable<Uint8Array>;
};

const NEVER = new AbortController().signal;

/** The head of an answer must have come by then, in milliseconds; a heavy operation may have to wait its turn, a slow one for others. */
const FIRST_ANSWER_MS = 30_000;
/** The server says more often than that that a stream of events is alive. */
const SILENCE_MS = 60_000;

const JSON_TYPE = 'application/json';
const LINES_TYPE = 'application/x-ndjson';
const EVENTS_TYPE = 'text/event-stream';

/** A server, asked by the table of its routes. Sockets are kept for the next request until `close`. */
export class Connection {
  readonly #url: URL;
  readonly #version: string;
  readonly #failures: ServerFailures;
  readonly #sender: RequestSender;
  readonly #patience: number;
  readonly #warnings: string[] = [];
  #isQuiet = false;
  /** Who asks; null before anybody has said so. */
  secret: string | null = null;

  constructor(options: ConnectionOptions) {
    const { url, version, ca = null, signal = NEVER, patience = FIRST_ANSWER_MS } = options;
    this.#patience = patience;
    this.#url = new URL(url);
    this.#version = version;
    this.#failures = new ServerFailures(this.#url, version);
    this.#sender = new RequestSender(this.#url, ca, this.#failures);
    signal.addEventListener('abort', () => this.close(), { once: true });
  }

  /** Asks for one value. @throws AppError what the server answers; `remote_failed` where there is no answer. */
  async value<R extends Route>(
    route: R,
    asked: Asked<R>,
    signal: AbortSignal = NEVER,
  ): Promise<ResultOf<R['answer']>> {
    const { answer } = route;
    const type = answer.is === 'json' ? JSON_TYPE : null;
    const response = await this.#send(route, asked, type, signal);
    try {
      const text = await textOf(response);
      if (answer.is !== 'json') return undefined as ResultOf<R['answer']>;
      return this.#decoded(answer.form, text) as ResultOf<R['answer']>;
    } catch (error) {
      throw this.#asFailure(error, signal);
    }
  }

  /**
   * Asks for rows, which are read as they are taken. Those that cannot be understood are left out: see
   * `takeWarnings`.
   * @throws AppError as `value`.
   */
  async *rows<R extends Route>(
    route: R,
    asked: Asked<R>,
    signal: AbortSignal = NEVER,
  ): AsyncGenerator<RowOf<R['answer']>, void, void> {
    const { answer } = route;
    if (answer.is !== 'rows') throw new Error(`${route.id} has no rows`);
    const response = await this.#send(route, asked, LINES_TYPE, signal);
    let leftOut = 0;
    try {
      for await (const line of linesOf(response)) {
        const end = endOf(line);
        if (end !== null) {
          if (end.failure === null) return;
          throw failureOf(end.failure);
        }
        const row = rowIn(answer.row, JSON.parse(line));
        if (row === null) leftOut += 1;
        else yield row.value as RowOf<R['answer']>;
      }
      throw this.#failures.lost();
    } catch (error) {
      throw this.#asFailure(error, signal);
    } finally {
      if (leftOut > 0) this.#warnings.push(this.#failures.leftOut(leftOut));
      discard(response);
    }
  }

  /** All rows. @throws AppError as `value`. */
  async list<R extends Route>(
    route: R,
    asked: Asked<R>,
    signal: AbortSignal = NEVER,
  ): Promise<RowOf<R['answer']>[]> {
    const all: RowOf<R['answer']>[] = [];
    for await (const row of this.rows(route, asked, signal)) all.push(row);
    return all;
  }

  /** Asks for what takes a while. @throws AppError as `value`. */
  async *progress<R extends Route>(
    route: R,
    asked: Asked<R>,
    signal: AbortSignal = NEVER,
  ): Progress<EventOf<R['answer']>, ResultOf<R['answer']>> {
    const { answer } = route;
    if (answer.is !== 'progress') throw new Error(`${route.id} has no progress`);
    const response = await this.#send(route, asked, EVENTS_TYPE, signal);
    try {
      for await (const { event, data } of this.#events(response)) {
        if (event === 'result') {
          return this.#decoded(answer.result, data) as ResultOf<R['answer']>;
        }
        yield this.#decoded(answer.event, data) as EventOf<R['answer']>;
      }
      throw this.#failures.lost();
    } catch (error) {
      throw this.#asFailure(error, signal);
    } finally {
      discard(response);
    }
  }

  /** What goes on until it ends or is left. @throws AppError as `value`. */
  async *live<R extends Route>(
    route: R,
    asked: Asked<R>,
    signal: AbortSignal = NEVER,
  ): AsyncGenerator<EventOf<R['answer']>, void, void> {
    const { answer } = route;
    if (answer.is !== 'live') throw new Error(`${route.id} is not live`);
    const response = await this.#send(route, asked, EVENTS_TYPE, signal);
    try {
      for await (const { event, data } of this.#events(response)) {
        if (event === 'result') return;
        yield this.#decoded(answer.event, data) as EventOf<R['answer']>;
      }
      throw this.#failures.lost();
    } catch (error) {
      if (signal.aborted) return;
      throw this.#asFailure(error, signal);
    } finally {
      discard(response);
    }
  }

  /** Asks for bytes, which are read as they are taken; back-pressure reaches the server. @throws AppError as `value`. */
  async *bytes<R extends Route>(
    route: R,
    asked: Asked<R>,
    signal: AbortSignal = NEVER,
  ): Progress<Uint8Array, ResultOf<R['answer']>> {
    const { answer } = route;
    if (answer.is !== 'bytes') throw new Error(`${route.id} has no bytes`);
    const response = await this.#send(route, asked, FRAMES_TYPE, signal);
    try {
      const end = yield* readFrames(response);
      if (end === null) throw this.#failures.lost();
      if ('error' in end) throw failureOf(end.error);
      return this.#decodedValue(answer.result, end.result) as ResultOf<R['answer']>;
    } catch (error) {
      throw this.#asFailure(error, signal);
    } finally {
      discard(response);
    }
  }

  /** What is to be known of the answers since the last call: a sentence each. */
  takeWarnings(): string[] {
    return this.#warnings.splice(0);
  }

  /** Of the program there; null where it has not said so. */
  get serverVersion(): string | null {
    return this.#failures.theirVersion;
  }

  /** Whether the server said with its last answer that nothing goes on unattended. */
  get isQuiet(): boolean {
    return this.#isQuiet;
  }

  /** Ends what is open; nothing can be asked afterwards. */
  close(): void {
    this.#sender.close();
  }

  async #send(
    route: Route,
    asked: AnyAsked,
    type: string | null,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const upload = asked.upload ?? null;
    const hasJson = route.body !== null && route.body !== 'bytes';
    const body = hasJson ? JSON.stringify(z.encode(bodyOf(route), asked.body ?? {})) : null;
    const outgoing = {
      method: route.method,
      url: this.#url,
      path: pathOf(route, asked),
      headers: this.#headers(type, body, upload !== null),
      body,
      upload,
      patience: route.isHeavy || route.isSlow ? null : this.#patience,
    };
    const response = await this.#sender.send(outgoing, signal);
    try {
      return await this.#checked(response, type);
    } catch (error) {
      throw this.#asFailure(error, signal);
    }
  }

  #headers(
    type: string | null,
    body: string | null,
    isUpload: boolean,
  ): Readonly<Record<string, string>> {
    return {
      accept: type ?? '*/*',
      [CLIENT_HEADER]: this.#version,
      [API_VERSION_HEADER]: String(API_VERSION),
      ...(this.secret === null ? {} : { authorization: `Bearer ${this.secret}` }),
      ...(isUpload ? { 'content-type': 'application/octet-stream' } : {}),
      ...(body === null
        ? {}
        : { 'content-type': JSON_TYPE, 'content-length': String(Buffer.byteLength(body)) }),
    };
  }

  /** @throws AppError what the server answers instead of what it was asked for, or that it is none of ours. */
  async #checked(response: IncomingMessage, type: string | null): Promise<IncomingMessage> {
    const { statusCode: status = 0, headers } = response;
    const found = headers['content-type'] ?? '';
    const theirs = headers[VERSION_HEADER];
    if (typeof theirs === 'string' && theirs !== '') this.#failures.theirVersion = theirs;
    const api = headers[API_VERSION_HEADER];
    this.#isQuiet = headers[ATTENTION_HEADER] === '0';
    const isForeign = type === null ? found.startsWith('text/html') : !found.startsWith(type);
    try {
      if (api !== undefined && api !== String(API_VERSION)) {
        throw this.#failures.otherVersion('they do not understand one another');
      }
      if (headers[NEEDS_TLS_HEADER] !== undefined) throw this.#failures.speaksTls();
      if (status >= 300 && status < 400) throw this.#failures.moved(headers.location ?? null);
      if (status === 200) {
        if (isForeign && api === undefined) throw this.#failures.notOurs(status, found);
        return response;
      }
      if (!found.startsWith(JSON_TYPE)) throw this.#failures.notOurs(status, found);
    } catch (error) {
      response.destroy();
      throw error;
    }
    throw this.#refusal(await textOf(response), status, found);
  }

  #refusal(text: string, status: number, type: string): AppError {
    let failure: FailureOnWire;
    try {
      failure = JSON.parse(text) as FailureOnWire;
      if (typeof failure.code !== 'number' || typeof failure.message !== 'string')
        throw new Error();
    } catch {
      return this.#failures.notOurs(status, type);
    }
    // A request that no use case of its version has, or one whose form it does not know.
    if (failure.isRefused === true && status < 429 && this.#failures.isOtherVersion) {
      return this.#failures.otherVersion(failure.message);
    }
    return failureOf(failure);
  }

  /** Those before the end. @throws AppError the failure that is the last one. */
  async *#events(response: IncomingMessage): ReturnType<typeof readEvents> {
    const { socket } = response;
    const silent = (): void => void response.destroy(this.#failures.silent(SILENCE_MS));
    socket.setTimeout(SILENCE_MS);
    socket.on('timeout', silent);
    try {
      for await (const one of readEvents(response)) {
        if (one.event === 'error') throw failureOf(JSON.parse(one.data) as FailureOnWire);
        yield one;
      }
    } finally {
      socket.off('timeout', silent);
      socket.setTimeout(0);
    }
  }

  #decoded(schema: z.ZodMiniType, json: string): unknown {
    return this.#decodedValue(schema, JSON.parse(json));
  }

  #decodedValue(schema: z.ZodMiniType, value: unknown): unknown {
    try {
      return z.decode(schema, value);
    } catch (error) {
      if (this.#failures.isOtherVersion) {
        throw this.#failures.otherVersion('its answer cannot be understood', error);
      }
      throw error;
    }
  }

  /** What to throw for what was thrown while an answer was read. */
  #asFailure(error: unknown, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason;
    if (error instanceof UploadFailure) return error.cause;
    const isOfSocket = error instanceof Error && 'code' in error && !(error instanceof AppError);
    return isOfSocket ? this.#failures.lost(error) : error;
  }
}

function bodyOf({ body }: Route): z.ZodMiniType {
  if (body === null || body === 'bytes') throw new Error('There is no JSON to send');
  return body;
}

/** Of an answer that is not wholly read nobody needs the rest; the socket of one that is goes on. */
function discard(response: IncomingMessage): void {
  if (!response.complete) response.destroy();
}

/** null where it has another form. */
function rowIn(schema: z.ZodMiniType, json: unknown): { readonly value: unknown } | null {
  try {
    return { value: z.decode(schema, json) };
  } catch {
    return null;
  }
}

type Query = string | readonly string[] | undefined;

function pathOf(route: Route, asked: AnyAsked): string {
  const params = z.encode(route.params, asked.params ?? {}) as Record<string, string>;
  const query = z.encode(route.query, asked.query ?? {}) as Record<string, Query>;
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    // Nothing is called so, and a path has no place for an empty word.
    encodeURIComponent(params[name] || ' '),
  );
  const entries = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one): [string, string] => [name, one]),
  );
  return entries.length === 0 ? path : `${path}?${new URLSearchParams(entries).toString()}`;
}
