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
  /** Aborted: it has to end. Requests in hand have some seconds to be answered; one that does not listen yet has none. */
  readonly leaving: AbortSignal;
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
 * The process that serves the API of a daemon: started over when it dies, which the daemon does not notice, until
 * `leaving` is aborted. It ends by itself when the daemon does.
 */
export class ApiProcess {
  readonly #supervising: Supervising;
  #request: ServeRequest;
  #child: ChildProcess | null = null;
  /** Whether that one listens. */
  #isServing = false;
  /** How often certificate and key were to be read again. */
  #reloads = 0;
  #supervision: Promise<void> = Promise.resolve();
  #kill: NodeJS.Timeout | undefined;

  constructor(request: ServeRequest, supervising: Supervising) {
    this.#request = request;
    this.#supervising = supervising;
    supervising.leaving.addEventListener('abort', () => this.#leave(), { once: true });
  }

  /**
   * Resolves when it listens; and where it has to leave before it does, when it is gone.
   * @throws AppError where it cannot listen, does not within a minute, or its certificate cannot be used.
   */
  async start(): Promise<void> {
    const running = await this.#launch();
    this.#supervision = this.#supervise(running);
  }

  /** Has it read certificate and key again. */
  reload(): void {
    this.#reloads += 1;
    // One that does not listen yet may die of the signal.
    if (this.#isServing) this.#child?.kill('SIGHUP');
  }

  /** Resolves when it has ended, after `leaving`. */
  get over(): Promise<void> {
    return this.#supervision.finally(() => clearTimeout(this.#kill));
  }

  #leave(): void {
    if (!this.#isServing) {
      // Nobody has asked it for anything, and it may hear nothing: a certificate is read that does not come.
      this.#child?.kill('SIGKILL');
      return;
    }
    this.#child?.kill('SIGTERM');
    this.#kill = setTimeout(() => {
      if (this.#child === null) return;
      this.#supervising.log('warn', 'the API server does not end; killing it', {});
      this.#child.kill('SIGKILL');
    }, PATIENCE_MS);
  }

  #hasToLeave(): boolean {
    return this.#supervising.leaving.aborted;
  }

  async #supervise(first: Running | null): Promise<void> {
    const { log, clock, leaving } = this.#supervising;
    let pause = FIRST_PAUSE_MS;
    let running = first;
    while (!this.#hasToLeave()) {
      if (running !== null) {
        const began = clock.now();
        const how = await running.over;
        if (this.#hasToLeave()) return;
        if (clock.now() - began >= STABLE_MS) pause = FIRST_PAUSE_MS;
        log('error', 'the API server has died; starting it again', { ...how, inMs: pause });
      }
      await clock.sleep(pause, leaving);
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
      running = this.#hasToLeave() ? null : await this.#tryToLaunch(pause);
    }
    // It had to leave as soon as it listened.
    await running?.over;
  }

  async #tryToLaunch(pause: number): Promise<Running | null> {
    const { log } = this.#supervising;
    try {
      return await this.#launch();
    } catch (error) {
      log('error', 'cannot start the API server', {
        message: messageOf(error),
        againInMs: pause,
      });
      return null;
    }
  }

  /** @returns when it listens; null, when it is gone, where it has to leave. @throws AppError where it says that it cannot. */
  async #launch(): Promise<Running | null> {
    if (this.#hasToLeave()) return null;
    const { clock, log } = this.#supervising;
    const child = spawn(process.execPath, [...DAEMON_NODE_FLAGS, PROGRAM, 'serve-api'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: daemonEnvironment(process.env),
    });
    this.#child = child;
    this.#isServing = false;
    const reloads = this.#reloads;
    const over = new Promise<HowItEnded>((resolve) => {
      child.once('error', ({ message }) => resolve({ status: null, signal: message }));
      child.once('close', (status, signal) => resolve({ status, signal }));
    }).finally(() => {
      this.#child = null;
      this.#isServing = false;
    });
    lower(child.pid);
    child.stdin.on('error', () => undefined);
    // It stays open: its end tells the process that the daemon has died.
    child.stdin.write(`${JSON.stringify(this.#request)}\n`);
    const begun = new AbortController();
    const isLate = clock.sleep(START_MS, begun.signal).then(() => 'late' as const);
    const report = await Promise.race([firstReport(child.stdout), isLate]);
    begun.abort();
    if (this.#hasToLeave()) {
      await over;
      return null;
    }
    if (report === 'late') {
      child.kill('SIGKILL');
      await over;
      throw doesNotBegin();
    }
    if (report?.is === 'listening') {
      // Whoever asked for any port has this one from now on.
      const { listen } = this.#request;
      this.#request = { ...this.#request, listen: { ...listen, port: report.port } };
      log('info', 'listening', { url: report.url, pid: child.pid ?? null });
      this.#isServing = true;
      if (this.#reloads > reloads) child.kill('SIGHUP');
      return { over };
    }
    const { status, signal } = await over;
    if (this.#hasToLeave()) return null;
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
