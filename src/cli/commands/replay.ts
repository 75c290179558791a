import type { Actor } from '../../core/access.ts';
import type { DetailedCapture } from '../../core/captures/capture-details.ts';
import { isOver } from '../../core/captures/capture.ts';
import { placeOf, type Environment } from '../../core/environments/environment.ts';
import { AppError, isAppError } from '../../core/errors.ts';
import { resultOf } from '../../core/progress.ts';
import type { ReplayRequest } from '../../core/replays/replay-request.ts';
import {
  SKIP_REASONS,
  type Replay,
  type ReplayOptions,
  type ReplayPlan,
} from '../../core/replays/replay.ts';
import type { ListedCapture } from '../../core/store.ts';
import { counted } from '../../core/units.ts';
import { CAPTURE, YES } from '../input/arguments.ts';
import { consenting, type TypedConsent } from '../input/replay-consent.ts';
import {
  registerReplayOptions,
  replayOptionsOf,
  type TypedReplay,
} from '../input/replay-options.ts';
import { ALL_ROWS, checkReplayFields, printReplay } from '../output/replay-output.ts';
import { terminalView } from '../output/terminal-view.ts';
import { ReplayProgressLine } from '../output/replay-progress.ts';
import { fullName } from '../render/full-name.ts';
import { localTime } from '../render/moments.ts';
import { replayNoun } from '../render/replay/replay-noun.ts';
import {
  plannedPartNoun,
  plannedParts,
  renderReplayPlan,
  replayPlanNoun,
  restoreText,
} from '../render/replay/replay-plan.ts';
import {
  accessText,
  endedEarly,
  endText,
  otherOptionTexts,
  speedText,
} from '../render/replay/replay-words.ts';
import { captureWord } from '../render/shell-quoting.ts';
import { serverText } from '../render/servers.ts';
import type { Context } from '../runtime/context.ts';
import { HeldSignals } from '../runtime/held-signals.ts';
import { interruption, Interrupted, SIGNAL_STATUS, type EndingSignal } from '../runtime/signals.ts';
import { defineCommand } from './command.ts';

/** A replay that was told to end has ended by then. */
const END_MS = 1_500;
const LOOK_MS = 100;

interface Options extends TypedReplay, TypedConsent {
  readonly capture: string;
  readonly to?: string;
  readonly name?: string;
  readonly dryRun?: boolean;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    registerReplayOptions(
      command
        .argument(...CAPTURE)
        .option(
          '--to <environment>',
          'the server to send it to: an environment, by id or name',
          onlyTarget,
        )
        .option('--name <name>', 'name of the replay (default: CAPTURE on ENVIRONMENT)')
        .option('--dry-run', 'show what would be sent; send and store nothing'),
    )
      .option('--confirm <name>', "the target's name, where there is no terminal to type it on")
      .option(YES[0], 'do not ask before --writes'),
  help: `Sends what a capture recorded to another server: each recorded session has a connection of its own, and
its statements come in their order and at the times at which they were recorded. Every record of the capture
is sent, skipped with a reason, or failed with the server's code, and the three add up. Kept like a capture,
of type REPLAY: captures list --type replay, get, report, metrics, diff.

Read-only, unless --writes: what may change data is skipped, and the server is told to refuse it, too. Never
sent, whatever the options: what changes accounts, what changes the server (SET GLOBAL, SHUTDOWN, KILL,
replication), what reads or writes files (INTO OUTFILE, LOAD DATA), and what runs a procedure, function, trigger
or view of the target that does; --dry-run names those that cannot be looked into.

--writes asks for the name of the target. So does a target that is the recorded server, or one that a capture
of this store recorded: there --yes is not enough. A script types the name with --confirm.

--speed 1 keeps the times of the record, 4 is four times as fast, max sends each statement when the one before
it in its session is answered. --serial sends one statement at a time, in the order of the record, so that a
copy of the data as it was at the start ends as the original did; it goes as fast as that allows, on a connection
for each session, and takes neither --speed nor --sessions. NOW() is the recorded time, unless --now real.

--user-map names a file with a line for each recorded user: RECORDED_USER TARGET_USER PASSWORD_REFERENCE.
* is everybody else, - is no password, # begins a comment. Without it all log in as the environment's user.

Ctrl-C ends it: what was done is kept. Exits 0 when the record was replayed to its end, also where statements
failed; 8 when the target was lost, or the replay was stopped from elsewhere; 130 after Ctrl-C.

Examples:
  captures replay friday --to copy --dry-run
  captures replay friday --to copy
  captures replay friday --to copy --speed max --sessions 64
  captures replay friday --to copy --since 14:00 --until 14:15 --db shop
  captures replay friday --to copy --writes --serial --checksums
  captures replay friday --to copy --map-db shop=shop_test --json > result.json

Skipped, by reason: ${SKIP_REASONS.join(', ')}.

JSON fields: ${replayNoun.fields.join(', ')}.
With --dry-run: ${replayPlanNoun.fields.join(', ')}; CSV and TSV have a line
for each part of the record: ${plannedPartNoun.fields.join(', ')}.`,
  prints: null,
  run,
});

