import { LONGEST_EXAMPLE, MOST_ACCOUNT_TALLIES, MOST_DIGESTS } from '../../core/reports/tally.ts';
import { GrowingAxis } from './slice-counts.ts';
import {
  DigestEntry,
  shortened,
  type Sender,
  type StatementExample,
  type StatementKindOf,
} from './tally-entries.ts';
import { UnlistedDigests } from './unlisted-counts.ts';

/** How much a table holds at most. */
export interface TableSize {
  readonly digests: number;
  /** Characters of digests and of the names of their tables. */
  readonly text: number;
}

const MOST: TableSize = { digests: MOST_DIGESTS, text: 8 * 1024 * 1024 };
/** Of accounts of single digests, those that each has listed anyway not counted. */
const MOST_FURTHER_ACCOUNTS = 50_000;
/**
 * How long an example may be, by how many digests came before: 10 M characters in all at most. It follows
 * from the order of the rows alone, so that it is the same however the rows are shared among threads.
 */
const LONGEST_BY_RANK = [
  { upTo: 512, characters: LONGEST_EXAMPLE },
  { upTo: 4_096, characters: 1_024 },
  { upTo: Infinity, characters: 256 },
] as const;

/**
 * The digests of many statements. Two of them can be put together in any order: which of their statements is
 * the first, the last or the example is told by its row.
 */
export class DigestTable {
  readonly axis = new GrowingAxis((moves) => {
    for (const entry of this.entries()) entry.slices.move(moves);
    this.unlisted.move(moves);
  });
  /** By default database, then by digest. */
  readonly byDatabase = new Map<string | null, Map<string, DigestEntry>>();
  /** Statements of digests that did not fit. */
  readonly unlisted = new UnlistedDigests();
  /** Something did not fit: what was kept depends on the order in which it came. */
  isFull = false;
  readonly #senders = new Map<string, Sender>();
  #count = 0;
  #text = 0;
  #furtherAccounts = 0;

  readonly #most: TableSize;

  constructor(most: TableSize = MOST) {
    this.#most = most;
  }

  isLargerThan({ digests, text }: TableSize): boolean {
    return this.#count > digests || this.#text > text;
  }

  *entries(): Generator<DigestEntry> {
    for (const digests of this.byDatabase.values()) yield* digests.values();
  }

  find(db: string | null, digest: string): DigestEntry | undefined {
    return this.byDatabase.get(db)?.get(digest);
  }

  /** null where there are more than are told apart. */
  sender(user: string | null, host: string | null): Sender | null {
    const key = senderKey(user, host);
    const known = this.#senders.get(key);
    if (known !== undefined) return known;
    if (this.#senders.size >= MOST_ACCOUNT_TALLIES) {
      this.isFull = true;
      return null;
    }
    const sender = { user, host };
    this.#senders.set(key, sender);
    return sender;
  }

  /** Whether another digest can be added. */
  get hasRoom(): boolean {
    if (this.#count < this.#most.digests && this.#text < this.#most.text) return true;
    this.isFull = true;
    return false;
  }

  /** A digest that is not known yet. @param isCut its example is as short as it has to be. */
  add(about: StatementKindOf, example: StatementExample, row: number, isCut = false): DigestEntry {
    const longest = longestAt(this.#count);
    const kept = isCut ? example : shortened(example, longest);
    const entry = new DigestEntry(about, kept, row, longest);
    const ofDatabase = this.byDatabase.get(about.db);
    if (ofDatabase === undefined) this.byDatabase.set(about.db, new Map([[about.digest, entry]]));
    else ofDatabase.set(about.digest, entry);
    this.#count++;
    this.#text += about.text.length;
    for (const { name } of about.tables) this.#text += name.length;
    return entry;
  }

  /** Counts one statement of a digest. @param row where it is, to tell which came first. */
  countStatement(
    entry: DigestEntry,
    row: number,
    micros: number,
    slot: number,
    sender: Sender | null,
  ): void {
    entry.addRow(row, micros, slot);
    const [first] = entry.accounts;
    if (first !== undefined && first.sender === sender) first.count++;
    else this.countAccount(entry, sender, 1, row);
  }

  /** @param row of the account's first statement in what is counted. */
  countAccount(entry: DigestEntry, sender: Sender | null, count: number, row: number): void {
    const isRoom = this.#furtherAccounts < MOST_FURTHER_ACCOUNTS;
    const added = entry.addAccount(sender, count, row, isRoom);
    if (added === 'further') this.#furtherAccounts++;
    else if (added === 'other') this.isFull = true;
  }

  /** Shortens what is longer than it would be had all rows been counted in their order. */
  settle(): void {
    const entries = Array.from(this.entries()).sort((a, b) => a.firstRow - b.firstRow);
    for (const [rank, entry] of entries.entries()) {
      entry.longestExample = longestAt(rank);
      entry.setExample(entry.example, entry.exampleRow);
      entry.settleAccounts();
    }
    this.#furtherAccounts = 0;
  }
}

function longestAt(rank: number): number {
  return LONGEST_BY_RANK.find(({ upTo }) => rank < upTo)?.characters ?? 0;
}

/** Of a user at a host, as a key. */
export function senderKey(user: string | null, host: string | null): string {
  return `${user === null ? '-' : `+${user}`}\0${host === null ? '-' : `+${host}`}`;
}
