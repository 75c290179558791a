import {
  DIGEST_CLASSES,
  LONGEST_EXAMPLE,
  MOST_ACCOUNTS,
  MOST_SLICES,
  NARROWEST_SLICE_MS,
  type SliceAxis,
  type UsedTable,
} from '../../core/reports/tally.ts';
import { STATEMENT_FLAGS } from '../../core/workloads/statements.ts';
import { MOST_TABLES } from '../../sql/tables.ts';
import { MalformedBytes, PackedReader } from './packed-bytes.ts';
import { SliceCounts, type SlotMoves } from './slice-counts.ts';
import type { PendingExecute, TallyBuilder } from './tally-builder.ts';
import {
  AccountEntry,
  SessionEntry,
  type EchoedStatement,
  type StatementExample,
} from './tally-entries.ts';
import { ACCESSES, TOTALS } from './tally-packing.ts';

/** Year 9999, in microseconds. */
const LATEST = 253_402_300_800_000_000;

/**
 * Adds a packed tally to that of what came directly before it.
 * @throws MalformedBytes where it is none; then the other is of no more use.
 */
export function mergePacked(into: TallyBuilder, packed: Buffer): void {
  new Merger(into, new PackedReader(packed)).merge();
}

class Merger {
  readonly #into: TallyBuilder;
  readonly #in: PackedReader;
  /** Rows before those of the part. */
  readonly #base: number;
  #moves: SlotMoves = new Uint8Array(MOST_SLICES);
  /** The part's accounts; null for those that are not counted one by one any more. */
  readonly #accounts: (AccountEntry | null)[] = [];

  constructor(into: TallyBuilder, reader: PackedReader) {
    this.#into = into;
    this.#in = reader;
    this.#base = into.rows;
  }

  merge(): void {
    const into = this.#into;
    const reader = this.#in;
    this.#moves = into.axis.include(this.#axis());
    for (const total of TOTALS) into[total] += reader.count();
    this.#instants();
    into.opened += reader.number();
    into.closed += reader.count();
    for (const flag of STATEMENT_FLAGS) into.byFlag[flag] += reader.count();
    this.#slices(into.slices);
    for (let left = reader.count(); left > 0; left--) this.#account();
    const begun = new Map<number, SessionEntry>();
    for (let left = reader.count(); left > 0; left--) {
      const session = this.#session();
      if (into.pending.has(session.session)) begun.set(session.session, session);
    }
    this.#settle(begun);
    for (let left = reader.count(); left > 0; left--) {
      const pending = this.#pending();
      if (!into.wait(pending)) into.settle(pending, pending.own);
    }
    for (let left = reader.count(); left > 0; left--) {
      const db = reader.name();
      for (let digests = reader.count(); digests > 0; digests--) this.#digest(db);
    }
    reader.end();
  }

