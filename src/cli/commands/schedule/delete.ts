import type { Command } from 'commander';
import { loaded } from '../../command.ts';
import { confirmLoss } from '../../input/confirmation.ts';
import type { Context } from '../../runtime/context.ts';
import { scheduleNoun } from '../../render/schedules.ts';

export interface ScheduleDeleteOptions {
  readonly schedule: string;
  readonly yes?: boolean;
  readonly reason?: string;
}

export function registerScheduleDelete(
  command: Command,
  run: (options: ScheduleDeleteOptions) => Promise<void>,
): void {
  command
    .argument('<schedule>', 'id, name, or environment/name')
    .option('--yes', 'do not ask')
    .option('--reason <text>', 'reason, for the audit trail')
    .addHelpText(
      'after',
      `
Also deletes the next scheduled capture; captures that have started stay.
Its owner and the admins of its environment may delete a schedule.

Examples:
  captures schedule delete nightly
  captures schedule delete 3 --yes --reason 'moved to another server'

JSON fields: ${scheduleNoun.fields.join(', ')}`,
    )
    .action((schedule: string, options: Omit<ScheduleDeleteOptions, 'schedule'>) =>
      run({ ...options, schedule }),
    );
}

export async function runScheduleDelete(
  options: ScheduleDeleteOptions,
  context: Context,
): Promise<number> {
  const actor = await context.actor();
  const { schedules } = context.api;
  const doomed = await schedules.get(actor, options.schedule, 'schedule.delete');
  const name = `${doomed.environmentName}/${doomed.name}`;
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
  return 0;
}

export const command = loaded(registerScheduleDelete, runScheduleDelete, scheduleNoun);
