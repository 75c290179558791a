/** What connections of ours sent, which the server counts and does not log. */
export interface OwnCommands {
  /** As the server counts what it receives, if it received them all. */
  readonly questions: number;
  /** Those among them that change settings of a session. */
  readonly sets: number;
  /** Those among them that read counters. */
  readonly statuses: number;
  /**
   * Of `questions`: sent, and nobody knows whether the server received them (the connection broke
   * before the answer, a good-bye, a daemon that was killed).
   */
  readonly doubtful: number;
  /** What ran inside of them, which another counter has besides; absent for none. */
  readonly inside?: number;
}

export const SENT_NOTHING: OwnCommands = { questions: 0, sets: 0, statuses: 0, doubtful: 0 };

/** Told of each command before it is sent, so that nothing is sent that is not counted. */
export interface OwnTally {
  /** @throws what keeps the command from being sent. */
  add(commands: OwnCommands): void;
  counts(): OwnCommands;
}

export function sumOf(one: OwnCommands, other: OwnCommands): OwnCommands {
  const inside = (one.inside ?? 0) + (other.inside ?? 0);
  return {
    ...(inside > 0 ? { inside } : {}),
    questions: one.questions + other.questions,
    sets: one.sets + other.sets,
    statuses: one.statuses + other.statuses,
    doubtful: one.doubtful + other.doubtful,
  };
}

/** What a tap keeps in the store of its own commands: how many there were, and can be by now. */
export interface StoredOwnCommands extends OwnCommands {
  /** A daemon that was killed has sent no more than this: more has to be stored before. */
  readonly atMost: number;
}

/** So many commands are allowed ahead, so that not each costs a transaction: a drain sends 20. */
const AHEAD = 100;

/**
 * Counts what every connection that a tap opens sends, also those that fail before there is a
 * recorder, across sessions and daemons. What a daemon that was killed sent after its last commit lies
 * between what it had stored and what it had allowed itself.
 */
export class TapTally implements OwnTally {
  #counts = SENT_NOTHING;
  #atMost = Infinity;
  #save: (own: StoredOwnCommands) => void = () => undefined;

  /**
   * Goes on from what the tap's row says; the second time on the same row nothing happens.
   * @param save stores it, in a transaction of its own; may throw, and then nothing is sent.
   */
  adopt(stored: StoredOwnCommands | null, save: (own: StoredOwnCommands) => void): void {
    if (this.#atMost !== Infinity) return;
    if (stored !== null) {
      const { questions, sets, statuses, doubtful, atMost } = stored;
      const unknown = {
        sets,
        statuses,
        questions: atMost,
        doubtful: doubtful + atMost - questions,
      };
      this.#counts = sumOf(this.#counts, unknown);
    }
    const own = this.toStore();
    save(own);
    this.#save = save;
    this.stored(own);
  }

  add(commands: OwnCommands): void {
    const counts = sumOf(this.#counts, commands);
    if (counts.questions > this.#atMost) {
      const own = { ...counts, atMost: counts.questions + AHEAD };
      this.#save(own);
      this.stored(own);
    }
    this.#counts = counts;
  }

  counts(): OwnCommands {
    return this.#counts;
  }

  /** What to store with a commit. */
  toStore(): StoredOwnCommands {
    return { ...this.#counts, atMost: this.#counts.questions + AHEAD };
  }

  /** Says that it is stored: so much may be sent now. */
  stored({ atMost }: StoredOwnCommands): void {
    this.#atMost = atMost;
  }

  /** What to store when nothing more will be sent. */
  toLeave(): StoredOwnCommands {
    return { ...this.#counts, atMost: this.#counts.questions };
  }
}
