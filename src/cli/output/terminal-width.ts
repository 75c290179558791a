import type { OutputStream } from '../runtime/world.ts';

const DEFAULT_COLUMNS = 80;

/** Columns for sentences: the terminal's; no limit in a file or a pipe, where they are searched. */
export function messageWidth(
  stream: Pick<OutputStream, 'isTTY' | 'columns'>,
  env: Readonly<Record<string, string | undefined>>,
): number {
  return stream.isTTY ? columnsOf(stream, env) : Infinity;
}

/**
 * Columns to lay text out for: the terminal's, or COLUMNS if that is less; without a terminal, or with one
 * of unknown width, COLUMNS, else 80.
 */
export function columnsOf(
  stream: Pick<OutputStream, 'isTTY' | 'columns'>,
  env: Readonly<Record<string, string | undefined>>,
): number {
  const asked = Number(env['COLUMNS']);
  const fromEnv = Number.isInteger(asked) && asked > 0 ? asked : null;
  const own = stream.isTTY ? stream.columns : null;
  if (own === null) return fromEnv ?? DEFAULT_COLUMNS;
  return Math.min(own, fromEnv ?? own);
}