  #axis(): SliceAxis {
    const from = this.#in.number();
    const width = this.#in.number();
    const count = this.#in.count();
    const isPower = Number.isInteger(Math.log2(width / NARROWEST_SLICE_MS));
    const isThere = Math.abs(from) <= LATEST / 1_000 && from % width === 0 && count <= MOST_SLICES;
    if (!isPower || width < NARROWEST_SLICE_MS || !isThere) {
      throw new MalformedBytes('an axis that is none');
    }
    return { from, width, count };
  }

  #instants(): void {
    const into = this.#into;
    const first = this.#instant();
    const last = this.#instant();
    if (Number.isNaN(into.first)) into.first = first;
    if (!Number.isNaN(last)) into.last = last;
    // Infinite where there is no record.
    into.earliest = Math.min(into.earliest, this.#in.number());
    into.latest = Math.max(into.latest, this.#in.number());
  }

  #instant(): number {
    const micros = this.#in.number();
    if (Number.isNaN(micros) || Math.abs(micros) <= LATEST) return micros;
    throw new MalformedBytes('an instant that is none');
  }

  #slices(into: SliceCounts): void {
    for (let left = this.#in.count(); left > 0; left--) {
      const slot = this.#moves[this.#in.count()];
      if (slot === undefined) throw new MalformedBytes('a slice that is not there');
      into.add(slot, this.#in.count());
    }
  }

  /** Count, first and last, and the slices. */
  #counted(into: { count: number; first: number; last: number; slices: SliceCounts }): void {
    const count = this.#in.count();
    const first = this.#instant();
    const last = this.#instant();
    if (into.count === 0) into.first = first;
    if (count > 0) into.last = last;
    into.count += count;
    this.#slices(into.slices);
  }

  #account(): void {
    const into = this.#into;
    const user = this.#in.name();
    const host = this.#in.name();
    const account = into.account(user, host);
    this.#accounts.push(account);
    const counted = account ?? new AccountEntry(user, host);
    const before = counted.count;
    this.#counted(counted);
    counted.opened += this.#in.number();
    counted.closed += this.#in.count();
    const firstSeen = this.#instant();
    const lastSeen = this.#instant();
    if (Number.isNaN(counted.firstSeen)) counted.firstSeen = firstSeen;
    if (!Number.isNaN(lastSeen)) counted.lastSeen = lastSeen;
    if (account === null) into.otherAccounts += counted.count - before;
  }

  /** @returns the part's session, as far as it says what becomes of an EXECUTE before it. */
  #session(): SessionEntry {
    const into = this.#into;
    const reader = this.#in;
    const part = new SessionEntry(reader.number());
    const session = into.session(part.session);
    const counted = session ?? part;
    const before = counted.count;
    this.#counted(counted);
    if (session === null) into.otherSessions += counted.count - before;
    if (reader.flag()) {
      const place = into.place(reader.name(), reader.name(), reader.name());
      counted.place = place;
    }
    const opened = this.#instant();
    const closed = this.#instant();
    const isJustOpened = reader.flag();
    const openedBefore = isJustOpened ? this.#instant() : NaN;
    const openedBy = isJustOpened ? (this.#accounts[reader.count() - 1] ?? null) : null;
    part.isUnderWay = reader.flag();
    part.isRefused = reader.flag();
    part.openingEcho = reader.flag() ? this.#echoed() : null;
    if (session === null) return part;
    if (part.isRefused && session.isJustOpened) into.refuse(session);
    if (isJustOpened) {
      session.openedBefore = Number.isNaN(openedBefore) ? session.opened : openedBefore;
      session.openedBy = openedBy;
    }
    session.isJustOpened = isJustOpened;
    if (!Number.isNaN(opened)) session.opened = opened;
    if (!Number.isNaN(closed)) session.closed = closed;
    if (!session.isUnderWay) {
      session.isUnderWay = part.isUnderWay;
      session.isRefused = part.isRefused;
      session.openingEcho = part.openingEcho;
    }
    return part;
  }

  /** Counts each EXECUTE that waited for its echo and of whose session the part says more. */
  #settle(begun: ReadonlyMap<number, SessionEntry>): void {
    const into = this.#into;
    for (const [id, pending] of into.pending) {
      const session = begun.get(id);
      if (session?.isUnderWay !== true) continue;
      into.pending.delete(id);
      into.settle(pending, session.openingEcho ?? pending.own);
    }
  }

  #pending(): PendingExecute {
    const reader = this.#in;
    return {
      session: reader.number(),
      micros: this.#instant(),
      sliceTime: this.#instant(),
      row: this.#base + reader.count(),
      db: reader.name(),
      user: reader.name(),
      host: reader.name(),
      own: this.#echoed(),
    };
  }

  #echoed(): EchoedStatement {
    return { ...this.#digestText(this.#in.text()), example: this.#example() };
  }

  /** What stands behind the id of a digest that is known: making texts of it takes time and memory. */
  #skipDigestText(): void {
    const reader = this.#in;
    reader.skipText();
    reader.count();
    for (let left = reader.count(); left > 0; left--) {
      reader.name();
      reader.count();
    }
  }

  #digestText(digest: string): Omit<EchoedStatement, 'example'> {
    const reader = this.#in;
    const text = reader.text();
    const which = reader.count();
    const ofClass = which === 0 ? null : DIGEST_CLASSES[which - 1];
    const tables: UsedTable[] = [];
    const count = reader.count();
    if (ofClass === undefined || count > 2 * MOST_TABLES) {
      throw new MalformedBytes('a class, or tables, that cannot be');
    }
    for (let left = count; left > 0; left--) {
      tables.push({ name: reader.name() ?? '', access: reader.word(ACCESSES) });
    }
    return { digest, text, class: ofClass, tables };
  }

  #example(): StatementExample {
    const reader = this.#in;
    const seq = reader.number();
    const micros = this.#instant();
    const session = reader.number();
    const user = reader.name();
    const sql = reader.text();
    const isCut = reader.flag();
    const flags = Array.from({ length: Math.min(reader.count(), STATEMENT_FLAGS.length) }, () =>
      reader.word(STATEMENT_FLAGS),
    );
    if (sql.length > LONGEST_EXAMPLE) throw new MalformedBytes('an example that is too long');
    return { seq, micros, session, user, sql, isCut, flags };
  }

  #digest(db: string | null): void {
    const into = this.#into;
    const reader = this.#in;
    const digest = reader.text();
    const known = into.digestsOf(db).get(digest) ?? null;
    const about = known ?? { ...this.#digestText(digest), db };
    if (known !== null) this.#skipDigestText();
    const part = { count: 0, first: NaN, last: NaN, slices: new SliceCounts() };
    this.#counted(part);
    const firstRow = this.#base + reader.count();
    const lastRow = this.#base + reader.count();
    const accounts = reader.count();
    if (accounts > MOST_ACCOUNTS) throw new MalformedBytes('more accounts than there can be');
    const counts: [AccountEntry | null, number][] = [];
    for (let left = accounts; left > 0; left--) {
      const account = this.#accounts[reader.count()];
      counts.push([account ?? null, reader.count()]);
    }
    counts.push([null, reader.count()]);
    const withoutValues = reader.count();
    const example = this.#example();
    const exampleRow = this.#base + reader.count();
    let entry = known;
    if (entry === null) {
      entry = into.addDigest(about, example, exampleRow);
      if (entry === null) {
        into.otherDigests += part.count;
        return;
      }
    } else if (entry.prefers(example, exampleRow)) {
      into.setExample(entry, example, exampleRow);
    }
    entry.count += part.count;
    entry.withoutValues += withoutValues;
    if (firstRow < entry.firstRow) {
      entry.firstRow = firstRow;
      entry.first = part.first;
    }
    if (lastRow > entry.lastRow) {
      entry.lastRow = lastRow;
      entry.last = part.last;
    }
    part.slices.forEach((slot, count) => entry.slices.add(slot, count));
    for (const [account, count] of counts) entry.addAccount(account, count);
  }
}
