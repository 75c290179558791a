import { defineCommand } from '../command.ts';
import { SCHEDULE } from '../../input/arguments.ts';
import type { Context } from '../../runtime/context.ts';
import { scheduleNoun } from '../../render/schedules.ts';

interface Options {
  readonly schedule: string;
}

export const command = defineCommand<Options>({
  declare: (command) => command.argument(...SCHEDULE),
  help: `Examples:
  captures schedule get nightly
  captures schedule get shop/nightly --json`,
  prints: scheduleNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  await context.printOne(scheduleNoun, await context.api.schedules.get(actor, options.schedule));
}
