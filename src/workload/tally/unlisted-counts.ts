import { MOST_UNLISTED_NAMES, type DigestClass } from '../../core/reports/tally.ts';
import { SliceCounts, type SlotMoves } from './slice-counts.ts';
import type { CountedStatements } from './tally-entries.ts';

/** Characters of names: a text that is no name may be in the place of one. */
const MOST_CHARACTERS = 1024 * 1024;

/** Statements of what is not told apart any more: parts of it can be put together in any order. */
export class UnlistedCount {
  count = 0;
  /** Microseconds: the least and the most of all; infinite where there is none. */
  first = Infinity;
  last = -Infinity;
  /** Executes whose values are not known. */
  withoutValues = 0;
  readonly slices = new SliceCounts();

  add(micros: number, slot: number, isLacking: boolean): void {
    this.count++;
    this.#see(micros, micros);
    if (isLacking) this.withoutValues++;
    this.slices.add(slot, 1);
  }

  include(part: Pick<CountedStatements, 'count' | 'first' | 'last' | 'slices'>): void {
    this.count += part.count;
    this.#see(part.first, part.last);
    this.slices.include(part.slices);
  }

  #see(first: number, last: number): void {
    // False for what has no time.
    if (first < this.first) this.first = first;
    if (last > this.last) this.last = last;
  }
}

/** The same by something that they have in common. */
export class UnlistedCounts<Name extends string | null = string | null> {
  readonly byName = new Map<Name, UnlistedCount>();
  /** Of names that did not fit. */
  readonly other = new UnlistedCount();
  #characters = 0;

  /** What a name's statements are added to: `other` where more names are there than are told apart. */
  of(name: Name): UnlistedCount {
    const known = this.byName.get(name);
    if (known !== undefined) return known;
    const characters = this.#characters + (name?.length ?? 0);
    if (this.byName.size >= MOST_UNLISTED_NAMES || characters > MOST_CHARACTERS) return this.other;
    this.#characters = characters;
    const counted = new UnlistedCount();
    this.byName.set(name, counted);
    return counted;
  }

  /** Statements in all. */
  get count(): number {
    let sum = this.other.count;
    for (const { count } of this.byName.values()) sum += count;
    return sum;
  }

  move(moves: SlotMoves): void {
    for (const { slices } of this.byName.values()) slices.move(moves);
    this.other.slices.move(moves);
  }
}

/**
 * Statements of digests that did not fit: with those of the digests that did they come to all statements of a
 * database, and of a class, however the parts of a workload are put together.
 */
export class UnlistedDigests {
  readonly databases = new UnlistedCounts();
  readonly classes = new UnlistedCounts<DigestClass | null>();

  of(db: string | null, ofClass: DigestClass | null): readonly UnlistedCount[] {
    return [this.databases.of(db), this.classes.of(ofClass)];
  }

  move(moves: SlotMoves): void {
    this.databases.move(moves);
    this.classes.move(moves);
  }
}

/** The same of accounts, by user and by host. */
export class UnlistedAccounts {
  readonly users = new UnlistedCounts();
  readonly hosts = new UnlistedCounts();

  of(user: string | null, host: string | null): readonly UnlistedCount[] {
    return [this.users.of(user), this.hosts.of(host)];
  }

  move(moves: SlotMoves): void {
    this.users.move(moves);
    this.hosts.move(moves);
  }
}
