import type { ReplayTarget } from '../core/replays/target.ts';
import type { Pace } from './pace.ts';
import type { ReplayTally } from './replay-tally.ts';
import type { SessionPlayer } from './session-player.ts';

/** A server that was asked to break a statement off gets so long. */
const BREAKING_MS = 2_000;
/** Nothing was answered for so long and nothing more can be read: what waits for a lock is broken off. */
const STANDSTILL_MS = 3_000;
/** So many of those that have waited longest are asked about. */
const ASKED_ABOUT = 4;

/** Breaks off what has no answer, so that no wait is for ever. */
export class SessionWatch {
  readonly #target: ReplayTarget;
  readonly #pace: Pace;
  readonly #tally: ReplayTally;
  readonly #deadline: number;
  #lastProgress: number;

  /** @param deadline of a statement, in milliseconds. */
  constructor(target: ReplayTarget, pace: Pace, tally: ReplayTally, deadline: number) {
    this.#target = target;
    this.#pace = pace;
    this.#tally = tally;
    this.#deadline = deadline;
    this.#lastProgress = pace.now();
  }

  /** Something was answered. */
  progressed(): void {
    this.#lastProgress = this.#pace.now();
  }

  /** Whether nothing was answered for this many milliseconds. */
  isStill(ms: number): boolean {
    return this.#pace.now() - this.#lastProgress >= ms;
  }

  /** @param busy sessions with a command under way. */
  checkDeadlines(busy: readonly SessionPlayer[]): void {
    const now = this.#pace.now();
    for (const player of busy) {
      if (now - player.busySince < this.#deadline) continue;
      if (player.brokenOffAt === null) this.#breakOff(player);
      else if (now - player.brokenOffAt > BREAKING_MS) player.connection?.destroy();
    }
  }

  /**
   * Nothing more can be read because what was read waits for a lock, perhaps one that only what would be read next
   * lets go of.
   */
  async breakStandstill(busy: readonly SessionPlayer[]): Promise<void> {
    if (this.#pace.now() - this.#lastProgress < STANDSTILL_MS) return;
    const oldest = [...busy].sort((a, b) => a.busySince - b.busySince).slice(0, ASKED_ABOUT);
    for (const player of oldest) {
      const { connection, busySince } = player;
      if (connection === null || (await this.#target.isBlocked(connection)) === false) continue;
      if (player.connection === connection && player.busySince === busySince)
        this.#breakOff(player);
      this.progressed();
      return;
    }
  }

  #breakOff(player: SessionPlayer): void {
    const { connection } = player;
    if (connection === null || player.brokenOffAt !== null) return;
    player.brokenOffAt = this.#pace.now();
    this.#tally.brokenOff++;
    void this.#target.breakOff(connection);
  }
}
