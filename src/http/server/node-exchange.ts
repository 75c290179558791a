import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AnswerSink, Exchange } from './exchange.ts';

/** A request as Node's server gives it. @param address of the client. */
export function nodeExchange(
  request: IncomingMessage,
  response: ServerResponse,
  address: string,
): Exchange {
  return {
    method: request.method ?? '',
    url: request.url ?? '',
    headers: request.headers,
    address,
    body: request,
    answer: new NodeSink(response),
  };
}

class NodeSink implements AnswerSink {
  readonly #response: ServerResponse;
  readonly #gone = new AbortController();

  constructor(response: ServerResponse) {
    this.#response = response;
    response.once('close', () => {
      if (!response.writableFinished) this.#gone.abort(new Error('The client has gone'));
    });
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get isStarted(): boolean {
    return this.#response.headersSent;
  }

  start(status: number, headers: Readonly<Record<string, string>>): void {
    this.#response.writeHead(status, headers);
    this.#response.flushHeaders();
  }

  async write(chunk: string | Uint8Array): Promise<void> {
    const response = this.#response;
    if (this.gone.aborted || response.write(chunk)) return;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        response.off('drain', go);
        response.off('close', go);
        resolve();
      };
      response.once('drain', go);
      response.once('close', go);
    });
  }

  async end(trailers: Readonly<Record<string, string>> = {}): Promise<void> {
    if (this.gone.aborted) return;
    this.#response.addTrailers(trailers);
    await new Promise<void>((resolve) => this.#response.end(resolve));
  }

  breakOff(): void {
    this.#response.destroy();
  }
}
