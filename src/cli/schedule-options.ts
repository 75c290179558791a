import type { Command } from 'commander';
import { OVERLAPS, type Overlap } from '../core/schedules.ts';
import { parseCount } from './arguments.ts';
import { oneOf } from './choices.ts';
import { parseDuration } from './durations.ts';

/** Options of `schedule create` and `schedule edit`. Lengths are milliseconds. */
export interface ScheduleOptions {
  readonly cron?: string;
  readonly duration?: number;
  readonly overlap?: Overlap;
  /** null: without an end. */
  readonly count?: number | null;
  readonly until?: string;
  /** null: for good. */
  readonly retain?: number | null;
}

/** @param none what takes an end away again, where an edit can: `none`. */
export function registerScheduleOptions(command: Command, none: string | null): Command {
  const orNone =
    <T>(parse: (text: string) => T) =>
    (text: string): T | null =>
      none !== null && text === none ? null : parse(text);
  const more = none === null ? '' : `, or ${none}`;
  return command
    .option('--cron <expression>', "when: minute hour day month weekday, '0 9 * * 1-5', or @daily")
    .option('--duration <duration>', 'length of each capture, at least 60 s', parseDuration)
    .option('--overlap <choice>', 'while the one before still runs: skip or allow', (text) =>
      oneOf(OVERLAPS, text, '--overlap'),
    )
    .option(
      '--count <n>',
      `so many occurrences in all${more}`,
      orNone((text) => parseCount(text, '--count')),
    )
    .option('--until <when>', `no occurrence after this${more}`)
    .option(
      '--retain <duration>',
      `delete each capture so long after its end: 30d${more}`,
      orNone(parseDuration),
    );
}
