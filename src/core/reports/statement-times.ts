import type { DigestTally } from './tally.ts';
import type { Coverage, ReportTimes, TimesAbsence } from './report.ts';
import type { TimesTable } from './times-table.ts';

/** What a server counted of executions: sums, in whole microseconds. */
export interface TimeSums {
  readonly count: number;
  readonly micros: number;
  readonly rowsSent: number;
  readonly rowsExamined: number;
  readonly errors: number;
}

/** The executions that a server counts as one, because they differ in values alone. */
export interface DigestTimes extends TimeSums {
  /** The default database; null for none. */
  readonly db: string | null;
  /** As the server writes it. */
  readonly text: string;
}

/** What was executed between two readings of a server's counts. */
export interface TimesInterval {
  /** Milliseconds since the epoch, by the server's clock. */
  readonly from: number;
  /** null: nothing was read since. */
  readonly to: number | null;
  /** Why executions of this interval are missing; null where none are known to be. */
  readonly why: TimesAbsence | null;
  /** What is certain, also where something is missing. */
  readonly digests: readonly DigestTimes[];
}

/** What a server counted in a window. */
export interface WindowTimes {
  /** One for each database and text. */
  readonly digests: readonly DigestTimes[];
  readonly absence: Coverage['timesAbsence'];
  /**
   * From and to when it was read, in milliseconds since the epoch; null where an edge of the window is in the
   * middle of an interval.
   */
  readonly read: { readonly from: number; readonly to: number } | null;
}

/** A reading at the edge of a window comes some moments behind it. */
export const EDGE_MS = 1_000;

/**
 * The times of a capture, or of a part of it: of the intervals that lie in it as a whole, because what was
 * executed in a part of one is not known.
 * @param since,until milliseconds since the epoch; null for the capture's own.
 */
export function timesOf(
  times: Pick<TimesTable, 'intervalsOf'>,
  captureId: number,
  since: number | null,
  until: number | null,
): WindowTimes {
  const from = since ?? -Infinity;
  const to = until ?? Infinity;
  const all = times.intervalsOf(captureId);
  const touching = all.filter((one) => one.from < to && (one.to ?? Infinity) > from);
  const isWithin = (one: TimesInterval): boolean =>
    one.from >= from - EDGE_MS && (one.to ?? Infinity) <= to + EDGE_MS;
  const within = touching.filter(isWithin);
  const known = touching.map((one) =>
    isWithin(one) || one.why !== null ? one : betweenReadings(one, from, to),
  );
  return {
    digests: summed(within),
    absence: absenceIn(known, all.length > 0),
    read: within.length === touching.length ? readIn(within) : null,
  };
}

/** The part of an interval that lies in a window: what was executed in a part is not known. */
function betweenReadings(one: TimesInterval, from: number, to: number): KnownInterval {
  const end = Math.min(one.to ?? Infinity, to);
  return {
    from: Math.max(one.from, from),
    to: end === Infinity ? null : end,
    why: 'between_readings',
    digests: [],
  };
}

function readIn(intervals: readonly TimesInterval[]): WindowTimes['read'] {
  const [first, last] = [intervals[0], intervals.at(-1)];
  return first === undefined || last?.to == null ? null : { from: first.from, to: last.to };
}

function summed(intervals: readonly TimesInterval[]): DigestTimes[] {
  const sums = new Map<string, DigestTimes>();
  for (const { digests } of intervals) {
    for (const one of digests) {
      const key = keyed(one.db, one.text);
      const before = sums.get(key);
      sums.set(key, before === undefined ? one : { ...one, ...plus(before, one) });
    }
  }
  return [...sums.values()];
}

function plus(a: TimeSums, b: TimeSums): TimeSums {
  return {
    count: a.count + b.count,
    micros: a.micros + b.micros,
    rowsSent: a.rowsSent + b.rowsSent,
    rowsExamined: a.rowsExamined + b.rowsExamined,
    errors: a.errors + b.errors,
  };
}

