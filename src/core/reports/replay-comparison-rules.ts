import { AppError } from '../errors.ts';
import type { ReplayReport } from '../replays/replay-report.ts';
import { SKIP_REASONS, type ReplayRow, type SkipReason } from '../replays/replay.ts';
import { judgeLatencies, type LatencyJudgement, type LatencyPair } from './latency-judgement.ts';
import { compareChecksums } from './replay-checksums.ts';
import { hadSameLoad, replayCautions } from './replay-cautions.ts';
import { errorsOf, tried } from './replay-errors.ts';
import { incomparableTexts } from './replay-wholeness.ts';
import {
  REPLAY_CHANGES,
  type ComparedLatency,
  type ComparedRows,
  type OneSidedDigest,
  type ReplayChange,
  type ReplayComparison,
  type ReplayComparisonRequest,
  type ReplayedDigest,
  type ReplayHead,
} from './replay-comparison.ts';
import { MOST_NAMES, type CommonChange, type SharedChange } from './report-comparison.ts';

/**
 * What is different in replay B from replay A.
 * @param program that compares.
 * @throws AppError `invalid` for replays of different records.
 */
export function compareReplays(
  a: ReplayReport,
  b: ReplayReport,
  { threshold, chanceErrors }: ReplayComparisonRequest,
  program: ReplayComparison['program'],
): ReplayComparison {
  refuseOtherRecord(a, b);
  const digests = digestsOf(toldApart(a), toldApart(b));
  const answered = digests.flatMap((digest) => {
    const pair = answeredByBoth(digest);
    return pair === null ? [] : [{ digest, pair }];
  });
  const { rows, common } = judgeLatencies(
    answered.map(({ pair }) => pair),
    threshold,
  );
  const found = { slower: [], faster: [], unchanged: [] } as Record<
    LatencyJudgement['verdict'],
    ComparedLatency[]
  >;
  const unjudged = { rows: 0, statements: 0 };
  const judged = new Map<LatencyJudgement, ReplayedDigest>();
  for (const [index, { digest, pair }] of answered.entries()) {
    const judgement = rows[index] ?? null;
    if (judgement === null) {
      unjudged.rows += 1;
      unjudged.statements += pair.b.count;
      continue;
    }
    judged.set(judgement, digest);
    found[judgement.verdict].push(comparedLatency(digest, pair, judgement));
  }
  const errors = errorsOf(digests, a, b, chanceErrors);
  return {
    format: 'captures-replay-diff',
    formatVersion: 1,
    program,
    a: headOf(a),
    b: headOf(b),
    threshold,
    incomparable: incomparableTexts(a, b),
    sameLoad: hadSameLoad(a, b),
    change: timeOf(answered, rows),
    common: common === null ? null : commonOf(common, judged),
    slower: found.slower.toSorted(byTime),
    faster: found.faster.toSorted(byTime),
    newErrors: errors.both.filter(({ failedInA, failedInB }) => failedInB > failedInA),
    goneErrors: errors.both.filter(({ failedInA, failedInB }) => failedInB < failedInA),
    errorsOnlyInA: errors.onlyInA,
    errorsOnlyInB: errors.onlyInB,
    otherRows: otherRowsOf(digests, a, b, threshold),
    onlyInA: oneSided(digests, 'a'),
    onlyInB: oneSided(digests, 'b'),
    checksums: compareChecksums(a, b),
    unjudged,
    unchanged: found.unchanged.length,
    unchangedRows: found.unchanged.toSorted(byTime),
    cautions: replayCautions(a, b),
  };
}

/** Whether two replays are of one record: ids are those of one store, and names can be given anew. */
function refuseOtherRecord(a: ReplayReport, b: ReplayReport): void {
  const [one, other] = [a.replay.source, b.replay.source];
  const nameOf = ({ environmentName, captureName }: typeof one): string =>
    `${environmentName}/${captureName}`;
  const isNamedSo = one.captureId === other.captureId || nameOf(one) === nameOf(other);
  if (isNamedSo && a.result.records === b.result.records) return;
  const what =
    nameOf(one) === nameOf(other)
      ? `A replayed a record of ${a.result.records} records, and B one of ${b.result.records}, both named ${nameOf(one)}`
      : `A replayed ${nameOf(one)}, and B ${nameOf(other)}`;
  throw new AppError('invalid', what, {
    hint: 'Only replays of the same record can be compared: the same statements have to be on both sides.',
  });
}

/** Digests beyond the most that are told apart are one row, of which nothing can be said. */
function toldApart({ result: { rows } }: ReplayReport): ReplayRow[] {
  return rows.filter(({ digest }) => digest !== '');
}

function digestsOf(a: readonly ReplayRow[], b: readonly ReplayRow[]): ReplayedDigest[] {
  const keyOf = ({ digest, db }: ReplayRow): string => JSON.stringify([digest, db]);
  const rest = new Map(b.map((row) => [keyOf(row), row]));
  const about = ({ digest, text, db, class: kind }: ReplayRow) => ({
    digest,
    text,
    db,
    class: kind,
  });
  const both = a.map((row): ReplayedDigest => {
    const key = keyOf(row);
    const other = rest.get(key) ?? null;
    rest.delete(key);
    return { ...about(row), a: row, b: other };
  });
  return [...both, ...[...rest.values()].map((row) => ({ ...about(row), a: null, b: row }))];
}

function answeredByBoth({ a, b }: ReplayedDigest): LatencyPair | null {
  return a === null || b === null || a.count === 0 || b.count === 0 ? null : { a, b };
}

