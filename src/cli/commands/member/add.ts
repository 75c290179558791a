import type { Command } from 'commander';
import type { Role } from '../../../core/access.ts';
import { loaded } from '../../command.ts';
import type { Context } from '../../runtime/context.ts';
import { parseRole } from '../../input/arguments.ts';
import { memberNoun } from '../../render/users.ts';

export interface MemberAddOptions {
  readonly environment: string;
  readonly user: string;
  readonly role?: Role;
}

export function registerMemberAdd(
  command: Command,
  run: (options: MemberAddOptions) => Promise<void>,
): void {
  command
    .argument('<environment>', 'id or name')
    .argument('<user>', 'name of the user')
    .option('--role <role>', 'member or admin (default: member)', parseRole)
    .addHelpText(
      'after',
      `
Admins of an environment add members. A member sees its captures and creates their own; an admin may stop, edit and delete any of them, and manages the environment and its members.

Examples:
  captures member add shop bob
  captures member add shop bob --role admin

JSON fields: ${memberNoun.fields.join(', ')}`,
    )
    .action((environment: string, user: string, options: { role?: Role }) =>
      run({ ...options, environment, user }),
    );
}

export async function runMemberAdd(options: MemberAddOptions, context: Context): Promise<number> {
  const actor = await context.actor();
  const { environment, user, role = 'member' } = options;
  const member = await context.api.members.add(actor, environment, user, role);
  await context.note(
    `${member.userName} is ${role === 'admin' ? 'an admin' : 'a member'} of ${member.environmentName} now.`,
  );
  await context.printIfAsked(memberNoun, member);
  return 0;
}

export const command = loaded(registerMemberAdd, runMemberAdd, memberNoun);
