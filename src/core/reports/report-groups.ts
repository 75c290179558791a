import { namedCounts, summedSlices, tableCounts } from './report-counts.ts';
import type { Dimension, ReportRow, ReportTimes } from './report.ts';
import type {
  AccountTally,
  DigestTally,
  SessionTally,
  Tally,
  UnlistedTallies,
  UnlistedTally,
} from './tally.ts';

/** A row without what depends on the whole. */
type OwnPart = Omit<ReportRow, 'share' | 'perSecond'>;

/** Statements that have something in common, as far as ordering them needs; `row` is made for those listed. */
export interface Group {
  readonly name: string | null;
  readonly count: number;
  readonly first: string;
  readonly last: string;
  readonly times: ReportTimes | null;
  /** What tells it from every other of its dimension, and orders those that have a name. */
  readonly key: string;
  row(): OwnPart;
}

/** What a server measured of digests: of one, or of several that are a row together. */
export type TimesOf = (digests: readonly DigestTally[]) => ReportTimes | null;

/** The statements of a tally put together by one dimension, in no order. */
export function groupsBy(tally: Tally, by: Dimension, timesOf: TimesOf): Group[] {
  switch (by) {
    case 'digest':
      return tally.digests.map((one) => {
        const key = one.db === null ? one.digest : `${one.digest}/${one.db}`;
        return new DigestsGroup(one.digest, [one], null, timesOf, ofDigest, key);
      });
    case 'table':
      return collected(tally.digests, tablesOf).map(
        ([name, members]) => new DigestsGroup(name, members, null, timesOf, () => ({})),
      );
    case 'db':
      return withUnlisted(
        collected(tally.digests, ({ db }) => [db]),
        tally.otherDigests.databases,
      ).map(
        ([name, members, unlisted]) =>
          new DigestsGroup(name, members, unlisted, timesOf, () => ({ db: name })),
      );
    case 'class':
      return withUnlisted(
        collected(tally.digests, (one) => [one.class]),
        tally.otherDigests.classes,
      ).map(
        ([name, members, unlisted]) =>
          new DigestsGroup(name, members, unlisted, timesOf, () => ({ class: name })),
      );
    case 'user':
    case 'host': {
      const sent = new SentDigests(tally.digests, by);
      return withUnlisted(
        collected(tally.accounts, (account) => [account[by]]),
        by === 'user' ? tally.otherAccounts.users : tally.otherAccounts.hosts,
      ).map(([name, accounts, unlisted]) => new AccountsGroup(name, accounts, unlisted, by, sent));
    }
    case 'session':
      return tally.sessions.map(sessionGroup);
  }
}

type Named = Partial<Pick<ReportRow, 'digest' | 'text' | 'db' | 'class'>>;

const ofDigest = (one: DigestTally | null): Named =>
  one === null ? {} : { digest: one.digest, text: one.text, db: one.db, class: one.class };

/** What is in a group. There are 20,000 of these: nothing is made before it is asked for. */
abstract class GroupOf<Part extends Spanned> {
  readonly name: string | null;
  readonly key: string;
  readonly count: number;
  protected readonly parts: readonly Part[];
  #span: Span | null = null;

  constructor(name: string | null, parts: readonly Part[], key = name ?? '') {
    this.name = name;
    this.key = key;
    this.parts = parts;
    this.count = parts.reduce((sum, { count }) => sum + count, 0);
  }

