import type { Command } from 'commander';
import { AppError } from '../../core/errors.ts';
import { resultOf } from '../../core/progress.ts';
import { loaded } from '../command.ts';
import { tellEvents } from '../output/capture-events.ts';
import type { Context } from '../runtime/context.ts';
import { parseDuration } from '../input/durations.ts';
import { captureNoun } from '../render/captures.ts';
import { readTime } from '../input/typed-times.ts';

export interface EditOptions {
  readonly capture: string;
  readonly name?: string;
  readonly at?: string;
  /** Milliseconds. */
  readonly duration?: number;
}

export function registerEdit(command: Command, run: (options: EditOptions) => Promise<void>): void {
  command
    .argument('<capture>', 'id, name, or environment/name')
    .option('--name <name>', 'a new name')
    .option('--at, --scheduled-start <when>', 'a new start, while it is SCHEDULED')
    .option('--duration <duration>', 'a new length, counted from its start', parseDuration)
    .addHelpText(
      'after',
      `
The name can change at any time, the start while the capture is SCHEDULED, the length while it is
SCHEDULED or RUNNING. Its owner and the admins of its environment may edit a capture.

Examples:
  captures edit friday --name "black friday"
  captures edit 7 --at "tomorrow 02:00" --duration 2h

JSON fields: ${captureNoun.fields.join(', ')}`,
    )
    .action(
      (
        capture: string,
        {
          scheduledStart,
          ...options
        }: Omit<EditOptions, 'capture' | 'at'> & { scheduledStart?: string },
      ) =>
        run({
          ...options,
          capture,
          ...(scheduledStart === undefined ? {} : { at: scheduledStart }),
        }),
    );
}

export async function runEdit(options: EditOptions, context: Context): Promise<number> {
  const actor = await context.actor();
  if (options.name === undefined && options.at === undefined && options.duration === undefined) {
    throw new AppError('invalid', 'Nothing to change', {
      hint: 'Options: --name NAME, --at WHEN or --duration D',
    });
  }
  const edit = {
    name: options.name ?? null,
    scheduledStart: await readTime(context, 'start', options.at),
    duration: options.duration ?? null,
  };
  const edited = await resultOf(
    context.api.captures.edit(actor, options.capture, edit),
    tellEvents(context),
  );
  await context.printOne(captureNoun, edited);
  return 0;
}

export const command = loaded(registerEdit, runEdit, captureNoun);
