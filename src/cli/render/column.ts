import type { Tone } from './paint.ts';

export type Json =
  string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export interface View {
  readonly width: number;
  readonly now: number;
  /** IANA time zone in which times are shown. */
  readonly zone: string;
  /** Whether one thing is shown alone, with room for more than a list has. */
  readonly isDetail: boolean;
  /** The server whose folders and files are shown; absent: those of this machine. */
  readonly server?: string;
}

/** A folder or a file, and on which server it is. */
export function placeText(path: string, { server }: Pick<View, 'server'>): string {
  return server === undefined ? path : `${path} (on ${server})`;
}

export interface Column<Row> {
  /** The path of its field in the noun's JSON, as --fields spells it. */
  readonly field: string;
  readonly header: string;
  /** The value as shown; it is escaped and cut where it is drawn. */
  readonly cell: (row: Row, view: View) => string;
  readonly tone?: (row: Row) => Tone | null;
  readonly align?: 'right';
  /** A name that may be cut; other columns are shown whole or not at all. */
  readonly shrinks?: true;
  /** Where the name ends with a number, it is cut in its middle. */
  readonly keepsEnd?: true;
  /** What is typed again as it is: never cut and never left out, however narrow the terminal is. */
  readonly isKept?: true;
  /** Left out before anything else is cut. */
  readonly givesWay?: true;
}

/** A column; tone, alignment and how it fits are `more`. */
export function column<Row>(
  field: string,
  header: string,
  cell: Column<Row>['cell'],
  more: Pick<Column<Row>, 'tone' | 'align' | 'shrinks' | 'keepsEnd' | 'isKept' | 'givesWay'> = {},
): Column<Row> {
  return { field, header, cell, ...more };
}

/** A kind of thing that commands show: its JSON, and its columns on a terminal. */
export interface Noun<Row> {
  /** The fields of its JSON in order, nested ones as paths; a test holds `toJson` to it. */
  readonly fields: readonly string[];
  readonly toJson: (row: Row) => JsonObject;
  /**
   * In the order of a table, what matters first: a narrow terminal drops the last ones. Absent: a column a
   * field, with its JSON value.
   */
  readonly columns?: readonly Column<Row>[];
  /** The lines of one thing shown alone. Absent: the columns. */
  readonly detail?: readonly Column<Row>[];
  /** What `-o name` prints: a reference that every command accepts. */
  readonly reference: (row: Row) => string;
  /** Said in place of a table without rows. */
  readonly none: string;
}

/** The paths of a noun's fields, written with spaces between them. */
export function paths(text: string): string[] {
  return text.trim().split(/\s+/);
}

/**
 * Its JSON, a field a line: what `fields` and `toJson` of a noun are made of where no field of it is nested and
 * it is not shown by the million.
 */
export function jsonFields<Row>(
  values: Readonly<Record<string, (row: Row) => Json>>,
): Pick<Noun<Row>, 'fields' | 'toJson'> {
  return {
    fields: Object.keys(values),
    toJson: (row) =>
      Object.fromEntries(Object.entries(values).map(([field, of]) => [field, of(row)])),
  };
}

/** A value as a cell shows it: `-` where there is none. */
export function orDash<Value>(
  value: Value | null | undefined,
  format: (value: Value) => string = String,
): string {
  return value === null || value === undefined ? '-' : format(value);
}

/** Items with commas between them; `none` where there are none. */
export function listed(items: readonly (string | number)[], none = 'none'): string {
  return items.length === 0 ? none : items.join(', ');
}

export function yesOrNo(is: boolean): string {
  return is ? 'yes' : 'no';
}

/** The value at a path such as `workload.records`; null where a part of the path is null. */
export function valueAt(json: JsonObject, path: string): Json {
  let value: Json = json;
  for (const key of path.split('.')) {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return null;
    value = (value as JsonObject)[key] ?? null;
  }
  return value;
}

/** The object reduced to the fields asked for, in the order asked for. */
export function pick(json: JsonObject, fields: readonly string[]): JsonObject {
  return Object.fromEntries(fields.map((field) => [field, valueAt(json, field)]));
}

/** A value as one cell of delimited text: nothing for null, JSON for what is nested. */
export function scalarText(value: Json): string {
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
