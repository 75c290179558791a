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
    .option('--reason <text>', 'why, for the audit trail')
    .addHelpText(
      'after',
      `
Takes the capture made ahead back and makes no more until it is resumed; one that has started goes on.
Occurrences meanwhile are not missed: they are not wanted.
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
