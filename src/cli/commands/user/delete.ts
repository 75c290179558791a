import type { Command } from 'commander';
import { loaded } from '../../command.ts';
import { confirmLoss } from '../../input/confirmation.ts';
import type { Context } from '../../runtime/context.ts';
import { deletedUserNoun } from '../../render/users.ts';
import { formatCount } from '../../../core/units.ts';

export interface UserDeleteOptions {
  readonly name: string;
  readonly yes?: boolean;
}

export function registerUserDelete(
  command: Command,
  run: (options: UserDeleteOptions) => Promise<void>,
): void {
  command
    .argument('<user>', 'name of the user')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `
Administrators of the store delete users. Their sessions and tokens end; their captures stay and go to another admin of each environment. The last admin of an environment cannot be deleted, nor can the last administrator of the store.

Examples:
  captures user delete bob
  captures user delete bob --yes

JSON fields: ${deletedUserNoun.fields.join(', ')}`,
    )
    .action((name: string, options: Omit<UserDeleteOptions, 'name'>) => run({ ...options, name }));
}

export async function runUserDelete(options: UserDeleteOptions, context: Context): Promise<number> {
  const actor = await context.actor();
  const { users } = context.api;
  const user = await users.checkDeletion(actor, options.name);
  if (options.yes !== true) {
    const loss = `${user.name}: the user, with sessions and tokens. The captures stay and go to another admin of their environment.`;
    const question = { expected: user.name, ask: "Type the user's name to delete them" };
    await confirmLoss(context, [loss], question);
  }
  const deleted = await users.deleteUser(actor, options.name);
  await context.note(`Deleted the user ${deleted.name}.`);
  for (const { to, captures } of deleted.handedOn) {
    const what = captures === 1 ? '1 capture belongs' : `${formatCount(captures)} captures belong`;
    await context.note(`${what} to ${to} now.`);
  }
  await context.printIfAsked(deletedUserNoun, deleted);
  return 0;
}

export const command = loaded(registerUserDelete, runUserDelete, deletedUserNoun);