async function run(typed: Options, context: Context): Promise<number> {
  await context.world.saveMemory();
  const isDry = typed.dryRun === true;
  if (isDry) context.checkFields(isDelimited(context) ? plannedPartNoun : replayPlanNoun);
  else checkReplayFields(context, false);
  if (typed.to === undefined) {
    throw new AppError('invalid', '--to is missing: the environment to replay it on', {
      hint: 'To see yours: captures env list',
    });
  }
  const options = await replayOptionsOf(typed, context);
  const actor = await context.actor();
  const { api } = context;
  const capture = await api.captures.details(actor, typed.capture);
  const environment = await api.environments.get(actor, typed.to);
  const request = { environment: String(environment.id), name: typed.name ?? null, options };
  if (isDry) {
    await dryRun(context, actor, capture, request);
    return 0;
  }
  // One that is none is refused by what is asked next.
  if (capture.recordsStatements) await tellInterpretation(context, capture, environment, options);
  const { replay, signal } = await consenting(context, environment, typed, (consent) =>
    play(context, actor, capture, { ...request, ...consent }),
  );
  return finish(context, replay, signal);
}

/** Lines of data: a plan has one for each part of the record. */
function isDelimited({ outputMode }: Context): boolean {
  return outputMode === 'csv' || outputMode === 'tsv';
}

async function dryRun(
  context: Context,
  actor: Actor,
  { id }: DetailedCapture,
  request: Pick<ReplayRequest, 'environment' | 'name' | 'options'>,
): Promise<void> {
  const line = new ReplayProgressLine(context);
  const { interrupted } = context.world.signals;
  // Nothing is sent: no consent is needed.
  const asked = { ...request, confirmed: null, approvesWrites: false };
  const planned = await resultOf(
    context.api.replays.plan(actor, String(id), asked, interrupted),
    (event) => (event.type === 'planned' ? undefined : line.tell(event)),
  ).finally(() => line.clear());
  const shown = { ...planned, options: request.options };
  if (context.wantsReport && context.outputMode === 'table') {
    await context.world.stdout.write(renderReplayPlan(shown, await terminalView(context)));
  } else if (isDelimited(context)) await context.print(plannedPartNoun, plannedParts(shown));
  else await context.printOne(replayPlanNoun, shown);
}

/** What is about to be done, before anything is. */
async function tellInterpretation(
  context: Context,
  capture: DetailedCapture,
  environment: Environment,
  options: ReplayOptions,
): Promise<void> {
  const zone = context.timeZone;
  const { recorded, start, end, records } = capture;
  const server = recorded?.server ?? null;
  const parts = [
    `${fullName(capture)}${server === null ? '' : ` (${serverText(server)})`}`,
    counted(records ?? 0, 'record'),
    ...(start === null
      ? []
      : [`${localTime(start, zone)} to ${end === null ? 'now' : localTime(end, zone)} (${zone})`]),
  ];
  await context.note(`record: ${parts.join(', ')}`);
  const place = environment.server === null ? 'no server' : placeOf(environment.server);
  await context.note(`target: ${environment.name} (${place}), ${accessText(options)}`);
  await context.note(`how: ${[speedText(options), ...otherOptionTexts(options, zone)].join('; ')}`);
}

interface Played {
  readonly replay: Replay;
  /** The signal that ended it; null where none did. */
  readonly signal: EndingSignal | null;
}

