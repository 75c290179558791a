import { AppError } from '../errors.ts';
import { severalDigests } from '../workloads/statement-search.ts';
import type { ReplayRow } from './replay.ts';

/** What the rows of a replay can be in the order of: the most first, names from A to Z. */
export const REPLAY_SORT_KEYS = [
  'time',
  'average',
  'p50',
  'p95',
  'p99',
  'max',
  'errors',
  'count',
  'rate',
  'returned',
  'changed',
  'name',
] as const;
export type ReplaySortKey = (typeof REPLAY_SORT_KEYS)[number];

const VALUES: Readonly<Record<Exclude<ReplaySortKey, 'name'>, (row: ReplayRow) => number>> = {
  time: ({ totalMs }) => totalMs,
  average: ({ averageMs }) => averageMs,
  p50: ({ p50Ms }) => p50Ms,
  p95: ({ p95Ms }) => p95Ms,
  p99: ({ p99Ms }) => p99Ms,
  max: ({ maxMs }) => maxMs,
  errors: errorsOf,
  count: ({ count }) => count,
  rate: ({ perSecond }) => perSecond,
  returned: ({ rowsReturned }) => rowsReturned,
  changed: ({ rowsChanged }) => rowsChanged,
};

/** Answers that were an error. */
export function errorsOf({ failed }: Pick<ReplayRow, 'failed'>): number {
  return Object.values(failed).reduce((sum, count) => sum + count, 0);
}

/** Rows that are equal in it stay as they are. */
export function sortedReplayRows(rows: readonly ReplayRow[], key: ReplaySortKey): ReplayRow[] {
  if (key === 'name') {
    const nameOf = ({ db, text }: ReplayRow): string => `${db ?? ''}\u0000${text}`;
    return rows.toSorted((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
  }
  const value = VALUES[key];
  return rows.toSorted((one, other) => value(other) - value(one));
}

/**
 * The rows of one digest: it may be in several databases.
 * @param beginning of its id, in any case.
 * @throws AppError `not_found`; `invalid` where several begin so.
 */
export function rowsOfDigest(rows: readonly ReplayRow[], beginning: string): readonly ReplayRow[] {
  const wanted = beginning.toLowerCase();
  const found = rows.filter(({ digest }) => digest.startsWith(wanted));
  const [first] = found;
  if (first === undefined || !/^[0-9a-f]{1,16}$/.test(wanted)) {
    throw new AppError('not_found', `No digest of this replay begins with "${beginning}"`);
  }
  const other = found.find(({ digest }) => digest !== first.digest);
  if (other !== undefined) throw severalDigests(wanted, first.digest, other.digest);
  return found;
}
