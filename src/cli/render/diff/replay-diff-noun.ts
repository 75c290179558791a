import type {
  ComparedError,
  ComparedLatency,
  ComparedRows,
  OneSidedDigest,
  ReplayComparison,
  ReplayedDigest,
} from '../../../core/reports/replay-comparison.ts';
import { paths, type Json, type JsonObject, type Noun } from '../column.ts';

/** A comparison is plain data as it is. */
export const replayComparisonNoun: Noun<ReplayComparison> = {
  fields:
    paths(`format formatVersion program a b threshold incomparable sameLoad change common slower faster
    newErrors goneErrors errorsOnlyInA errorsOnlyInB otherRows onlyInA onlyInB checksums unjudged unchanged unchangedRows cautions`),
  toJson: (comparison) => comparison as unknown as JsonObject,
  reference: ({ a, b }) => `${a.name} ${b.name}`,
  none: 'Nothing was compared.',
};

/** What became of a digest, or of a table. */
export type ReplayFinding =
  | { readonly kind: 'slower' | 'faster' | 'unchanged'; readonly row: ComparedLatency }
  | {
      readonly kind: 'new_error' | 'gone_error' | 'error_only_in_a' | 'error_only_in_b';
      readonly row: ComparedError;
    }
  | { readonly kind: 'other_rows'; readonly row: ComparedRows }
  | { readonly kind: 'only_in_a' | 'only_in_b'; readonly row: OneSidedDigest };

/** All findings; @param limit at most so many of each kind; null for all. @param all digests that are as fast, too. */
export function findingsOf(
  comparison: ReplayComparison,
  { limit, all }: { readonly limit: number | null; readonly all: boolean },
): ReplayFinding[] {
  const first = <Row>(rows: readonly Row[]): readonly Row[] => rows.slice(0, limit ?? undefined);
  const { slower, faster, newErrors, goneErrors, errorsOnlyInA, errorsOnlyInB } = comparison;
  const { otherRows, onlyInA, onlyInB, unchangedRows } = comparison;
  return [
    ...first(slower).map((row) => ({ kind: 'slower' as const, row })),
    ...first(faster).map((row) => ({ kind: 'faster' as const, row })),
    ...first(newErrors).map((row) => ({ kind: 'new_error' as const, row })),
    ...first(goneErrors).map((row) => ({ kind: 'gone_error' as const, row })),
    ...first(errorsOnlyInA).map((row) => ({ kind: 'error_only_in_a' as const, row })),
    ...first(errorsOnlyInB).map((row) => ({ kind: 'error_only_in_b' as const, row })),
    ...first(otherRows).map((row) => ({ kind: 'other_rows' as const, row })),
    ...first(onlyInA).map((row) => ({ kind: 'only_in_a' as const, row })),
    ...first(onlyInB).map((row) => ({ kind: 'only_in_b' as const, row })),
    ...(all ? first(unchangedRows).map((row) => ({ kind: 'unchanged' as const, row })) : []),
  ];
}

/** For spreadsheets and scripts. */
export const replayFindingNoun: Noun<ReplayFinding> = {
  fields:
    paths(`kind digest db class code a.count b.count a.averageMs b.averageMs a.p95Ms b.p95Ms a.p99Ms b.p99Ms
    change judged low high a.failed b.failed a.rowsReturned b.rowsReturned a.rowsChanged b.rowsChanged why
    mayBeChance text`),
  toJson: (finding) => {
    const { row } = finding;
    const [low, high] = 'interval' in row ? row.interval : [null, null];
    const code = 'code' in row ? row.code : null;
    return {
      kind: finding.kind,
      digest: row.digest,
      db: row.db,
      class: row.class,
      code,
      a: sideJson(row, 'a', code),
      b: sideJson(row, 'b', code),
      change: 'change' in row ? row.change : null,
      judged: 'judged' in row ? row.judged : null,
      low,
      high,
      why: 'why' in row ? row.why : null,
      mayBeChance: 'mayBeChance' in row && row.mayBeChance,
      text: row.text,
    } satisfies Record<string, Json>;
  },
  reference: ({ row }) => row.digest,
  none: 'No differences.',
};

function sideJson(row: ReplayedDigest, side: 'a' | 'b', code: string | null): JsonObject {
  const one = row[side];
  const failed =
    code === null
      ? Object.values(one?.failed ?? {}).reduce((sum, count) => sum + count, 0)
      : (one?.failed[code] ?? 0);
  return {
    count: one?.count ?? 0,
    averageMs: one?.averageMs ?? null,
    p95Ms: one?.p95Ms ?? null,
    p99Ms: one?.p99Ms ?? null,
    failed,
    rowsReturned: one?.rowsReturned ?? 0,
    rowsChanged: one?.rowsChanged ?? 0,
  };
}
