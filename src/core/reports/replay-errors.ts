import type { ReplayReport } from '../replays/replay-report.ts';
import type { ReplayRow } from '../replays/replay.ts';
import { binomialTail } from './rate-statistics.ts';
import type { ComparedError, ReplayedDigest } from './replay-comparison.ts';

/** How probable chance makes it, at most, that an error of both replays comes so much more often in one. */
const LEVEL = 0.001;
/** An error that both have is listed when it comes so many times as often. */
const MUCH_MORE = 2;

/** Errors of digests that both replays tried, and of those that one alone did; those that are no chance first, then most first. */
export interface ErrorsOfBoth {
  /** Those that one replay has and the other has not, or has clearly less often. */
  readonly both: readonly ComparedError[];
  readonly onlyInA: readonly ComparedError[];
  readonly onlyInB: readonly ComparedError[];
}

/** What failed in one of two replays, digest by digest. @param chanceErrors that depend on what else goes on. */
export function errorsOf(
  digests: readonly ReplayedDigest[],
  a: ReplayReport,
  b: ReplayReport,
  chanceErrors: ReadonlySet<string>,
): ErrorsOfBoth {
  const messages = new Map(
    [...a.result.errors, ...b.result.errors].map(({ code, message }) => [code, message]),
  );
  const found = { both: [], onlyInA: [], onlyInB: [] } as Record<
    keyof ErrorsOfBoth,
    ComparedError[]
  >;
  for (const digest of digests) {
    const [before, after] = [digest.a, digest.b];
    const [ofA, ofB] = [triedOf(before), triedOf(after)];
    // A row that is missing may be among those that the other does not tell apart.
    if ((before === null && a.result.unlisted > 0) || (after === null && b.result.unlisted > 0))
      continue;
    const codes = new Set([
      ...Object.keys(before?.failed ?? {}),
      ...Object.keys(after?.failed ?? {}),
    ]);
    for (const code of codes) {
      const [failedInA, failedInB] = [before?.failed[code] ?? 0, after?.failed[code] ?? 0];
      const isOneSided = ofA === 0 || ofB === 0;
      if (!isOneSided && !isOtherCount(failedInA, ofA, failedInB, ofB)) continue;
      const mayBeChance =
        chanceErrors.has(code) && (isOneSided || !isSurely(failedInA, ofA, failedInB, ofB));
      const message = messages.get(code) ?? null;
      const error = { ...digest, code, message, failedInA, failedInB, mayBeChance };
      // What one did not try did not fail there: that it did in the other is no change.
      found[ofA === 0 ? 'onlyInB' : ofB === 0 ? 'onlyInA' : 'both'].push(error);
    }
  }
  const size = ({ failedInA, failedInB }: ComparedError): number => Math.abs(failedInB - failedInA);
  const sorted = (errors: readonly ComparedError[]): ComparedError[] =>
    errors.toSorted(
      (one, other) =>
        Number(one.mayBeChance) - Number(other.mayBeChance) || size(other) - size(one),
    );
  return {
    both: sorted(found.both),
    onlyInA: sorted(found.onlyInA),
    onlyInB: sorted(found.onlyInB),
  };
}

/** Statements that a replay sent, whatever came of them. */
export function tried({ sent, failed }: ReplayRow): number {
  return Object.values(failed).reduce((sum, count) => sum + count, sent);
}

function triedOf(row: ReplayRow | null): number {
  return row === null ? 0 : tried(row);
}

function isOtherCount(inA: number, ofA: number, inB: number, ofB: number): boolean {
  if (inA === 0 || inB === 0) return inA !== inB;
  const change = inB / ofB / (inA / ofA);
  return (change >= MUCH_MORE || change <= 1 / MUCH_MORE) && isSurely(inA, ofA, inB, ofB);
}

/** Whether chance would hardly share so many errors out like that. */
function isSurely(inA: number, ofA: number, inB: number, ofB: number): boolean {
  const all = inA + inB;
  const share = ofB / (ofA + ofB);
  return Math.min(binomialTail(inB, all, share), binomialTail(inA, all, 1 - share)) * 2 <= LEVEL;
}
