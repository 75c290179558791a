import type { Command } from 'commander';
import { loaded } from '../../command.ts';
import type { Context } from '../../runtime/context.ts';
import { scheduleNoun } from '../../render/schedules.ts';

export interface ScheduleGetOptions {
  readonly schedule: string;
}

export function registerScheduleGet(
  command: Command,
  run: (options: ScheduleGetOptions) => Promise<void>,
): void {
  command
    .argument('<schedule>', 'id, name, or environment/name')
    .addHelpText(
      'after',
      `
Examples:
  captures schedule get nightly
  captures schedule get shop/nightly --json

JSON fields: ${scheduleNoun.fields.join(', ')}`,
    )
    .action((schedule: string) => run({ schedule }));
}

export async function runScheduleGet(
  options: ScheduleGetOptions,
  context: Context,
): Promise<number> {
  const actor = await context.actor();
  await context.printOne(scheduleNoun, await context.api.schedules.get(actor, options.schedule));
  return 0;
}

export const command = loaded(registerScheduleGet, runScheduleGet);
