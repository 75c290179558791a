/** What one answer may take: the most that we ask for otherwise is some thousands of short rows. */
export const MOST_ANSWER_BYTES = 4 * 1024 * 1024;
/** The same for a list without an end of its own: by this count a process list of 90,000 connections reaches it. */
export const MOST_LIST_BYTES = 64 * 1024 * 1024;
/** What all answers of this process that are not over may take together. */
const MOST_OF_ALL_BYTES = 128 * 1024 * 1024;
/** What a value takes here besides its bytes on the wire; of empty ones there would be no end. */
export const BYTES_A_VALUE = 64;

/** An answer that is coming. */
export interface OpenAnswer {
  bytes: number;
  readonly mostBytes: number;
  /** Ends its connection. */
  readonly drop: () => void;
}

/**
 * The answers that are coming to one process. A user who describes an environment makes us ask a server
 * of their choice: 25 that sent rows without an end took 2.4 GB, and the recorder stood for two minutes.
 */
export class OpenAnswers {
  readonly #answers = new Set<OpenAnswer>();
  readonly #most: number;
  #bytes = 0;

  /** @param most bytes of all of them together. */
  constructor(most = MOST_OF_ALL_BYTES) {
    this.#most = most;
  }

  add(answer: OpenAnswer): void {
    this.#answers.add(answer);
  }

  /** @returns false if it was over already. */
  end(answer: OpenAnswer): boolean {
    if (!this.#answers.delete(answer)) return false;
    this.#bytes -= answer.bytes;
    return true;
  }

  /** Drops the answer when it takes more than it may, and the largest one when all of them do. */
  count(answer: OpenAnswer, bytes: number): void {
    if (!this.#answers.has(answer)) return;
    answer.bytes += bytes;
    this.#bytes += bytes;
    if (answer.bytes > answer.mostBytes) answer.drop();
    else if (this.#bytes > this.#most) this.#largest()?.drop();
  }

  #largest(): OpenAnswer | undefined {
    return [...this.#answers].sort((one, other) => other.bytes - one.bytes)[0];
  }
}
