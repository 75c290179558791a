import { freeAtOnce } from './freed-memory.ts';
import type { CountedSegment } from './segment-tally.ts';
import { TallyBuilder } from './tally-builder.ts';
import { mergePacked } from './tally-merging.ts';
import { packTally } from './tally-packing.ts';

/**
 * The tally of one segment after the other. While the next is counted it is put away as bytes: as objects, 5,000
 * digests of long statements are 25 MB more.
 */
export class GatheredTally {
  #tally = new TallyBuilder();
  #packed: Buffer | null = null;
  /** An EXECUTE waits for its echo, which the next segment may have. */
  isWaiting = false;
  #isEmpty = true;
  /** Bytes of it when it was packed last, and of what was added since: at least what it has now. */
  #bytes = 0;

  /** Adds what comes directly behind. */
  add({ part, tally }: Pick<CountedSegment, 'part' | 'tally'>): void {
    if (part === null) return;
    // What was just counted is not built a second time.
    if (this.#isEmpty && tally !== null) this.#tally = tally;
    else mergePacked(this.tally(), part.packed);
    this.#isEmpty = false;
    this.#bytes += part.packed.length;
    this.isWaiting = this.#tally.pending.size > 0;
  }

  /**
   * Has it take less memory until it is asked for.
   * @param bytes of a file that are about to be counted. Of fewer than it has itself nothing is won: packing it for
   * each of 1,150 tiny segments took ten minutes.
   */
  putAway(bytes: number): void {
    if (this.#isEmpty || this.#packed !== null || bytes < this.#bytes) return;
    this.#packed = packTally(this.#tally);
    this.#bytes = this.#packed.length;
    this.#tally = new TallyBuilder();
  }

  /** All of it; what is done to it is done to this one. @throws MalformedBytes where a part is none. */
  tally(): TallyBuilder {
    if (this.#packed !== null) {
      mergePacked(this.#tally, this.#packed);
      freeAtOnce(this.#packed);
      this.#packed = null;
    }
    return this.#tally;
  }
}
