import { defineCommand } from '../command.ts';
import { SCHEDULE, REASON } from '../../input/arguments.ts';
import type { Context } from '../../runtime/context.ts';
import { scheduleNoun } from '../../render/schedules.ts';

interface Options {
  readonly schedule: string;
  readonly reason?: string;
}

export const command = defineCommand<Options>({
  declare: (command) => command.argument(...SCHEDULE).option(...REASON),
  help: `Deletes the next scheduled capture and creates none until you resume the schedule; a capture that has
started continues. Runs during the pause do not count as missed.
Its owner and the admins of its environment may pause a schedule.

Examples:
  captures schedule pause nightly --reason 'release freeze'`,
  prints: scheduleNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  const schedule = await context.api.schedules.pause(
    actor,
    options.schedule,
    options.reason ?? null,
  );
  await context.printOne(scheduleNoun, schedule);
}
