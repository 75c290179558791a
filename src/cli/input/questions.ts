import { AppError, isAppError } from '../../core/errors.ts';
import { checkName } from '../../core/names.ts';
import { shellQuoted } from '../render/shell-quoting.ts';
import { hintText } from '../output/hint-texts.ts';
import type { Context } from '../runtime/context.ts';

/** What a check says is wrong, as one sentence for a prompt; null when nothing is. */
export function whatIsWrong(check: () => unknown): string | null {
  try {
    check();
    return null;
  } catch (error) {
    if (isAppError(error)) return [error.message, hintText(error.hint)].filter(Boolean).join('. ');
    throw error;
  }
}

/**
 * Asks for a name that was left out.
 * @param instead what to type where no prompt can be shown.
 * @throws AppError `invalid` where no prompt can be shown.
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

const MOST_NAMED = 5;

/**
 * The user's only environment, or the one chosen at a prompt.
 * @throws AppError `invalid` where there is none, or more than one and no prompt can be shown.
 */
export async function askEnvironment(context: Context): Promise<string> {
  const names = (await context.api.environments.list(await context.actor())).map(
    ({ name }) => name,
  );
  if (names.length === 0) {
    throw new AppError('invalid', 'There is no environment to capture', {
      hint: 'Ask the admin of one to add you, or describe one: captures env create NAME --url mysql://USER@HOST',
    });
  }
  const [only] = names;
  if (only !== undefined && names.length === 1) {
    await context.note(`Environment: ${only}, the only one you have`);
    return only;
  }
  const more = names.length > MOST_NAMED ? ' …' : '';
  const prompter = await context.prompter(
    'There is no environment to capture: --env is missing',
    `Say which: --env ${names.slice(0, MOST_NAMED).map(shellQuoted).join(', --env ')}${more}`,
  );
  return prompter.choose('Which environment?', names);
}
