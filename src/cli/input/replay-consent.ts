import { AppError, isAppError } from '../../core/errors.ts';
import type { Environment } from '../../core/environments/environment.ts';
import type { ReplayRequest } from '../../core/replays/replay-request.ts';
import type { Context } from '../runtime/context.ts';
import { askToType } from './confirmation.ts';

export interface TypedConsent {
  /** The target's name, where a script types it. */
  readonly confirm?: string;
  readonly yes?: boolean;
}

/** What the core is told of somebody who knows where a record is replayed to. */
export type Consent = Pick<ReplayRequest, 'confirmed' | 'approvesWrites'>;

/**
 * Runs a replay that may need its target's name: asks for it where the core says so, and runs it again.
 * @throws AppError `declined` for another name; the core's refusal where no prompt can be shown.
 */
export async function consenting<Result>(
  context: Context,
  { name }: Pick<Environment, 'name'>,
  typed: TypedConsent,
  run: (consent: Consent) => Promise<Result>,
): Promise<Result> {
  const { confirm, yes = false } = typed;
  if (confirm !== undefined && confirm !== name) {
    throw new AppError('invalid', `--confirm names "${confirm}", and the target is ${name}`, {
      hint: 'Nothing was sent. It takes the name of the environment that --to means.',
    });
  }
  const consent = { confirmed: confirm ?? null, approvesWrites: yes };
  try {
    return await run(consent);
  } catch (error) {
    if (!isAppError(error) || !asksForName(error) || !context.canPrompt) throw error;
    await context.tell(`${error.message}.`);
  }
  const prompter = await context.openPrompter();
  const ask = `Type the target's name to replay on it${context.onServer}`;
  await askToType(prompter, { expected: name, ask }, 'nothing was sent');
  return run({ confirmed: name, approvesWrites: true });
}

function asksForName({ hint }: AppError): boolean {
  return hint !== null && typeof hint !== 'string' && hint.code === 'confirm_target';
}
