import type { Readable, Writable } from 'node:stream';
import type { Exchange } from './exchange.ts';
import type { HeavyQueue, Turn } from './heavy-queue.ts';
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

/** One that has begun its answer and says nothing for so long is no work: it follows something. */
const QUIET_MS = 2_000;

/** Runs heavy operations in processes of their own, as many at once as the queue lets. */
export class HeavyRunner {
  readonly #queue: HeavyQueue;
  readonly #start: () => HeavyProcess;

  constructor(queue: HeavyQueue, start: () => HeavyProcess) {
    this.#queue = queue;
    this.#start = start;
  }

  /**
   * Has a request answered.
   * @param client whose turn it is.
   * @throws Refusal when too many wait; Error when the process ends without an answer.
   */
  async run(exchange: Exchange, client: string): Promise<void> {
    const { answer, ending } = exchange;
    const turn = await this.#queue.turn(client, AbortSignal.any([answer.gone, ending]));
    let child: HeavyProcess | null = null;
    const settle = (): void => child?.settle();
    const end = (): void => child?.end();
    ending.addEventListener('abort', settle, { once: true });
    answer.gone.addEventListener('abort', end, { once: true });
    try {
      child = this.#start();
      void send(exchange, child.input);
      await pass(child, exchange, turn);
    } finally {
      ending.removeEventListener('abort', settle);
      answer.gone.removeEventListener('abort', end);
      child?.release();
      turn.end();
    }
  }
}

async function send(exchange: Exchange, input: Writable): Promise<void> {
  const { method, url, headers, address, body } = exchange;
  const request: HeavyRequest = { method, url, headers, address };
  // One that ends before it has read everything has answered already.
  input.on('error', () => undefined);
  input.write(`${JSON.stringify(request)}\n`);
  try {
    for await (const piece of body) {
      if (input.destroyed) return;
      if (!input.write(piece)) await roomIn(input);
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

async function pass(child: HeavyProcess, { answer }: Exchange, turn: Turn): Promise<void> {
  const control = readControl(child.control);
  const head = await control.head;
  if (head === null) {
    if (answer.gone.aborted) return;
    throw new Error('The process of a request ended without an answer');
  }
  answer.start(head.status, head.headers);
  for await (const chunk of noticingQuiet(child.output, turn)) {
    const written = answer.write(chunk);
    turn.setWorking(false);
    await written;
    turn.setWorking(true);
    if (answer.gone.aborted) return;
  }
  const end = await control.end;
  if (end === null) answer.breakOff();
  else await answer.end(end.trailers);
}

async function* noticingQuiet(
  output: Readable,
  turn: Turn,
): AsyncGenerator<Uint8Array, void, void> {
  const quiet = (): void => turn.setWorking(false);
  let timer = setTimeout(quiet, QUIET_MS);
  try {
    for await (const chunk of output as AsyncIterable<Uint8Array>) {
      clearTimeout(timer);
      yield chunk;
      timer = setTimeout(quiet, QUIET_MS);
    }
  } finally {
    clearTimeout(timer);
  }
}
