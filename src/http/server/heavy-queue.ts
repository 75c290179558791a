import { Refusal } from './refusal.ts';

export interface HeavyLimits {
  /** So many work at once. */
  readonly working: number;
  /** So many are there at once: those that wait for their client among them. */
  readonly processes: number;
  /** So many wait for their turn. */
  readonly waiting: number;
  /** Of them of one client. */
  readonly waitingOfOne: number;
}

/** A turn of a heavy operation. */
export interface Turn {
  /** It works, or waits for its client: who reads slowly holds nobody else. */
  setWorking(isWorking: boolean): void;
  /** Once. */
  end(): void;
}

interface Waiter {
  readonly client: string;
  readonly go: (turn: Turn) => void;
}

interface Running {
  readonly client: string;
  isWorking: boolean;
}

/** Who may do something heavy now: the others wait in turn, a client that has nothing running before one that has. */
export class HeavyQueue {
  readonly #limits: HeavyLimits;
  readonly #running = new Set<Running>();
  readonly #waiting: Waiter[] = [];

  constructor(limits: HeavyLimits) {
    this.#limits = limits;
  }

  /**
   * Waits for a turn.
   * @param signal aborted: it is not waited for any more, and this rejects with its reason.
   * @throws Refusal 503 when too many wait, 429 when too many of this client do.
   */
  turn(client: string, signal: AbortSignal): Promise<Turn> {
    signal.throwIfAborted();
    const { waiting, waitingOfOne } = this.#limits;
    if (this.#hasRoom()) return Promise.resolve(this.#start(client));
    if (this.#waiting.filter((one) => one.client === client).length >= waitingOfOne) {
      throw busy(429, `${waitingOfOne} of your requests that read much are waiting already`);
    }
    if (this.#waiting.length >= waiting) throw busy(503, 'Too many requests that read much');
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(signal.reason as Error);
      };
      const waiter: Waiter = {
        client,
        go: (turn) => {
          signal.removeEventListener('abort', leave);
          resolve(turn);
        },
      };
      this.#waiting.push(waiter);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #hasRoom(): boolean {
    const { working, processes } = this.#limits;
    const atWork = [...this.#running].filter(({ isWorking }) => isWorking).length;
    return atWork < working && this.#running.size < processes;
  }

  #start(client: string): Turn {
    const running: Running = { client, isWorking: true };
    this.#running.add(running);
    return {
      setWorking: (isWorking) => {
        running.isWorking = isWorking;
        if (!isWorking) this.#next();
      },
      end: () => {
        this.#running.delete(running);
        this.#next();
      },
    };
  }

  #next(): void {
    while (this.#waiting.length > 0 && this.#hasRoom()) {
      const busyClients = new Set([...this.#running].map(({ client }) => client));
      const idle = this.#waiting.findIndex(({ client }) => !busyClients.has(client));
      const [waiter] = this.#waiting.splice(Math.max(idle, 0), 1);
      waiter?.go(this.#start(waiter.client));
    }
  }
}

function busy(status: number, what: string): Refusal {
  return new Refusal(status, `${what}: try again later`, { 'retry-after': '10' });
}
