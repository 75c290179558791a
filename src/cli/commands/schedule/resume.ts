import { defineCommand } from '../command.ts';
import { SCHEDULE } from '../../input/arguments.ts';
import type { Context } from '../../runtime/context.ts';
import { scheduleNoun } from '../../render/schedules.ts';

interface Options {
  readonly schedule: string;
}

export const command = defineCommand<Options>({
  declare: (command) => command.argument(...SCHEDULE),
  help: `Continues with the next run from now.
Its owner and the admins of its environment may resume a schedule.

Examples:
  captures schedule resume nightly`,
  prints: scheduleNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  const schedule = await context.api.schedules.resume(actor, options.schedule);
  await context.printOne(scheduleNoun, schedule);
}
