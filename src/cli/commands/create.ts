import { shellQuoted } from '../../core/shell.ts';
import type { Command } from 'commander';
import type { CaptureRequest } from '../../core/captures/capture-timing.ts';
import { isOver } from '../../core/captures/capture.ts';
import { AppError } from '../../core/errors.ts';
import type { ServerInspection } from '../../core/environments/server-inspection.ts';
import { resultOf } from '../../core/progress.ts';
import type { ListedCapture } from '../../core/store.ts';
import { choice } from '../input/choices.ts';
import { loaded } from '../command.ts';
import { splitCommand } from '../input/command-line.ts';
import type { Context } from '../runtime/context.ts';
import { parseDuration } from '../input/durations.ts';
import { laterDaemonWarning } from '../output/daemon-warnings.ts';
import { checkServer, lookAhead } from '../preflight.ts';
import { Recording } from '../recording.ts';
import {
  recordingOptionsOf,
  registerRecordingOptions,
  type TypedRecordingOptions,
} from '../input/filters-and-guards.ts';
import { askEnvironment, askName } from '../input/questions.ts';
import { tellEvents } from '../output/capture-events.ts';
import { sayFirstValues } from '../output/first-values.ts';
import { captureNoun } from '../render/captures.ts';
import { ownersCover } from '../render/values-outlook.ts';
import { formatDuration } from '../../core/units.ts';
import { recordCommand } from '../record-command.ts';
import { formatTime } from '../input/times.ts';
import { readTime } from '../input/typed-times.ts';

const STATUSES = ['SCHEDULED', 'STARTED', 'STARTING'] as const;

export interface CreateOptions extends TypedRecordingOptions {
  /** NAME and, behind `--`, a command with its arguments. */
  readonly words: readonly string[];
  readonly env?: string;
  readonly scheduledStart?: string;
  readonly start?: string;
  /** Milliseconds. */
  readonly duration?: number;
  readonly status?: (typeof STATUSES)[number];
  /** undefined: until it is RUNNING; true: until it is over; false: not at all. */
  readonly wait?: boolean;
  /** Only say what it would do. */
  readonly plan?: boolean;
  /** Not to ask. */
  readonly yes?: boolean;
}

export function registerCreate(
  command: Command,
  run: (options: CreateOptions) => Promise<void>,
): void {
  registerRecordingOptions(
    command
      .usage('NAME [--env ENVIRONMENT] [options] [-- COMMAND ARGS...]')
      .argument('[name-and-command...]', 'name of the capture; behind -- a command to record')
      .option(
        '--env <environment>',
        'environment to capture (id or name); optional if you have one',
      )
      .option('--at, --scheduled-start <when>', 'start at this time instead of now')
      .option(
        '--duration <duration>',
        'stop by itself after this long, at least 60 s',
        parseDuration,
      )
      .option('--status <status>', STATUSES.join(', '), choice(STATUSES, '--status'))
      .option('--start <when>', 'actual start: metrics-only, or a window that is over')
      .option('--wait', 'wait until it is over')
      .option('--no-wait', 'return at once, before it is RUNNING')
      .option('--plan', 'only show what it would do, need and cost: help plan'),
  )
    .addHelpText(
      'after',
      `
Waits until every statement is being recorded. If no daemon runs, one is started in the
background; with --at and --wait, when the capture is due.
With a COMMAND it records while that runs, and exits with its status.

Examples:
  captures create friday --env shop --duration 2h
  captures create nightly --env shop --at "tomorrow 02:00" --duration 30m
  captures create tests --env shop -- npm test
  captures create writes --env shop --only writes --exclude-user 'repl*'
  captures create early --env shop --at "tomorrow 02:00" --warm-up 6h

Filters: captures help filters. Guards: captures help guards. Times: captures
help time. What it would do and cost: captures help plan. Values of statements
prepared before: captures help values.

JSON fields: ${captureNoun.fields.join(', ')}`,
    )
    .action((words: string[], options: Omit<CreateOptions, 'words'>) => run({ ...options, words }));
}

