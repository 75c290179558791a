import { hasFilter, type RecordingOptions } from '../captures/recording-options.ts';
import { AppError } from '../errors.ts';
import { counted } from '../units.ts';
import { shareWithValues } from '../verification/value-counts.ts';
import { byName, countsBy, namedCounts, restBy, tableCounts } from './report-counts.ts';
import { groupsBy, type Group, type TimesOf } from './report-groups.ts';
import {
  REPORT_VERSION,
  type Coverage,
  type Dimension,
  type Report,
  type ReportInRows,
  type ReportRequest,
  type ReportRow,
  type ReportTimes,
  type SortKey,
} from './report.ts';
import { EDGE_MS, type WindowTimes } from './statement-times.ts';
import type { CountedWorkload, Rest, Tally } from './tally.ts';

/** What is known of a capture besides its statements. */
export interface ReportSubject extends Pick<
  Report,
  'program' | 'capture' | 'window' | 'verdict' | 'gaps'
> {
  readonly options: RecordingOptions;
  /** Rows of the server's log that were left out. */
  readonly leftOut: number;
  readonly times: SubjectTimes;
  /** Whether the server measures executes of prepared statements. */
  readonly measuresExecutes: boolean;
}

/** What a server measured of the statements of a report. */
export interface SubjectTimes
  extends Pick<Coverage, 'times' | 'timesMs' | 'timesAbsence'>, Pick<WindowTimes, 'read'> {
  readonly of: TimesOf;
}

/** The statements/s of each group since an earlier look, by `Group.key`; null for a report as a whole. */
export type RatesNow = ((group: Pick<Group, 'key' | 'count'>) => number) | null;

export interface MadeReport {
  readonly report: ReportInRows;
  /** What its rows are made of, in the same order. */
  readonly listed: readonly Group[];
  /** The same of all rows, in no order. */
  readonly all: readonly Group[];
}

/**
 * Puts the statements of a workload together.
 * @param ratesNow orders rows where `rate` is asked for.
 * @throws AppError `not_found` for a digest that nothing has; `invalid` for what cannot be one.
 */
export function makeReport(
  subject: ReportSubject,
  { tally, records }: CountedWorkload,
  request: ReportRequest,
  ratesNow: RatesNow = null,
): MadeReport {
  const { by } = request;
  const sort = request.sort ?? usualOrder(by, subject.times);
  const all = groupsBy(tally, by, subject.times.of);
  const chosen = ofDigest(all, request, tally, subject.capture);
  chosen.sort(orderOf(sort, ratesNow, averageOf(all)));
  const listed = request.limit === null ? chosen : chosen.slice(0, request.limit);
  const hidden = chosen.slice(listed.length);
  const { seconds } = subject.window;
  const perSecond = (count: number): number => (seconds > 0 ? count / seconds : 0);
  const { statements } = tally;
  const rowOf = (group: Group): ReportRow => ({
    ...group.row(),
    share: statements === 0 ? 0 : group.count / statements,
    perSecond: perSecond(group.count),
  });
  const report: ReportInRows = {
    format: 'captures-report',
    formatVersion: REPORT_VERSION,
    program: subject.program,
    capture: subject.capture,
    window: subject.window,
    verdict: subject.verdict,
    gaps: subject.gaps,
    statements,
    perSecond: perSecond(statements),
    digests: tally.digests.length,
    coverage: coverageOf(subject, tally, records),
    sessions: { seen: tally.sessions.length, opened: tally.opened, closed: tally.closed },
    byClass: namedCounts(countsBy(tally, 'class')),
    byFlag: tally.byFlag,
    users: namedCounts(countsBy(tally, 'user')),
    hosts: namedCounts(countsBy(tally, 'host')),
    dbs: namedCounts(countsBy(tally, 'db')),
    tables: tableCounts(tally.digests),
    axis: tally.axis,
    slices: Array.from(tally.slices),
    by,
    sort,
    rows: {
      *[Symbol.iterator]() {
        for (const group of listed) yield rowOf(group);
      },
    },
    otherRows: {
      rows: hidden.length,
      statements: hidden.reduce((sum, { count }) => sum + count, 0),
    },
    unlisted: unlistedRow(restBy(tally, by), statements, perSecond),
  };
  return { report, listed, all };
}

/** A report with all of its rows. */
export function wholeReport(report: ReportInRows): Report {
  return { ...report, rows: Array.from(report.rows) };
}

function unlistedRow(
  rest: Rest | null,
  statements: number,
  perSecond: (count: number) => number,
): Report['unlisted'] {
  if (rest === null) return null;
  return {
    count: rest.statements,
    share: statements === 0 ? 0 : rest.statements / statements,
    perSecond: perSecond(rest.statements),
    slices: Array.from(rest.slices),
  };
}

