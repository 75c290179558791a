import { defineCommand } from '../command.ts';
import { ENVIRONMENT } from '../../input/arguments.ts';
import type { Context } from '../../runtime/context.ts';
import { memberNoun } from '../../render/users.ts';

interface Options {
  readonly environment: string;
  readonly user: string;
}

export const command = defineCommand<Options>({
  declare: (command) => command.argument(...ENVIRONMENT).argument('<user>', 'name of a member'),
  help: `Admins of an environment remove members. Members can remove themselves, except the last admin. A user who has left has no rights there; their captures stay, and the admins manage them.

Examples:
  captures member remove shop bob
  captures member remove shop "$(captures whoami -o name)"`,
  prints: memberNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  const member = await context.api.members.remove(actor, options.environment, options.user);
  await context.note(`Removed ${member.userName} from ${member.environmentName}.`);
  await context.printIfAsked(memberNoun, member);
}
