import type { Command } from 'commander';
import type { Role } from '../../../core/access.ts';
import { parseRole } from '../../input/arguments.ts';
import { loaded } from '../../command.ts';
import type { Context } from '../../runtime/context.ts';
import { memberNoun } from '../../render/users.ts';

export interface MemberSetOptions {
  readonly environment: string;
  readonly user: string;
  readonly role: Role;
}

export function registerMemberSet(
  command: Command,
  run: (options: MemberSetOptions) => Promise<void>,
): void {
  command
    .argument('<environment>', 'id or name')
    .argument('<user>', 'name of a member')
    .requiredOption('--role <role>', 'member or admin', parseRole)
    .addHelpText(
      'after',
      `
Admins of an environment change the roles of its members. The last admin cannot be demoted.

Examples:
  captures member set shop bob --role admin
  captures member set shop bob --role member

JSON fields: ${memberNoun.fields.join(', ')}`,
    )
    .action((environment: string, user: string, options: { role: Role }) =>
      run({ ...options, environment, user }),
    );
}

export async function runMemberSet(options: MemberSetOptions, context: Context): Promise<number> {
  const actor = await context.actor();
  const { environment, user, role } = options;
  const member = await context.api.members.set(actor, environment, user, role);
  await context.note(
    `${member.userName} is ${role === 'admin' ? 'an admin' : 'a member'} of ${member.environmentName} now.`,
  );
  await context.printIfAsked(memberNoun, member);
  return 0;
}

export const command = loaded(registerMemberSet, runMemberSet, memberNoun);
