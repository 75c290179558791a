import { AppError } from '../errors.ts';
import { cautionsOf } from './comparison-cautions.ts';
import {
  CHANGES,
  type Change,
  MOST_NAMES,
  type CommonChange,
  type ComparedRow,
  type Comparison,
  type ComparisonRequest,
  type ReportHead,
  type SharedChange,
} from './report-comparison.ts';
import { judgeCounts } from './count-judgement.ts';
import { judgeRates, type RateJudgement } from './rate-judgement.ts';
import { blocksOf } from './rate-statistics.ts';
import type { RatedWindow, RowPair } from './rate-tests.ts';
import type { Report, ReportRow } from './report.ts';
import { judgeTimes } from './time-judgement.ts';

export const USUAL_THRESHOLD = 0.2;

/**
 * What is different in B from A: rates in time, or counts for each test, never totals.
 * @param program that compares.
 * @throws AppError `invalid` for reports that are not by the same, or by something that no two captures share.
 */
export function compareReports(
  a: Report,
  b: Report,
  { threshold, per }: ComparisonRequest,
  program: Comparison['program'],
): Comparison {
  if (a.by !== b.by) {
    throw new AppError('invalid', `A is a report by ${a.by}, and B by ${b.by}`, {
      hint: 'Make both by the same.',
    });
  }
  if (a.by === 'session') {
    throw new AppError('invalid', 'Sessions of two captures cannot be compared', {
      hint: 'Each session is in one capture alone. Compare by user or host instead.',
    });
  }
  const pairs = pairsOf(a, b);
  const windows = { a: windowOf(a), b: windowOf(b) };
  const { rows, common } =
    per === null
      ? judgeRates(pairs, windows, threshold)
      : { rows: judgeCounts(pairs, per, threshold), common: NOTHING_IN_COMMON };
  const times = judgeTimes(pairs, threshold);
  const lengths = per ?? { a: windows.a.length, b: windows.b.length };
  const found: Record<Change, ComparedRow[]> = {
    new: [],
    gone: [],
    more: [],
    fewer: [],
    slower: [],
    faster: [],
  };
  const unjudged = { rows: 0, statements: 0 };
  const unchanged: ComparedRow[] = [];
  for (const [index, pair] of pairs.entries()) {
    const judgement = rows[index];
    if (judgement === undefined) continue;
    const kind = isCounted(pair, { a, b }) ? kindOf(pair, judgement, { a, b }) : 'unjudged';
    if (kind === 'unjudged') {
      unjudged.rows += 1;
      unjudged.statements += (pair.a?.count ?? 0) + (pair.b?.count ?? 0);
    } else {
      const row = comparedRow(pair, rateChange(pair, lengths), judgement);
      if (kind === 'unchanged') unchanged.push({ ...row, together: isInLine(row, common) });
      else found[kind].push(row);
    }
    const time = times.rows[index] ?? null;
    if (time !== null && time.verdict !== 'unchanged') {
      found[time.verdict].push(comparedRow(pair, time.change, { ...time, mayBeChance: false }));
    }
  }
  const change = ratioOf(b.statements, lengths.b, a.statements, lengths.a);
  return {
    format: 'captures-diff',
    formatVersion: 1,
    program,
    a: headOf(a),
    b: headOf(b),
    by: a.by,
    threshold,
    per,
    change,
    common: commonOf(common, pairs, rows),
    commonTime: times.common === null ? null : commonOf(times.common, pairs, times.rows),
    new: sorted(found.new, lengths),
    gone: sorted(found.gone, lengths),
    more: sorted(found.more, lengths),
    fewer: sorted(found.fewer, lengths),
    slower: found.slower.toSorted(byTime),
    faster: found.faster.toSorted(byTime),
    unjudged,
    unchanged: unchanged.length,
    unchangedRows: sorted(unchanged, lengths),
    cautions: cautionsOf(a, b, { per, windows }),
  };
}

const NOTHING_IN_COMMON: SharedChange = { factor: 1, rows: 0, together: 0, isChange: false };

function commonOf(
  change: SharedChange,
  pairs: readonly RowPair[],
  judgements: readonly ({ readonly together: boolean } | null)[],
): CommonChange {
  const names = pairs
    .filter((_, index) => judgements[index]?.together === true)
    .map(({ a, b }) => ({ name: (b ?? a)?.name ?? null, count: (a?.count ?? 0) + (b?.count ?? 0) }))
    .toSorted((one, other) => other.count - one.count)
    .slice(0, MOST_NAMES);
  return { ...change, names: names.map(({ name }) => name) };
}

/** Rows of one digest in two databases are two rows. */
function pairsOf(a: Report, b: Report): RowPair[] {
  const keyOf = ({ name, db }: ReportRow): string => JSON.stringify([name, db]);
  const rest = new Map(b.rows.map((row) => [keyOf(row), row]));
  const pairs: RowPair[] = a.rows.map((row) => {
    const key = keyOf(row);
    const other = rest.get(key) ?? null;
    rest.delete(key);
    return { a: row, b: other };
  });
  return [...pairs, ...[...rest.values()].map((row) => ({ a: null, b: row }))];
}