/** The first signal ends the replay and waits for its result; a second one does not wait. */
async function play(
  context: Context,
  actor: Actor,
  { id, recorded }: DetailedCapture,
  request: ReplayRequest,
): Promise<Played> {
  const line = new ReplayProgressLine(context);
  const held = new HeldSignals(context.world.signals);
  const ending = new AbortController();
  // What is told from elsewhere: an object, for the compiler takes a variable for what it was.
  const seen: { signal: EndingSignal | null; started: ListedCapture | null } = {
    signal: null,
    started: null,
  };
  const second = held.abortedBySecond((signal) => {
    seen.signal = signal;
    ending.abort(new Interrupted(signal));
    void line.clear().then(() => context.note('Ending the replay. To leave at once: once more'));
  });
  held.take();
  try {
    const run = context.api.replays.run(actor, String(id), request, ending.signal);
    const replay = await Promise.race([
      resultOf(run, async (event) => {
        if (event.type === 'started') seen.started = event.capture;
        await line.tell(event);
        if (event.type === 'planned') await tellPosition(context, event.plan, request, recorded);
      }),
      interruption(second),
    ]);
    return { replay, signal: seen.signal };
  } catch (error) {
    const { signal, started } = seen;
    await line.clear();
    if (started === null) {
      if (signal === null || isAppError(error)) throw error;
      await context.note('Nothing was sent.');
      throw new Interrupted(signal);
    }
    const replay = signal === null ? null : await endedReplay(context, actor, started, second);
    if (replay !== null) return { replay, signal };
    await context.note(`To see what was done: captures get ${captureWord(started)}`);
    throw signal === null ? error : new Interrupted(signal);
  } finally {
    held.release();
    await line.clear();
  }
}

/** A server ends a replay, and does not tell who has hung up: its result is asked for until it is there. */
async function endedReplay(
  { api, world }: Context,
  actor: Actor,
  { id }: ListedCapture,
  signal: AbortSignal,
): Promise<Replay | null> {
  const late = new AbortController();
  const until = AbortSignal.any([signal, late.signal]);
  const ended = async (): Promise<Replay | null> => {
    while (!until.aborted) {
      const replay = await api.replays.get(actor, String(id));
      if (isOver(replay.capture.status)) return replay;
      await world.clock.sleep(LOOK_MS, until);
    }
    return null;
  };
  try {
    // A server that has much else to do answers late.
    return await Promise.race([ended(), world.clock.sleep(END_MS, until).then(() => null)]);
  } catch {
    // The command is at its end: where the replay can be seen is said.
    return null;
  } finally {
    late.abort();
  }
}

/** How a copy gets to where the record starts, where it matters that it is there. */
async function tellPosition(
  context: Context,
  { position }: ReplayPlan,
  { options }: ReplayRequest,
  recorded: DetailedCapture['recorded'],
): Promise<void> {
  if (position === null || !(options.writes || options.serial)) return;
  await context.note(`position: the record starts at ${position}`);
  await context.note(restoreText(position, recorded?.server ?? null));
}

/** @throws AppError `invalid` for a second one. */
function onlyTarget(name: string, before?: string): string {
  if (before === undefined || before === name) return name;
  throw new AppError('invalid', '--to takes one environment, and there are two', {
    hint: `Replay it on each, and compare them: captures replay CAPTURE --to ${before}, then --to ${name}`,
  });
}

/** @throws AppError `capture_failed` where the target was lost, the replay FAILED, or somebody stopped it. */
async function finish(
  context: Context,
  replay: Replay,
  signal: EndingSignal | null,
): Promise<number> {
  const { capture } = replay;
  const name = captureWord(capture);
  const isFailed = capture.status === 'FAILED';
  const { unkept } = replay;
  // JSON is for a result; a failure is one object on stderr. What is not stored can be seen here alone.
  const isPrinted = !isFailed || !context.isJson || unkept !== undefined;
  if (isPrinted) await printReplay(context, replay, ALL_ROWS, false);
  if (unkept !== undefined) {
    throw new AppError('store_unusable', `What became of the replay is not stored: ${unkept}`, {
      hint: 'Statements were sent: what is printed here is all that is known of them.',
    });
  }
  if (isFailed) {
    throw new AppError(
      'capture_failed',
      `The replay failed: ${capture.reason ?? 'reason unknown'}`,
      {
        hint: `What was done until then: captures report ${name}`,
      },
    );
  }
  if (signal === null && endedEarly(replay)) {
    throw new AppError('capture_failed', `The replay ${endText(replay)}`, {
      hint: `What was done until then: captures report ${name}`,
    });
  }
  if (endedEarly(replay)) await context.note(`It ${endText(replay)}.`);
  await context.note(`Its report: captures report ${name}`);
  await context.note(`Beside another replay of the record: captures diff ${name} OTHER_REPLAY`);
  return signal === null ? 0 : SIGNAL_STATUS[signal];
}
