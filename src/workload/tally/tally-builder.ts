import { MOST_ACCOUNT_TALLIES, MOST_DIGESTS, MOST_SESSIONS } from '../../core/reports/tally.ts';
import { STATEMENT_FLAGS, type StatementFlag } from '../../core/workloads/statements.ts';
import { GrowingAxis, SliceCounts, type SlotMoves } from './slice-counts.ts';
import {
  AccountEntry,
  copied,
  DigestEntry,
  SessionEntry,
  type EchoedStatement,
  type Place,
  type StatementExample,
  type StatementKindOf,
} from './tally-entries.ts';

/** An EXECUTE whose echo is still to come; with what it is counted as if none does. */
export interface PendingExecute {
  readonly session: number;
  readonly micros: number;
  /** Milliseconds at which it is counted on the axis. */
  readonly sliceTime: number;
  readonly row: number;
  readonly db: string | null;
  readonly user: string | null;
  readonly host: string | null;
  readonly own: EchoedStatement;
}

/** Texts, in characters, that the digests of one tally may hold: beyond it examples are short. */
const MOST_TEXT = 6 * 1024 * 1024;
const SHORT_EXAMPLE = 256;
/** Sessions that wait for an echo at once, beyond which an EXECUTE is counted as such. */
const MOST_PENDING = 1_000;

