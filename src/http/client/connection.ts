import type { IncomingMessage } from 'node:http';
import * as z from 'zod/mini';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import {
  API_VERSION,
  API_VERSION_HEADER,
  CLIENT_HEADER,
  TIME_HEADER,
} from '../contract/failure-form.ts';
import { FRAMES_TYPE } from '../contract/frames.ts';
import type { EventOf, Input, InputOf, ResultOf, Route, RowOf } from '../contract/route.ts';
import { AnswerReader, JSON_TYPE } from './answer-reader.ts';
import { textOf } from './answer-texts.ts';
import { Outage } from './outage.ts';
import { pathOf } from './request-path.ts';
import { type HttpsProxy, RequestSender, UploadFailure } from './request-sender.ts';
import { ServerFailures } from './server-failures.ts';

export interface ConnectionOptions {
  /** `https://captures.example.com`, without a path. */
  readonly url: string;
  /** Of the program that asks. */
  readonly version: string;
  /** Certificates to trust besides the usual ones, as PEM; null for none. */
  readonly ca?: string | null;
  /** For https; absent, null: there is none. */
  readonly proxy?: HttpsProxy | null;
  /** Aborted when the program is to end: then every request does. */
  readonly signal?: AbortSignal;
  /** Milliseconds until the head of an answer must have come; 30 s where it is left out. */
  readonly patience?: number;
  /** By which a server that stops answering is asked again; left out, that is a failure at once. */
  readonly clock?: Clock;
}

type Asked<R> = Partial<InputOf<R>> & { readonly upload?: AsyncIterable<Uint8Array> };
type AnyAsked = Partial<Input<unknown, unknown, unknown>> & {
  readonly upload?: AsyncIterable<Uint8Array>;
};

const NEVER = new AbortController().signal;

/** The head of an answer must have come by then, in milliseconds; a heavy operation may have to wait its turn, a slow one for others. */
const FIRST_ANSWER_MS = 30_000;
const LINES_TYPE = 'application/x-ndjson';
const EVENTS_TYPE = 'text/event-stream';

/** A server, asked by the table of its routes. Sockets are kept for the next request until `close`. */
export class Connection {
  readonly #url: URL;
  readonly #version: string;
  readonly #failures: ServerFailures;
  readonly #sender: RequestSender;
  readonly #patience: number;
  readonly #answers: AnswerReader;
  readonly #closing = new AbortController();
  readonly #warnings: string[] = [];
  readonly #clock: Clock | null;
  #clockAhead: number | null = null;
  /** What lasts goes through it: the server may be started anew meanwhile. */
  readonly outage: Outage;
  /** Who asks; null before anybody has said so. */
  secret: string | null = null;

