import type { Command } from 'commander';
import { OVERLAPS, type Overlap } from '../../core/schedules/schedule.ts';
import { count } from './arguments.ts';
import { choice } from './choices.ts';
import { parseDuration } from './durations.ts';

/** Takes an end away again. */
export const NONE = 'none';

/** Options of `schedule create` and `schedule edit`. Lengths are milliseconds. */
export interface ScheduleOptions {
  readonly cron?: string;
  readonly duration?: number;
  readonly overlap?: Overlap;
  readonly count?: number | typeof NONE;
  readonly until?: string;
  readonly retain?: number | typeof NONE;
}

/** @param canTakeAway whether `none` takes an end away, as an edit can. */
export function registerScheduleOptions(command: Command, canTakeAway: boolean): Command {
  const orNone =
    <T>(parse: (text: string) => T) =>
    (text: string): T | typeof NONE =>
      canTakeAway && text === NONE ? NONE : parse(text);
  const more = canTakeAway ? `, or ${NONE}` : '';
  return command
    .option('--cron <expression>', "when: minute hour day month weekday, '0 9 * * 1-5', or @daily")
    .option('--duration <duration>', 'length of each capture, at least 60 s', parseDuration)
    .option(
      '--overlap <choice>',
      'while the previous one still runs: skip or allow',
      choice(OVERLAPS, '--overlap'),
    )
    .option('--count <n>', `stop after this many runs${more}`, orNone(count('--count')))
    .option('--until <when>', `no run after this${more}`)
    .option(
      '--retain <duration>',
      `delete each capture this long after its end: 30d${more}`,
      orNone(parseDuration),
    );
}

/** What the core means by an option that is absent or taken away. */
export function orNull(value: number | typeof NONE | undefined): number | null {
  return value === undefined || value === NONE ? null : value;
}
