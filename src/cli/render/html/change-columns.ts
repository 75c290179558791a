import { isJudgedBesideOthers } from '../../../core/reports/comparison-rules.ts';
import type { ComparedRow } from '../../../core/reports/report-comparison.ts';
import type { Dimension, ReportRow } from '../../../core/reports/report.ts';
import { counted } from '../../../core/units.ts';
import { signedChange } from '../diff/change-text.ts';
import { escapeText } from '../../../display/escape.ts';
import type { DrawnWindow } from '../../../display/slice-rates.ts';
import { cutText, type Cut } from './cuts.ts';
import type { RowDetail } from '../../../display/table-data.ts';
import {
  aboutRow,
  accessText,
  DIMENSION_WORDS,
  firstOf,
  namesOf,
  timeText,
} from './row-columns.ts';
import type { TableColumn } from './row-table.ts';
import { highestOf, sparkRates, sparkText } from '../../../display/sparks.ts';
import { UNNAMED } from '../../../display/unnamed-rows.ts';

/** How the two sides of a comparison are shown. */
export interface Sides {
  readonly a: Side;
  readonly b: Side;
  readonly text: (value: number) => string;
  /** What the values are. */
  readonly unit: string;
}

interface Side {
  /** What is compared of a row: its rate, or its count for each test. */
  readonly value: (row: ReportRow) => number;
  /** null where nothing was recorded. */
  readonly window: DrawnWindow | null;
}

type ChangeColumn = TableColumn<ComparedRow>;

/** The columns of a table of changes. */
export function changeColumns(
  by: Dimension,
  rows: readonly ComparedRow[],
  sides: Sides,
): ChangeColumn[] {
  const hasTimes = rows.some(({ a, b }) => a?.times != null || b?.times != null);
  const value = (side: 'a' | 'b'): ChangeColumn => {
    const of = (row: ComparedRow): number | null => mapped(row[side], sides[side].value);
    return numbers(side.toUpperCase(), sides.unit, of, sides.text);
  };
  const average = (side: 'a' | 'b'): ChangeColumn => {
    const of = (row: ComparedRow): number | null => row[side]?.times?.averageMs ?? null;
    return numbers(`${side.toUpperCase()} time`, 'Average time of one execution', of, timeText);
  };
  return [
    by === 'digest'
      ? { ...TEXT, kind: 'code', header: 'Statement', cell: (row) => row.text ?? UNNAMED.digest }
      : { ...TEXT, header: DIMENSION_WORDS[by][0], cell: (row) => row.name ?? UNNAMED[by] },
    value('a'),
    value('b'),
    numbers('Change', 'B compared with A', ({ change }) => change, signedChange),
    ...(rows.some(isJudgedBesideOthers)
      ? [numbers('Judged', JUDGED, ({ judged }) => judged, signedChange)]
      : []),
    {
      kind: 'when',
      header: 'When',
      about: 'The rate over each window, A above B',
      cell: () => '',
      key: null,
    },
    ...(hasTimes ? [average('a'), average('b')] : []),
    { ...TEXT, header: 'Users', cell: ({ users }) => firstOf(users) },
    { ...TEXT, header: 'Tables', cell: ({ tables }) => firstOf(tables) },
  ];
}

const JUDGED = 'The change beside the rows that it goes up and down with';

const TEXT = { kind: 'text', about: '', key: null } as const;

function numbers(
  header: string,
  about: string,
  of: (row: ComparedRow) => number | null,
  text: (value: number) => string,
): ChangeColumn {
  return { kind: 'number', header, about, cell: (row) => mapped(of(row), text) ?? '', key: of };
}

function mapped<From, To>(value: From | null, map: (value: From) => To): To | null {
  return value === null ? null : map(value);
}

/** What a compared row shows when it is opened. */
export function changeDetail(row: ComparedRow, cut: Cut, sides: Sides): RowDetail {
  const { a, b, interval, mayBeChance } = row;
  const facts: [string, string][] = [];
  const add = (name: string, value: string | null): void => {
    if (value !== null && value !== '') facts.push([name, escapeText(value)]);
  };
  const countOf = ({ count }: ReportRow): string => counted(count, 'statement');
  add('In A', mapped(a, countOf));
  add('In B', mapped(b, countOf));
  add(
    'Change',
    mapped(interval, ([low, high]) => `between ${signedChange(low)} and ${signedChange(high)}`),
  );
  if (mayBeChance) add('Note', 'so few statements that this may be chance');
  add('Digest', row.digest);
  add('Class', row.class);
  add(
    'Database',
    mapped(row.db, (db) => cutText(db, cut.inName)),
  );
  add('Users', namesOf(row.users, cut));
  add('Tables', namesOf(row.tables, cut, accessText));
  // A side without the row has an empty picture: A is always the upper one.
  const rates = (['a', 'b'] as const).map((side) =>
    sparkRates(row[side]?.slices ?? [], sides[side].window),
  );
  const highest = highestOf(...rates);
  return {
    ...aboutRow(row, cut),
    facts,
    times: [
      ...(a === null ? [] : [['First in A', a.first] as const, ['Last in A', a.last] as const]),
      ...(b === null ? [] : [['First in B', b.first] as const, ['Last in B', b.last] as const]),
    ],
    sparks: rates.map((one) => sparkText(one, highest)),
  };
}
