import { defineCommand } from '../command.ts';
import { ENVIRONMENT } from '../../input/arguments.ts';
import type { Context } from '../../runtime/context.ts';
import { memberNoun } from '../../render/users.ts';

interface Options {
  readonly environment: string;
}

export const command = defineCommand<Options>({
  declare: (command) => command.argument(...ENVIRONMENT),
  help: `Examples:
  captures member list shop
  captures member list shop -o name`,
  prints: memberNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  const members = await context.api.members.list(actor, options.environment);
  await context.print(memberNoun, members);
}