export async function runCreate(options: CreateOptions, context: Context): Promise<number> {
  const actor = await context.actor();
  const { captures } = context.api;
  const { operands, command } = splitCommand(options.words, context.argv);
  checkCombination(options, operands, command);
  if (command !== null && options.plan !== true) {
    // With --json a failure is an object also here.
    context.refuseDataOptions(
      `stdout is the command's alone. Afterwards: captures get ${shellQuoted(operands[0] ?? 'NAME')}`,
      ['--json', '--output json'],
    );
  }
  const request = await requestOf(options, operands[0], context);
  if (options.plan === true) {
    const { planCapture } = await import('../plan.ts');
    return planCapture(request, context);
  }
  const planned = await captures.check(actor, request);
  const isToStartNow = planned.status === 'STARTED' || planned.status === 'STARTING';
  let inspection: ServerInspection | null = null;
  if (planned.recordsStatements && isToStartNow) {
    const environment = await context.api.environments.get(actor, request.environment);
    const { server } = environment;
    if (server !== null) {
      inspection = await checkServer(
        context,
        { ...environment, server },
        recordingOptionsOf(options),
      );
    }
  }
  const isLater = planned.status === 'SCHEDULED';
  if (isLater)
    inspection = await lookAhead(request.environment, recordingOptionsOf(options), context);
  const approved = await approve(options, request, isLater, inspection, context);
  context.world.signals.interrupted.throwIfAborted();
  const capture = await resultOf(captures.create(actor, approved), tellEvents(context));
  const recording = new Recording(context);
  if (isLater) return scheduled(capture, options, inspection, context, recording);
  if (command !== null) return recordCommand(capture, command, context, recording);
  if (options.wait === false || isOver(capture.status)) {
    await context.printOne(captureNoun, capture);
    return 0;
  }
  let running = await recording.untilRunning(capture);
  if (inspection !== null) {
    await sayFirstValues(context, running, inspection);
    running = context.store.captures.find(running.id) ?? running;
  }
  if (options.wait === true) await recording.printResult(await recording.untilOver(running));
  else await context.printOne(captureNoun, running);
  return 0;
}

/** Has what disturbs others agreed to. */
async function approve(
  { yes }: CreateOptions,
  request: CaptureRequest,
  isLater: boolean,
  inspection: ServerInspection | null,
  context: Context,
): Promise<CaptureRequest> {
  const { options, environment } = request;
  if (options?.recycleUsers == null && options?.warmUp == null) return request;
  const { approveForValues } = await import('../recycling.ts');
  const approval = { environment, isAgreed: yes === true, isLater };
  return { ...request, options: await approveForValues(context, options, inspection, approval) };
}

function checkCombination(
  options: CreateOptions,
  operands: readonly string[],
  command: readonly string[] | null,
): void {
  if (operands.length > 1) {
    throw new AppError('invalid', `There is more than one name: ${operands.join(', ')}`, {
      hint: 'Put quotes around a name with spaces, and -- before a command to record.',
    });
  }
  if (command === null) return;
  if (command.length === 0) {
    throw new AppError('invalid', 'There is no command after --');
  }
  const isNow = options.scheduledStart === undefined && options.start === undefined;
  if (!isNow || options.status === 'SCHEDULED' || options.wait !== undefined) {
    throw new AppError('invalid', 'A command is recorded from now until it ends', {
      hint: 'Leave out --at, --start, --status SCHEDULED, --wait and --no-wait, or the command.',
    });
  }
}

async function requestOf(
  options: CreateOptions,
  givenName: string | undefined,
  context: Context,
): Promise<CaptureRequest> {
  const name =
    givenName ?? (await askName(context, 'capture', 'captures create NAME --env ENVIRONMENT'));
  const environment = options.env ?? (await askEnvironment(context));
  return {
    name,
    environment,
    status: options.status ?? null,
    start: await readTime(context, 'start', options.start),
    scheduledStart: await readTime(context, 'scheduled start', options.scheduledStart),
    duration: options.duration ?? null,
    options: recordingOptionsOf(options),
  };
}

async function scheduled(
  capture: ListedCapture,
  options: CreateOptions,
  inspection: ServerInspection | null,
  context: Context,
  recording: Recording,
): Promise<number> {
  const { warmUp } = capture.options;
  const now = context.now();
  const isNeeded = inspection === null || ownersCover(inspection) === null;
  const begin =
    warmUp === null || capture.scheduledStart === null || !isNeeded
      ? null
      : Math.max(capture.scheduledStart - warmUp, now);
  const from = begin === null ? null : formatTime(begin, context.timeZone);
  const when = from === null ? 'at that time' : `for the warm-up, from ${from} on,`;
  const warning = laterDaemonWarning(context.store, now, when);
  if (warning !== null && options.wait === true) {
    await context.note(
      'No permanent daemon is running: this command starts one in the background when the capture is due. If you end the command before that, keep one running with: captures daemon',
    );
  } else if (warning !== null) {
    await context.warn(warning);
  }
  if (from !== null && begin !== null && capture.scheduledStart !== null) {
    const left = capture.scheduledStart - begin;
    const short =
      warmUp !== null && left < warmUp
        ? `, ${formatDuration(left)} instead of ${formatDuration(warmUp)}`
        : '';
    await context.note(`warm-up from ${from} (${context.timeZone}) until it starts${short}`);
  }
  if (options.wait === true) await recording.printResult(await recording.untilOver(capture));
  else await context.printOne(captureNoun, capture);
  return 0;
}

export const command = loaded(registerCreate, runCreate, captureNoun);
