import { AppError } from '../../core/errors.ts';
import { resultOf } from '../../core/progress.ts';
import { defineCommand } from './command.ts';
import { CAPTURE } from '../input/arguments.ts';
import { tellEvents } from '../output/capture-events.ts';
import type { Context } from '../runtime/context.ts';
import { parseDuration } from '../input/durations.ts';
import { captureNoun } from '../render/captures.ts';
import { readTime } from '../input/typed-times.ts';

interface Options {
  readonly capture: string;
  readonly name?: string;
  readonly scheduledStart?: string;
  /** Milliseconds. */
  readonly duration?: number;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command
      .argument(...CAPTURE)
      .option('--name <name>', 'new name')
      .option('--at, --scheduled-start <when>', 'new start, while it is SCHEDULED')
      .option('--duration <duration>', 'new length, counted from its start', parseDuration),
  help: `The name can change at any time, the start while the capture is SCHEDULED, the length while it is
SCHEDULED or RUNNING. Its owner and the admins of its environment may edit a capture.

Examples:
  captures edit friday --name "black friday"
  captures edit 7 --at "tomorrow 02:00" --duration 2h`,
  prints: captureNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  if (
    options.name === undefined &&
    options.scheduledStart === undefined &&
    options.duration === undefined
  ) {
    throw new AppError('invalid', 'Nothing to change', {
      hint: 'Options: --name NAME, --at WHEN or --duration D',
    });
  }
  const edit = {
    name: options.name ?? null,
    scheduledStart: await readTime(context, 'start', options.scheduledStart),
    duration: options.duration ?? null,
  };
  const edited = await resultOf(
    context.api.captures.edit(actor, options.capture, edit),
    tellEvents(context),
  );
  await context.printOne(captureNoun, edited);
}
