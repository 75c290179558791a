import type { AnswerSink } from './exchange.ts';
import type { Turn } from './heavy-queue.ts';

/** A turn that is no work while it waits for its client: to send more, or to take more. */
export class ClientWaits {
  readonly #turn: Turn;
  #waits = 0;

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  /** Waits for what the client does. What is there already lets nobody else begin. */
  async for<Result>(what: Promise<Result>): Promise<Result> {
    const isThere = await Promise.race([
      what.then(
        () => true,
        () => true,
      ),
      new Promise<boolean>((resolve) => setImmediate(resolve, false)),
    ]);
    if (isThere) return what;
    this.#count(1);
    try {
      return await what;
    } finally {
      this.#count(-1);
    }
  }

  #count(change: 1 | -1): void {
    this.#waits += change;
    this.#turn.setWorking(this.#waits === 0);
  }
}

/** The way to answer, of a request that has a turn. */
export function inTurn(sink: AnswerSink, turn: Turn): AnswerSink {
  const waits = new ClientWaits(turn);
  return {
    get gone() {
      return sink.gone;
    },
    get status() {
      return sink.status;
    },
    get isStarted() {
      return sink.isStarted;
    },
    start: (status, headers) => sink.start(status, headers),
    write: (chunk) => waits.for(sink.write(chunk)),
    end: (trailers) => waits.for(sink.end(trailers)),
    breakOff: () => sink.breakOff(),
  };
}