function windowOf({ window, axis }: Report): RatedWindow {
  const { from, to, seconds } = window;
  return {
    length: seconds,
    blocks:
      from === null || to === null || seconds <= 0
        ? null
        : blocksOf(axis, Date.parse(from), Date.parse(to)),
  };
}

type Kind = 'new' | 'gone' | 'more' | 'fewer' | 'unchanged' | 'unjudged';

function kindOf(
  pair: RowPair,
  { verdict }: RateJudgement,
  reports: { readonly a: Report; readonly b: Report },
): Kind {
  if (pair.a === null) return listsAll(reports.a) ? 'new' : 'unjudged';
  if (pair.b === null) return listsAll(reports.b) ? 'gone' : 'unjudged';
  return verdict;
}

/** What a row may have besides, as a part of it, so that a change of a fifth is none of that. */
const BESIDES = 0.05;

/** Whether the statements of a pair are known: by table, those of digests that are not told apart are not. */
function isCounted(
  { a, b }: RowPair,
  reports: { readonly a: Report; readonly b: Report },
): boolean {
  const isKnown = (row: ReportRow | null, { by, unlisted }: Report): boolean =>
    by !== 'table' || row === null || (unlisted?.count ?? 0) <= BESIDES * row.count;
  return isKnown(a, reports.a) && isKnown(b, reports.b);
}

/** Whether what is not in its rows was not recorded. */
function listsAll({ otherRows, unlisted }: Report): boolean {
  return otherRows.rows === 0 && unlisted === null;
}

function comparedRow(
  { a, b }: RowPair,
  change: number | null,
  { interval, mayBeChance, together, beside }: Omit<RateJudgement, 'verdict'>,
): ComparedRow {
  const row = b ?? a;
  return {
    name: row?.name ?? null,
    digest: row?.digest ?? null,
    text: row?.text ?? null,
    db: row?.db ?? null,
    class: row?.class ?? null,
    users: row?.users ?? [],
    tables: row?.tables ?? [],
    example: row?.example ?? null,
    a,
    b,
    change,
    judged: change === null ? null : change / beside,
    interval,
    mayBeChance,
    together,
  };
}

/** Whether what was judged of a row is not its change as measured. */
export function isJudgedBesideOthers({ change, judged }: ComparedRow): boolean {
  return change !== null && judged !== null && Math.abs(judged / change - 1) >= 0.01;
}

/** Too rare to go up and down with others that one could see, but nearer to what they did than to no change. */
function isInLine({ change, together }: ComparedRow, common: SharedChange): boolean {
  if (together || common.together === 0 || change === null) return together;
  return Math.abs(Math.log(change / common.factor)) < Math.abs(Math.log(change));
}

interface Lengths {
  readonly a: number;
  readonly b: number;
}

function rateChange({ a, b }: RowPair, lengths: Lengths): number | null {
  return a === null || b === null ? null : ratioOf(b.count, lengths.b, a.count, lengths.a);
}

function ratioOf(b: number, lengthB: number, a: number, lengthA: number): number | null {
  return a === 0 || lengthA === 0 || lengthB === 0 ? null : b / lengthB / (a / lengthA);
}

/** What makes the most of a difference to the server comes first; what may be chance comes last. */
function sorted(rows: readonly ComparedRow[], lengths: Lengths): ComparedRow[] {
  const size = ({ a, b }: ComparedRow): number =>
    Math.abs((b?.count ?? 0) / (lengths.b || 1) - (a?.count ?? 0) / (lengths.a || 1));
  return rows.toSorted(
    (one, other) => Number(one.mayBeChance) - Number(other.mayBeChance) || size(other) - size(one),
  );
}

function byTime(one: ComparedRow, other: ComparedRow): number {
  return timeMoved(other) - timeMoved(one);
}

/** Milliseconds that all executions of B take more, or less, than they would with the average of A. */
function timeMoved({ a, b }: ComparedRow): number {
  return Math.abs((b?.times?.averageMs ?? 0) - (a?.times?.averageMs ?? 0)) * (b?.times?.count ?? 0);
}

const OF_ROWS: readonly string[] = ['rows', 'otherRows', 'unlisted'];

function headOf(report: Report): ReportHead {
  const fields = Object.entries(report).filter(([name]) => !OF_ROWS.includes(name));
  return Object.fromEntries(fields) as unknown as ReportHead;
}

/** The rows of these kinds, kinds without any left out. */
export function failuresOf(
  comparison: Comparison,
  kinds: readonly Change[],
): readonly { readonly kind: Change; readonly rows: readonly ComparedRow[] }[] {
  return CHANGES.filter((kind) => kinds.includes(kind) && comparison[kind].length > 0).map(
    (kind) => ({ kind, rows: comparison[kind] }),
  );
}
