import type { Failure, Hint } from '../../core/errors.ts';
import { shellQuoted } from '../../core/shell.ts';

/** The words of the command line for each hint; the compiler keeps the table complete. */
const WORDS: {
  readonly [Code in Hint['code']]: (hint: Extract<Hint, { readonly code: Code }>) => string;
} = {
  log_in: ({ user }) => `Log in with: captures login ${user === null ? 'NAME' : shellQuoted(user)}`,
};

/** What to do next, as commands to type; null where there is no hint. May have several lines. */
export function hintText(hint: Failure['hint']): string | null {
  if (hint === null || typeof hint === 'string') return hint;
  return WORDS[hint.code](hint);
}
