/** What waits for its session: items, and bytes of them. */
const MOST_ITEMS = 8_192;
const MOST_BYTES = 16 * 1024 * 1024;
/** So many items are enough, as long as every session has something to do. */
const ENOUGH_A_SESSION = 16;
const ENOUGH = 256;

/**
 * What was handed out and is not done. To hold much of it is dear: the collector copies what lives for long, and
 * while thousands are handed out at once all sessions wait. So there is as much as the memory may hold only while a
 * session has nothing to do, whose next record is farther on.
 */
export class Backlog {
  #items = 0;
  #bytes = 0;
  #dry = 0;
  #isStill = false;

  get items(): number {
    return this.#items;
  }

  add(bytes: number): void {
    this.#items++;
    this.#bytes += bytes;
  }

  remove(bytes: number): void {
    this.#items--;
    this.#bytes -= bytes;
    this.#isStill = false;
  }

  /** Nothing was done for a while: what all wait for may be farther on. */
  setStill(): void {
    this.#isStill = true;
  }

  /** A session has nothing to do, or no longer so. */
  setDry(isDry: boolean): void {
    this.#dry += isDry ? 1 : -1;
  }

  /** Whether it is all that the memory may hold. */
  get isFull(): boolean {
    return this.#items >= MOST_ITEMS || this.#bytes >= MOST_BYTES;
  }

  /** Whether nothing is to be added. */
  hasEnough(sessions: number): boolean {
    return this.isFull || (!this.#isWanting() && this.#items >= enoughFor(sessions));
  }

  /** Whether it is time to add to it, once there was enough: not for every item. */
  hasRoom(sessions: number): boolean {
    if (this.#items > MOST_ITEMS / 2 || this.#bytes > MOST_BYTES / 2) return false;
    return this.#isWanting() || this.#items <= enoughFor(sessions) / 2;
  }

  /** Whether as much as may be is to be there. */
  #isWanting(): boolean {
    return this.#dry > 0 || this.#isStill;
  }
}

function enoughFor(sessions: number): number {
  return Math.max(ENOUGH, sessions * ENOUGH_A_SESSION);
}
