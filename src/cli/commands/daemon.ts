import { AppError } from '../../core/errors.ts';
import { createLog, LOG_LEVELS, type LogLevel } from '../../daemon/daemon-log.ts';
import { collected } from '../input/arguments.ts';
import { choice } from '../input/choices.ts';
import { defineCommand } from './command.ts';
import type { Context } from '../runtime/context.ts';
import type { AllowedCredentials } from '../runtime/credential-rules.ts';
import { parseDuration } from '../input/durations.ts';
import { absolutePath } from '../input/environment-options.ts';
import { EXIT_STATUS } from '../runtime/exit-status.ts';
import { escapeText } from '../../display/escape.ts';
import { activeCaptureNoun, daemonNoun, nextStartNoun } from '../render/daemon-overview.ts';

const DEFAULT_GRACE_MS = 600_000;

interface Options {
  readonly status?: boolean;
  /** Milliseconds. */
  readonly grace?: number;
  readonly logLevel?: LogLevel;
  readonly background?: boolean;
  readonly credentials?: readonly string[];
  readonly credentialEnv?: readonly string[];
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command
      .option('--status', 'show whether a daemon is running, what it records and what starts next')
      .option(
        '--grace <duration>',
        'start a missed capture up to this late (default: 10m)',
        parseDuration,
      )
      .option(
        '--log-level <level>',
        `${LOG_LEVELS.join(', ')} (default: info)`,
        choice(LOG_LEVELS, '--log-level'),
      )
      .option(
        '--credentials <folder>',
        'in a shared store: allow password files below this folder; repeatable',
        collected,
      )
      .option(
        '--credential-env <prefix>',
        'the same for environment variables with this prefix; repeatable',
        collected,
      )
      .addOption(command.createOption('--background').hideHelp()),
  help: `Runs in the foreground and logs to stderr: text on a terminal, JSON lines elsewhere. One daemon records
for a store; a second one stands by to take over. On Ctrl-C or SIGTERM it finishes the current batch
and leaves RUNNING captures to the next daemon; a second signal ends it at once.
In a store that others can write, it uses only password references that its own user typed (env create,
env edit) or allows here.

Examples:
  captures daemon
  captures daemon --credentials /etc/captures/credentials --credential-env SHOP_
  captures daemon --log-level debug 2>> captures.log
  captures daemon --status

Without a daemon --status exits 8; with -o it also prints the object, with "alive" false.
JSON fields of --status: ${daemonNoun.fields.join(', ')}`,
  prints: null,
  run,
});

async function allowedBy(
  { credentials = [], credentialEnv = [] }: Options,
  { cwd, home }: Context['world'],
): Promise<AllowedCredentials> {
  const { checkFolder, checkPrefix } = await import('../runtime/credential-rules.ts');
  const paths = credentials.map((folder) => absolutePath(folder, { cwd, home }));
  return {
    folders: await Promise.all(paths.map(checkFolder)),
    prefixes: credentialEnv.map(checkPrefix),
  };
}

async function run(options: Options, context: Context): Promise<number> {
  if (options.status === true) return showStatus(context);
  context.refuseDataOptions(
    'It records, and logs to stderr. What it does: captures daemon --status',
  );
  return runUntilSignalled(options, context);
}

async function showStatus(context: Context): Promise<number> {
  const status = await context.api.daemon.status();
  if (status.holder === null) {
    // With -o the object is printed, as by `doctor`; the exit status tells the rest.
    if (context.options.output === null) {
      throw new AppError('capture_failed', 'No daemon is running', {
        hint: 'Start one with: captures daemon',
      });
    }
    await context.printOne(daemonNoun, status);
    return EXIT_STATUS.capture_failed;
  }
  await context.printOne(daemonNoun, status);
  if (context.outputMode === 'table' && context.wantsReport) {
    const { stdout } = context.world;
    if (status.recording.length > 0) {
      await stdout.write('\n');
      await context.print(activeCaptureNoun, status.recording);
    }
    if (status.nextStarts.length > 0) {
      await stdout.write('\n');
      await context.print(nextStartNoun, status.nextStarts);
    }
  }
  return 0;
}

async function runUntilSignalled(options: Options, context: Context): Promise<number> {
  await context.world.becomeDaemon();
  const { world } = context;
  if (options.grace !== undefined && options.grace < 0) {
    throw new AppError('invalid', '--grace cannot be negative');
  }
  const [{ runDaemon }, { createServiceNotifier }, { programVersion }, serverLogs] =
    await Promise.all([
      import('../../daemon/daemon.ts'),
      import('../../daemon/sd-notify.ts'),
      import('../../package.ts'),
      context.serverLogs(await allowedBy(options, world)),
    ]);
  const log = createLog(
    (line) => {
      // A server's message may hold control characters; JSON escapes them itself.
      const text = world.stderr.isTTY ? `${escapeText(line.trimEnd())}\n` : line;
      void world.stderr.write(text).catch(() => undefined);
    },
    world.clock,
    {
      json: !world.stderr.isTTY,
      level: options.logLevel ?? 'info',
    },
  );
  const leaving = new AbortController();
  // Only the first signal is caught: the second one ends the process.
  const stopListening = world.signals.listen((signal) => {
    stopListening();
    log('info', 'leaving', { signal });
    leaving.abort();
  });
  try {
    await runDaemon(
      {
        store: context.wiring.store,
        clock: world.clock,
        source: serverLogs,
        log,
        hostname: world.hostName,
        pid: world.pid,
        programVersion: programVersion(),
        userName: world.userName,
        notifier: createServiceNotifier(world.env, world.pid, (message) =>
          log('warn', 'cannot notify the service manager', { message }),
        ),
        metricProvider: await context.metricProviderInChild(),
      },
      {
        background: options.background === true,
        graceMs: options.grace ?? DEFAULT_GRACE_MS,
        signal: leaving.signal,
      },
    );
  } finally {
    stopListening();
  }
  return 0;
}
