import { AppError } from '../errors.ts';

/** A hash of a password takes 128 MiB and half a second of a core. */
const MOST_WAITING = 32;
/** From one network, and for one name. */
const MOST_WAITING_OF_ONE = 8;

/** Who asks over the network. */
export interface Asking {
  /** As `networkOf`. */
  readonly network: string;
  /** In the one form that names are compared in. */
  readonly name: string;
  /** Whether somebody has logged in from there with that name. */
  readonly isKnown: boolean;
}

interface Waiting {
  /** null for who asks on this machine. */
  readonly who: Asking | null;
  /** Those of a lower one come first; of one network each has one of its own. */
  readonly round: number;
  readonly begin: () => void;
  readonly refuse: (error: AppError) => void;
}

/**
 * Lets one piece of work through at a time: however many log in at once, they take the memory and the core of one.
 * Networks take turns; those of one network come in their order.
 */
export class Turns {
  readonly #waiting: Waiting[] = [];
  #isTaken = false;
  #round = 0;
  /** Whose turn it is. */
  #network: string | null = null;

  /**
   * Runs `work` when those before it are done.
   * @param who null on this machine, where nobody is turned away.
   * @throws AppError `store_unusable` where too many wait already, also of one network or for one name. Who comes from
   *   a network of which fewer wait takes the place of the last of the network of which most do: so nobody keeps all
   *   others out, nor waiting for more than one of theirs.
   */
  async take<Result>(who: Asking | null, work: () => Promise<Result>): Promise<Result> {
    if (this.#isTaken) await this.#wait(who);
    else this.#network = who?.network ?? null;
    this.#isTaken = true;
    try {
      return await work();
    } finally {
      this.#handOn();
    }
  }

  /** Without being free in between, so that nobody overtakes. */
  #handOn(): void {
    const [first] = this.#waiting;
    if (first === undefined) {
      this.#isTaken = false;
      return;
    }
    const next = this.#waiting.reduce((best, one) => (one.round < best.round ? one : best), first);
    this.#waiting.splice(this.#waiting.indexOf(next), 1);
    this.#round = next.round;
    this.#network = next.who?.network ?? null;
    next.begin();
  }

  #wait(who: Asking | null): Promise<void> {
    if (who !== null) this.#makeRoomFor(who);
    return new Promise((begin, refuse) =>
      this.#waiting.push({ who, round: this.#roundOf(who), begin, refuse }),
    );
  }

  /** The first round in which nobody of the same network is. */
  #roundOf(who: Asking | null): number {
    if (who === null) return this.#round;
    const own = this.#of(who.network).map(({ round }) => round);
    if (this.#network === who.network) own.push(this.#round);
    return own.length === 0 ? this.#round : Math.max(...own) + 1;
  }

  #makeRoomFor({ network, name, isKnown }: Asking): void {
    const ofNetwork = this.#of(network);
    if (ofNetwork.length >= MOST_WAITING_OF_ONE) throw tooMany();
    const ofName = this.#waiting.filter(({ who }) => who?.name === name);
    // Who sends a name from many networks must not keep its user out.
    const isFirst = isKnown && !ofNetwork.some((one) => ofName.includes(one));
    if (ofName.length >= MOST_WAITING_OF_ONE && !isFirst) throw tooMany();
    if (this.#waiting.filter((one) => one.who !== null).length < MOST_WAITING) return;
    const last = this.#lastOfMost();
    const { length: most } = this.#of(last?.who?.network ?? '');
    if (last === undefined || most <= ofNetwork.length + 1) throw tooMany();
    this.#waiting.splice(this.#waiting.indexOf(last), 1);
    last.refuse(tooMany());
  }

  /** The last of the network of which most wait. */
  #lastOfMost(): Waiting | undefined {
    const counts = new Map<string, number>();
    for (const { who } of this.#waiting) {
      if (who !== null) counts.set(who.network, (counts.get(who.network) ?? 0) + 1);
    }
    const [[network] = ['']] = [...counts].sort(([, one], [, other]) => other - one);
    return this.#of(network).at(-1);
  }

  #of(network: string): Waiting[] {
    return this.#waiting.filter(({ who }) => who?.network === network);
  }
}

function tooMany(): AppError {
  return new AppError('store_unusable', 'Too many log in at once', {
    hint: 'Try again in a few seconds.',
  });
}
