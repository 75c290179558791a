import type { RecordedSession } from './recorded-session.ts';
import type { SessionPlayer } from './session-player.ts';

/** The sessions that are played, and which of them have a place at the target: a connection, or are to have one. */
export class SessionPlaces {
  readonly #players = new Map<RecordedSession, SessionPlayer>();
  readonly #waiting: SessionPlayer[] = [];
  #taken = 0;
  #most: number;
  #isOver = false;
  /** Whether a session went on to its end on the target. */
  hasServed = false;

  /** @param most places that there are at first. */
  constructor(most: number) {
    this.#most = Math.max(1, most);
  }

  get size(): number {
    return this.#players.size;
  }

  get(session: RecordedSession): SessionPlayer | undefined {
    return this.#players.get(session);
  }

  all(): SessionPlayer[] {
    return [...this.#players.values()];
  }

  /** Whether there are some that wait for a place. */
  get areAwaited(): boolean {
    return this.#waiting.length > 0;
  }

  /** It waits for a place, behind those that are there. */
  add(player: SessionPlayer): void {
    this.#players.set(player.recorded, player);
    this.#waiting.push(player);
  }

  /** Lets sessions in that wait for a place, in their order. */
  admit(): void {
    while (this.#taken < this.#most && !this.#isOver) {
      const player = this.#waiting.shift();
      if (player === undefined) return;
      this.#taken++;
      player.open();
    }
  }

  /** Nobody is let in any more. */
  close(): void {
    this.#isOver = true;
  }

  /** A session is at its end. @param hadPlace false for one that was lost before. */
  left(player: SessionPlayer, hadPlace: boolean): void {
    this.#players.delete(player.recorded);
    if (!hadPlace) return;
    this.hasServed = true;
    this.#taken--;
  }

  /** The connection of a session was refused, or broke. */
  lost(): void {
    this.#taken--;
  }

  /**
   * There are fewer places than there were.
   * @returns whether it waits for one of those that we have; not where we have none.
   */
  crowded(player: SessionPlayer): boolean {
    if (this.#taken <= 1 || this.#isOver) return false;
    this.#taken--;
    this.#most = this.#taken;
    this.#waiting.unshift(player);
    return true;
  }

  /** Takes those out that wait for a place. */
  takeWaiting(): SessionPlayer[] {
    const waiting = this.#waiting.splice(0);
    for (const player of waiting) this.#players.delete(player.recorded);
    return waiting;
  }
}
