import { defineCommand } from '../command.ts';
import type { Context } from '../../runtime/context.ts';
import { environmentNoun } from '../../render/environments.ts';

export const command = defineCommand<object>({
  help: `Lists the environments you are a member of, by name.

Examples:
  captures env list
  captures env list --json`,
  prints: environmentNoun,
  run,
});

async function run(_options: object, context: Context): Promise<void> {
  const actor = await context.actor();
  await context.print(environmentNoun, await context.api.environments.list(actor));
}
