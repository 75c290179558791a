import type {
  AccountTally,
  CountedAccount,
  DigestTally,
  Example,
  Rest,
  SessionTally,
  SliceAxis,
  Tally,
  UnlistedDigests,
  UnlistedTally,
} from '../../core/reports/tally.ts';
import { timeOfMicros } from './record-time.ts';
import type { TallyBuilder } from './tally-builder.ts';
import type {
  AccountEntry,
  CountedRows,
  DigestEntry,
  RestOfStatements,
  SessionEntry,
  StatementExample,
} from './tally-entries.ts';
import type { UnlistedStatements } from './unlisted-statements.ts';

/**
 * The tally of what was counted, the largest of each kind first. An EXECUTE that still waits for its echo is
 * counted as what it says itself. Slices are laid out when they are asked for: of 20,000 digests they
 * would be 20 MB.
 */
export function tallyOf(builder: TallyBuilder): Tally {
  for (const pending of builder.pending.values()) builder.settle(pending, pending.own);
  builder.pending.clear();
  builder.axis.include(builder.digests.axis.axis());
  const axis = builder.axis.axis();
  // Both have the same instants on them, in what is no forgery.
  const { digests: table } = builder;
  table.axis.include(axis);
  table.settle();
  const digests = Array.from(table.entries());
  const accounts = Array.from(builder.accounts.values()).filter(
    ({ count, firstSeen }) => count > 0 || !Number.isNaN(firstSeen),
  );
  const sessions = Array.from(builder.sessions.values()).filter(({ count }) => count > 0);
  return {
    axis,
    slices: builder.slices.along(axis),
    statements: builder.statements,
    records: builder.records,
    first: timeOrNull(builder.first),
    last: timeOrNull(builder.last),
    byFlag: { ...builder.byFlag },
    executes: { withValues: builder.withValues, withoutValues: builder.withoutValues },
    digests: digests.sort(byCount(digestKey)).map((one) => digestTally(one, axis)),
    otherDigests: unlistedDigests(table.unlisted, axis),
    accounts: accounts.sort(byCount(accountKey)).map((one) => accountTally(one, axis)),
    otherAccounts: restOf(builder.otherAccounts, axis),
    sessions: sessions
      .sort((a, b) => b.count - a.count || a.session - b.session)
      .map((one) => sessionTally(one, axis)),
    otherSessions: restOf(builder.otherSessions, axis),
    opened: builder.opened,
    closed: builder.closed,
  };
}

const digestKey = ({ digest, db }: DigestEntry): string => `${digest} ${db ?? ''}`;
const accountKey = ({ user, host }: Pick<AccountEntry, 'user' | 'host'>): string =>
  `${user ?? ''}@${host ?? ''}`;

interface Countable {
  readonly count: number;
}

/** The most first; a key tells those apart that were counted as often. */
function byCount<T>(keyOf: (one: T) => string) {
  return (a: T & Countable, b: T & Countable): number => {
    if (a.count !== b.count) return b.count - a.count;
    const [key, other] = [keyOf(a), keyOf(b)];
    return key < other ? -1 : key > other ? 1 : 0;
  };
}

function timeOrNull(micros: number): string | null {
  return Number.isNaN(micros) ? null : timeOfMicros(micros);
}

/** What is in no record that has a time is where the epoch begins. */
function timeOf(micros: number): string {
  return timeOfMicros(Number.isNaN(micros) ? 0 : micros);
}

function digestTally(entry: DigestEntry, axis: SliceAxis): DigestTally {
  const { digest, text, db, tables, count, first, last, otherAccounts, withoutValues } = entry;
  const accounts = entry.accounts.map(({ sender: { user, host }, count }): CountedAccount => ({
    user,
    host,
    count,
  }));
  return {
    digest,
    text,
    db,
    class: entry.class,
    count,
    first: timeOf(first),
    last: timeOf(last),
    get slices() {
      return entry.slices.along(axis);
    },
    tables,
    accounts: accounts.sort(byCount(accountKey)),
    otherAccounts,
    example: exampleTally(entry.example),
    withoutValues,
  };
}

function unlistedDigests(unlisted: UnlistedStatements, axis: SliceAxis): UnlistedDigests {
  const { count, byDatabase, byClass, otherDatabases } = unlisted;
  return {
    statements: count,
    byDatabase: Array.from(byDatabase, ([name, rows]) => unlistedTally(name, rows, axis)),
    otherDatabases: restOf(otherDatabases, axis),
    byClass: Array.from(byClass, ([name, rows]) => unlistedTally(name, rows, axis)),
  };
}

function unlistedTally<Name>(name: Name, rows: CountedRows, axis: SliceAxis): UnlistedTally<Name> {
  const { count, first, last, withoutValues } = rows;
  return {
    name,
    count,
    first: timeOf(first),
    last: timeOf(last),
    get slices() {
      return rows.slices.along(axis);
    },
    withoutValues,
  };
}

function restOf({ count, slices }: RestOfStatements, axis: SliceAxis): Rest {
  return { statements: count, slices: slices.along(axis) };
}

function exampleTally({ micros, ...example }: StatementExample): Example {
  return { ...example, time: timeOf(micros) };
}

function accountTally(entry: AccountEntry, axis: SliceAxis): AccountTally {
  const { user, host, count, opened, closed } = entry;
  return {
    user,
    host,
    count,
    first: timeOf(count > 0 ? entry.first : entry.firstSeen),
    last: timeOf(count > 0 ? entry.last : entry.lastSeen),
    get slices() {
      return entry.slices.along(axis);
    },
    opened,
    closed,
  };
}

function sessionTally(entry: SessionEntry, axis: SliceAxis): SessionTally {
  const { session, place, count, first, last, opened, closed } = entry;
  return {
    session,
    user: place?.user ?? null,
    host: place?.host ?? null,
    db: place?.db ?? null,
    count,
    first: timeOf(first),
    last: timeOf(last),
    get slices() {
      return entry.slices.along(axis);
    },
    opened: timeOrNull(opened),
    closed: timeOrNull(closed),
  };
}
