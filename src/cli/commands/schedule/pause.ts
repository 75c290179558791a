import type { Command } from 'commander';
import { loaded } from '../../command.ts';
import type { Context } from '../../runtime/context.ts';
import { scheduleNoun } from '../../render/schedules.ts';

export interface SchedulePauseOptions {
  readonly schedule: string;
  readonly reason?: string;
}

export function registerSchedulePause(
  command: Command,
  run: (options: SchedulePauseOptions) => Promise<void>,
): void {
  command
    .argument('<schedule>', 'id, name, or environment/name')
    .option('--reason <text>', 'reason, for the audit trail')
    .addHelpText(
      'after',
      `
Removes the next scheduled capture and makes no more until you resume it; one that has started continues.
Runs during the pause do not count as missed.
Its owner and the admins of its environment may pause a schedule.

Examples:
  captures schedule pause nightly --reason 'release freeze'

JSON fields: ${scheduleNoun.fields.join(', ')}`,
    )
    .action((schedule: string, options: { reason?: string }) => run({ ...options, schedule }));
}

export async function runSchedulePause(
  options: SchedulePauseOptions,
  context: Context,
): Promise<number> {
  const actor = await context.actor();
  const schedule = await context.api.schedules.pause(
    actor,
    options.schedule,
    options.reason ?? null,
  );
  await context.printOne(scheduleNoun, schedule);
  return 0;
}

export const command = loaded(registerSchedulePause, runSchedulePause, scheduleNoun);
