import type { Role } from '../../../core/access.ts';
import { defineCommand } from '../command.ts';
import type { Context } from '../../runtime/context.ts';
import { ENVIRONMENT, parseRole } from '../../input/arguments.ts';
import { memberNoun } from '../../render/users.ts';

interface Options {
  readonly environment: string;
  readonly user: string;
  readonly role?: Role;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command
      .argument(...ENVIRONMENT)
      .argument('<user>', 'name of the user')
      .option('--role <role>', 'member or admin (default: member)', parseRole),
  help: `Admins of an environment add members. A member sees its captures and creates their own; an admin may also stop, edit and delete those of others, and manages the environment and its members.

Examples:
  captures member add shop bob
  captures member add shop bob --role admin`,
  prints: memberNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  const { environment, user, role = 'member' } = options;
  const member = await context.api.members.add(actor, environment, user, role);
  await context.note(
    `${member.userName} is ${role === 'admin' ? 'an admin' : 'a member'} of ${member.environmentName} now.`,
  );
  await context.printIfAsked(memberNoun, member);
}
