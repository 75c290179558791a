import type { Role } from '../../../core/access.ts';
import { ENVIRONMENT, parseRole } from '../../input/arguments.ts';
import { defineCommand } from '../command.ts';
import type { Context } from '../../runtime/context.ts';
import { memberNoun } from '../../render/users.ts';

interface Options {
  readonly environment: string;
  readonly user: string;
  readonly role: Role;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command
      .argument(...ENVIRONMENT)
      .argument('<user>', 'name of a member')
      .requiredOption('--role <role>', 'member or admin', parseRole),
  help: `Admins of an environment change the roles of its members. The last admin cannot be demoted.

Examples:
  captures member set shop bob --role admin
  captures member set shop bob --role member`,
  prints: memberNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  const { environment, user, role } = options;
  const member = await context.api.members.set(actor, environment, user, role);
  await context.note(
    `${member.userName} is ${role === 'admin' ? 'an admin' : 'a member'} of ${member.environmentName} now.`,
  );
  await context.printIfAsked(memberNoun, member);
}
