import type { Readable, Writable } from 'node:stream';
import type { Exchange } from './exchange.ts';
import { ClientWaits } from './client-waits.ts';
import type { Asking, HeavyQueue } from './heavy-queue.ts';
import { Refusal } from './refusal.ts';
import { readControl, type HeavyRequest } from './heavy-pipes.ts';

/** A process that answers one request. */
export interface HeavyProcess {
  /** Its first line is a `HeavyRequest`, the rest is the body. */
  readonly input: Writable;
  /** The body of the answer. */
  readonly output: Readable;
  /** Lines of `Control`. */
  readonly control: Readable;
  /** Tells it that the server is about to end: streams that may go on for long are ended. */
  settle(): void;
  /** Tells it that its answer is wanted no more, and ends it soon after; nothing where it has ended. */
  end(): void;
  /** Its answer is there: it ends by itself, and is made to where it does not. */
  release(): void;
}

/** Runs heavy operations in processes of their own, as many at once as the queue lets. */
export class HeavyRunner {
  readonly #queue: HeavyQueue;
  readonly #start: () => HeavyProcess;
  readonly #about: unknown;

  /** @param about told to each process: see `HeavyRequest`. */
  constructor(queue: HeavyQueue, start: () => HeavyProcess, about: unknown = null) {
    this.#queue = queue;
    this.#start = start;
    this.#about = about;
  }

  /**
   * Has a request answered.
   * @param asking whose turn it is.
   * @throws Refusal when too many wait; Error when the process ends without an answer.
   */
  async run(exchange: Exchange, asking: Asking): Promise<void> {
    const { answer, ending } = exchange;
    const turn = await this.#queue.turn(asking, AbortSignal.any([answer.gone, ending]));
    let child: HeavyProcess | null = null;
    const settle = (): void => child?.settle();
    const end = (): void => child?.end();
    ending.addEventListener('abort', settle, { once: true });
    answer.gone.addEventListener('abort', end, { once: true });
    try {
      child = this.#start();
      const waits = new ClientWaits(turn);
      void send(exchange, child.input, this.#about, waits);
      await pass(child, exchange, waits);
    } finally {
      ending.removeEventListener('abort', settle);
      answer.gone.removeEventListener('abort', end);
      child?.release();
      turn.end();
    }
  }
}

async function send(
  exchange: Exchange,
  input: Writable,
  about: unknown,
  waits: ClientWaits,
): Promise<void> {
  const { method, url, headers, address, body } = exchange;
  const request: HeavyRequest = { method, url, headers, address, about };
  // One that ends before it has read everything has answered already.
  input.on('error', () => undefined);
  input.write(`${JSON.stringify(request)}\n`);
  try {
    const pieces = body[Symbol.asyncIterator]();
    for (;;) {
      const next = await waits.for(pieces.next());
      if (next.done === true) break;
      if (input.destroyed) {
        await pieces.return?.();
        return;
      }
      if (!input.write(next.value)) await roomIn(input);
    }
    input.end();
  } catch {
    // The client went in the middle of it: a body that is not whole has to be seen as that.
    input.destroy();
  }
}

function roomIn(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      stream.off('drain', go);
      stream.off('close', go);
      resolve();
    };
    stream.once('drain', go);
    stream.once('close', go);
  });
}

async function pass(child: HeavyProcess, { answer }: Exchange, waits: ClientWaits): Promise<void> {
  const control = readControl(child.control);
  const head = await control.head;
  if (head === null) {
    if (answer.gone.aborted) return;
    throw new Refusal(503, 'The process of the request has died: try again');
  }
  answer.start(head.status, head.headers);
  // Sent at once: of what is followed the first statement may be far away.
  await waits.for(answer.write(''));
  for await (const chunk of child.output as AsyncIterable<Uint8Array>) {
    await waits.for(answer.write(chunk));
    if (answer.gone.aborted) return;
  }
  const end = await control.end;
  if (end === null) answer.breakOff();
  else await waits.for(answer.end(end.trailers));
}
