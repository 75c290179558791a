import { captureWord, shellQuoted } from '../render/shell-quoting.ts';
import type { CaptureRequest } from '../../core/captures/capture-timing.ts';
import { isOver } from '../../core/captures/capture.ts';
import { AppError } from '../../core/errors.ts';
import { resultOf } from '../../core/progress.ts';
import type { ListedCapture } from '../../core/store.ts';
import { choice, contradiction } from '../input/choices.ts';
import { defineCommand } from './command.ts';
import { HeldSignals } from '../runtime/held-signals.ts';
import { splitCommand } from '../input/command-line.ts';
import type { Context } from '../runtime/context.ts';
import { parseDuration } from '../input/durations.ts';
import type { CreatedCapture } from '../../core/captures/capture-creation.ts';
import type { Approval } from '../../core/warm-ups/approvals.ts';
import { approving } from '../input/approval-prompt.ts';
import { recordCommand, Recording, tellCommandFault } from './recording.ts';
import { keepingSight } from './uncertain-creation.ts';
import {
  recordingOptionsOf,
  registerRecordingOptions,
  type TypedRecordingOptions,
} from '../input/filters-and-guards.ts';
import { askEnvironment, askName } from '../input/questions.ts';
import { tellEvents } from '../output/capture-events.ts';
import { hintText } from '../output/hint-texts.ts';
import { captureNoun } from '../render/captures.ts';
import { EXIT_STATUS } from '../runtime/exit-status.ts';
import { readTime } from '../input/typed-times.ts';

const STATUSES = ['SCHEDULED', 'STARTED', 'STARTING'] as const;

interface Options extends TypedRecordingOptions {
  /** The name and, behind `--`, a command with its arguments. */
  readonly name: readonly string[];
  readonly env?: string;
  readonly scheduledStart?: string;
  readonly start?: string;
  /** Milliseconds. */
  readonly duration?: number;
  readonly status?: (typeof STATUSES)[number];
  /** undefined: until it is RUNNING; true: until it is over; false: not at all. */
  readonly wait?: boolean;
  /** Only show what it would do. */
  readonly plan?: boolean;
  readonly yes?: boolean;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    registerRecordingOptions(
      command
        .usage('NAME [--env ENVIRONMENT] [options] [-- COMMAND ARGS...]')
        .argument('[name...]', 'name of the capture; after --, a command to record')
        .option(
          '--env <environment>',
          'environment to capture (id or name); optional if you have only one',
        )
        .option('--at, --scheduled-start <when>', 'start at this time instead of now')
        .option(
          '--duration <duration>',
          'stop by itself after this long, at least 60 s',
          parseDuration,
        )
        .option(
          '--status <status>',
          `its first status, as in the API: ${STATUSES.join(', ')}`,
          choice(STATUSES, '--status'),
        )
        .option(
          '--start <when>',
          'when it started, if nothing is recorded: metrics-only, or already over',
        )
        .option('--wait', 'wait until it is over')
        .option('--no-wait', 'return at once, before it is RUNNING')
        .option('--plan', 'show what it would do, need and cost; change nothing: help plan'),
    ),
  help: `Returns once every statement is being recorded. If no daemon is running, it starts one in the
background. A capture with --at needs a daemon when it is due: keep one running, or add --wait. With a
COMMAND it records while the command runs, and exits with its status.

Examples:
  captures create friday --env shop --duration 2h
  captures create nightly --env shop --at "tomorrow 02:00" --duration 30m
  captures create tests --env shop -- npm test
  captures create writes --env shop --only writes --exclude-user 'repl*'
  captures create early --env shop --at "tomorrow 02:00" --warm-up 6h

See also: captures help filters, captures help guards, captures help values, captures help plan,
captures help time.

JSON fields: ${captureNoun.fields.join(', ')}; with --plan: captures help plan`,
  // What they are depends on --plan.
  prints: null,
  run,
});

