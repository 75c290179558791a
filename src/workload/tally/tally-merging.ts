import { STATEMENT_FLAGS } from '../../core/workloads/statements.ts';
import { mergeDigestsFrom } from './digest-merging.ts';
import type { SlotMoves } from './slice-counts.ts';
import type { PendingExecute, TallyBuilder } from './tally-builder.ts';
import { AccountEntry, SessionEntry } from './tally-entries.ts';
import { TOTALS } from './tally-packing.ts';
import { TallyReader } from './tally-reader.ts';

/**
 * Adds a packed tally to that of what came directly before it.
 * @throws MalformedBytes where it is none; then the other is of no more use.
 */
export function mergePacked(into: TallyBuilder, packed: Buffer): void {
  const reader = new TallyReader(packed);
  const base = into.rows;
  new RecordsMerger(into, reader, base).merge();
  mergeDigestsFrom(into.digests, reader, base);
  reader.end();
}

/**
 * Adds what was packed of the rows that come directly behind, whose numbers are those of the whole; their
 * digests are added by themselves.
 */
export function mergeRecords(into: TallyBuilder, packed: Buffer): void {
  const reader = new TallyReader(packed);
  new RecordsMerger(into, reader, 0).merge();
  reader.end();
}

class RecordsMerger {
  readonly #into: TallyBuilder;
  readonly #in: TallyReader;
  /** The number of the row before those of the part. */
  readonly #base: number;
  readonly #moves: SlotMoves;
  /** The part's accounts; null for those that are not counted one by one any more. */
  readonly #accounts: (AccountEntry | null)[] = [];

  constructor(into: TallyBuilder, reader: TallyReader, base: number) {
    this.#into = into;
    this.#in = reader;
    this.#base = base;
    this.#moves = into.axis.include(reader.axis());
  }

  merge(): void {
    const into = this.#into;
    const reader = this.#in;
    if (reader.flag()) into.fill();
    into.rows = this.#base + reader.count();
    for (const total of TOTALS) into[total] += reader.count();
    this.#instants();
    into.opened += reader.number();
    into.closed += reader.count();
    for (const flag of STATEMENT_FLAGS) into.byFlag[flag] += reader.count();
    reader.slices(into.slices, this.#moves);
    const { users, hosts } = into.otherAccounts;
    for (const names of [users, hosts]) {
      reader.unlisted(names, this.#moves, () => reader.name());
    }
    reader.unlistedCount(into.otherSessions, this.#moves);
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
  }

  #instants(): void {
    const into = this.#into;
    const reader = this.#in;
    const first = reader.instant();
    const last = reader.instant();
    if (Number.isNaN(into.first)) into.first = first;
    if (!Number.isNaN(last)) into.last = last;
    // Infinite where there is no record.
    into.earliest = Math.min(into.earliest, reader.number());
    into.latest = Math.max(into.latest, reader.number());
  }

  #account(): void {
    const into = this.#into;
    const reader = this.#in;
    const user = reader.name();
    const host = reader.name();
    const account = into.account(user, host);
    this.#accounts.push(account);
    const counted = account ?? new AccountEntry(user, host);
    reader.counted(counted, this.#moves);
    counted.opened += reader.number();
    counted.closed += reader.count();
    const firstSeen = reader.instant();
    const lastSeen = reader.instant();
    if (Number.isNaN(counted.firstSeen)) counted.firstSeen = firstSeen;
    if (!Number.isNaN(lastSeen)) counted.lastSeen = lastSeen;
    if (account !== null) return;
    for (const unlisted of into.otherAccounts.of(user, host)) unlisted.include(counted);
  }

  /** @returns the part's session, as far as it says what becomes of an EXECUTE before it. */
  #session(): SessionEntry {
    const into = this.#into;
    const reader = this.#in;
    const part = new SessionEntry(reader.number());
    const session = into.session(part.session);
    const counted = session ?? part;
    reader.counted(counted, this.#moves);
    if (session === null) into.otherSessions.include(part);
    if (reader.flag()) {
      const place = into.place(reader.name(), reader.name(), reader.name());
      counted.place = place;
    }
    const opened = reader.instant();
    const closed = reader.instant();
    const isJustOpened = reader.flag();
    const openedBefore = isJustOpened ? reader.instant() : NaN;
    const openedBy = isJustOpened ? (this.#accounts[reader.count() - 1] ?? null) : null;
    part.isUnderWay = reader.flag();
    part.isRefused = reader.flag();
    part.openingEcho = reader.flag() ? reader.echoed() : null;
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
      micros: reader.instant(),
      sliceTime: reader.instant(),
      row: this.#base + reader.count(),
      db: reader.name(),
      user: reader.name(),
      host: reader.name(),
      own: reader.echoed(),
    };
  }
}
