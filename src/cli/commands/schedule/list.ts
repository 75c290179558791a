import type { Command } from 'commander';
import { loaded } from '../../command.ts';
import type { Context } from '../../runtime/context.ts';
import { scheduleNoun } from '../../render/schedules.ts';

export interface ScheduleListOptions {
  readonly env?: string;
}

export function registerScheduleList(
  command: Command,
  run: (options: ScheduleListOptions) => Promise<void>,
): void {
  command
    .option('--env <environment>', 'only schedules of this environment (id or name)')
    .addHelpText(
      'after',
      `
Lists the schedules of the environments you are a member of, by environment and name.

Examples:
  captures schedule list
  captures schedule list --env shop --json

JSON fields: ${scheduleNoun.fields.join(', ')}`,
    )
    .action((options: ScheduleListOptions) => run(options));
}

export async function runScheduleList(
  options: ScheduleListOptions,
  context: Context,
): Promise<number> {
  const actor = await context.actor();
  await context.print(scheduleNoun, await context.api.schedules.list(actor, options.env ?? null));
  return 0;
}

export const command = loaded(registerScheduleList, runScheduleList);
