import type { FailureOnWire } from './failure-form.ts';

/**
 * How our own client sees that lines are all there: what is in front of a server may end an answer that it did not
 * get the whole of, and drops trailers. Rows are objects, so an array is none of them.
 */

export const LAST_LINE = '["end"]\n';

export function errorLine(failure: FailureOnWire): string {
  return `${JSON.stringify(['error', failure])}\n`;
}

/** @returns what a line says of the end; null for a row. */
export function endOf(line: string): { readonly failure: FailureOnWire | null } | null {
  if (!line.startsWith('[')) return null;
  const [, failure = null] = JSON.parse(line) as [string, FailureOnWire?];
  return { failure };
}
