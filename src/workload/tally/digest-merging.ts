import type { DigestTable } from './digest-table.ts';
import { MalformedBytes } from './packed-bytes.ts';
import type { SlotMoves } from './slice-counts.ts';
import {
  CountedRows,
  type DigestEntry,
  type Sender,
  type StatementKindOf,
} from './tally-entries.ts';
import { TallyReader } from './tally-reader.ts';

/**
 * Adds packed digests whose rows have the numbers of the whole, in any order.
 * @throws MalformedBytes where they are none; then the others are of no more use.
 */
export function mergeDigests(into: DigestTable, packed: Buffer): void {
  const reader = new TallyReader(packed);
  new DigestMerger(into, reader, 0, true).merge();
  reader.end();
}

/** Adds those of what came directly behind. @param base the number of the row before theirs. */
export function mergeDigestsFrom(into: DigestTable, reader: TallyReader, base: number): void {
  new DigestMerger(into, reader, base, false).merge();
}

class DigestMerger {
  readonly #into: DigestTable;
  readonly #in: TallyReader;
  readonly #base: number;
  /** Examples are as short as they have to be, whatever else is in the table. */
  readonly #isCut: boolean;
  readonly #moves: SlotMoves;
  readonly #senders: (Sender | null)[] = [];

  constructor(into: DigestTable, reader: TallyReader, base: number, isCut: boolean) {
    this.#into = into;
    this.#in = reader;
    this.#base = base;
    this.#isCut = isCut;
    this.#moves = into.axis.include(reader.axis());
  }

  merge(): void {
    const into = this.#into;
    const reader = this.#in;
    if (reader.flag()) into.isFull = true;
    const { databases, classes } = into.unlisted;
    reader.unlisted(databases, this.#moves, () => reader.name());
    reader.unlisted(classes, this.#moves, () => reader.digestClass());
    for (let left = reader.count(); left > 0; left--) {
      this.#senders.push(into.sender(reader.name(), reader.name()));
    }
    for (let left = reader.count(); left > 0; left--) {
      const db = reader.name();
      for (let digests = reader.count(); digests > 0; digests--) this.#digest(db);
    }
  }

  #digest(db: string | null): void {
    const into = this.#into;
    const reader = this.#in;
    const digest = reader.text();
    const known = into.find(db, digest) ?? null;
    const about = known === null && into.hasRoom ? { ...reader.digestText(digest), db } : null;
    const ofClass = about === null ? reader.skipDigestText() : about.class;
    const part = this.#rows();
    const counts: { sender: Sender | null; count: number; firstRow: number }[] = [];
    for (let left = reader.count(); left > 0; left--) {
      const sender = this.#senders[reader.count()];
      if (sender === undefined) throw new MalformedBytes('an account that is not there');
      counts.push({ sender, count: reader.count(), firstRow: this.#row() });
    }
    const otherAccounts = reader.count();
    const exampleRow = this.#row();
    const entry = this.#entry(known, about, exampleRow);
    if (entry === null) {
      for (const counted of into.unlisted.of(db, ofClass)) {
        counted.include(part);
        counted.withoutValues += part.withoutValues;
      }
      return;
    }
    entry.include(part);
    for (const { sender, count, firstRow } of counts) {
      into.countAccount(entry, sender, count, firstRow);
    }
    entry.otherAccounts += otherAccounts;
  }

  /** Reads the example. @returns what the digest is counted as; null where it is not listed. */
  #entry(
    known: DigestEntry | null,
    about: StatementKindOf | null,
    exampleRow: number,
  ): DigestEntry | null {
    const reader = this.#in;
    if (known !== null) {
      const example = reader.exampleIf((flags) => known.prefers(flags, exampleRow));
      if (example === null) return known;
      if (this.#isCut) known.longestExample = Math.max(known.longestExample, example.sql.length);
      known.setExample(example, exampleRow);
      return known;
    }
    if (about !== null) return this.#into.add(about, reader.example(), exampleRow, this.#isCut);
    reader.exampleIf(() => false);
    return null;
  }

  #rows(): CountedRows {
    const part = new CountedRows();
    this.#in.rows(part, this.#moves, this.#base);
    return part;
  }

  #row(): number {
    return this.#base + this.#in.count();
  }
}
