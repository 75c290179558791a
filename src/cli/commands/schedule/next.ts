import { SCHEDULE, count } from '../../input/arguments.ts';
import { defineCommand } from '../command.ts';
import type { Context } from '../../runtime/context.ts';
import { fullName } from '../../render/full-name.ts';
import { occurrenceNoun } from '../../render/schedules.ts';
import { captureWord } from '../../render/shell-quoting.ts';

const DEFAULT_COUNT = 5;

interface Options {
  readonly schedule: string;
  readonly number?: number;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command
      .argument(...SCHEDULE)
      .option('-n, --number <n>', `how many (default: ${DEFAULT_COUNT})`, count('--number')),
  help: `Shows when its next captures start, with offsets from UTC. A schedule that is paused or over has none.

Examples:
  captures schedule next nightly
  captures schedule next nightly -n 20 --json`,
  prints: occurrenceNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  const { schedule: ref, number = DEFAULT_COUNT } = options;
  const { schedule, instants } = await context.api.schedules.next(actor, ref, number);
  const { state, timeZone } = schedule;
  const none =
    state === 'paused'
      ? `${fullName(schedule)} is paused. To resume it: captures schedule resume ${captureWord(schedule)}`
      : occurrenceNoun.none;
  await context.print(
    { ...occurrenceNoun, none },
    instants.map((at) => ({ at, timeZone })),
  );
}
