import { defineCommand } from '../command.ts';
import { YES } from '../../input/arguments.ts';
import { confirmLoss } from '../../input/confirmation.ts';
import type { Context } from '../../runtime/context.ts';
import { deletedUserNoun } from '../../render/users.ts';
import { counted } from '../../../core/units.ts';

interface Options {
  readonly user: string;
  readonly yes?: boolean;
}

export const command = defineCommand<Options>({
  declare: (command) => command.argument('<user>', 'name of the user').option(...YES),
  help: `Administrators of the store delete users. Their sessions and tokens end; their captures stay and go to another admin of each environment. The last admin of an environment and the last administrator of the store cannot be deleted.

Examples:
  captures user delete bob
  captures user delete bob --yes`,
  prints: deletedUserNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  const { users } = context.api;
  const user = await users.checkDeletion(actor, options.user);
  if (options.yes !== true) {
    const loss = `${user.name}: the user, with sessions and tokens. The captures stay and go to another admin of their environment.`;
    const question = { expected: user.name, ask: "Type the user's name to delete them" };
    await confirmLoss(context, [loss], question);
  }
  const deleted = await users.deleteUser(actor, options.user);
  await context.note(`Deleted the user ${deleted.name}.`);
  for (const { to, captures } of deleted.handedOn) {
    await context.note(`Handed ${counted(captures, 'capture')} on to ${to}.`);
  }
  await context.printIfAsked(deletedUserNoun, deleted);
}
