import type { SubjectTimes } from './report-rules.ts';
import type { ReportRequest, ReportTimes, TimesAbsence } from './report.ts';
import { joinTimes, timesOf, type TimesInterval, type WindowTimes } from './statement-times.ts';
import type { DigestTally, Tally } from './tally.ts';
import type { TimesTable } from './times-table.ts';

/** What a server counted while a capture was recorded, or in the part of it that is asked for. */
export function measuredIn(
  times: Pick<TimesTable, 'intervalsOf'>,
  captureId: number,
  { since, until }: Pick<ReportRequest, 'since' | 'until'>,
): WindowTimes {
  return timesOf(times, captureId, since, until);
}

/** Of servers that have no times, however long one waits. */
const NEVER: readonly (TimesAbsence | null)[] = ['off', 'not_permitted', 'not_supported'];

/** Whether nothing more can come of a capture that ended then, by the server's clock. */
export function isReadTo(end: number, intervals: readonly TimesInterval[]): boolean {
  return intervals.some(({ to, why }) => (to === null ? NEVER.includes(why) : to >= end));
}

/**
 * The times of a report's rows, of one digest or of several. What the server counts as one is added once, and
 * where it is also of digests of other rows the times say so.
 * @param keyOf see `joinTimes`.
 * @param measuresExecutes whether the server measures executes of prepared statements: what is nothing else
 *   has no times where it does not, whatever else the server counts as one with it.
 */
export function timesOfReport(
  { digests, statements }: Tally,
  { digests: measured, absence, read }: WindowTimes,
  keyOf: (text: string) => string,
  measuresExecutes: boolean,
): SubjectTimes {
  // Making the keys of 20,000 long digests takes half a second, for nothing where there is nothing to join.
  if (measured.length === 0)
    return { times: null, timesMs: null, timesAbsence: absence, read, of: () => null };
  const timed = measuresExecutes
    ? digests
    : digests.filter(({ count, prepared }) => prepared < count);
  const joined = joinTimes(timed, statements, measured, keyOf);
  const of = (members: readonly DigestTally[]): ReportTimes | null => {
    const [only] = members;
    if (members.length === 1 && only !== undefined) return joined.timesOf(only);
    const owned = new Map<ReportTimes, number>();
    for (const member of members) {
      const times = joined.timesOf(member);
      if (times !== null) owned.set(times, (owned.get(times) ?? 0) + 1);
    }
    return owned.size === 0 ? null : summed(owned);
  };
  return { times: joined.coverage, timesMs: joined.totalMs, timesAbsence: absence, read, of };
}

/** @param owned how many of the digests of each are in the row. */
function summed(owned: ReadonlyMap<ReportTimes, number>): ReportTimes {
  const sum = { count: 0, totalMs: 0, rowsSent: 0, rowsExamined: 0, errors: 0, sharedBy: 1 };
  for (const [times, own] of owned) {
    sum.count += times.count;
    sum.totalMs += times.totalMs;
    sum.rowsSent += times.rowsSent;
    sum.rowsExamined += times.rowsExamined;
    sum.errors += times.errors;
    if (own < times.sharedBy) sum.sharedBy = Math.max(sum.sharedBy, times.sharedBy);
  }
  return { ...sum, averageMs: sum.count === 0 ? 0 : sum.totalMs / sum.count };
}
