import type { IncomingMessage } from 'node:http';
import * as z from 'zod/mini';
import type { AppError } from '../../core/errors.ts';
import {
  API_VERSION,
  API_VERSION_HEADER,
  ATTENTION_HEADER,
  NEEDS_TLS_HEADER,
  VERSION_HEADER,
} from '../contract/failure-form.ts';
import { readFrames } from '../contract/frames.ts';
import { endOf } from '../contract/row-lines.ts';
import { linesOf, textOf } from './answer-texts.ts';
import { readEvents, type ServerEvent } from './event-stream.ts';
import { isFailure, type ServerFailures } from './server-failures.ts';

/** The server says more often than that that a stream of events is alive. */
const SILENCE_MS = 60_000;

/** What a server says to what it could not read as a request has none of its headers. */
const RAW_STATUSES = [400, 408, 413, 431];

export const JSON_TYPE = 'application/json';

/** Reads answers; whatever comes, what is thrown is an AppError that says so. */
export class AnswerReader {
  readonly #failures: ServerFailures;
  #isQuiet = false;

  constructor(failures: ServerFailures) {
    this.#failures = failures;
  }

  /** Whether the server said with its last answer that nothing goes on unattended. */
  get isQuiet(): boolean {
    return this.#isQuiet;
  }

  /**
   * @param type of the answer that is wanted; null where it has no body.
   * @throws AppError what the server answers instead of what it was asked for, or that it is none of ours.
   */
  async checked(response: IncomingMessage, type: string | null): Promise<IncomingMessage> {
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
        if (!isForeign) return response;
        throw this.#wrong(status, found, api !== undefined);
      }
      if (!found.startsWith(JSON_TYPE)) throw this.#wrong(status, found, api !== undefined);
    } catch (error) {
      response.destroy();
      throw error;
    }
    throw this.#refusal(await textOf(response), status, found, api !== undefined);
  }

  /** @param isOurs whether its headers are those of a server of captures. */
  #wrong(status: number, type: string, isOurs: boolean): AppError {
    const isOfProxy = status === 502 || status === 503 || status === 504;
    if (!isOurs || isOfProxy) return this.#failures.notOurs(status, type);
    return this.#failures.notUnderstood(`${type.split(';')[0] || 'nothing'}, ${status}`);
  }

  #refusal(text: string, status: number, type: string, isOurs: boolean): AppError {
    let failure: unknown;
    try {
      failure = JSON.parse(text);
    } catch {
      return this.#wrong(status, type, isOurs);
    }
    if (!isFailure(failure)) return this.#wrong(status, type, isOurs);
    if (!isOurs && !RAW_STATUSES.includes(status)) return this.#failures.notOurs(status, type);
    // A request that no use case of its version has, or one whose form it does not know.
    if (failure.isRefused === true && status < 429 && this.#failures.isOtherVersion) {
      return this.#failures.otherVersion(failure.message);
    }
    return this.#failures.said(failure);
  }

  /** The lines of rows; null for one that has another form. @throws AppError the failure that is the last line. */
  async *rows(
    response: IncomingMessage,
    schema: z.ZodMiniType,
  ): AsyncGenerator<{ readonly value: unknown } | null, void, void> {
    for await (const line of linesOf(response)) {
      const end = this.understood(() => endOf(line), 'a line that is not JSON');
      if (end !== null) {
        if (end.failure === null) return;
        throw this.#failures.said(end.failure);
      }
      const json: unknown = this.understood(
        () => JSON.parse(line) as unknown,
        'a line that is not JSON',
      );
      yield rowIn(schema, json);
    }
    throw this.#failures.lost();
  }

  /** Those before the end. @throws AppError the failure that is the last one. */
  async *events(response: IncomingMessage): AsyncGenerator<ServerEvent, void, void> {
    const { socket } = response;
    const silent = (): void => void response.destroy(this.#failures.silent(SILENCE_MS));
    socket.setTimeout(SILENCE_MS);
    socket.on('timeout', silent);
    try {
      for await (const one of readEvents(response)) {
        if (one.event === 'error') {
          throw this.#failures.said(
            this.understood(() => JSON.parse(one.data) as unknown, 'an event that is not JSON'),
          );
        }
        yield one;
      }
    } finally {
      socket.off('timeout', silent);
      socket.setTimeout(0);
    }
  }

  /** @returns what follows the bytes. @throws AppError the failure that does. */
  async *frames(response: IncomingMessage): AsyncGenerator<Uint8Array, unknown, void> {
    const end = yield* readFrames(response);
    if (end === null) throw this.#failures.lost();
    if ('error' in end) throw this.#failures.said(end.error);
    return end.result;
  }

  /** @param what it is, where it is no JSON: `an event`. */
  decoded(schema: z.ZodMiniType, json: string, what: string): unknown {
    return this.decodedValue(
      schema,
      this.understood(() => JSON.parse(json) as unknown, `${what} that is not JSON`),
      what,
    );
  }

  decodedValue(schema: z.ZodMiniType, value: unknown, what: string): unknown {
    return this.understood(() => z.decode(schema, value), `${what} of another form`);
  }

  /** @param came what it is where it cannot be read. @throws AppError `remote_failed` then. */
  understood<Value>(parse: () => Value, came: string): Value {
    try {
      return parse();
    } catch (error) {
      throw this.#failures.notUnderstood(came, error);
    }
  }
}

/** null where it has another form. */
function rowIn(schema: z.ZodMiniType, json: unknown): { readonly value: unknown } | null {
  try {
    return { value: z.decode(schema, json) };
  } catch {
    return null;
  }
}
