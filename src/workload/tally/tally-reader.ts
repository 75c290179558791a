import {
  DIGEST_CLASSES,
  LONGEST_EXAMPLE,
  MOST_SLICES,
  NARROWEST_SLICE_MS,
  type DigestClass,
  type SliceAxis,
  type UsedTable,
} from '../../core/reports/tally.ts';
import { STATEMENT_FLAGS, type StatementFlag } from '../../core/workloads/statements.ts';
import { MOST_TABLES } from '../../sql/tables.ts';
import { MalformedBytes, PackedReader } from './packed-bytes.ts';
import { SliceCounts, type SlotMoves } from './slice-counts.ts';
import type {
  CountedRows,
  CountedStatements,
  EchoedStatement,
  StatementExample,
} from './tally-entries.ts';
import { ACCESSES } from './tally-packing.ts';
import type { UnlistedCount, UnlistedCounts } from './unlisted-counts.ts';

/** Year 9999, in microseconds. */
const LATEST = 253_402_300_800_000_000;
const NO_FLAGS: readonly StatementFlag[] = [];

/** Reads what packed tallies are made of. @throws MalformedBytes where it is something else. */
export class TallyReader extends PackedReader {
  axis(): SliceAxis {
    const from = this.number();
    const width = this.number();
    const count = this.count();
    const isPower = Number.isInteger(Math.log2(width / NARROWEST_SLICE_MS));
    const isThere = Math.abs(from) <= LATEST / 1_000 && from % width === 0 && count <= MOST_SLICES;
    if (!isPower || width < NARROWEST_SLICE_MS || !isThere) {
      throw new MalformedBytes('an axis that is none');
    }
    return { from, width, count };
  }

  instant(): number {
    const micros = this.number();
    if (Number.isNaN(micros) || Math.abs(micros) <= LATEST) return micros;
    throw new MalformedBytes('an instant that is none');
  }

  /** @param moves where the slots of the packed axis are in that of the counts. */
  slices(into: SliceCounts, moves: SlotMoves): void {
    for (let left = this.count(); left > 0; left--) {
      const slot = moves[this.count()];
      if (slot === undefined) throw new MalformedBytes('a slice that is not there');
      into.add(slot, this.count());
    }
  }

  /** Count, first and last, and the slices. */
  counted(into: CountedStatements, moves: SlotMoves): void {
    const count = this.count();
    const first = this.instant();
    const last = this.instant();
    if (into.count === 0) into.first = first;
    if (count > 0) into.last = last;
    into.count += count;
    this.slices(into.slices, moves);
  }

  /** @param base the number of the row before theirs. */
  rows(into: CountedRows, moves: SlotMoves, base: number): void {
    this.counted(into, moves);
    into.firstRow = base + this.count();
    into.lastRow = base + this.count();
    into.withoutValues = this.count();
    into.prepared = this.count();
  }

  /** @param nameOf reads the name of one. */
  unlisted<Name extends string | null>(
    into: UnlistedCounts<Name>,
    moves: SlotMoves,
    nameOf: () => Name,
  ): void {
    for (let left = this.count(); left > 0; left--) {
      this.unlistedCount(into.of(nameOf()), moves);
    }
    this.unlistedCount(into.other, moves);
  }

  unlistedCount(into: UnlistedCount, moves: SlotMoves): void {
    const count = this.count();
    const first = this.number();
    const last = this.number();
    const part = { count, first, last, slices: new SliceCounts() };
    into.withoutValues += this.count();
    this.slices(part.slices, moves);
    into.include(part);
  }

  digestClass(): DigestClass | null {
    const which = this.count();
    const ofClass = which === 0 ? null : DIGEST_CLASSES[which - 1];
    if (ofClass === undefined) throw new MalformedBytes('a class that is none');
    return ofClass;
  }

  /**
   * Passes over what stands behind the id of a digest that is known: making texts of it takes time and memory.
   * @returns its class.
   */
  skipDigestText(): DigestClass | null {
    this.skipText();
    const ofClass = this.digestClass();
    for (let left = this.count(); left > 0; left--) {
      this.name();
      this.count();
    }
    return ofClass;
  }

  echoed(): EchoedStatement {
    return { ...this.digestText(this.text()), example: this.example() };
  }

  digestText(digest: string): Omit<EchoedStatement, 'example'> {
    const text = this.text();
    const ofClass = this.digestClass();
    const count = this.count();
    if (count > 2 * MOST_TABLES) throw new MalformedBytes('tables that cannot be');
    // Of its length: arrays that grow are of 150 bytes and more.
    const tables = Array.from({ length: count }, (): UsedTable => ({
      name: this.name() ?? '',
      access: this.word(ACCESSES),
    }));
    return { digest, text, class: ofClass, tables };
  }

  example(): StatementExample {
    const example = this.exampleIf(() => true);
    if (example === null) throw new MalformedBytes('an example that is none');
    return example;
  }

  /** Makes the text of an example only where it is wanted. @param isWanted by its flags. */
  exampleIf(isWanted: (flags: readonly StatementFlag[]) => boolean): StatementExample | null {
    const seq = this.number();
    const micros = this.instant();
    const session = this.number();
    const user = this.name();
    const isCut = this.flag();
    const count = this.count();
    if (count > STATEMENT_FLAGS.length) throw new MalformedBytes('flags that cannot be');
    const flags =
      count === 0 ? NO_FLAGS : Array.from({ length: count }, () => this.word(STATEMENT_FLAGS));
    if (!isWanted(flags)) {
      this.skipText();
      return null;
    }
    const sql = this.text();
    if (sql.length > LONGEST_EXAMPLE) throw new MalformedBytes('an example that is too long');
    return { seq, micros, session, user, sql, isCut, flags };
  }
}
