import type { Command } from 'commander';
import { AppError } from '../../core/errors.ts';
import { checkReplayOptions } from '../../core/replays/replay-request.ts';
import {
  DEFAULT_DEADLINE_MS,
  type MappedDatabase,
  type ReplayOptions,
} from '../../core/replays/replay.ts';
import { EVERY_STATEMENT } from '../../core/workloads/statement-search.ts';
import type { Context } from '../runtime/context.ts';
import { count } from './arguments.ts';
import { choice, contradiction, offering } from './choices.ts';
import { parseDuration } from './durations.ts';
import { registerSearchOptions, searchOf, type TypedSearch } from './statement-search-options.ts';
import { readUserMap } from './user-map.ts';

const TIMES = ['recorded', 'real'] as const;

/** Options that say how a record is replayed. */
export interface TypedReplay extends TypedSearch {
  readonly speed?: number | 'max';
  readonly writes?: boolean;
  readonly sessions?: number;
  readonly mapDb?: readonly MappedDatabase[];
  readonly userMap?: string;
  readonly serial?: boolean;
  readonly now?: (typeof TIMES)[number];
  /** Milliseconds. */
  readonly deadline?: number;
  readonly checksums?: boolean;
}

/** Declares them, those that choose statements under a heading of their own. */
export function registerReplayOptions(command: Command): Command {
  command
    .option(
      '--speed <factor>',
      'times as fast as recorded: 0.25, 1, 4; or max (default: 1)',
      offering(['max'], parseSpeed),
    )
    .option('--writes', 'send what changes data, too; asks for the name of the target')
    .option(
      '--sessions <n>',
      'connections at once at most; more sessions queue',
      count('--sessions'),
    )
    .option(
      '--serial',
      'one statement at a time, in the order of the record; without --speed, --sessions',
    )
    .option(
      '--map-db <a=b>',
      'what was database A is B on the target; may be repeated',
      parseMapping,
    )
    .option('--user-map <file>', 'recorded users and the accounts they log in with')
    .option(
      '--now <time>',
      'what NOW() is: the recorded time, or real (default: recorded)',
      choice(TIMES, '--now'),
    )
    .option(
      '--deadline <duration>',
      'break a statement off that has no answer by then (default: 1m)',
      parseDuration,
    )
    .option('--checksums', 'sum up the written tables at the end, for captures diff');
  return registerSearchOptions(command);
}

/**
 * What the core is asked for; says on stderr how times were understood.
 * @throws AppError `invalid`.
 */
export async function replayOptionsOf(
  typed: TypedReplay,
  context: Context,
): Promise<ReplayOptions> {
  const { serial = false, speed, sessions } = typed;
  if (serial && speed !== undefined) throw contradiction('--serial', '--speed');
  if (serial && sessions !== undefined) throw contradiction('--serial', '--sessions');
  const options: ReplayOptions = {
    speed: serial || speed === 'max' ? null : (speed ?? 1),
    writes: typed.writes === true,
    sessions: sessions ?? null,
    databases: typed.mapDb ?? [],
    users: typed.userMap === undefined ? [] : await readUserMap(typed.userMap, context),
    serial,
    recordedTime: typed.now !== 'real',
    search: EVERY_STATEMENT,
    deadline: typed.deadline ?? DEFAULT_DEADLINE_MS,
    checksums: typed.checksums === true,
  };
  // What is refused is refused before anything is said.
  checkReplayOptions(options);
  return { ...options, search: await searchOf(typed, context) };
}

/**
 * `0.25`, `1`, `4`, also `4x`; and `max`, which is no null: an option that is null is empty to commander. Too fast is
 * the core's to say.
 * @throws AppError `invalid`.
 */
export function parseSpeed(text: string): number | 'max' {
  const trimmed = text.trim().toLowerCase();
  if (trimmed === 'max') return 'max';
  const [, number] = /^(\d+(?:\.\d+)?|\.\d+)x?$/.exec(trimmed) ?? [];
  const speed = Number(number ?? NaN);
  if (speed > 0 && Number.isFinite(speed)) return speed;
  throw new AppError(
    'invalid',
    `--speed takes a number from 0.001 to 1000, or max, not "${text}"`,
    {
      hint: '1 is as recorded, 0.25 four times slower, 4 four times faster; max as fast as each session goes.',
    },
  );
}

/** @throws AppError `invalid`. */
function parseMapping(
  text: string,
  before: readonly MappedDatabase[] = [],
): readonly MappedDatabase[] {
  const [recorded = '', target = '', ...more] = text.split('=');
  if (recorded === '' || target === '' || more.length > 0) {
    throw new AppError('invalid', `--map-db takes A=B, not "${text}"`, {
      hint: 'A is the database in the record, B the one on the target: --map-db shop=shop_copy. For several: --map-db a=b --map-db c=d',
    });
  }
  return [...before, { recorded, target }];
}
