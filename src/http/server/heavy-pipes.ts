import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex, Readable, Writable } from 'node:stream';
import type { AnswerSink, Exchange } from './exchange.ts';

/** What a process that answers one request is told in its first line; the body of the request follows. */
export interface HeavyRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly address: string;
  /** What the process that starts it has to tell its own kind: plain data. */
  readonly about: unknown;
}

/** What it says beside the body of its answer, a line each. The last one is `end`; without it the answer is not whole. */
type Control =
  | {
      readonly is: 'head';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly is: 'end'; readonly trailers: Readonly<Record<string, string>> };

type Head = Extract<Control, { is: 'head' }>;
type End = Extract<Control, { is: 'end' }>;

/** Reads what a process says of its answer: null for what it did not say before it ended. */
export function readControl(control: Readable): {
  readonly head: Promise<Head | null>;
  readonly end: Promise<End | null>;
} {
  const head = Promise.withResolvers<Head | null>();
  const end = Promise.withResolvers<End | null>();
  let text = '';
  control.setEncoding('utf8');
  control.on('data', (chunk: string) => {
    text += chunk;
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      const said = JSON.parse(line) as Control;
      if (said.is === 'head') head.resolve(said);
      else end.resolve(said);
    }
  });
  const over = (): void => {
    head.resolve(null);
    end.resolve(null);
  };
  control.on('error', over);
  control.on('close', over);
  control.on('end', over);
  return { head: head.promise, end: end.promise };
}

/** The ends of the pipes in the process that answers. */
export interface AnsweringPipes {
  readonly output: Writable;
  /** Nothing comes on it; that it is closed at the other end says that nobody is there any more. */
  readonly control: Duplex;
  /** What comes behind the first line. */
  readonly body: AsyncIterable<Uint8Array>;
  readonly ending: AbortSignal;
  /** Aborted when the answer is wanted no more. */
  readonly gone: AbortSignal;
}

/** The request that a process was told of, and the way back. Back-pressure goes through the pipes. */
export function pipedExchange(request: HeavyRequest, pipes: AnsweringPipes): Exchange {
  const { body, ending } = pipes;
  return { ...request, body, ending, refusal: null, answer: new PipeSink(pipes) };
}

class PipeSink implements AnswerSink {
  readonly #output: Writable;
  readonly #control: Writable;
  readonly #gone = new AbortController();
  #status: number | null = null;
  #isOver = false;

  constructor({ output, control, gone }: AnsweringPipes) {
    this.#output = output;
    this.#control = control;
    const go = (): void => {
      this.#gone.abort(new Error('The answer is wanted no more'));
      // What nobody reads would keep the process.
      output.destroy();
      control.destroy();
    };
    for (const stream of [output, control]) stream.on('error', go);
    // After the end of the answer that is the end of all.
    output.on('close', () => {
      if (!output.writableFinished) go();
    });
    control.on('end', () => {
      if (!this.#isOver) go();
    });
    control.resume();
    gone.addEventListener('abort', go, { once: true });
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
    if (this.gone.aborted) return;
    this.#status = status;
    this.#say({ is: 'head', status, headers });
  }

  async write(chunk: string | Uint8Array): Promise<void> {
    const output = this.#output;
    if (this.gone.aborted || output.write(chunk)) return;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        output.off('drain', go);
        this.gone.removeEventListener('abort', go);
        resolve();
      };
      output.once('drain', go);
      this.gone.addEventListener('abort', go, { once: true });
    });
  }

  end(trailers: Readonly<Record<string, string>> = {}): Promise<void> {
    if (!this.gone.aborted) this.#say({ is: 'end', trailers });
    this.breakOff();
    return Promise.resolve();
  }

  breakOff(): void {
    this.#isOver = true;
    this.#output.end();
    this.#control.end();
  }

  #say(control: Control): void {
    if (!this.#control.destroyed) this.#control.write(`${JSON.stringify(control)}\n`);
  }
}
