import { defineCommand } from '../command.ts';
import { ENVIRONMENT } from '../../input/arguments.ts';
import type { Context } from '../../runtime/context.ts';
import { environmentNoun } from '../../render/environments.ts';

interface Options {
  readonly environment: string;
}

export const command = defineCommand<Options>({
  declare: (command) => command.argument(...ENVIRONMENT),
  help: `Examples:
  captures env get shop
  captures env get 1 --json`,
  prints: environmentNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  await context.printOne(
    environmentNoun,
    await context.api.environments.get(actor, options.environment),
  );
}
