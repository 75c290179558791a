import {
  CHANGES,
  type Change,
  type ComparedRow,
  type Comparison,
} from '../../../core/reports/report-comparison.ts';
import { paths, type JsonObject, type Noun } from '../column.ts';

/** A comparison is plain data as it is. */
export const comparisonNoun: Noun<Comparison> = {
  fields:
    paths(`format formatVersion program a b by threshold per change common commonTime new gone more fewer
    slower faster unjudged unchanged unchangedRows cautions`),
  toJson: (comparison) => comparison as unknown as JsonObject,
  reference: ({ a, b }) => `${a.capture.name} ${b.capture.name}`,
  none: 'Nothing was compared.',
};

/** Of rows that are unchanged: those that changed as all others did, and the rest. */
const UNCHANGED_KINDS = ['together', 'unchanged'] as const;
export type RowKind = Change | (typeof UNCHANGED_KINDS)[number];

/** A row of a comparison by itself, with what became of it. */
export interface ChangedRow {
  readonly kind: RowKind;
  readonly row: ComparedRow;
}

/** For spreadsheets and scripts. */
export const changedRowNoun: Noun<ChangedRow> = {
  fields:
    paths(`kind name db class a.count b.count a.perSecond b.perSecond a.averageMs b.averageMs change judged low high
    mayBeChance users tables text`),
  toJson: ({ kind, row }) =>
    ({
      kind,
      name: row.name,
      db: row.db,
      class: row.class,
      a: sideJson(row.a),
      b: sideJson(row.b),
      change: row.change,
      judged: row.judged,
      low: row.interval?.[0] ?? null,
      high: row.interval?.[1] ?? null,
      mayBeChance: row.mayBeChance,
      users: row.users.map(({ name }) => name),
      tables: row.tables.map(({ name }) => name),
      text: row.text,
    }) satisfies JsonObject,
  reference: ({ row }) => row.name ?? '-',
  none: 'No differences.',
};

function sideJson(side: ComparedRow['a']): JsonObject {
  return {
    count: side?.count ?? 0,
    perSecond: side?.perSecond ?? 0,
    averageMs: side?.times?.averageMs ?? null,
  };
}

/**
 * Every row with what became of it.
 * @param limit at most so many of each kind; null for all. @param all unchanged ones too.
 */
export function changedRows(
  comparison: Comparison,
  { limit, all }: { readonly limit: number | null; readonly all: boolean },
): ChangedRow[] {
  const kinds: readonly RowKind[] = all ? [...CHANGES, ...UNCHANGED_KINDS] : CHANGES;
  return kinds.flatMap((kind) =>
    rowsOfKind(comparison, kind)
      .slice(0, limit ?? undefined)
      .map((row) => ({ kind, row })),
  );
}

/** All rows of which became that. */
export function rowsOfKind(comparison: Comparison, kind: RowKind): readonly ComparedRow[] {
  if (kind !== 'together' && kind !== 'unchanged') return comparison[kind];
  return comparison.unchangedRows.filter(({ together }) => together === (kind === 'together'));
}

/** A comparison as JSON, a field a line and a row a line, piece by piece, as that of a report. */
export function* comparisonJson(comparison: object): Generator<string, void, void> {
  let separator = '{';
  for (const [name, value] of Object.entries(comparison) as [string, unknown][]) {
    yield `${separator}\n  ${JSON.stringify(name)}: `;
    separator = ',';
    if (!Array.isArray(value)) {
      yield JSON.stringify(value);
      continue;
    }
    for (const [index, row] of value.entries()) {
      yield `${index === 0 ? '[' : ','}\n    ${JSON.stringify(row)}`;
    }
    yield value.length === 0 ? '[]' : '\n  ]';
  }
  yield '\n}\n';
}
