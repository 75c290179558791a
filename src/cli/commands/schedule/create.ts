import { AppError } from '../../../core/errors.ts';
import { defineCommand } from '../command.ts';
import type { Context } from '../../runtime/context.ts';
import { approving } from '../../input/approval-prompt.ts';
import {
  recordingOptionsOf,
  registerRecordingOptions,
  type TypedRecordingOptions,
} from '../../input/filters-and-guards.ts';
import { tellNotice } from '../../output/notice-texts.ts';
import { askEnvironment } from '../../input/questions.ts';
import { scheduleNoun } from '../../render/schedules.ts';
import {
  orNull,
  registerScheduleOptions,
  type ScheduleOptions,
} from '../../input/schedule-options.ts';
import { formatTime } from '../../input/times.ts';
import { readTime } from '../../input/typed-times.ts';

interface Options extends ScheduleOptions, TypedRecordingOptions {
  readonly name: string;
  readonly env?: string;
  readonly yes?: boolean;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    registerRecordingOptions(
      registerScheduleOptions(
        command
          .argument(
            '<name>',
            'name of the schedule; its captures get this name and their start time',
          )
          .option('--env <environment>', 'environment to capture (id or name)'),
        false,
      ),
    ),
  help: `Times are in --timezone, or in the system's time zone. If clocks skip a time, the capture starts when
they resume; if they show it twice, a fixed time runs once. If both day of month and weekday are given,
one match is enough ('0 2 13 * 5'), as in cron; if one of them begins with *, both must match
('0 2 */2 * 1' is a Monday with an odd date).
A daemon must be running at those times: captures daemon. What to record: captures help filters.

Examples:
  captures schedule create nightly --env shop --cron '0 2 * * *' \\
    --duration 30m --retain 30d
  captures schedule create open --env shop --cron '0 9 * * 1-5' \\
    --timezone America/New_York \\
    --duration 15m --until 2027-01-01`,
  prints: scheduleNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  const { cron, duration } = options;
  if (cron === undefined) throw missing('--cron', "--cron '0 9 * * 1-5'");
  if (duration === undefined) throw missing('--duration', '--duration 15m');
  const env = options.env ?? (await askEnvironment(context));
  const request = {
    name: options.name,
    environment: env,
    cron,
    timeZone: context.timeZone,
    duration,
    overlap: options.overlap ?? 'skip',
    count: orNull(options.count),
    until: await readTime(context, 'until', options.until),
    retain: orNull(options.retain),
    options: recordingOptionsOf(options),
  };
  const schedule = await approving(context, options.yes === true, (approved) =>
    context.api.schedules.create(actor, request, approved),
  );
  if (schedule.pendingAt !== null) {
    const { timeZone } = schedule;
    await context.note(`first start: ${formatTime(schedule.pendingAt, timeZone)} (${timeZone})`);
  }
  for (const notice of schedule.notices) await tellNotice(context, notice);
  await context.printOne(scheduleNoun, schedule);
}

function missing(option: string, example: string): AppError {
  return new AppError('invalid', `A schedule needs ${option}`, { hint: `For example: ${example}` });
}
