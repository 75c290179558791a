import type {
  AccountTally,
  CountedAccount,
  DigestClass,
  DigestTally,
  Example,
  Rest,
  SessionTally,
  SliceAxis,
  Tally,
  UnlistedTallies,
  UnlistedTally,
  UsedTable,
} from '../../core/reports/tally.ts';
import { timeOfMicros } from './record-time.ts';
import type { TallyBuilder } from './tally-builder.ts';
import type {
  AccountEntry,
  CountedStatements,
  DigestEntry,
  SessionEntry,
} from './tally-entries.ts';
import type { UnlistedCount, UnlistedCounts } from './unlisted-counts.ts';

/**
 * The tally of what was counted, the largest of each kind first. An EXECUTE that still waits for its echo is
 * counted as what it says itself.
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
    digests: digests.sort(byCount(digestKey)).map((one) => new CountedDigest(one, axis)),
    otherDigests: {
      statements: table.unlisted.classes.count,
      databases: unlistedTallies(table.unlisted.databases, axis),
      classes: unlistedTallies(table.unlisted.classes, axis),
    },
    accounts: accounts.sort(byCount(accountKey)).map((one) => new CountedAccountTally(one, axis)),
    otherAccounts: {
      statements: builder.otherAccounts.users.count,
      users: unlistedTallies(builder.otherAccounts.users, axis),
      hosts: unlistedTallies(builder.otherAccounts.hosts, axis),
    },
    sessions: sessions
      .sort((a, b) => b.count - a.count || a.session - b.session)
      .map((one) => new CountedSession(one, axis)),
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
  return timeOfMicros(Number.isFinite(micros) ? micros : 0);
}

/**
 * What was counted, as a tally has it: made of the entry when it is asked for. Of 20,000 digests objects with
 * all of it were 30 MB.
 */
class Counted<Entry extends Pick<CountedStatements, 'count' | 'first' | 'last' | 'slices'>> {
  protected readonly entry: Entry;
  protected readonly axis: SliceAxis;

  constructor(entry: Entry, axis: SliceAxis) {
    this.entry = entry;
    this.axis = axis;
  }

  get count(): number {
    return this.entry.count;
  }

  get first(): string {
    return timeOf(this.entry.first);
  }

  get last(): string {
    return timeOf(this.entry.last);
  }

  get slices(): Uint32Array {
    return this.entry.slices.along(this.axis);
  }
}

class CountedDigest extends Counted<DigestEntry> implements DigestTally {
  get digest(): string {
    return this.entry.digest;
  }

  get text(): string {
    return this.entry.text;
  }

  get db(): string | null {
    return this.entry.db;
  }

  get class(): DigestClass | null {
    return this.entry.class;
  }

  get tables(): readonly UsedTable[] {
    return this.entry.tables;
  }

  get accounts(): CountedAccount[] {
    return this.entry.accounts
      .map(({ sender: { user, host }, count }) => ({ user, host, count }))
      .sort(byCount(accountKey));
  }

  get otherAccounts(): number {
    return this.entry.otherAccounts;
  }

  get example(): Example {
    const { micros, ...example } = this.entry.example;
    return { ...example, time: timeOf(micros) };
  }

  get withoutValues(): number {
    return this.entry.withoutValues;
  }

  get prepared(): number {
    return this.entry.prepared;
  }
}

class CountedAccountTally extends Counted<AccountEntry> implements AccountTally {
  get user(): string | null {
    return this.entry.user;
  }

  get host(): string | null {
    return this.entry.host;
  }

  override get first(): string {
    return this.count > 0 ? super.first : timeOf(this.entry.firstSeen);
  }

  override get last(): string {
    return this.count > 0 ? super.last : timeOf(this.entry.lastSeen);
  }

  get opened(): number {
    return this.entry.opened;
  }

  get closed(): number {
    return this.entry.closed;
  }
}

class CountedSession extends Counted<SessionEntry> implements SessionTally {
  get session(): number {
    return this.entry.session;
  }

  get user(): string | null {
    return this.entry.place?.user ?? null;
  }

  get host(): string | null {
    return this.entry.place?.host ?? null;
  }

  get db(): string | null {
    return this.entry.place?.db ?? null;
  }

  get opened(): string | null {
    return timeOrNull(this.entry.opened);
  }

  get closed(): string | null {
    return timeOrNull(this.entry.closed);
  }
}

class CountedUnlisted<Name> extends Counted<UnlistedCount> implements UnlistedTally<Name> {
  readonly #name: Name;

  constructor(name: Name, counted: UnlistedCount, axis: SliceAxis) {
    super(counted, axis);
    this.#name = name;
  }

  get name(): Name {
    return this.#name;
  }

  get withoutValues(): number {
    return this.entry.withoutValues;
  }
}

function unlistedTallies<Name extends string | null>(
  { byName, other }: UnlistedCounts<Name>,
  axis: SliceAxis,
): UnlistedTallies<Name> {
  return {
    byName: Array.from(byName, ([name, counted]) => new CountedUnlisted(name, counted, axis)),
    other: restOf(other, axis),
  };
}

function restOf({ count, slices }: UnlistedCount, axis: SliceAxis): Rest {
  return { statements: count, slices: slices.along(axis) };
}
