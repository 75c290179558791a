import type { Command } from 'commander';
import { loaded } from '../../command.ts';
import type { Context } from '../../runtime/context.ts';
import { memberNoun } from '../../render/users.ts';

export interface MemberListOptions {
  readonly environment: string;
}

export function registerMemberList(
  command: Command,
  run: (options: MemberListOptions) => Promise<void>,
): void {
  command
    .argument('<environment>', 'id or name')
    .addHelpText(
      'after',
      `
Examples:
  captures member list shop
  captures member list shop -o name

JSON fields: ${memberNoun.fields.join(', ')}`,
    )
    .action((environment: string) => run({ environment }));
}

export async function runMemberList(options: MemberListOptions, context: Context): Promise<number> {
  const actor = await context.actor();
  const members = await context.api.members.list(actor, options.environment);
  await context.print(memberNoun, members);
  return 0;
}

export const command = loaded(registerMemberList, runMemberList);
