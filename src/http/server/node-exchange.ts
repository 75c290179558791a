import type { IncomingMessage, ServerResponse } from 'node:http';
import { systemClock, type Clock } from '../../core/clock.ts';
import type { AnswerSink, Exchange } from './exchange.ts';
import { PACE, ReadingPace, type PaceLimits } from './reading-pace.ts';
import type { Refusal } from './refusal.ts';

/** What is known of a request besides what Node says. */
export interface Circumstances {
  /** Of the client. */
  readonly address: string;
  readonly ending: AbortSignal;
  /** Whether the client sends the body only when it is told to: `Expect: 100-continue`. */
  readonly waitsToSend: boolean;
  readonly refusal: Refusal | null;
  /** Absent: as slowly as `PACE` says. */
  readonly readers?: ReaderLimits;
}

/** How slowly answers may be taken. */
export interface ReaderLimits extends PaceLimits {
  /** One that is not set. */
  readonly clock: Clock;
}

const READERS: ReaderLimits = {
  ...PACE,
  clock: { now: () => performance.now(), sleep: (ms, signal) => systemClock.sleep(ms, signal) },
};
/** So many bytes are handed over at once: what is larger would be one wait, however long. */
const PIECE_BYTES = 65_536;

/** A request as Node's server gives it. */
export function nodeExchange(
  request: IncomingMessage,
  response: ServerResponse,
  { address, ending, waitsToSend, refusal, readers = READERS }: Circumstances,
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
    answer: new NodeSink(response, request.method === 'HEAD', readers),
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
  readonly #clock: Clock;
  readonly #pace: ReadingPace;
  #status: number | null = null;

  /** @param isHeadOnly the client wants to know the head alone: what would make the rest is left off. */
  constructor(response: ServerResponse, isHeadOnly: boolean, readers: ReaderLimits) {
    this.#response = response;
    this.#isHeadOnly = isHeadOnly;
    this.#clock = readers.clock;
    this.#pace = new ReadingPace(readers);
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
    if (chunk.length <= PIECE_BYTES) return this.#writePiece(chunk);
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      await this.#writePiece(bytes.subarray(at, at + PIECE_BYTES));
    }
  }

  async end(trailers: Readonly<Record<string, string>> = {}): Promise<void> {
    const response = this.#response;
    if (this.gone.aborted || response.destroyed) return;
    response.addTrailers(trailers);
    await this.#forClient((go) => {
      response.once('close', go);
      response.end(go);
      return null;
    });
  }

  breakOff(): void {
    this.#response.destroy();
  }

  async #writePiece(piece: string | Uint8Array): Promise<void> {
    const response = this.#response;
    if (this.gone.aborted) return;
    const hasRoom = response.write(piece);
    const waited = hasRoom
      ? 0
      : await this.#forClient((go) => {
          response.once('drain', go);
          response.once('close', go);
          return () => {
            response.off('drain', go);
            response.off('close', go);
          };
        });
    this.#pace.took(piece.length, waited);
  }

  /** Waits for the client, and closes its connection where it is too slow. @returns for how long, in milliseconds. */
  async #forClient(wait: (go: () => void) => (() => void) | null): Promise<number> {
    const began = this.#clock.now();
    const taken = new AbortController();
    void this.#clock.sleep(this.#pace.left, taken.signal).then(() => {
      // Not the answer, which may not have its turn on the connection yet.
      if (!taken.signal.aborted) this.#response.req.socket.destroy();
    });
    await new Promise<void>((resolve) => {
      const stop = wait(() => {
        stop?.();
        resolve();
      });
    });
    taken.abort();
    return this.#clock.now() - began;
  }
}
