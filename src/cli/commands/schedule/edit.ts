import type { Command } from 'commander';
import type { ScheduleEdit } from '../../../core/schedules/schedule-service.ts';
import { AppError } from '../../../core/errors.ts';
import { loaded } from '../../command.ts';
import type { Context } from '../../runtime/context.ts';
import { scheduleNoun } from '../../render/schedules.ts';
import {
  NONE,
  orNull,
  registerScheduleOptions,
  type ScheduleOptions,
} from '../../input/schedule-options.ts';
import { readTime } from '../../input/typed-times.ts';

export interface ScheduleEditOptions extends ScheduleOptions {
  readonly schedule: string;
  readonly name?: string;
}

export function registerScheduleEdit(
  command: Command,
  run: (options: ScheduleEditOptions) => Promise<void>,
): void {
  registerScheduleOptions(
    command
      .argument('<schedule>', 'id, name, or environment/name')
      .option('--name <name>', 'a new name'),
    true,
  )
    .addHelpText(
      'after',
      `
The time zone is changed with --timezone. The next scheduled capture is replaced; one that has started
continues. Its owner and the admins of its environment may edit a schedule.

Examples:
  captures schedule edit nightly --cron '30 2 * * *'
  captures schedule edit 3 --until none --retain 90d

JSON fields: ${scheduleNoun.fields.join(', ')}`,
    )
    .action((schedule: string, options: Omit<ScheduleEditOptions, 'schedule'>) =>
      run({ ...options, schedule }),
    );
}

export async function runScheduleEdit(
  options: ScheduleEditOptions,
  context: Context,
): Promise<number> {
  const actor = await context.actor();
  const edit = await editOf(options, context);
  if (Object.keys(edit).length === 0) {
    throw new AppError('invalid', 'Nothing to change', {
      hint: 'Options: --name, --cron, --timezone, --duration, --overlap, --count, --until or --retain',
    });
  }
  const edited = await context.api.schedules.edit(actor, options.schedule, edit);
  await context.printOne(scheduleNoun, edited);
  return 0;
}

async function editOf(options: ScheduleEditOptions, context: Context): Promise<ScheduleEdit> {
  const { name, cron, duration, overlap, count, retain, until } = options;
  const { timeZone } = context.options;
  return {
    ...(name === undefined ? {} : { name }),
    ...(cron === undefined ? {} : { cron }),
    ...(timeZone === null ? {} : { timeZone }),
    ...(duration === undefined ? {} : { duration }),
    ...(overlap === undefined ? {} : { overlap }),
    ...(count === undefined ? {} : { count: orNull(count) }),
    ...(retain === undefined ? {} : { retain: orNull(retain) }),
    ...(until === undefined
      ? {}
      : { until: until === NONE ? null : await readTime(context, 'until', until) }),
  };
}

export const command = loaded(registerScheduleEdit, runScheduleEdit, scheduleNoun);
