import type { Command } from 'commander';
import { parseCount } from '../../input/arguments.ts';
import { loaded } from '../../command.ts';
import type { Context } from '../../runtime/context.ts';
import { occurrenceNoun } from '../../render/schedules.ts';

const DEFAULT_COUNT = 5;

export interface ScheduleNextOptions {
  readonly schedule: string;
  readonly number?: number;
}

export function registerScheduleNext(
  command: Command,
  run: (options: ScheduleNextOptions) => Promise<void>,
): void {
  command
    .argument('<schedule>', 'id, name, or environment/name')
    .option('-n, --number <n>', `how many (default: ${DEFAULT_COUNT})`, (text) =>
      parseCount(text, '--number'),
    )
    .addHelpText(
      'after',
      `
Shows when it starts its next captures, with offsets from UTC. A schedule that is paused or over has no
next runs.

Examples:
  captures schedule next nightly
  captures schedule next nightly -n 20 --json

JSON: an array. Fields: ${occurrenceNoun.fields.join(', ')}`,
    )
    .action((schedule: string, options: { number?: number }) => run({ ...options, schedule }));
}

export async function runScheduleNext(
  options: ScheduleNextOptions,
  context: Context,
): Promise<number> {
  const actor = await context.actor();
  const { schedule: ref, number = DEFAULT_COUNT } = options;
  const { schedule, instants } = await context.api.schedules.next(actor, ref, number);
  const { timeZone } = schedule;
  await context.print(
    occurrenceNoun,
    instants.map((at) => ({ at, timeZone })),
  );
  return 0;
}

export const command = loaded(registerScheduleNext, runScheduleNext);
