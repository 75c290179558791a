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
    slower faster unjudged unchanged cautions`),
  toJson: (comparison) => comparison as unknown as JsonObject,
  reference: ({ a, b }) => `${a.capture.name} ${b.capture.name}`,
  none: 'Nothing was compared.',
};

/** A row of a comparison by itself, with what became of it. */
export interface ChangedRow {
  readonly kind: Change;
  readonly row: ComparedRow;
}

/** For spreadsheets and scripts. */
export const changedRowNoun: Noun<ChangedRow> = {
  fields:
    paths(`kind name db class a.count b.count a.perSecond b.perSecond a.averageMs b.averageMs change low high
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

/** Every row with what became of it, at most so many of each kind; null for all. */
export function changedRows(comparison: Comparison, limit: number | null): ChangedRow[] {
  return CHANGES.flatMap((kind) =>
    comparison[kind].slice(0, limit ?? undefined).map((row) => ({ kind, row })),
  );
}

/** A comparison as JSON, a field a line and a row a line, piece by piece, as that of a report. */
export function* comparisonJson(comparison: Comparison): Generator<string, void, void> {
  let separator = '{';
  for (const [name, value] of Object.entries(comparison)) {
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
