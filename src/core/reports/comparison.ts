import type { Report, ReportRow } from './report.ts';

/** What `diff` can be told to fail on. */
export const CHANGES = ['new', 'gone', 'more', 'fewer', 'slower', 'faster'] as const;
export type Change = (typeof CHANGES)[number];

/** A report without its rows. */
export type ReportHead = Omit<Report, 'rows' | 'otherRows'>;

/** One side of a compared row: null where it is in the other report alone. */
export interface ComparedRow extends Pick<
  ReportRow,
  'name' | 'digest' | 'text' | 'db' | 'class' | 'users' | 'tables' | 'example'
> {
  readonly a: ReportRow | null;
  readonly b: ReportRow | null;
  /** Rate, or time, of B ÷ that of A; null where one is missing. */
  readonly change: number | null;
}

/** What is different in B from A; plain data, as `diff --json` prints it. */
export interface Comparison {
  readonly format: 'captures-diff';
  readonly formatVersion: 1;
  readonly program: { readonly name: string; readonly version: string };
  readonly a: ReportHead;
  readonly b: ReportHead;
  readonly by: Report['by'];
  readonly new: readonly ComparedRow[];
  readonly gone: readonly ComparedRow[];
  readonly more: readonly ComparedRow[];
  readonly fewer: readonly ComparedRow[];
  readonly slower: readonly ComparedRow[];
  readonly faster: readonly ComparedRow[];
  /** Rows that are on both sides and of which nothing can be said, and how many are as they were. */
  readonly unjudged: { readonly rows: number; readonly statements: number };
  readonly unchanged: number;
  /** What one has to know before the rest: a record that is not whole, filtered, sampled or redacted otherwise. */
  readonly cautions: readonly string[];
}