  get first(): string {
    return (this.#span ??= spanOf(this.parts)).first;
  }

  get last(): string {
    return (this.#span ??= spanOf(this.parts)).last;
  }
}

class DigestsGroup extends GroupOf<DigestTally | UnlistedTally> implements Group {
  readonly times: ReportTimes | null;
  readonly #members: readonly DigestTally[];
  readonly #named: (largest: DigestTally | null) => Named;

  /** @param named what all of it has in common, of the largest member. */
  constructor(
    name: string | null,
    members: readonly DigestTally[],
    unlisted: UnlistedTally | null,
    timesOf: TimesOf,
    named: (largest: DigestTally | null) => Named,
    key?: string,
  ) {
    super(name, unlisted === null ? members : [...members, unlisted], key);
    this.times = members.length === 0 ? null : timesOf(members);
    this.#members = members;
    this.#named = named;
  }

  row(): OwnPart {
    const { name, count, first, last, times, parts } = this;
    const members = this.#members;
    const accounts = members.flatMap((member) => member.accounts);
    const most = largest(members);
    return {
      name,
      digest: null,
      text: null,
      db: null,
      class: null,
      ...this.#named(most),
      count,
      first,
      last,
      users: namedCounts(accounts.map(({ user, count }) => [user, count])),
      hosts: namedCounts(accounts.map(({ host, count }) => [host, count])),
      tables: tableCounts(members),
      digests: members.length,
      example: most?.example ?? null,
      withoutValues: parts.reduce((sum, part) => sum + part.withoutValues, 0),
      times,
      slices: summedSlices(parts),
      opened: null,
      closed: null,
    };
  }
}

class AccountsGroup extends GroupOf<AccountTally | UnlistedTally> implements Group {
  readonly times = null;
  readonly #accounts: readonly AccountTally[];
  readonly #by: 'user' | 'host';
  readonly #sent: SentDigests;

  /** @param sent of all accounts. */
  constructor(
    name: string | null,
    accounts: readonly AccountTally[],
    unlisted: UnlistedTally | null,
    by: 'user' | 'host',
    sent: SentDigests,
  ) {
    super(name, unlisted === null ? accounts : [...accounts, unlisted]);
    this.#accounts = accounts;
    this.#by = by;
    this.#sent = sent;
  }

  row(): OwnPart {
    const { name, count, first, last, parts } = this;
    const digests = this.#sent.of(name);
    const own = digests.filter(({ example }) => this.#by === 'user' && example.user === name);
    return {
      name,
      digest: null,
      text: null,
      db: null,
      class: null,
      count,
      first,
      last,
      users: namedCounts(this.#accounts.map((account) => [account.user, account.count])),
      hosts: namedCounts(this.#accounts.map((account) => [account.host, account.count])),
      tables: tableCounts(digests),
      digests: digests.length,
      example: largest(own)?.example ?? null,
      withoutValues: null,
      times: null,
      slices: summedSlices(parts),
      opened: null,
      closed: null,
    };
  }
}

type SentDigest = Pick<DigestTally, 'count' | 'tables' | 'example'>;

/** Who sent which digests. Found for all at once: one after the other, 10,000 users took six minutes. */
class SentDigests {
  readonly #digests: readonly DigestTally[];
  readonly #by: 'user' | 'host';
  #byName: ReadonlyMap<string | null, readonly DigestTally[]> | null = null;

  constructor(digests: readonly DigestTally[], by: 'user' | 'host') {
    this.#digests = digests;
    this.#by = by;
  }

  /** The digests of a user or a host, each with its statements alone. */
  of(name: string | null): SentDigest[] {
    const by = this.#by;
    this.#byName ??= new Map(
      collected(this.#digests, ({ accounts }) => [...new Set(accounts.map((one) => one[by]))]),
    );
    return (this.#byName.get(name) ?? []).map(({ accounts, tables, example }) => {
      const sent = accounts.filter((account) => account[by] === name);
      return { count: sent.reduce((sum, { count }) => sum + count, 0), tables, example };
    });
  }
}

function sessionGroup(one: SessionTally): Group {
  const { count, first, last, user, host, db, opened, closed } = one;
  const name = String(one.session);
  const row = (): OwnPart => ({
    name,
    digest: null,
    text: null,
    db,
    class: null,
    count,
    first,
    last,
    users: [{ name: user, count }],
    hosts: [{ name: host, count }],
    tables: [],
    digests: null,
    example: null,
    withoutValues: null,
    times: null,
    slices: Array.from(one.slices),
    opened,
    closed,
  });
  // In the order of the numbers.
  return { name, count, first, last, times: null, key: name.padStart(20, '0'), row };
}

/** The tables that a digest names, each once; null for none. */
function tablesOf({ tables }: DigestTally): readonly (string | null)[] {
  return tables.length === 0 ? [null] : [...new Set(tables.map(({ name }) => name))];
}

/** Things by what they have in common; one thing may be in several groups. */
function collected<Thing, Key>(
  things: readonly Thing[],
  keysOf: (thing: Thing) => readonly Key[],
): [Key, Thing[]][] {
  const groups = new Map<Key, Thing[]>();
  for (const thing of things) {
    for (const key of keysOf(thing)) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [thing]);
      else group.push(thing);
    }
  }
  return [...groups];
}

/** Groups of what is listed, and what else has the same in common. */
function withUnlisted<Name, Member>(
  groups: readonly [Name, Member[]][],
  { byName }: UnlistedTallies<Name>,
): [Name, Member[], UnlistedTally<Name> | null][] {
  const rest = new Map(byName.map((one) => [one.name, one]));
  const all = groups.map(([name, members]): [Name, Member[], UnlistedTally<Name> | null] => {
    const more = rest.get(name) ?? null;
    rest.delete(name);
    return [name, members, more];
  });
  for (const [name, more] of rest) all.push([name, [], more]);
  return all;
}

type Spanned = Pick<AccountTally, 'count' | 'first' | 'last' | 'slices'>;

/** ISO-8601 times of one form are in the order of their characters. */
type Span = Pick<Spanned, 'first' | 'last'>;

function spanOf(members: readonly Spanned[]): Span {
  let first = members[0]?.first ?? '';
  let last = '';
  for (const member of members) {
    if (member.first < first) ({ first } = member);
    if (member.last > last) ({ last } = member);
  }
  return { first, last };
}

function largest<Digest extends SentDigest>(digests: readonly Digest[]): Digest | null {
  return digests.reduce<Digest | null>(
    (most, one) => (most === null || one.count > most.count ? one : most),
    null,
  );
}
