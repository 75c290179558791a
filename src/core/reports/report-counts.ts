import type { Dimension, NamedCount, TableCount } from './report.ts';
import type { DigestTally, Rest, Tally } from './tally.ts';

/** Names of a kind that a row lists. */
const MOST_NAMES = 16;

/** Statements that none of the groups of a dimension has; null where it is all of them. */
export function restBy(tally: Tally, by: Dimension): Rest | null {
  const rest = restOf(tally, by);
  return rest.statements === 0 ? null : rest;
}

function restOf({ otherDigests, otherAccounts, otherSessions }: Tally, by: Dimension): Rest {
  switch (by) {
    case 'digest':
    case 'table': {
      const { statements, classes } = otherDigests;
      return { statements, slices: summedSlices(classes.byName) };
    }
    case 'db':
      return otherDigests.databases.other;
    case 'class':
      return otherDigests.classes.other;
    case 'user':
      return otherAccounts.users.other;
    case 'host':
      return otherAccounts.hosts.other;
    case 'session':
      return otherSessions;
  }
}

/** All statements by what has a name, where more than is listed is known of that. */
export function countsBy(
  { digests, otherDigests, accounts, otherAccounts }: Tally,
  by: 'db' | 'class' | 'user' | 'host',
): [string | null, number][] {
  const counted =
    by === 'db' || by === 'class'
      ? digests.map((one): Counted => [one[by], one.count])
      : accounts.map((one): Counted => [one[by], one.count]);
  const unlisted = {
    db: otherDigests.databases,
    class: otherDigests.classes,
    user: otherAccounts.users,
    host: otherAccounts.hosts,
  }[by];
  return [...counted, ...unlisted.byName.map(({ name, count }): Counted => [name, count])];
}

type Counted = [name: string | null, count: number];

/** Most first; those of equal number by name. @param most null for all. */
export function namedCounts(
  counts: Iterable<readonly [name: string | null, count: number]>,
  most: number | null = MOST_NAMES,
): NamedCount[] {
  const sums = new Map<string | null, number>();
  for (const [name, count] of counts) sums.set(name, (sums.get(name) ?? 0) + count);
  const all = Array.from(sums, ([name, count]) => ({ name, count }));
  return all.sort(mostFirst).slice(0, most ?? all.length);
}

/** The tables in statements, most first. */
export function tableCounts(
  digests: readonly Pick<DigestTally, 'count' | 'tables'>[],
): TableCount[] {
  const all = new Map<string, { name: string; count: number; reads: number; writes: number }>();
  for (const digest of digests) {
    const { count } = digest;
    for (const name of new Set(digest.tables.map((table) => table.name))) {
      const sum = all.get(name) ?? { name, count: 0, reads: 0, writes: 0 };
      const has = (access: 'read' | 'write'): boolean =>
        digest.tables.some((table) => table.name === name && table.access === access);
      sum.count += count;
      if (has('read')) sum.reads += count;
      if (has('write')) sum.writes += count;
      all.set(name, sum);
    }
  }
  return [...all.values()].sort(mostFirst).slice(0, MOST_NAMES);
}

function mostFirst(one: NamedCount, other: NamedCount): number {
  return other.count - one.count || byName(one.name, other.name);
}

/** What has no name comes last. */
export function byName(one: string | null, other: string | null): number {
  if (one === other) return 0;
  if (one === null) return 1;
  if (other === null) return -1;
  return one < other ? -1 : 1;
}

/** Statements of several in each slice. */
export function summedSlices(members: readonly Pick<Rest, 'slices'>[]): number[] {
  const [first, ...others] = members;
  const sums = Array.from(first?.slices ?? []);
  for (const { slices } of others) {
    for (let index = 0; index < slices.length; index++) {
      sums[index] = (sums[index] ?? 0) + (slices[index] ?? 0);
    }
  }
  return sums;
}