async function run(options: Options, context: Context): Promise<number> {
  if (options.plan !== true) context.checkFields(captureNoun);
  const actor = await context.actor();
  const { captures } = context.api;
  const { operands, command } = splitCommand(options.name, context.argv);
  checkCombination(options, operands, command);
  const end = context.argv.indexOf('--');
  const typed = end === -1 ? context.argv : context.argv.slice(0, end);
  // For commander the last one wins.
  if (typed.includes('--wait') && typed.includes('--no-wait')) {
    throw contradiction('--wait', '--no-wait');
  }
  if (command !== null && options.plan !== true) {
    // --json is allowed: a failure is an object here too.
    context.refuseDataOptions(
      `stdout is the command's alone. Afterwards: captures get ${shellQuoted(operands[0] ?? 'NAME')}`,
      ['--json', '--output json'],
    );
  }
  const [program = ''] = command ?? [];
  const fault = command === null ? null : await context.world.commandFault(program);
  if (fault !== null) return tellCommandFault(context, program, fault, 'nothing was recorded');
  const request = await requestOf(options, operands[0], context);
  if (options.plan === true) return showPlan(request, context);
  const { signals } = context.world;
  const waitsForLog = context.canPrompt && !context.isJson;
  const tell = tellEvents(context);
  const create = (
    approved: readonly Approval['for'][],
    interrupted: AbortSignal,
  ): Promise<CreatedCapture> =>
    resultOf(
      captures.create(actor, request, { approved, waitsForLog }, interrupted),
      async (event) => {
        const isAwaited = options.wait === true && event.type === 'notice';
        if (!isAwaited || event.notice.code !== 'lasting_daemon_needed') return tell(event);
        await context.note(
          'No permanent daemon is running: this command starts one in the background when the capture is due. If you end the command before that, keep one running with: captures daemon',
        );
      },
    );
  const held = new HeldSignals(signals);
  // Else a signal ends the command at once until the capture is there: nothing is left then.
  const isHeld = command !== null || context.server !== null;
  const capture = await approving(context, options.yes === true, (approved) =>
    isHeld
      ? keepingSight(context, request, held, { isForCommand: command !== null }, (interrupted) =>
          create(approved, interrupted),
        )
      : create(approved, signals.interrupted),
  );
  // From here on there is something to be said of it.
  held.take();
  try {
    if (command !== null) return await recordCommand(capture, command, context, held);
    await showCreated(capture, options, context, held);
    return 0;
  } finally {
    held.release();
  }
}

/** Waits for as long as the options want, and prints the capture. @param held taken over. */
async function showCreated(
  capture: CreatedCapture,
  options: Options,
  context: Context,
  held: HeldSignals,
): Promise<void> {
  const recording = new Recording(context, held);
  await recording.leaveIfInterrupted(capture);
  const isScheduled = capture.status === 'SCHEDULED';
  let shown: ListedCapture = capture;
  if (!isScheduled && options.wait !== false && !isOver(capture.status)) {
    shown = await recording.untilRunning(capture);
    if (capture.mayLackValues) shown = await recording.untilValuesSeen(shown);
  }
  await tellEndless(shown, context);
  if (options.wait === true && !isOver(capture.status)) {
    const over = await recording.untilOver(shown);
    held.release();
    await recording.printResult(over);
  } else {
    await context.printOne(captureNoun, shown);
  }
}

/** Says on a terminal that what records now has no end, which is easily forgotten. */
async function tellEndless(capture: ListedCapture, context: Context): Promise<void> {
  const { name, recordsStatements, duration, status } = capture;
  const isNow = recordsStatements && status !== 'SCHEDULED' && !isOver(status);
  if (!isNow || duration !== null || !context.world.stderr.isTTY) return;
  await context.note(`${name} has no end. To end it: captures stop ${captureWord(capture)}`);
}

/** Prints what `create` would do; returns the exit status that it would have. */
async function showPlan(request: CaptureRequest, context: Context): Promise<number> {
  const [{ planNoun }, { renderPlan }] = await Promise.all([
    import('../render/plan-json.ts'),
    import('../render/plan-report.ts'),
  ]);
  context.checkFields(planNoun);
  const { interrupted } = context.world.signals;
  const plan = await resultOf(
    context.api.captures.plan(await context.actor(), request, interrupted),
    ({ place, forMs }) => context.note(`Watching ${place} for ${forMs / 1_000} s …`),
  );
  const [first, ...more] = plan.refusals;
  if (context.isJson && first !== undefined) throw withAll(first, more);
  if (context.wantsReport) {
    const view = { width: context.columns, zone: context.timeZone };
    await context.world.stdout.write(renderPlan(plan, view, await context.paint()));
  } else {
    await context.printOne(planNoun, plan);
  }
  return first === undefined ? 0 : EXIT_STATUS[first.code];
}

/** One failure that names the others in its hint. */
function withAll(first: AppError, more: readonly AppError[]): AppError {
  if (more.length === 0) return first;
  const hint = [
    ...(first.hint === null ? [] : [hintText(first.hint)]),
    ...more.map(({ message }) => `Also: ${message}`),
  ].join('\n');
  return new AppError(first.code, first.message, { hint, cause: first });
}

function checkCombination(
  options: Options,
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
  options: Options,
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
