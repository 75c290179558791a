import { MOST_ACCOUNT_TALLIES, MOST_SESSIONS } from '../../core/reports/tally.ts';
import { STATEMENT_FLAGS, type StatementFlag } from '../../core/workloads/statements.ts';
import { DigestTable, senderKey } from './digest-table.ts';
import { GrowingAxis, SliceCounts, type SlotMoves } from './slice-counts.ts';
import { AccountEntry, SessionEntry, type EchoedStatement, type Place } from './tally-entries.ts';
import { UnlistedAccounts, UnlistedCount } from './unlisted-counts.ts';

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

/** Sessions that wait for an echo at once, beyond which an EXECUTE is counted as such. */
const MOST_PENDING = 1_000;

/** What a tally is made of while it is counted, or put together of parts. */
export class TallyBuilder {
  readonly axis = new GrowingAxis((moves) => this.#move(moves));
  readonly slices = new SliceCounts();
  /** The number of the last row. Numbers rise with the rows, and some are left out. */
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
  /** Of accounts and of sessions that are not counted one by one. */
  readonly otherAccounts = new UnlistedAccounts();
  readonly otherSessions = new UnlistedCount();

  readonly accounts = new Map<string, AccountEntry>();
  readonly sessions = new Map<number, SessionEntry>();
  readonly digests: DigestTable;
  readonly pending = new Map<number, PendingExecute>();

  /** Something did not fit: what was kept depends on how the rows were shared out. */
  #isFull = false;

  /** @param digests those of other rows may be counted into it as well. */
  constructor(digests = new DigestTable()) {
    this.digests = digests;
    const flags = STATEMENT_FLAGS.map((flag) => [flag, 0]);
    this.byFlag = Object.fromEntries(flags) as Record<StatementFlag, number>;
  }

  get isFull(): boolean {
    return this.#isFull || this.digests.isFull;
  }

  fill(): void {
    this.#isFull = true;
  }

  /** null where there are more than are counted one by one. */
  account(user: string | null, host: string | null): AccountEntry | null {
    const key = senderKey(user, host);
    const known = this.accounts.get(key);
    if (known !== undefined) return known;
    if (this.accounts.size >= MOST_ACCOUNT_TALLIES) {
      this.fill();
      return null;
    }
    const account = new AccountEntry(user, host);
    this.accounts.set(key, account);
    return account;
  }

  place(user: string | null, host: string | null, db: string | null): Place {
    const account = this.account(user, host);
    return { user, host, db, account, sender: this.digests.sender(user, host) };
  }

  /** null where there are more than are counted one by one. */
  session(id: number): SessionEntry | null {
    const known = this.sessions.get(id);
    if (known !== undefined) return known;
    if (this.sessions.size >= MOST_SESSIONS) {
      this.fill();
      return null;
    }
    const session = new SessionEntry(id);
    this.sessions.set(id, session);
    return session;
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
    if (session === null) this.otherSessions.add(micros, slot, false);
    else {
      session.add(micros, slot);
      session.place = place;
    }
    if (place.account !== null) {
      place.account.add(micros, slot);
      return;
    }
    for (const counted of this.otherAccounts.of(place.user, place.host)) {
      counted.add(micros, slot, false);
    }
  }

  /** Has an EXECUTE wait for its echo. @returns false where too many do. */
  wait(pending: PendingExecute): boolean {
    if (this.pending.size >= MOST_PENDING) {
      this.fill();
      return false;
    }
    this.pending.set(pending.session, pending);
    return true;
  }

  /** Counts an EXECUTE as what it turned out to be. */
  settle(pending: PendingExecute, as: EchoedStatement): void {
    const { micros, sliceTime, row, db, user, host } = pending;
    const { digests } = this;
    const slot = digests.axis.slotOf(sliceTime);
    let entry = digests.find(db, as.digest);
    if (entry === undefined) {
      if (!digests.hasRoom) {
        for (const counted of digests.unlisted.of(db, as.class)) counted.add(micros, slot, false);
        return;
      }
      entry = digests.add({ ...as, db }, as.example, row);
    } else if (entry.prefers(as.example.flags, row)) entry.setExample(as.example, row);
    if (as !== pending.own) entry.prepared++;
    digests.countStatement(entry, row, micros, slot, digests.sender(user, host));
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

  #move(moves: SlotMoves): void {
    this.slices.move(moves);
    this.otherAccounts.move(moves);
    this.otherSessions.slices.move(moves);
    for (const account of this.accounts.values()) account.slices.move(moves);
    for (const session of this.sessions.values()) session.slices.move(moves);
  }
}