function comparedLatency(
  digest: ReplayedDigest,
  { a, b }: LatencyPair,
  { ratio, beside, interval, together }: LatencyJudgement,
): ComparedLatency {
  return {
    ...digest,
    change: a.averageMs > 0 ? b.averageMs / a.averageMs : ratio,
    judged: ratio / beside,
    interval,
    together,
  };
}

/** Of digests that both answered as often: B ÷ A of all their time. */
function timeOf(
  answered: readonly { readonly pair: LatencyPair }[],
  judgements: readonly (LatencyJudgement | null)[],
): number | null {
  let [timeA, timeB] = [0, 0];
  for (const [index, { pair }] of answered.entries()) {
    if (judgements[index] === null) continue;
    timeA += pair.a.averageMs * pair.b.count;
    timeB += pair.b.totalMs;
  }
  return timeA === 0 ? null : timeB / timeA;
}

function commonOf(
  common: SharedChange,
  judged: ReadonlyMap<LatencyJudgement, ReplayedDigest>,
): CommonChange {
  const others = [...judged].filter(([{ together }]) => together);
  const names = others
    .map(([, { digest, a, b }]) => ({ digest, count: (a?.count ?? 0) + (b?.count ?? 0) }))
    .toSorted((one, other) => other.count - one.count)
    .slice(0, MOST_NAMES);
  // One that is listed by itself is none of these as well.
  return { ...common, together: others.length, names: names.map(({ digest }) => digest) };
}

/** Milliseconds that all answers of B take more, or less, than they would with the average of A. */
function timeMoved({ a, b }: ComparedLatency): number {
  return Math.abs((b?.averageMs ?? 0) - (a?.averageMs ?? 0)) * (b?.count ?? 0);
}

function byTime(one: ComparedLatency, other: ComparedLatency): number {
  return timeMoved(other) - timeMoved(one);
}

/** Digests that were done as often by both, and came to other rows; those that are no chance first. */
function otherRowsOf(
  digests: readonly ReplayedDigest[],
  a: ReplayReport,
  b: ReplayReport,
  threshold: number,
): ComparedRows[] {
  // Who reads beside who writes sees what was written until then.
  const isMixed = [a, b].some(({ replay: { options } }) => options.writes && !options.serial);
  const found = digests.flatMap((digest): ComparedRows[] => {
    const [before, after] = [digest.a, digest.b];
    if (before === null || after === null) return [];
    if (before.sent === 0 || before.sent !== after.sent) return [];
    const returned = { a: before.rowsReturned, b: after.rowsReturned };
    const changed = { a: before.rowsChanged, b: after.rowsChanged };
    const differing = [returned, changed].filter((counts) => counts.a !== counts.b);
    if (differing.length === 0) return [];
    const isSmall = differing.every(
      (counts) => Math.max(counts.a, counts.b) < (1 + threshold) * Math.min(counts.a, counts.b),
    );
    return [{ ...digest, returned, changed, mayBeChance: isMixed && isSmall }];
  });
  const size = ({ returned, changed }: ComparedRows): number =>
    Math.abs(returned.b - returned.a) + Math.abs(changed.b - changed.a);
  return found.toSorted(
    (one, other) => Number(one.mayBeChance) - Number(other.mayBeChance) || size(other) - size(one),
  );
}

function oneSided(digests: readonly ReplayedDigest[], side: 'a' | 'b'): OneSidedDigest[] {
  const other = side === 'a' ? 'b' : 'a';
  return digests
    .flatMap((digest): OneSidedDigest[] => {
      const [here, there] = [digest[side], digest[other]];
      if (here === null || tried(here) === 0) return [];
      if (there !== null && tried(there) > 0) return [];
      return [{ ...digest, statements: tried(here), why: there === null ? null : reasonOf(there) }];
    })
    .toSorted((one, two) => two.statements - one.statements);
}

function reasonOf({ skipped }: ReplayRow): SkipReason | null {
  let [commonest, most]: [SkipReason | null, number] = [null, 0];
  for (const reason of SKIP_REASONS) {
    const count = skipped[reason] ?? 0;
    if (count > most) [commonest, most] = [reason, count];
  }
  return commonest;
}

function headOf({ result, ...rest }: ReplayReport): ReplayHead {
  const fields = Object.entries(result).filter(([name]) => name !== 'rows' && name !== 'checksums');
  return { ...rest, result: Object.fromEntries(fields) as unknown as ReplayHead['result'] };
}

/** How many there are of each of these kinds, kinds without any left out. What may be chance does not count. */
export function replayFailures(
  comparison: ReplayComparison,
  kinds: readonly ReplayChange[],
): readonly { readonly kind: ReplayChange; readonly count: number }[] {
  const { common, newErrors, errorsOnlyInB, otherRows, checksums } = comparison;
  const sure = (rows: readonly { readonly mayBeChance: boolean }[]): number =>
    rows.filter(({ mayBeChance }) => !mayBeChance).length;
  const all = (isUp: boolean): number =>
    common !== null && common.isChange && common.factor > 1 === isUp ? common.together : 0;
  const counts: Readonly<Record<ReplayChange, number>> = {
    slower: comparison.slower.length + all(true),
    faster: comparison.faster.length + all(false),
    errors: sure(newErrors) + sure(errorsOnlyInB),
    rows: sure(otherRows),
    checksums: checksums.incomparable === null ? checksums.other.length : 1,
  };
  return REPLAY_CHANGES.filter((kind) => kinds.includes(kind) && counts[kind] > 0).map((kind) => ({
    kind,
    count: counts[kind],
  }));
}
