import type { Command } from 'commander';
import { loaded } from '../../command.ts';
import type { Context } from '../../runtime/context.ts';
import { memberNoun } from '../../render/users.ts';

export interface MemberRemoveOptions {
  readonly environment: string;
  readonly user: string;
}

export function registerMemberRemove(
  command: Command,
  run: (options: MemberRemoveOptions) => Promise<void>,
): void {
  command
    .argument('<environment>', 'id or name')
    .argument('<user>', 'name of a member')
    .addHelpText(
      'after',
      `
Admins of an environment remove members; members can remove themselves, except its last admin. A user who has left has no rights there any more; their captures stay, and its admins manage them.

Examples:
  captures member remove shop bob
  captures member remove shop "$(captures whoami -o name)"

JSON fields: ${memberNoun.fields.join(', ')}`,
    )
    .action((environment: string, user: string) => run({ environment, user }));
}

export async function runMemberRemove(
  options: MemberRemoveOptions,
  context: Context,
): Promise<number> {
  const actor = await context.actor();
  const member = await context.api.members.remove(actor, options.environment, options.user);
  await context.note(`Removed ${member.userName} from ${member.environmentName}.`);
  await context.printIfAsked(memberNoun, member);
  return 0;
}

export const command = loaded(registerMemberRemove, runMemberRemove, memberNoun);
