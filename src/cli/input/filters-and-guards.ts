import type { Command } from 'commander';
import { AppError } from '../../core/errors.ts';
import {
  RECORD_EVERYTHING,
  REDACTIONS,
  STATEMENT_CLASSES,
  type RecordingOptions,
  type Redaction,
  type StatementClass,
} from '../../core/captures/recording-options.ts';
import { collected, YES } from './arguments.ts';
import { choice, offering, oneOf } from './choices.ts';
import { parseDuration } from './durations.ts';
import { parseSize } from './sizes.ts';

const NONE = 'none';

/** Options of `create` and `schedule create` that say what is recorded. Absent: as by default. */
export interface TypedRecordingOptions {
  readonly includeUser?: readonly string[];
  readonly excludeUser?: readonly string[];
  readonly includeDb?: readonly string[];
  readonly excludeDb?: readonly string[];
  readonly includeHost?: readonly string[];
  readonly only?: readonly StatementClass[];
  /** N of `1/N`. */
  readonly sample?: number;
  readonly redact?: Redaction;
  /** Sizes are bytes, lengths of time milliseconds. */
  readonly maxSize?: number;
  readonly minFree?: number;
  readonly maxLog?: number;
  readonly maxLag?: number;
  readonly deadMan?: number | typeof NONE;
  readonly warmUp?: number;
  readonly recycleSessions?: boolean;
  readonly recycleUser?: readonly string[];
}

/**
 * Declares them, under headings of their own. Patterns may be given more than once; what matches one
 * of them matches.
 */
export function registerRecordingOptions(command: Command): Command {
  return command
    .optionsGroup('What to record (patterns have * and ?, options may be repeated):')
    .option('--include-user <pattern>', 'only statements of these users', collected)
    .option('--exclude-user <pattern>', 'no statements of these users', collected)
    .option('--include-host <pattern>', 'only statements from these hosts', collected)
    .option('--include-db <pattern>', 'only statements in these databases', collected)
    .option('--exclude-db <pattern>', 'no statements in these databases', collected)
    .option(
      '--only <class>',
      `only ${STATEMENT_CLASSES.join(', ')}, or several: reads,ddl`,
      offering(
        STATEMENT_CLASSES,
        (text: string, before: readonly StatementClass[] | undefined) => [
          ...(before ?? []),
          ...text.split(',').map((one) => oneOf(STATEMENT_CLASSES, one.trim(), '--only')),
        ],
        { isList: true },
      ),
    )
    .option('--sample <1/N>', 'one session in N, from its start to its end', parseSample)
    .option(
      '--redact <what>',
      'literals: replace each value by a pseudonym',
      choice(REDACTIONS, '--redact'),
    )
    .optionsGroup('Guards (limits that end the capture):')
    .option('--max-size <size>', 'stop when its files reach this: 500M, 2G', parseSize)
    .option('--min-free <size>', 'stop when free disk here falls below this', parseSize)
    .option('--max-log <size>', "stop when the log's tables on the server reach this", parseSize)
    .option('--max-lag <duration>', 'stop when the record is this far behind', parseDuration)
    .option(
      '--dead-man <duration>',
      `the server switches its log off if the recorder is silent this long (1h), or ${NONE}`,
      (text) => (text === NONE ? NONE : parseDuration(text)),
    )
    .optionsGroup('Values of statements prepared before (MariaDB: help values):')
    .option(
      '--warm-up <duration>',
      'cover sessions that connect this long before the start',
      parseDuration,
    )
    .option('--recycle-sessions', 'end idle sessions at the start, so that pools reconnect')
    .option('--recycle-user <pattern>', 'only sessions of these users', collected)
    .option(...YES)
    .optionsGroup('Options:');
}

/** What the core is asked for. */
export function recordingOptionsOf(typed: TypedRecordingOptions): RecordingOptions {
  return {
    includeUsers: typed.includeUser ?? [],
    excludeUsers: typed.excludeUser ?? [],
    includeDatabases: typed.includeDb ?? [],
    excludeDatabases: typed.excludeDb ?? [],
    includeHosts: typed.includeHost ?? [],
    only: [...new Set(typed.only)],
    sample: typed.sample ?? null,
    redact: typed.redact ?? null,
    maxSize: typed.maxSize ?? null,
    minFree: typed.minFree ?? null,
    maxLog: typed.maxLog ?? null,
    maxLag: typed.maxLag ?? null,
    deadMan: typed.deadMan === NONE ? null : (typed.deadMan ?? RECORD_EVERYTHING.deadMan),
    warmUp: typed.warmUp ?? null,
    recycleUsers: recycledUsers(typed),
  };
}

/** @throws AppError `invalid` for users without what is to be done to them. */
function recycledUsers({
  recycleSessions,
  recycleUser,
}: TypedRecordingOptions): readonly string[] | null {
  if (recycleSessions === true) return recycleUser ?? [];
  if (recycleUser === undefined) return null;
  throw new AppError('invalid', '--recycle-user says whose sessions --recycle-sessions ends', {
    hint: 'Add --recycle-sessions, or leave --recycle-user out.',
  });
}

function parseSample(text: string): number {
  const match = /^1\/(\d+)$/.exec(text.trim());
  if (match === null) {
    throw new AppError('invalid', `--sample takes 1/N, for example 1/10, not "${text}"`);
  }
  return Number(match[1]);
}
