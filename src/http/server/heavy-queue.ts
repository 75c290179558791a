import { Refusal } from './refusal.ts';

export interface HeavyLimits {
  /** So many work at once: those that wait for their client, or for what is to come, are not among them. */
  readonly working: number;
  /** Of them of one client: fewer, so that nobody waits for what one client has begun. */
  readonly workingOfOne: number;
  /** So many run at once, of all kinds. */
  readonly running: number;
  /** Of them of one client; the others of that client wait. */
  readonly runningOfOne: number;
  /** So many of them may go on without an end: fewer than there are, so that the others get their turn. */
  readonly goingOn: number;
  /** Of them of one client: fewer than it may have running. */
  readonly goingOnOfOne: number;
  /** So many wait for their turn. */
  readonly waiting: number;
  /** Of them of one client; 0: nobody waits. */
  readonly waitingOfOne: number;
}

/** Who asks for a turn. */
export interface Asking {
  readonly client: string;
  /** Whether it mostly waits for what is to come: it never is one of those that work. */
  readonly goesOn: boolean;
}

/** A turn of a heavy operation. */
export interface Turn {
  /** It works, or waits for its client: who reads slowly holds nobody else. */
  setWorking(isWorking: boolean): void;
  /** Once. */
  end(): void;
}

interface Waiter extends Asking {
  readonly go: (turn: Turn) => void;
}

interface Running extends Asking {
  isWorking: boolean;
}

/**
 * Who may do something heavy now: the others wait in turn, a client that has nothing running before one that has.
 * No client gets all that there is, however much it asks for.
 */
export class HeavyQueue {
  readonly #limits: HeavyLimits;
  readonly #what: string;
  readonly #running = new Set<Running>();
  readonly #waiting: Waiter[] = [];

  /** @param what it is that waits, in the words for who is refused. */
  constructor(limits: HeavyLimits, what = 'requests that read much') {
    this.#limits = limits;
    this.#what = what;
  }

  /**
   * Waits for a turn. What goes on does not wait for another that does: nobody knows when that is over.
   * @param signal aborted: it is not waited for any more, and this rejects with its reason.
   * @throws Refusal 503 when too many wait or go on, 429 when too many of this client do.
   */
  turn(asking: Asking, signal: AbortSignal): Promise<Turn> {
    signal.throwIfAborted();
    const { client } = asking;
    const { waiting, waitingOfOne } = this.#limits;
    if (asking.goesOn) this.#checkGoingOn(client);
    if (this.#hasRoomFor(asking)) return Promise.resolve(this.#start(asking));
    if (waitingOfOne === 0) this.#refuseWaiting(client);
    if (this.#waiting.filter((one) => one.client === client).length >= waitingOfOne) {
      throw busy(429, `${waitingOfOne} of your ${this.#what} are waiting already`);
    }
    if (this.#waiting.length >= waiting) throw busy(503, `Too many ${this.#what}`);
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(signal.reason as Error);
      };
      const waiter: Waiter = {
        ...asking,
        go: (turn) => {
          signal.removeEventListener('abort', leave);
          resolve(turn);
        },
      };
      this.#waiting.push(waiter);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #refuseWaiting(client: string): never {
    const { runningOfOne } = this.#limits;
    const own = [...this.#running].filter((one) => one.client === client).length;
    if (own < runningOfOne) throw busy(503, `Too many ${this.#what}`);
    throw busy(429, `You run as many ${this.#what} at once as one user may (${own})`);
  }

  #checkGoingOn(client: string): void {
    const { goingOn, goingOnOfOne } = this.#limits;
    const all = [...this.#running, ...this.#waiting].filter((one) => one.goesOn);
    const own = all.filter((one) => one.client === client).length;
    if (own >= goingOnOfOne) {
      throw busy(429, `You follow as many captures at once as one user may (${own})`);
    }
    if (all.length >= goingOn) throw busy(503, 'Too many captures are followed');
  }

  #hasRoomFor({ client, goesOn }: Asking): boolean {
    const { working, workingOfOne, running: most, runningOfOne } = this.#limits;
    const running = [...this.#running];
    const own = running.filter((one) => one.client === client);
    if (running.length >= most || own.length >= runningOfOne) return false;
    if (goesOn) return true;
    const atWork = (some: readonly Running[]): number =>
      some.filter(({ isWorking }) => isWorking).length;
    return atWork(running) < working && atWork(own) < workingOfOne;
  }

  #start({ client, goesOn }: Asking): Turn {
    const running: Running = { client, goesOn, isWorking: !goesOn };
    this.#running.add(running);
    return {
      setWorking: (isWorking) => {
        running.isWorking = isWorking && !goesOn;
        if (!isWorking) this.#next();
      },
      end: () => {
        this.#running.delete(running);
        this.#next();
      },
    };
  }

  #next(): void {
    for (;;) {
      const busyClients = new Set([...this.#running].map(({ client }) => client));
      const able = this.#waiting.filter((waiter) => this.#hasRoomFor(waiter));
      const next = able.find(({ client }) => !busyClients.has(client)) ?? able[0];
      if (next === undefined) return;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      next.go(this.#start(next));
    }
  }
}

function busy(status: number, what: string): Refusal {
  return new Refusal(status, `${what}: try again later`, { 'retry-after': '10' });
}
