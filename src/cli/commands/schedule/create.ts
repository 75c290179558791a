import type { Command } from 'commander';
import { AppError } from '../../../core/errors.ts';
import type { ListedSchedule } from '../../../core/schedules/schedule.ts';
import { loaded } from '../../command.ts';
import type { Context } from '../../runtime/context.ts';
import { lookAhead } from '../../preflight.ts';
import {
  recordingOptionsOf,
  registerRecordingOptions,
  type TypedRecordingOptions,
} from '../../input/filters-and-guards.ts';
import { hasLiveDaemon } from '../../output/daemon-warnings.ts';
import { askEnvironment } from '../../input/questions.ts';
import { scheduleNoun } from '../../render/schedules.ts';
import {
  orNull,
  registerScheduleOptions,
  type ScheduleOptions,
} from '../../input/schedule-options.ts';
import { formatTime } from '../../input/times.ts';
import { readTime } from '../../input/typed-times.ts';

export interface ScheduleCreateOptions extends ScheduleOptions, TypedRecordingOptions {
  readonly name: string;
  readonly env?: string;
  /** Not to ask. */
  readonly yes?: boolean;
}

export function registerScheduleCreate(
  command: Command,
  run: (options: ScheduleCreateOptions) => Promise<void>,
): void {
  registerRecordingOptions(
    registerScheduleOptions(
      command
        .argument('<name>', 'name of the schedule; its captures are named after it and their time')
        .option('--env <environment>', 'environment to capture (id or name)'),
      false,
    ),
  )
    .addHelpText(
      'after',
      `
The expression is read in --timezone, else in the system's time zone. If clocks skip a time, the
capture starts when they resume; if they show it twice, a fixed time happens once.
If day of month and weekday are both given, one match is enough ('0 2 13 * 5'), as in cron; if one of
them begins with *, both must match ('0 2 */2 * 1' is a Monday with an odd date).
A daemon must run at those times: captures daemon. What to record: captures help filters.

Examples:
  captures schedule create nightly --env shop --cron '0 2 * * *' \\
    --duration 30m --retain 30d
  captures schedule create open --env shop --cron '0 9 * * 1-5' \\
    --timezone America/New_York \\
    --duration 15m --until 2027-01-01

JSON fields: ${scheduleNoun.fields.join(', ')}`,
    )
    .action((name: string, options: Omit<ScheduleCreateOptions, 'name'>) =>
      run({ ...options, name }),
    );
}

export async function runScheduleCreate(
  options: ScheduleCreateOptions,
  context: Context,
): Promise<number> {
  const actor = await context.actor();
  const { cron, duration } = options;
  if (cron === undefined) throw missing('--cron', "--cron '0 9 * * 1-5'");
  if (duration === undefined) throw missing('--duration', '--duration 15m');
  const env = options.env ?? (await askEnvironment(context));
  const asked = recordingOptionsOf(options);
  const { approveForValues } = await import('../../recycling.ts');
  const inspection = await lookAhead(env, asked, context);
  const recorded = await approveForValues(context, asked, inspection, {
    environment: env,
    isAgreed: options.yes === true,
    isLater: true,
  });
  const schedule = await context.api.schedules.create(actor, {
    name: options.name,
    environment: env,
    cron,
    timeZone: context.timeZone,
    duration,
    overlap: options.overlap ?? 'skip',
    count: orNull(options.count),
    until: await readTime(context, 'until', options.until),
    retain: orNull(options.retain),
    options: recorded,
  });
  if (schedule.pendingAt !== null) {
    const { timeZone } = schedule;
    await context.note(`first start: ${formatTime(schedule.pendingAt, timeZone)} (${timeZone})`);
  }
  await sayWarmUps(context, schedule);
  if (!hasLiveDaemon(context.store, context.now())) {
    await context.warn(
      'No daemon is alive to start its captures. Keep one running with: captures daemon',
    );
  }
  await context.printOne(scheduleNoun, schedule);
  return 0;
}

/** Says when the first warm-up of a schedule begins, and that they leave no time between them. */
async function sayWarmUps(context: Context, schedule: ListedSchedule): Promise<void> {
  const { options, pendingAt, timeZone, duration } = schedule;
  const { warmUp } = options;
  if (warmUp === null || pendingAt === null) return;
  const begin = Math.max(pendingAt - warmUp, context.now());
  await context.note(`warm-up from ${formatTime(begin, timeZone)} (${timeZone}) until it starts`);
  const { instants } = await context.api.schedules.next(
    await context.actor(),
    String(schedule.id),
    2,
  );
  const [first, second] = instants;
  if (first === undefined || second === undefined || second - first > warmUp + duration) return;
  await context.warn(
    'The warm-up is as long as the time between two captures: the slow log stays on between them',
  );
}

function missing(option: string, example: string): AppError {
  return new AppError('invalid', `A schedule needs ${option}`, { hint: `For example: ${example}` });
}

export const command = loaded(registerScheduleCreate, runScheduleCreate, scheduleNoun);
