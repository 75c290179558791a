import { defineCommand } from '../command.ts';
import type { Context } from '../../runtime/context.ts';
import { userNoun } from '../../render/users.ts';

export const command = defineCommand<object>({
  help: `Administrators of the store see its users, by name.

Examples:
  captures user list
  captures user list --json`,
  prints: userNoun,
  run,
});

async function run(_options: object, context: Context): Promise<void> {
  await context.print(userNoun, await context.api.users.listUsers(await context.actor()));
}
