/** What a row shows when it is opened. All of it is safe to show as text. */
export interface RowDetail {
  /** Names and values, in order. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** Instants: a name, and ISO-8601 in UTC. */
  readonly times: readonly (readonly [name: string, time: string])[];
  /** Texts of statements, each with a heading. */
  readonly texts: readonly (readonly [heading: string, text: string])[];
  /** Heights from `0` to `9`, one character a slice, blank for none: one text a window. */
  readonly sparks: readonly string[];
}

/** A table that stands in the markup, and what its rows do not show there. */
export interface TableData {
  /** Id of the element. */
  readonly id: string;
  /** What to sort by, for each column one number a row; null for a column that is sorted by its text. */
  readonly keys: readonly (readonly (number | null)[] | null)[];
  readonly details: readonly RowDetail[];
}
