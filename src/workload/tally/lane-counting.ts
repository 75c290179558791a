import { MOST_DIGESTS } from '../../core/reports/tally.ts';
import { DigestTable, type TableSize } from './digest-table.ts';
import { TallyBuilder } from './tally-builder.ts';
import { packDigests, packRecords } from './tally-packing.ts';
import { UnitCounter, type CountedUnit, type UnitTask } from './unit-counting.ts';

/** A unit counted on its own but for its digests, which its lane keeps. */
export interface UnitAlone extends CountedUnit {
  /** Alone in its memory, which can be given to another thread and back to the system. */
  readonly packed: Uint8Array;
  /** Not all of it fits: what is kept would depend on how the units are shared out. */
  readonly isFull: boolean;
}

/** What a thread is asked for. */
export type LaneRequest =
  | { readonly type: 'count'; readonly task: UnitTask }
  /** The digests of all units since it was asked for them last. */
  | { readonly type: 'digests' };

/**
 * What a lane keeps that is not the only one: of more, one lane takes less memory (150 MB and not 205 for
 * 5,000 digests of long statements), and less time of the processor, because it makes each digest once.
 */
export const MOST_OF_A_LANE: TableSize = { digests: MOST_DIGESTS / 4, text: 2 * 1024 * 1024 };

export type LaneAnswer = UnitAlone | Uint8Array;

/**
 * Counts units of a segment that others count as well. The digests of all of them are in one table: those
 * of 1.2 KB cost 120 µs each to make, and 5,000 of them in each unit are 40 % of its statements.
 */
export class LaneCounter {
  readonly #counter: UnitCounter;
  #digests: DigestTable;

  constructor(counter = new UnitCounter(), digests = new DigestTable(MOST_OF_A_LANE)) {
    this.#counter = counter;
    this.#digests = digests;
  }

  /** @throws the system's own errors when the file cannot be read. */
  async count(task: UnitTask, pause: () => Promise<void>): Promise<UnitAlone> {
    const tally = new TallyBuilder(this.#digests);
    const counted = await this.#counter.count(tally, task, pause, true);
    return { ...counted, packed: packRecords(tally), isFull: tally.isFull };
  }

  /** Hands the digests over and begins anew. */
  digests(): Uint8Array {
    const digests = this.#digests;
    this.#digests = new DigestTable(MOST_OF_A_LANE);
    return packDigests(digests);
  }
}
