import { shellQuoted } from '../../render/shell-quoting.ts';
import { defineCommand } from '../command.ts';
import type { Context } from '../../runtime/context.ts';
import {
  readNewPassword,
  registerPasswordOptions,
  type PasswordSource,
} from '../../input/password-options.ts';
import { askName } from '../../input/questions.ts';
import { userNoun } from '../../render/users.ts';

interface Options extends PasswordSource {
  readonly name?: string;
  readonly admin?: boolean;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    registerPasswordOptions(
      command
        .argument('[name]', 'name of the user')
        .option('--admin', 'an administrator of the store, who manages its users'),
    ),
  help: `Administrators of the store create users. A new user is a member of no environment; an environment's admins add them with captures member add.

Examples:
  captures user create bob
  captures user create bob --password-file ~/.bob-password`,
  prints: userNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  const { users } = context.api;
  const { world } = context;
  const name = options.name ?? (await askName(context, 'user', 'captures user create NAME'));
  await users.checkNewUser(actor, name);
  const password = await readNewPassword(
    context,
    options,
    `Password for the new captures user ${name} (at least 8 characters)`,
  );
  world.signals.interrupted.throwIfAborted();
  const user = await users.createUser(actor, { name, password, isAdmin: options.admin === true });
  await context.note(
    `Created the user ${user.name}. To add them to an environment: captures member add ENVIRONMENT ${shellQuoted(user.name)}`,
  );
  await context.printIfAsked(userNoun, user);
}
