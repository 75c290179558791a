import { spawn, type ChildProcess } from 'node:child_process';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { AppError, messageOf, type ErrorCode } from '../../core/errors.ts';
import { PACKAGE_FOLDER } from '../../package.ts';
import type { ListenAddress, ProxyHeader } from '../input/listen-addresses.ts';
import type { AllowedCredentials } from './credential-rules.ts';
import type { DaemonLog, LogLevel } from './daemon-lines.ts';
import { DAEMON_NODE_FLAGS, daemonEnvironment } from './process-memory.ts';

const PROGRAM = join(PACKAGE_FOLDER, 'bin/captures.js');

/** What the process that serves the API is told, in its first line. */
export interface ServeRequest {
  readonly listen: ListenAddress;
  /** Absolute paths; null without TLS. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** In which a proxy says who asks; null where there is no proxy. */
  readonly proxyHeader: ProxyHeader | null;
  readonly logLevel: LogLevel;
  /** What the daemon may use. */
  readonly credentials: AllowedCredentials;
  readonly daemonPid: number;
}

/** What it says on its standard output, a line each. */
export type ServeReport =
  | { readonly is: 'listening'; readonly url: string; readonly port: number }
  | {
      readonly is: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string | null;
    };

interface Supervising {
  readonly log: DaemonLog;
  readonly clock: Clock;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** One that ran for so long did not fail at its start. */
const STABLE_MS = 60_000;
/** It has to listen by then, or to say why not: a store that is locked keeps it waiting for five seconds. */
const START_MS = 60_000;
/** It lets requests end for five seconds, and then their processes for two. */
const PATIENCE_MS = 8_000;
/** Recording comes first. */
const PRIORITY = 5;

/**
 * The process that serves the API of a daemon: started over when it dies, which the daemon does not notice. It
 * ends by itself when the daemon does.
 */
export class ApiProcess {
  readonly #supervising: Supervising;
  #request: ServeRequest;
  #child: ChildProcess | null = null;
  #supervision: Promise<void> = Promise.resolve();
  readonly #leaving = new AbortController();
  #kill: NodeJS.Timeout | undefined;

  private constructor(request: ServeRequest, supervising: Supervising) {
    this.#request = request;
    this.#supervising = supervising;
  }

  /** @throws AppError where it cannot listen, does not within a minute, or its certificate cannot be used. */
  static async start(request: ServeRequest, supervising: Supervising): Promise<ApiProcess> {
    const served = new ApiProcess(request, supervising);
    const running = await served.#launch();
    served.#supervision = served.#supervise(running);
    return served;
  }

  /** Has it read certificate and key again. */
  reload(): void {
    this.#child?.kill('SIGHUP');
  }

  /** Tells it to end: requests in hand have some seconds to be answered. */
  leave(): void {
    if (this.#hasToLeave()) return;
    this.#leaving.abort();
    this.#child?.kill('SIGTERM');
    this.#kill = setTimeout(() => {
      if (this.#child === null) return;
      this.#supervising.log('warn', 'the API server does not end; killing it', {});
      this.#child.kill('SIGKILL');
    }, PATIENCE_MS);
  }

  /** Resolves when it has ended after `leave`. */
  get over(): Promise<void> {
    return this.#supervision.finally(() => clearTimeout(this.#kill));
  }

  #hasToLeave(): boolean {
    return this.#leaving.signal.aborted;
  }

  async #supervise(first: Running): Promise<void> {
    const { log, clock } = this.#supervising;
    let pause = FIRST_PAUSE_MS;
    let running: Running | null = first;
    while (!this.#hasToLeave()) {
      if (running !== null) {
        const began = clock.now();
        const how = await running.over;
        this.#child = null;
        if (this.#hasToLeave()) return;
        if (clock.now() - began >= STABLE_MS) pause = FIRST_PAUSE_MS;
        log('error', 'the API server has died; starting it again', { ...how, inMs: pause });
      }
      await clock.sleep(pause, this.#leaving.signal);
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
      running = this.#hasToLeave() ? null : await this.#tryToLaunch(pause);
    }
    // It may have been told to leave while it came up.
    await running?.over;
  }

  async #tryToLaunch(pause: number): Promise<Running | null> {
    const { log } = this.#supervising;
    try {
      return await this.#launch();
    } catch (error) {
      if (!this.#hasToLeave()) {
        log('error', 'cannot start the API server', {
          message: messageOf(error),
          againInMs: pause,
        });
      }
      return null;
    }
  }

  /** @returns when it listens. @throws AppError where it says that it cannot. */
  async #launch(): Promise<Running> {
    const { clock, log } = this.#supervising;
    const child = spawn(process.execPath, [...DAEMON_NODE_FLAGS, PROGRAM, 'serve-api'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: daemonEnvironment(process.env),
    });
    this.#child = child;
    const over = new Promise<HowItEnded>((resolve) => {
      child.once('error', ({ message }) => resolve({ status: null, signal: message }));
      child.once('close', (status, signal) => resolve({ status, signal }));
    });
    lower(child.pid);
    child.stdin.on('error', () => undefined);
    // It stays open: its end tells the process that the daemon has died.
    child.stdin.write(`${JSON.stringify(this.#request)}\n`);
    const begun = new AbortController();
    const isLate = clock.sleep(START_MS, begun.signal).then(() => 'late' as const);
    const report = await Promise.race([firstReport(child.stdout), isLate]);
    begun.abort();
    if (report === 'late') {
      child.kill('SIGKILL');
      await over;
      this.#child = null;
      throw doesNotBegin();
    }
    if (report?.is === 'listening') {
      // Whoever asked for any port has this one from now on.
      const { listen } = this.#request;
      this.#request = { ...this.#request, listen: { ...listen, port: report.port } };
      log('info', 'listening', { url: report.url, pid: child.pid ?? null });
      return { over };
    }
    const { status, signal } = await over;
    this.#child = null;
    if (report !== null) throw new AppError(report.code, report.message, { hint: report.hint });
    throw new AppError('internal', `The API server ended at its start (${signal ?? status ?? ''})`);
  }
}

function doesNotBegin(): AppError {
  return new AppError(
    'store_unusable',
    `The API server did not listen within ${START_MS / 1_000} seconds of its start`,
    {
      hint: 'It opens the store and reads certificate and key first: check that the disks they are on answer, and that this machine is not overloaded.',
    },
  );
}

interface HowItEnded {
  readonly status: number | null;
  readonly signal: string | null;
}

interface Running {
  readonly over: Promise<HowItEnded>;
}

function lower(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, PRIORITY);
  } catch {
    // It has ended already, which is seen below.
  }
}

/** null where it ended without one. */
async function firstReport(stdout: NodeJS.ReadableStream): Promise<ServeReport | null> {
  let text = '';
  return new Promise((resolve) => {
    stdout.setEncoding('utf8');
    stdout.on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end !== -1) resolve(JSON.parse(text.slice(0, end)) as ServeReport);
    });
    stdout.on('end', () => resolve(null));
    stdout.on('error', () => resolve(null));
  });
}