type Absence = Coverage['timesAbsence'][number]['why'];
type KnownInterval = Omit<TimesInterval, 'why'> & { readonly why: Absence | null };

function absenceIn(
  intervals: readonly KnownInterval[],
  isAnythingStored: boolean,
): Coverage['timesAbsence'] {
  if (!isAnythingStored) return [{ why: 'not_recorded', from: null, to: null }];
  const found: { why: Absence; from: number; to: number | null }[] = [];
  for (const { why, from, to } of intervals) {
    if (why === null) continue;
    const last = found.at(-1);
    if (last?.why === why && last.to === from) last.to = to;
    else found.push({ why, from, to });
  }
  const [first] = found;
  const isAll = found.length === 1 && intervals.every(({ digests }) => digests.length === 0);
  if (first !== undefined && isAll) return [{ why: first.why, from: null, to: null }];
  return found.map(({ why, from, to }) => ({
    why,
    from: isoOf(from),
    to: to === null ? null : isoOf(to),
  }));
}

const isoOf = (at: number): string => new Date(at).toISOString();
const keyed = (db: string | null, text: string): string => `${db ?? ''}\0${text}`;

/** The times of a report's digests. */
export interface JoinedTimes {
  /** null where the server counted nothing that belongs to it; the same object for all that it counts as one. */
  timesOf(digest: Pick<DigestTally, 'db' | 'text'>): ReportTimes | null;
  /** Executions with a time ÷ statements, from 0 to 1; null where there is no time at all. */
  readonly coverage: number | null;
  /** Of all that has a time, each once; null where there is no time at all. */
  readonly totalMs: number | null;
}

/** What is one to the server, or to us. */
interface Group {
  ours: number;
  sharedBy: number;
  sums: TimeSums | null;
  times: ReportTimes | null;
}

/**
 * Gives the digests of a tally the times of a server's. Where several of ours are one to the server, or the
 * other way round, the numbers are of all of them: nothing is divided.
 * @param statements of the tally, those of digests that are not listed among them.
 * @param keyOf the same for a digest text of ours and for the server's text of the same statements.
 */
export function joinTimes(
  digests: readonly Pick<DigestTally, 'db' | 'text' | 'count'>[],
  statements: number,
  times: readonly DigestTimes[],
  keyOf: (text: string) => string,
): JoinedTimes {
  const groups = new Map<string, Group>();
  const groupOf = new Map<string, Group>();
  for (const { db, text, count } of digests) {
    const key = keyed(db, keyOf(text));
    const group = groups.get(key) ?? { ours: 0, sharedBy: 0, sums: null, times: null };
    group.ours += count;
    group.sharedBy += 1;
    groups.set(key, group);
    groupOf.set(keyed(db, text), group);
  }
  for (const one of times) {
    // A server can be told to count executions and not to time them.
    if (one.micros === 0) continue;
    const group = groups.get(keyed(one.db, keyOf(one.text)));
    if (group !== undefined) group.sums = group.sums === null ? one : plus(group.sums, one);
  }
  let timed = 0;
  let micros = 0;
  for (const { ours, sums } of groups.values()) {
    timed += Math.min(ours, sums?.count ?? 0);
    micros += sums?.micros ?? 0;
  }
  return {
    timesOf({ db, text }) {
      const group = groupOf.get(keyed(db, text));
      if (group?.sums == null) return null;
      if (group.times !== null) return group.times;
      const { count, micros, rowsSent, rowsExamined, errors } = group.sums;
      const totalMs = micros / 1_000;
      const averageMs = totalMs / count;
      const { sharedBy } = group;
      group.times = { count, totalMs, averageMs, rowsSent, rowsExamined, errors, sharedBy };
      return group.times;
    },
    totalMs: times.length === 0 ? null : micros / 1_000,
    coverage: times.length === 0 || statements === 0 ? null : Math.min(timed / statements, 1),
  };
}