/** What a tally is made of while it is counted, or put together of parts. */
export class TallyBuilder {
  readonly axis = new GrowingAxis((moves) => this.#move(moves));
  readonly slices = new SliceCounts();
  /** Rows that were looked at, those outside of the range among them. */
  rows = 0;
  statements = 0;
  records = 0;
  /** Microseconds, of the first and the last record; NaN where there is none. */
  first = NaN;
  last = NaN;
  /** The least and the most of all records, in microseconds. */
  earliest = Infinity;
  latest = -Infinity;
  readonly byFlag: Record<StatementFlag, number>;
  withValues = 0;
  withoutValues = 0;
  opened = 0;
  closed = 0;
  otherDigests = 0;
  otherAccounts = 0;
  otherSessions = 0;

  readonly accounts = new Map<string, AccountEntry>();
  readonly sessions = new Map<number, SessionEntry>();
  /** By default database, then by digest. */
  readonly digests = new Map<string | null, Map<string, DigestEntry>>();
  #digestCount = 0;
  #text = 0;
  readonly pending = new Map<number, PendingExecute>();

  constructor() {
    const flags = STATEMENT_FLAGS.map((flag) => [flag, 0]);
    this.byFlag = Object.fromEntries(flags) as Record<StatementFlag, number>;
  }

  /** null where there are more than are counted one by one. */
  account(user: string | null, host: string | null): AccountEntry | null {
    const key = `${user === null ? '-' : `+${user}`}\0${host === null ? '-' : `+${host}`}`;
    const known = this.accounts.get(key);
    if (known !== undefined) return known;
    if (this.accounts.size >= MOST_ACCOUNT_TALLIES) return null;
    const account = new AccountEntry(user, host);
    this.accounts.set(key, account);
    return account;
  }

  place(user: string | null, host: string | null, db: string | null): Place {
    return { user, host, db, account: this.account(user, host) };
  }

  /** null where there are more than are counted one by one. */
  session(id: number): SessionEntry | null {
    const known = this.sessions.get(id);
    if (known !== undefined) return known;
    if (this.sessions.size >= MOST_SESSIONS) return null;
    const session = new SessionEntry(id);
    this.sessions.set(id, session);
    return session;
  }

  /** The digests of one default database. */
  digestsOf(db: string | null): Map<string, DigestEntry> {
    let digests = this.digests.get(db);
    if (digests === undefined) this.digests.set(db, (digests = new Map<string, DigestEntry>()));
    return digests;
  }

  /** A digest that is not known yet; null where there are more than are counted one by one. */
  addDigest(about: StatementKindOf, example: StatementExample, row: number): DigestEntry | null {
    if (this.#digestCount >= MOST_DIGESTS || this.#text > 2 * MOST_TEXT) return null;
    const entry = new DigestEntry(about, this.#shortened(example), row);
    this.digestsOf(about.db).set(about.digest, entry);
    this.#digestCount++;
    this.#text += entry.text.length;
    return entry;
  }

  setExample(entry: DigestEntry, example: StatementExample, row: number): void {
    this.#text -= entry.example.sql.length;
    entry.example = this.#shortened(example);
    entry.exampleRow = row;
  }

  countRecord(micros: number, flags: readonly StatementFlag[]): void {
    this.records++;
    if (Number.isNaN(this.first)) this.first = micros;
    this.last = micros;
    if (micros < this.earliest) this.earliest = micros;
    if (micros > this.latest) this.latest = micros;
    for (const flag of flags) this.byFlag[flag]++;
  }

  /** Counts a statement but for its digest. */
  countStatement(micros: number, slot: number, session: SessionEntry | null, place: Place): void {
    this.statements++;
    this.slices.add(slot, 1);
    if (session === null) this.otherSessions++;
    else {
      session.add(micros, slot);
      session.place = place;
    }
    if (place.account === null) this.otherAccounts++;
    else place.account.add(micros, slot);
  }

  /** Counts one statement of a digest. @param row where it is, to tell which came first. */
  countDigest(
    entry: DigestEntry,
    row: number,
    micros: number,
    slot: number,
    account: AccountEntry | null,
  ): void {
    entry.count++;
    if (row < entry.firstRow) {
      entry.firstRow = row;
      entry.first = micros;
    }
    if (row > entry.lastRow) {
      entry.lastRow = row;
      entry.last = micros;
    }
    entry.slices.add(slot, 1);
    const [first] = entry.accounts;
    if (first !== undefined && first.account === account) first.count++;
    else entry.addAccount(account, 1);
  }

  /** Has an EXECUTE wait for its echo. @returns false where too many do. */
  wait(pending: PendingExecute): boolean {
    if (this.pending.size >= MOST_PENDING) return false;
    this.pending.set(pending.session, pending);
    return true;
  }

  /** Counts an EXECUTE as what it turned out to be. */
  settle({ micros, sliceTime, row, db, user, host }: PendingExecute, as: EchoedStatement): void {
    const entry =
      this.digestsOf(db).get(as.digest) ?? this.addDigest({ ...as, db }, as.example, row);
    if (entry === null) {
      this.otherDigests++;
      return;
    }
    if (entry.prefers(as.example, row)) this.setExample(entry, as.example, row);
    this.countDigest(entry, row, micros, this.axis.slotOf(sliceTime), this.account(user, host));
  }

  open(session: SessionEntry | null, { account }: Place, micros: number): void {
    this.opened++;
    if (account !== null) {
      account.opened++;
      account.see(micros);
    }
    if (session === null) return;
    session.openedBy = account;
    session.isJustOpened = true;
    session.openedBefore = session.opened;
    session.opened = micros;
  }

  close(session: SessionEntry | null, { account }: Place, micros: number): void {
    this.closed++;
    if (account !== null) {
      account.closed++;
      account.see(micros);
    }
    if (session !== null) session.closed = micros;
  }

  /** Takes a login back. */
  refuse(session: SessionEntry): void {
    this.opened--;
    if (session.openedBy !== null) session.openedBy.opened--;
    session.opened = session.openedBefore;
    session.isJustOpened = false;
  }

  #shortened(example: StatementExample): StatementExample {
    const { sql } = example;
    const isRoom = this.#text + sql.length <= MOST_TEXT || sql.length <= SHORT_EXAMPLE;
    const kept = isRoom
      ? example
      : { ...example, sql: copied(sql.slice(0, SHORT_EXAMPLE)), isCut: true };
    this.#text += kept.sql.length;
    return kept;
  }

  #move(moves: SlotMoves): void {
    this.slices.move(moves);
    for (const account of this.accounts.values()) account.slices.move(moves);
    for (const session of this.sessions.values()) session.slices.move(moves);
    for (const digests of this.digests.values()) {
      for (const digest of digests.values()) digest.slices.move(moves);
    }
  }
}
