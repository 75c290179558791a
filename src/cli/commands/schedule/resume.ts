import type { Command } from 'commander';
import { loaded } from '../../command.ts';
import type { Context } from '../../runtime/context.ts';
import { scheduleNoun } from '../../render/schedules.ts';

export interface ScheduleResumeOptions {
  readonly schedule: string;
}

export function registerScheduleResume(
  command: Command,
  run: (options: ScheduleResumeOptions) => Promise<void>,
): void {
  command
    .argument('<schedule>', 'id, name, or environment/name')
    .addHelpText(
      'after',
      `
Continues with the next run from now.
Its owner and the admins of its environment may resume a schedule.

Examples:
  captures schedule resume nightly

JSON fields: ${scheduleNoun.fields.join(', ')}`,
    )
    .action((schedule: string) => run({ schedule }));
}

export async function runScheduleResume(
  options: ScheduleResumeOptions,
  context: Context,
): Promise<number> {
  const actor = await context.actor();
  const schedule = await context.api.schedules.resume(actor, options.schedule);
  await context.printOne(scheduleNoun, schedule);
  return 0;
}

export const command = loaded(registerScheduleResume, runScheduleResume, scheduleNoun);
