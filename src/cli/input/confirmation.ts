import { AppError } from '../../core/errors.ts';
import type { Context } from '../runtime/context.ts';
import type { Prompter } from './prompter.ts';

/** @throws AppError `declined` when a person does not type what proves that they mean it. */
export async function askToType(
  prompter: Prompter,
  { expected, ask }: { expected: string; ask: string },
  unchanged: string,
): Promise<void> {
  if ((await prompter.ask(ask)).trim() === expected) return;
  throw new AppError('declined', `The name does not match; ${unchanged}`);
}

/**
 * Shows what will be lost and has a person type what proves that they mean it.
 * @param question.expected the text to type: a name, as a rule.
 * @throws AppError `declined`; `invalid` where no prompt can be shown.
 */
export async function confirmLoss(
  context: Context,
  losses: readonly string[],
  question: { expected: string; ask: string },
): Promise<void> {
  const prompter = await context.prompter(
    'Deleting needs confirmation, and there is no terminal to confirm on',
    'To delete without confirmation add --yes.',
  );
  for (const loss of losses) await context.tell(loss);
  const ask = `${question.ask}${context.onServer}`;
  await askToType(prompter, { ...question, ask }, 'nothing deleted');
}
