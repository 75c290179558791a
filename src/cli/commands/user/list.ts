import type { Command } from 'commander';
import { loaded } from '../../command.ts';
import type { Context } from '../../runtime/context.ts';
import { userNoun } from '../../render/users.ts';

export function registerUserList(
  command: Command,
  run: (options: Record<string, never>) => Promise<void>,
): void {
  command
    .addHelpText(
      'after',
      `
Administrators of the store see its users, by name.

Examples:
  captures user list
  captures user list --json

JSON fields: ${userNoun.fields.join(', ')}`,
    )
    .action(() => run({}));
}

export async function runUserList(
  _options: Record<string, never>,
  context: Context,
): Promise<number> {
  await context.print(userNoun, await context.api.users.listUsers(await context.actor()));
  return 0;
}

export const command = loaded(registerUserList, runUserList);
