import { AppError } from '../../core/errors.ts';
import { ApiProcess, type ServeRequest } from '../runtime/api-process.ts';
import { daemonLog, type DaemonLog } from '../runtime/daemon-lines.ts';
import {
  isLoopback,
  parseListenAddress,
  PROXY_HEADERS,
  type ListenAddress,
  type ProxyHeader,
} from '../input/listen-addresses.ts';
import { LOG_LEVELS, type LogLevel } from '../../daemon/daemon-log.ts';
import { collected } from '../input/arguments.ts';
import { choice } from '../input/choices.ts';
import { defineCommand } from './command.ts';
import type { Context } from '../runtime/context.ts';
import type { AllowedCredentials } from '../runtime/credential-rules.ts';
import { OwnCredentials } from '../runtime/own-credentials.ts';
import { parseDuration } from '../input/durations.ts';
import { absolutePath } from '../input/environment-options.ts';
import { EXIT_STATUS } from '../runtime/exit-status.ts';
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
  readonly listen?: ListenAddress;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  /** Of the proxy; `true` where it is not said which. */
  readonly behindProxy?: ProxyHeader | true;
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
        'where others describe environments (shared store, API): allow files below this folder; repeatable',
        collected,
      )
      .option(
        '--credential-env <prefix>',
        'the same for environment variables with this prefix; repeatable',
        collected,
      )
      .option(
        '--listen <host:port>',
        'serve the API there; a port alone is for this machine alone',
        parseListenAddress,
      )
      .option('--tls-cert <file>', 'with --listen: certificate in PEM, with its chain')
      .option('--tls-key <file>', 'its key')
      .option(
        '--behind-proxy [header]',
        `with --listen: a proxy does TLS, and says in this header who asks: ${PROXY_HEADERS.join(', ')} (default: forwarded)`,
        choice(PROXY_HEADERS, '--behind-proxy'),
      )
      .addOption(command.createOption('--background').hideHelp()),
  help: `Runs in the foreground and logs to stderr: text on a terminal, JSON lines elsewhere. One daemon records
for a store; a second one stands by to take over. On Ctrl-C or SIGTERM it finishes the current batch
and leaves RUNNING captures to the next daemon; a second signal ends it at once.
With --listen other machines use this store: captures login NAME --server URL. Beyond 127.0.0.1 that needs
TLS, or a proxy in front that has it, and that replaces the header in which it says who asks. SIGHUP reads certificate and key again.
Of what others described, in a store that they can write or over the API, it uses only password
references that its own user typed (env create, env edit) or allows here.

Examples:
  captures daemon
  captures daemon --credentials /etc/captures/credentials --credential-env SHOP_
  captures daemon --log-level debug 2>> captures.log
  captures daemon --listen 127.0.0.1:8080
  captures daemon --listen 0.0.0.0:8443 --tls-cert chain.pem --tls-key key.pem
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
    // As they were typed, too: that is how they are named over the API.
    folders: [...paths, ...(await Promise.all(paths.map(checkFolder)))],
    prefixes: credentialEnv.map(checkPrefix),
  };
}

/** @throws AppError `invalid` for options that do not belong together, and for what passwords would cross in the clear. */
function servingOf(options: Options, { world }: Context): Serving | null {
  const { listen, tlsCert, tlsKey, behindProxy } = options;
  if (listen === undefined) {
    const [flag] = [
      ...(tlsCert === undefined ? [] : ['--tls-cert']),
      ...(tlsKey === undefined ? [] : ['--tls-key']),
      ...(behindProxy === undefined ? [] : ['--behind-proxy']),
    ];
    if (flag === undefined) return null;
    throw new AppError('invalid', `${flag} needs --listen`, {
      hint: 'For example: captures daemon --listen 127.0.0.1:8080',
    });
  }
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    const missing = tlsCert === undefined ? '--tls-cert' : '--tls-key';
    throw new AppError('invalid', `${missing} is missing: a certificate and its key go together`);
  }
  const tls =
    tlsCert === undefined || tlsKey === undefined
      ? null
      : { cert: absolutePath(tlsCert, world), key: absolutePath(tlsKey, world) };
  const proxyHeader = behindProxy === true ? 'forwarded' : (behindProxy ?? null);
  if (tls === null && proxyHeader === null && !isLoopback(listen.host)) {
    throw new AppError(
      'invalid',
      `Without TLS passwords would cross the network to ${listen.host} in the clear`,
      {
        hint: 'Give --tls-cert and --tls-key; or, where a proxy on this machine or in a network of your own does TLS, --behind-proxy.',
      },
    );
  }
  return { listen, tls, proxyHeader };
}

type Serving = Pick<ServeRequest, 'listen' | 'tls' | 'proxyHeader'>;

async function run(options: Options, context: Context): Promise<number> {
  if (options.status === true) return showStatus(context);
  context.refuseDataOptions(
    'It records, and logs to stderr. What it does: captures daemon --status',
  );
  context.refuseOnClient('captures daemon');
  return runUntilSignalled(options, context);
}

async function showStatus(context: Context): Promise<number> {
  // A server tells only who is logged in.
  if (context.server !== null) await context.actor();
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
  const serving = servingOf(options, context);
  if (options.grace !== undefined && options.grace < 0) {
    throw new AppError('invalid', '--grace cannot be negative');
  }
  const { world } = context;
  await world.becomeDaemon();
  const credentials = await allowedBy(options, world);
  const { logLevel = 'info' } = options;
  const log = daemonLog(world, logLevel);
  context.leaveStderrToLog();
  const leaving = new AbortController();
  const { signal } = leaving;
  const api =
    serving === null
      ? null
      : new ApiProcess(
          { ...serving, logLevel, credentials, daemonPid: world.pid },
          { log, clock: world.clock, leaving: signal },
        );
  // One that came before has ended this command; from here on they end it in order, whatever it does.
  world.signals.interrupted.throwIfAborted();
  const stopListening = world.signals.listen((name) => {
    // A terminal that is closed says the same.
    if (name === 'SIGHUP' && serving !== null && (serving.tls !== null || !world.stderr.isTTY)) {
      api?.reload();
      return;
    }
    // Only the first one is caught: the second one ends the process.
    stopListening();
    log('info', 'leaving', { signal: name });
    leaving.abort();
  });
  try {
    await record(options, context, { credentials, log, api, signal });
  } finally {
    stopListening();
    leaving.abort();
    await api?.over;
  }
  return 0;
}

interface Recording {
  readonly credentials: AllowedCredentials;
  readonly log: DaemonLog;
  readonly api: ApiProcess | null;
  /** Aborted: leave. */
  readonly signal: AbortSignal;
}

async function record(options: Options, context: Context, recording: Recording): Promise<void> {
  const { world, paths, wiring } = context;
  const { credentials, log, api, signal } = recording;
  const own = new OwnCredentials(world, paths, wiring, credentials);
  const [{ runDaemon }, { createServiceNotifier }, { programVersion }, child, serverLogs] =
    await Promise.all([
      import('../../daemon/daemon.ts'),
      import('../../daemon/sd-notify.ts'),
      import('../../package.ts'),
      import('../runtime/metric-child.ts'),
      wiring.servers((server) => own.allow(server)),
    ]);
  // Opened, and brought up to date, before another process opens it.
  const store = context.wiring.store;
  // Before anything is recorded: a port that is taken ends this.
  await api?.start();
  await runDaemon(
    {
      store,
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
      metricProvider: await child.metricProviderInChild(),
    },
    {
      background: options.background === true,
      graceMs: options.grace ?? DEFAULT_GRACE_MS,
      signal,
    },
  );
}
