import { isAppError } from '../core/errors.ts';
import { checkName } from '../core/names.ts';
import type { Context } from './context.ts';

/** What a check says is wrong, as one sentence for a prompt; null when nothing is. */
export function whatIsWrong(check: () => unknown): string | null {
  try {
    check();
    return null;
  } catch (error) {
    if (isAppError(error)) return [error.message, error.hint].filter(Boolean).join('. ');
    throw error;
  }
}

/**
 * Asks for a name that was left out.
 * @param instead what to type where nobody can be asked.
 * @throws AppError `invalid` where nobody can be asked.
 */
export async function askName(
  context: Context,
  kind: 'capture' | 'environment' | 'user' | 'token',
  instead: string,
): Promise<string> {
  const prompter = await context.prompter(`The ${kind} has no name`, `Give it one: ${instead}`);
  return prompter.ask(`Name of the ${kind}`, {
    check: (answer) => whatIsWrong(() => checkName(kind, answer)),
  });
}
