import { shellQuoted } from '../../render/shell-quoting.ts';
import type { ServerEnvironment } from '../../../core/environments/environment.ts';
import { resultOf } from '../../../core/progress.ts';
import { tellEvents } from '../../output/capture-events.ts';
import { defineCommand } from '../command.ts';
import { ENVIRONMENT, YES } from '../../input/arguments.ts';
import { contradiction } from '../../input/choices.ts';
import type { Context } from '../../runtime/context.ts';
import { parseDuration } from '../../input/durations.ts';
import { approving } from '../../input/approval-prompt.ts';
import { localTime } from '../../render/moments.ts';
import { seesSessions, slowLogText } from '../../render/values-text.ts';
import { warmUpNoun } from '../../render/warm-ups.ts';

interface Options {
  readonly environment: string;
  /** Milliseconds. */
  readonly for?: number;
  readonly stop?: boolean;
  readonly wait?: boolean;
  readonly yes?: boolean;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command
      .argument(...ENVIRONMENT)
      .option('--for <duration>', 'start a warm-up of this length: 60 s to 30 days', parseDuration)
      .option('--stop', 'end it now')
      .option('--no-wait', 'return at once, before it is done')
      .option(...YES),
  help: `MariaDB logs the values of a prepared statement only if the general log, or the slow log of the
session, was on when the statement was prepared. A warm-up sets slow_query_log = ON globally: sessions
that connect meanwhile are covered, and a later capture records the values of the statements they
prepare. long_query_time and log_output stay. The daemon ends it when its time is up or a capture
starts; if the daemon dies, the next one does, or the server itself if its event scheduler is on.
Sessions from before are not covered: see captures help values.

Without --for it shows the warm-up and how many sessions are covered. On MySQL, or if the slow log is
already on, nothing changes.

Examples:
  captures env warm-up shop --for 1h
  captures env warm-up shop
  captures env warm-up shop --stop`,
  prints: warmUpNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  if (options.for !== undefined && options.stop === true) throw contradiction('--for', '--stop');
  const actor = await context.actor();
  const { environment } = await context.api.warmUps.list(actor, options.environment);
  if (options.for !== undefined) await begin(options.for, options, environment, context);
  if (options.stop === true) await stop(options, environment, context);
  const { status, readiness } = await readStatus(context, environment);
  if (!seesSessions(readiness.inspection)) {
    await context.warn(
      `The account lacks PROCESS: it sees no sessions of others. To see the GRANT: captures env check ${shellQuoted(environment.name)}`,
    );
  }
  const { sessions, covered } = status.coverage;
  if (options.for !== undefined && status.state === 'on' && covered < sessions) {
    await context.note('Sessions from before are not covered until their pools replace them.');
  }
  await context.printOne(warmUpNoun, status);
}

/** If the server does not answer, first notes what the store knows. */
async function readStatus(
  context: Context,
  environment: ServerEnvironment,
): ReturnType<Context['api']['warmUps']['status']> {
  const actor = await context.actor();
  try {
    return await context.api.warmUps.status(actor, String(environment.id));
  } catch (error) {
    const { warmUps } = await context.api.warmUps.list(actor, String(environment.id));
    const open = warmUps.filter(({ state }) => state !== 'over');
    if (open.length > 0) {
      const until = localTime(Math.max(...open.map((one) => one.until)), context.timeZone);
      const isOn = open.some(({ state }) => state === 'on');
      await context.note(
        isOn
          ? `The warm-up of ${environment.name} was on when the server last answered, and lasts until ${until}.`
          : `A warm-up of ${environment.name} is requested until ${until} and is not on yet.`,
      );
    }
    throw error;
  }
}

async function begin(
  lengthMs: number,
  options: Options,
  environment: ServerEnvironment,
  context: Context,
): Promise<void> {
  const { interrupted } = context.world.signals;
  const waits = options.wait !== false;
  const actor = await context.actor();
  const name = shellQuoted(environment.name);
  const ref = String(environment.id);
  let isRequested = false;
  const tell = tellEvents(context);
  const warmUp = await approving(context, options.yes === true, (approved) =>
    resultOf(
      context.api.warmUps.begin(actor, ref, { lengthMs, waits, approved }, interrupted),
      async (event) => {
        if (event.type === 'daemon_started' || event.type === 'notice') await tell(event);
        if (event.type !== 'requested') return;
        isRequested = true;
        await context.note(`While it lasts, ${slowLogText(event.slowLog)}.`);
        if (event.endsByItself) return;
        await context.warn(
          `If the daemon never returns, the server cannot end it by itself: its event scheduler is off, or the account lacks EVENT. To see which: captures env check ${name}`,
        );
      },
    ),
  ).catch(async (error: unknown) => {
    if (interrupted.aborted && isRequested) {
      await context.note(`It is still requested. To end it: captures env warm-up ${name} --stop`);
    }
    throw error;
  });
  if (waits && warmUp?.state === 'waiting') {
    await context.note(
      'A capture is being recorded there, and its log covers every session: the warm-up begins when the capture ends.',
    );
  }
}

async function stop(
  { wait }: Options,
  environment: ServerEnvironment,
  context: Context,
): Promise<void> {
  const { interrupted } = context.world.signals;
  const ref = String(environment.id);
  const waits = wait !== false;
  await resultOf(
    context.api.warmUps.end(await context.actor(), ref, { waits }, interrupted),
    async (event) => {
      if (event.type === 'daemon_started') await tellEvents(context)(event);
      if (event.type !== 'ending') return;
      for (const { askedBy, capture } of event.goingOn) {
        await context.note(
          capture === null
            ? `The warm-up of ${askedBy} continues.`
            : `The warm-up of the capture "${capture.name}" (id ${capture.id}) continues until that capture starts or is deleted.`,
        );
      }
      if (event.ended === 0 && event.goingOn.length === 0) {
        await context.note(`There is no warm-up of ${environment.name} to end.`);
      }
    },
  ).catch(async (error: unknown) => {
    if (interrupted.aborted) await context.note('The daemon ends it.');
    throw error;
  });
}
