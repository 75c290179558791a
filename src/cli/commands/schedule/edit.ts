import type { ScheduleEdit } from '../../../core/schedules/schedule-service.ts';
import { AppError } from '../../../core/errors.ts';
import { defineCommand } from '../command.ts';
import { SCHEDULE } from '../../input/arguments.ts';
import type { Context } from '../../runtime/context.ts';
import { scheduleNoun } from '../../render/schedules.ts';
import {
  NONE,
  orNull,
  registerScheduleOptions,
  type ScheduleOptions,
} from '../../input/schedule-options.ts';
import { readTime } from '../../input/typed-times.ts';

interface Options extends ScheduleOptions {
  readonly schedule: string;
  readonly name?: string;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    registerScheduleOptions(
      command.argument(...SCHEDULE).option('--name <name>', 'new name'),
      true,
    ),
  help: `To change the time zone use --timezone. Replaces the next scheduled capture; one that has started
continues. Its owner and the admins of its environment may edit a schedule.

Examples:
  captures schedule edit nightly --cron '30 2 * * *'
  captures schedule edit 3 --until none --retain 90d`,
  prints: scheduleNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  const edit = await editOf(options, context);
  if (Object.keys(edit).length === 0) {
    throw new AppError('invalid', 'Nothing to change', {
      hint: 'Options: --name, --cron, --timezone, --duration, --overlap, --count, --until or --retain',
    });
  }
  const edited = await context.api.schedules.edit(actor, options.schedule, edit);
  await context.printOne(scheduleNoun, edited);
}

async function editOf(options: Options, context: Context): Promise<ScheduleEdit> {
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
