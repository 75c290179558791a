import { defineCommand } from '../command.ts';
import { SCHEDULE, YES, REASON } from '../../input/arguments.ts';
import { confirmLoss } from '../../input/confirmation.ts';
import type { Context } from '../../runtime/context.ts';
import { scheduleNoun } from '../../render/schedules.ts';
import { fullName } from '../../render/full-name.ts';

interface Options {
  readonly schedule: string;
  readonly yes?: boolean;
  readonly reason?: string;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command
      .argument(...SCHEDULE)
      .option(...YES)
      .option(...REASON),
  help: `Also deletes the next scheduled capture; captures that have started stay.
Its owner and the admins of its environment may delete a schedule.

Examples:
  captures schedule delete nightly
  captures schedule delete 3 --yes --reason 'moved to another server'`,
  prints: scheduleNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  const { schedules } = context.api;
  const doomed = await schedules.get(actor, options.schedule, 'schedule.delete');
  const name = fullName(doomed);
  if (options.yes !== true) {
    const loss = `${name} (id ${doomed.id}, ${doomed.cron}): no further captures are made.`;
    await confirmLoss(context, [loss], {
      expected: doomed.name,
      ask: "Type the schedule's name to delete it",
    });
  }
  const deleted = await schedules.delete(actor, String(doomed.id), options.reason ?? null);
  await context.note(`Deleted the schedule ${name}; its captures that have started stay.`);
  await context.printIfAsked(scheduleNoun, deleted);
}
