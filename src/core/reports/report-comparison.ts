import type { Report, ReportRow } from './report.ts';

/** What `diff` can be told to fail on. */
export const CHANGES = ['new', 'gone', 'more', 'fewer', 'slower', 'faster'] as const;
export type Change = (typeof CHANGES)[number];

/** A report without its rows. */
export type ReportHead = Omit<Report, 'rows' | 'otherRows' | 'unlisted'>;

/** One side of a compared row: null where it is in the other report alone. */
export interface ComparedRow extends Pick<
  ReportRow,
  'name' | 'digest' | 'text' | 'db' | 'class' | 'users' | 'tables' | 'example'
> {
  readonly a: ReportRow | null;
  readonly b: ReportRow | null;
  /**
   * Rate, or average time, of B ÷ that of A, as measured: what all rows have in common is still in it. null where
   * one is missing.
   */
  readonly change: number | null;
  /**
   * The change that was judged: beside the rows that it goes up and down with where there are such, else as
   * measured. null where `change` is.
   */
  readonly judged: number | null;
  /** Where `change` is in 95 of 100 such pairs; null where that is not known. */
  readonly interval: readonly [number, number] | null;
  /** Of what is new or gone: too few statements to rule out that the other record missed it by chance. */
  readonly mayBeChance: boolean;
  /**
   * It changed as the others did, by `common`, and not beside them; of what is slower or faster: one of those
   * that `commonTime` is of.
   */
  readonly together: boolean;
}

/** What the rows of both reports have in common: busier, or slower, on the whole. Rows are judged beside it. */
export interface SharedChange {
  /** B ÷ A: 1 where the rows did not move together. */
  readonly factor: number;
  /** Rows on both sides that it is made of, and those of them that moved by it. */
  readonly rows: number;
  readonly together: number;
  /** Whether it is a change by itself: at least the threshold. */
  readonly isChange: boolean;
}

/** A change in common, and whose it is. */
export interface CommonChange extends SharedChange {
  /** Names of rows that moved by it, those with the most statements first; at most MOST_NAMES. */
  readonly names: readonly (string | null)[];
}

export const MOST_NAMES = 5;

/** How two reports are compared. */
export interface ComparisonRequest {
  readonly threshold: number;
  readonly per: { readonly a: number; readonly b: number } | null;
}

/** What is different in B from A; plain data. */
export interface Comparison {
  readonly format: 'captures-diff';
  readonly formatVersion: 1;
  readonly program: { readonly name: string; readonly version: string };
  readonly a: ReportHead;
  readonly b: ReportHead;
  readonly by: Report['by'];
  /** What a change has to come to: 0.2 is a fifth more on one side than on the other. */
  readonly threshold: number;
  /** Tests that each side ran, where counts are compared for each test; null for rates in time. */
  readonly per: { readonly a: number; readonly b: number } | null;
  /** All statements: B ÷ A, per second or per test; null where A has none. */
  readonly change: number | null;
  readonly common: CommonChange;
  /** The same of average times; null where no row has them on both sides. */
  readonly commonTime: CommonChange | null;
  readonly new: readonly ComparedRow[];
  readonly gone: readonly ComparedRow[];
  readonly more: readonly ComparedRow[];
  readonly fewer: readonly ComparedRow[];
  readonly slower: readonly ComparedRow[];
  readonly faster: readonly ComparedRow[];
  /** Rows that are on both sides and of which nothing can be said, and how many are as they were. */
  readonly unjudged: { readonly rows: number; readonly statements: number };
  readonly unchanged: number;
  /** The unchanged ones, and among them those that changed as the others did. */
  readonly unchangedRows: readonly ComparedRow[];
  /** What one has to know before the rest: a record that is not whole, filtered, sampled or redacted otherwise. */
  readonly cautions: readonly string[];
}
