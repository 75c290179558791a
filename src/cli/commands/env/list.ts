import type { Command } from 'commander';
import { loaded } from '../../command.ts';
import type { Context } from '../../runtime/context.ts';
import { environmentNoun } from '../../render/environments.ts';

export function registerEnvList(
  command: Command,
  run: (options: Record<string, never>) => Promise<void>,
): void {
  command
    .addHelpText(
      'after',
      `
Lists the environments you are a member of, by name.

Examples:
  captures env list
  captures env list --json

JSON fields: ${environmentNoun.fields.join(', ')}`,
    )
    .action(() => run({}));
}

export async function runEnvList(
  _options: Record<string, never>,
  context: Context,
): Promise<number> {
  const actor = await context.actor();
  await context.print(environmentNoun, await context.api.environments.list(actor));
  return 0;
}

export const command = loaded(registerEnvList, runEnvList);
