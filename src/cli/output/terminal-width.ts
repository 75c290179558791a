import type { OutputStream } from '../runtime/world.ts';

const DEFAULT_COLUMNS = 80;

/** Columns for sentences: as many as they need where they go to a file or a pipe, to be searched. */
export function messageWidth(
  stream: Pick<OutputStream, 'isTTY' | 'columns'>,
  env: Readonly<Record<string, string | undefined>>,
): number {
  return stream.isTTY ? columnsOf(stream, env) : Infinity;
}

/**
 * Columns to lay text out for: those of the terminal, fewer where COLUMNS asks for fewer; where the
 * stream is no terminal, or one that does not say, COLUMNS, else 80.
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
