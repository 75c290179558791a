import { MOST_DATABASES, type DigestClass } from '../../core/reports/tally.ts';
import { CountedRows, RestOfStatements } from './tally-entries.ts';
import type { SlotMoves } from './slice-counts.ts';

/** Characters of the names of databases: a text that is no name may be in the place of one. */
const MOST_CHARACTERS = 1024 * 1024;

/** What all statements have of whose digest nothing is kept. */
export interface UnlistedStatement {
  readonly db: string | null;
  readonly class: DigestClass | null;
}

/**
 * Statements of digests that did not fit, by database and by class: with those of the digests that did fit
 * they come to all statements, however the parts of a workload are put together.
 */
export class UnlistedStatements {
  readonly byDatabase = new Map<string | null, CountedRows>();
  readonly byClass = new Map<DigestClass | null, CountedRows>();
  /** Of databases that did not fit either. */
  readonly otherDatabases = new RestOfStatements();
  #characters = 0;

  /** Statements in all. */
  get count(): number {
    let sum = 0;
    for (const { count } of this.byClass.values()) sum += count;
    return sum;
  }

  add(
    about: UnlistedStatement,
    row: number,
    micros: number,
    slot: number,
    isLacking: boolean,
  ): void {
    for (const counted of [this.#database(about.db), this.ofClass(about.class)]) {
      if (counted === null) this.otherDatabases.add(slot, 1);
      else {
        counted.addRow(row, micros, slot);
        if (isLacking) counted.withoutValues++;
      }
    }
  }

  /** Adds all statements of a digest. */
  include(about: UnlistedStatement, part: CountedRows): void {
    this.includeDatabase(about.db, part);
    this.ofClass(about.class).include(part);
  }

  includeDatabase(db: string | null, part: CountedRows): void {
    const counted = this.#database(db);
    if (counted === null) this.otherDatabases.include(part);
    else counted.include(part);
  }

  ofClass(name: DigestClass | null): CountedRows {
    let counted = this.byClass.get(name);
    if (counted === undefined) this.byClass.set(name, (counted = new CountedRows()));
    return counted;
  }

  move(moves: SlotMoves): void {
    for (const { slices } of this.byDatabase.values()) slices.move(moves);
    for (const { slices } of this.byClass.values()) slices.move(moves);
    this.otherDatabases.slices.move(moves);
  }

  /** null where there are more than are told apart. */
  #database(db: string | null): CountedRows | null {
    const known = this.byDatabase.get(db);
    if (known !== undefined) return known;
    const characters = this.#characters + (db?.length ?? 0);
    if (this.byDatabase.size >= MOST_DATABASES || characters > MOST_CHARACTERS) return null;
    this.#characters = characters;
    const counted = new CountedRows();
    this.byDatabase.set(db, counted);
    return counted;
  }
}
