import { defineCommand } from '../command.ts';
import type { Context } from '../../runtime/context.ts';
import { scheduleNoun } from '../../render/schedules.ts';

interface Options {
  readonly env?: string;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command.option('--env <environment>', 'only schedules of this environment (id or name)'),
  help: `Lists the schedules of the environments you are a member of, by environment and name.

Examples:
  captures schedule list
  captures schedule list --env shop --json`,
  prints: scheduleNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  await context.print(scheduleNoun, await context.api.schedules.list(actor, options.env ?? null));
}
