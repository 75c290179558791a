import { MOST_SLICES, NARROWEST_SLICE_MS, type SliceAxis } from '../../core/reports/tally.ts';

/** Where each slice goes when the axis widens: by its slot, the slot from then on. */
export type SlotMoves = Uint8Array;

const SLOT_MASK = MOST_SLICES - 1;

/**
 * A time axis that grows with the instants it is asked about. A slice is kept in the slot that is its number
 * modulo `MOST_SLICES`, so an axis that grows at either end moves nothing; one that widens moves all.
 */
export class GrowingAxis {
  #width = NARROWEST_SLICE_MS;
  /** Numbers of the first and the last slice. */
  #first = 0;
  #last = -1;
  /** The slice of the instant before: statements follow one another. */
  #from = NaN;
  #to = NaN;
  #slot = 0;
  readonly #onWiden: (moves: SlotMoves) => void;

  /** @param onWiden moves what is in the slots, before a slot of the wider axis is used. */
  constructor(onWiden: (moves: SlotMoves) => void) {
    this.#onWiden = onWiden;
  }

  get width(): number {
    return this.#width;
  }

  /** The slot of an instant in milliseconds; the axis has it from now on. */
  slotOf(ms: number): number {
    if (ms >= this.#from && ms < this.#to) return this.#slot;
    let slice = Math.floor(ms / this.#width);
    this.#reach(slice, slice);
    slice = Math.floor(ms / this.#width);
    this.#from = slice * this.#width;
    this.#to = this.#from + this.#width;
    this.#slot = slotOfSlice(slice);
    return this.#slot;
  }

  /** Makes the axis hold another one. @returns where the other's slots are in this one. */
  include(other: SliceAxis): SlotMoves {
    if (other.count === 0) return new Uint8Array(MOST_SLICES);
    if (this.#last < this.#first) {
      this.#width = other.width;
    } else if (other.width > this.#width) {
      this.#widen(Math.log2(other.width / this.#width));
    }
    const first = Math.floor(other.from / this.#width);
    const last = Math.floor((other.from + (other.count - 1) * other.width) / this.#width);
    this.#reach(first, last);
    return movesBetween(other.from / other.width, other.count, this.#width / other.width);
  }

  axis(): SliceAxis {
    const count = this.#last - this.#first + 1;
    return count === 0
      ? { from: 0, width: NARROWEST_SLICE_MS, count: 0 }
      : { from: this.#first * this.#width, width: this.#width, count };
  }

  #reach(first: number, last: number): void {
    if (this.#last < this.#first) {
      this.#first = first;
      this.#last = last;
    }
    let lowest = Math.min(first, this.#first);
    let highest = Math.max(last, this.#last);
    let doublings = 0;
    while (highest - lowest >= MOST_SLICES) {
      lowest = Math.floor(lowest / 2);
      highest = Math.floor(highest / 2);
      doublings++;
    }
    if (doublings > 0) this.#widen(doublings);
    this.#first = lowest;
    this.#last = highest;
  }

  #widen(doublings: number): void {
    const factor = 2 ** doublings;
    const moves = movesBetween(this.#first, this.#last - this.#first + 1, factor);
    this.#width *= factor;
    this.#first = Math.floor(this.#first / factor);
    this.#last = Math.floor(this.#last / factor);
    this.#from = NaN;
    this.#to = NaN;
    this.#onWiden(moves);
  }
}

/** The slot of a slice by its number: where it stands among the counts. */
function slotOfSlice(slice: number): number {
  return slice & SLOT_MASK;
}

function movesBetween(first: number, count: number, factor: number): SlotMoves {
  const moves = new Uint8Array(MOST_SLICES);
  for (let slice = first; slice < first + count; slice++) {
    moves[slotOfSlice(slice)] = slotOfSlice(Math.floor(slice / factor));
  }
  return moves;
}

type Counts = Uint8Array | Uint16Array | Uint32Array;

/** Slots that are kept in pairs before there is a place for each: most of what is counted is seen briefly. */
const MOST_PAIRS = 12;

/**
 * How often something was seen in each slot. Small where it was seen in few of them, or seldom: there may
 * be 50,000 of these at once, and a number of four bytes for each slot would be 50 MB.
 */
export class SliceCounts {
  #slot = 0;
  #count = 0;
  /** Slot and count in turn, of other slots than `#slot`. */
  #pairs: number[] | null = null;
  /** All but `#slot`. */
  #all: Counts | null = null;

  add(slot: number, count: number): void {
    if (slot === this.#slot) {
      this.#count += count;
      return;
    }
    const before = this.#exchange(slot);
    this.#slot = slot;
    this.#count = before + count;
  }

  /** Adds others of the same axis. */
  include(other: SliceCounts): void {
    other.forEach((slot, count) => {
      this.add(slot, count);
    });
  }

  move(moves: SlotMoves): void {
    const counts: number[] = [];
    this.forEach((slot, count) => counts.push(slot, count));
    this.#slot = moves[this.#slot] ?? 0;
    this.#count = 0;
    this.#pairs = null;
    this.#all = null;
    for (let i = 0; i < counts.length; i += 2) {
      this.add(moves[counts[i] ?? 0] ?? 0, counts[i + 1] ?? 0);
    }
  }

  /** Calls for each slot that is not 0, in no order. */
  forEach(each: (slot: number, count: number) => void): void {
    if (this.#count > 0) each(this.#slot, this.#count);
    const pairs = this.#pairs;
    if (pairs !== null) {
      for (let i = 0; i < pairs.length; i += 2) each(pairs[i] ?? 0, pairs[i + 1] ?? 0);
    }
    const all = this.#all;
    if (all === null) return;
    for (let slot = 0; slot < MOST_SLICES; slot++) {
      const count = all[slot] ?? 0;
      if (count > 0) each(slot, count);
    }
  }

  /** The counts in the order of an axis. */
  along({ from, width, count }: SliceAxis): Uint32Array {
    const counts = new Uint32Array(count);
    const first = slotOfSlice(from / width);
    this.forEach((slot, seen) => {
      counts[(slot - first) & SLOT_MASK] = seen;
    });
    return counts;
  }

  /** Keeps what is counted of `#slot` with the others. @returns what was of this one, and no longer is. */
  #exchange(slot: number): number {
    const pairs = this.#pairs;
    if (pairs !== null) {
      for (let i = 0; i < pairs.length; i += 2) {
        if (pairs[i] !== slot) continue;
        const count = pairs[i + 1] ?? 0;
        if (this.#count === 0) pairs.splice(i, 2);
        else {
          pairs[i] = this.#slot;
          pairs[i + 1] = this.#count;
        }
        return count;
      }
    }
    let count = 0;
    if (this.#all !== null) {
      count = this.#all[slot] ?? 0;
      this.#all[slot] = 0;
    }
    this.#put(this.#slot, this.#count);
    return count;
  }

  #put(slot: number, count: number): void {
    if (count === 0) return;
    if (this.#all === null) {
      if (this.#pairs === null) {
        // An array that has grown has room for 17: 150 bytes each.
        this.#pairs = [slot, count];
        return;
      }
      this.#pairs.push(slot, count);
      if (this.#pairs.length <= 2 * MOST_PAIRS) return;
      const pairs = this.#pairs;
      this.#pairs = null;
      this.#all = new Uint8Array(MOST_SLICES);
      for (let i = 0; i < pairs.length; i += 2) this.#put(pairs[i] ?? 0, pairs[i + 1] ?? 0);
      return;
    }
    if (count > 0xff && this.#all instanceof Uint8Array) this.#all = new Uint16Array(this.#all);
    if (count > 0xffff && this.#all instanceof Uint16Array) this.#all = new Uint32Array(this.#all);
    this.#all[slot] = count;
  }
}