  constructor(options: ConnectionOptions) {
    const { url, version, ca = null, signal = NEVER, patience = FIRST_ANSWER_MS } = options;
    const { clock = null, proxy = null } = options;
    this.#patience = patience;
    this.#clock = clock;
    this.#url = new URL(url);
    this.#version = version;
    this.#failures = new ServerFailures(this.#url, version, proxy !== null);
    this.#answers = new AnswerReader(this.#failures);
    this.#sender = new RequestSender(this.#url, ca, proxy, this.#failures);
    this.outage = new Outage(clock, this.#closing.signal);
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
      return this.#answers.decoded(answer.form, text, 'an answer') as ResultOf<R['answer']>;
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
      for await (const row of this.#answers.rows(response, answer.row)) {
        if (row === null) leftOut += 1;
        else yield row.value as RowOf<R['answer']>;
      }
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

  /**
   * Asks for what takes a while. What only reads is asked again, from its beginning, where the server stops
   * answering: see `outage`.
   * @throws AppError as `value`.
   */
  progress<R extends Route>(
    route: R,
    asked: Asked<R>,
    signal: AbortSignal = NEVER,
  ): Progress<EventOf<R['answer']>, ResultOf<R['answer']>> {
    const attempt = (): Progress<EventOf<R['answer']>, ResultOf<R['answer']>> =>
      this.attempt(route, asked, signal);
    return route.isRead ? this.outage.run(attempt, signal) : attempt();
  }

  /** The same, asked once. @throws AppError as `value`. */
  async *attempt<R extends Route>(
    route: R,
    asked: Asked<R>,
    signal: AbortSignal = NEVER,
  ): Progress<EventOf<R['answer']>, ResultOf<R['answer']>> {
    const { answer } = route;
    if (answer.is !== 'progress') throw new Error(`${route.id} has no progress`);
    const response = await this.#send(route, asked, EVENTS_TYPE, signal);
    try {
      for await (const { event, data } of this.#answers.events(response)) {
        await this.outage.answered();
        if (event === 'result') {
          return this.#answers.decoded(answer.result, data, 'a result') as ResultOf<R['answer']>;
        }
        yield this.#answers.decoded(answer.event, data, 'an event') as EventOf<R['answer']>;
      }
      throw this.#failures.lost();
    } catch (error) {
      throw this.#asFailure(error, signal);
    } finally {
      discard(response);
    }
  }

  /**
   * What goes on until it ends or is left; also where the server stops answering for a while: see `outage`.
   * @throws AppError as `value`.
   */
  async *live<R extends Route>(
    route: R,
    asked: Asked<R>,
    signal: AbortSignal = NEVER,
  ): AsyncGenerator<EventOf<R['answer']>, void, void> {
    try {
      yield* this.outage.run(() => this.#looks(route, asked, signal), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async *#looks<R extends Route>(
    route: R,
    asked: Asked<R>,
    signal: AbortSignal,
  ): AsyncGenerator<EventOf<R['answer']>, void, void> {
    const { answer } = route;
    if (answer.is !== 'live') throw new Error(`${route.id} is not live`);
    const response = await this.#send(route, asked, EVENTS_TYPE, signal);
    try {
      for await (const { event, data } of this.#answers.events(response)) {
        await this.outage.answered();
        if (event === 'result') return;
        yield this.#answers.decoded(answer.event, data, 'an event') as EventOf<R['answer']>;
      }
      throw this.#failures.lost();
    } catch (error) {
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
      const result = yield* this.#answers.frames(response);
      return this.#answers.decodedValue(answer.result, result, 'a result') as ResultOf<R['answer']>;
    } catch (error) {
      throw this.#asFailure(error, signal);
    } finally {
      discard(response);
    }
  }

  /**
   * What a part of an answer is that is read later.
   * @param came what it is where that fails: `a statement that is not JSON`.
   * @throws AppError `remote_failed` then.
   */
  understood<Value>(read: () => Value, came: string): Value {
    return this.#answers.understood(read, came);
  }

  /** What is to be known of the answers since the last call: a sentence each. */
  takeWarnings(): string[] {
    return this.#warnings.splice(0);
  }

  /** Of the program there; null where it has not said so. */
  get serverVersion(): string | null {
    return this.#failures.theirVersion;
  }

  /**
   * By how much the server's clock is ahead of ours, in milliseconds: never more than that, and less by the time that
   * an answer took. null where the server has not told its time.
   */
  get clockAhead(): number | null {
    return this.#clockAhead;
  }

  #compareClocks(time: string | string[] | undefined): void {
    const theirs = Number(time);
    if (this.#clock === null || !(theirs > 0)) return;
    this.#clockAhead = theirs - this.#clock.now();
  }

  /** Whether the server said with its last answer that nothing goes on unattended. */
  get isQuiet(): boolean {
    return this.#answers.isQuiet;
  }

  /** Ends what is open; nothing can be asked afterwards. */
  close(): void {
    this.#closing.abort(new Error('The connection to the server is closed'));
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
    if (response.headers[API_VERSION_HEADER] !== undefined) this.outage.hasAnswered = true;
    this.#compareClocks(response.headers[TIME_HEADER]);
    try {
      return await this.#answers.checked(response, type);
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