function coverageOf(
  { options, leftOut, times, window, measuresExecutes }: ReportSubject,
  tally: Tally,
  records: CountedWorkload['records'],
): Coverage {
  const { withValues, withoutValues } = tally.executes;
  const unmeasured = measuresExecutes ? 0 : withValues + withoutValues;
  const { includeUsers, excludeUsers, includeDatabases, excludeDatabases, includeHosts, only } =
    options;
  return {
    records: { ...records },
    values: shareWithValues({ executes: withValues + withoutValues, withoutValues }),
    times: times.times,
    timesMs: times.timesMs,
    timesAbsence: isCountedLess(times, tally.statements - unmeasured, tally.statements, window)
      ? [{ why: 'not_counted', from: null, to: null }]
      : times.timesAbsence,
    unmeasured,
    isFiltered: hasFilter(options),
    filters: {
      includeUsers,
      excludeUsers,
      includeDatabases,
      excludeDatabases,
      includeHosts,
      only,
    },
    sample: options.sample,
    isRedacted: options.redact !== null,
    leftOut,
    unlisted: {
      digests: tally.otherDigests.statements,
      databases: tally.otherDigests.databases.other.statements,
      users: tally.otherAccounts.users.other.statements,
      hosts: tally.otherAccounts.hosts.other.statements,
      sessions: tally.otherSessions.statements,
    },
  };
}

/** Statements at the edges of a window can be behind a reading, or before it. */
const COUNTED = 0.9;

/** Whether a server that was read for all of a window had no count of many of the statements in it. */
function isCountedLess(
  { times, timesAbsence, read }: SubjectTimes,
  measured: number,
  statements: number,
  { from, to }: Report['window'],
): boolean {
  // What is missing has a reason already, or is not read yet.
  if (timesAbsence.length > 0 || read === null || from === null || to === null) return false;
  const isThroughout =
    read.from <= Date.parse(from) + EDGE_MS && read.to >= Date.parse(to) - EDGE_MS;
  return isThroughout && (times ?? 0) * statements < COUNTED * measured;
}

/** Executions with a time, of all statements: from here on times say more than counts. */
const MOST_HAVE_TIMES = 0.5;

function usualOrder(by: Dimension, { times }: SubjectTimes): SortKey {
  const isKnown = times !== null && times >= MOST_HAVE_TIMES;
  return isKnown && by !== 'user' && by !== 'host' && by !== 'session' ? 'time' : 'count';
}

const DIGEST = /^[0-9a-f]{1,16}$/i;

/** Those of the digest that was asked for; all where none was. */
function ofDigest(
  groups: readonly Group[],
  { by, digest: typed }: ReportRequest,
  { digests, otherDigests }: Tally,
  { name, environment: environmentName }: Report['capture'],
): Group[] {
  if (typed === null) return [...groups];
  if (!DIGEST.test(typed)) {
    throw new AppError('invalid', `"${typed}" is not a digest: give up to 16 hex digits of one`);
  }
  if (by !== 'digest') {
    throw new AppError('invalid', `A digest can be shown only by digest, not by ${by}`);
  }
  const found = groups.filter(({ name }) => name?.startsWith(typed.toLowerCase()) === true);
  if (found.length > 0) return found;
  const capture = { environmentName, name };
  if (otherDigests.statements > 0) {
    const first = counted(digests.length, 'digest');
    throw new AppError(
      'not_found',
      `Only the first ${first} of the capture "${name}" are told apart, and none of them is ${typed}`,
      { hint: { code: 'search_digest', capture, digest: typed } },
    );
  }
  throw new AppError('not_found', `The capture "${name}" has no digest ${typed}`, {
    hint: { code: 'list_digests', capture },
  });
}

type Order = (one: Group, other: Group) => number;

function orderOf(sort: SortKey, ratesNow: RatesNow, averageMs: number): Order {
  const bySort = orderBy(sort, ratesNow, averageMs);
  return (one, other) =>
    bySort(one, other) || other.count - one.count || byName(one.name, other.name);
}

/** Milliseconds; 0 where there are no times. */
function averageOf(groups: readonly Group[]): number {
  let totalMs = 0;
  let count = 0;
  for (const { times } of groups) {
    totalMs += times?.totalMs ?? 0;
    count += times?.count ?? 0;
  }
  return count === 0 ? 0 : totalMs / count;
}

function orderBy(sort: SortKey, ratesNow: RatesNow, averageMs: number): Order {
  switch (sort) {
    case 'count':
      return () => 0;
    case 'rate':
      return ratesNow === null ? () => 0 : descending(ratesNow);
    case 'first':
      return (one, other) => byName(one.first, other.first);
    case 'last':
      return (one, other) => byName(other.last, one.last);
    case 'name':
      return (one, other) => byName(named(one), named(other));
    case 'time':
      // No time is not none: such a row stands where it would with the average time of the others.
      return descending(({ times, count }) => times?.totalMs ?? count * averageMs);
    case 'average':
      return descending(measured(({ averageMs }) => averageMs));
    case 'examined':
      return descending(measured(({ rowsExamined }) => rowsExamined));
    case 'sent':
      return descending(measured(({ rowsSent }) => rowsSent));
    case 'errors':
      return descending(measured(({ errors }) => errors));
  }
}

function named({ name, key }: Group): string | null {
  return name === null ? null : key;
}

/** Rows without times come last. */
function measured(of: (times: ReportTimes) => number): (group: Group) => number {
  return ({ times }) => (times === null ? -1 : of(times));
}

function descending(valueOf: (group: Group) => number): Order {
  return (one, other) => valueOf(other) - valueOf(one);
}
