import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AnswerSink, Exchange } from './exchange.ts';
import type { Refusal } from './refusal.ts';

/** What is known of a request besides what Node says. */
export interface Circumstances {
  /** Of the client. */
  readonly address: string;
  readonly ending: AbortSignal;
  /** Whether the client sends the body only when it is told to: `Expect: 100-continue`. */
  readonly waitsToSend: boolean;
  readonly refusal: Refusal | null;
}

/** A client that takes nothing of its answer for so long has its connection closed. */
const STALLED_MS = 120_000;

/** A request as Node's server gives it. */
export function nodeExchange(
  request: IncomingMessage,
  response: ServerResponse,
  { address, ending, waitsToSend, refusal }: Circumstances,
): Exchange {
  return {
    method: request.method ?? '',
    url: request.url ?? '',
    headers: request.headers,
    address,
    // A refusal is answered without the body being sent at all.
    body: waitsToSend ? continued(request, response) : bodyOf(request),
    ending,
    refusal,
    answer: new NodeSink(response, request.method === 'HEAD'),
  };
}

async function* continued(
  request: IncomingMessage,
  response: ServerResponse,
): AsyncGenerator<Uint8Array, void, void> {
  response.writeContinue();
  yield* bodyOf(request);
}

/** Who leaves the body in the middle has not ended the connection: there is an answer to be written. */
function bodyOf(request: IncomingMessage): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]: () =>
      request.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>,
  };
}

class NodeSink implements AnswerSink {
  readonly #response: ServerResponse;
  readonly #isHeadOnly: boolean;
  readonly #gone = new AbortController();
  #status: number | null = null;

  /** @param isHeadOnly the client wants to know the head alone: what would make the rest is left off. */
  constructor(response: ServerResponse, isHeadOnly: boolean) {
    this.#response = response;
    this.#isHeadOnly = isHeadOnly;
    response.once('close', () => {
      if (!response.writableFinished) this.#gone.abort(new Error('The client has gone'));
    });
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get status(): number | null {
    return this.#status;
  }

  get isStarted(): boolean {
    return this.#status !== null;
  }

  start(status: number, headers: Readonly<Record<string, string>>): void {
    const response = this.#response;
    if (this.gone.aborted || response.destroyed) return;
    this.#status = status;
    response.writeHead(status, headers);
    if (!this.#isHeadOnly) return;
    response.end();
    this.#gone.abort(new Error('The head is all that was asked for'));
  }

  async write(chunk: string | Uint8Array): Promise<void> {
    const response = this.#response;
    if (this.gone.aborted || response.write(chunk)) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => response.destroy(), STALLED_MS).unref();
      const go = (): void => {
        clearTimeout(timer);
        response.off('drain', go);
        response.off('close', go);
        resolve();
      };
      response.once('drain', go);
      response.once('close', go);
    });
  }

  async end(trailers: Readonly<Record<string, string>> = {}): Promise<void> {
    const response = this.#response;
    if (this.gone.aborted || response.destroyed) return;
    response.addTrailers(trailers);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => response.destroy(), STALLED_MS).unref();
      const over = (): void => {
        clearTimeout(timer);
        resolve();
      };
      response.once('close', over);
      response.end(over);
    });
  }

  breakOff(): void {
    this.#response.destroy();
  }
}
