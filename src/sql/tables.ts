/** A table that a statement names, and what the statement does to it: reads, writes, or both. */
export interface TableUse {
  /** `table` or `database.table`, as written, without quotes. */
  readonly table: string;
  readonly reads: boolean;
  readonly writes: boolean;
}

/** No more tables of one statement are told. */
export const MOST_TABLES = 32;

/** The tables that a text names, each once, in its order; at most `MOST_TABLES`. Linear in the text. */
export const tablesOf: (sql: string) => TableUse[] = () => [];
