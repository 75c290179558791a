import { homedir, hostname, userInfo } from 'node:os';
import { systemClock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { main } from '../main.ts';
import { SIGNAL_STATUS, SignalDesk, type EndingSignal } from './signals.ts';
import { ClosedOutput, ProcessInput, ProcessOutput } from './streams.ts';
import type { World } from './world.ts';

// The process ends this long after a signal, even if something still holds it (a connection that hangs).
const PATIENCE_AFTER_SIGNAL_MS = 2_000;

/** Runs the program in this process, with its streams, environment and signals. */
export async function runProcess(): Promise<void> {
  silenceLibraries(process.argv.includes('--debug'));
  const signals = new SignalDesk();
  const world = processWorld(signals, catchSignals(signals));
  process.exitCode = await main(process.argv.slice(2), world);
}

/**
 * Keeps libraries from printing: our own messages go through the world's streams, and in JSON mode stderr is
 * for one object. The database driver warns of what a peer sends, with a trace, and Node warns of libraries.
 */
function silenceLibraries(isDebug: boolean): void {
  if (isDebug) return;
  process.removeAllListeners('warning');
  const silent = (): void => undefined;
  Object.assign(console, {
    log: silent,
    info: silent,
    warn: silent,
    error: silent,
    debug: silent,
    trace: silent,
  });
}

/**
 * Hands signals to a desk.
 * @returns what lets go of them, for a process that is to be replaced: what comes between is heard by neither the old
 *   program nor the new one. Those that came are told first, by `Interrupted`; from then on one ends the process.
 */
function catchSignals(desk: SignalDesk): () => Promise<void> {
  const names = Object.keys(SIGNAL_STATUS) as EndingSignal[];
  let delivered = 0;
  const handle = (signal: EndingSignal): void => {
    delivered += 1;
    if (desk.deliver(signal)) return;
    // From here on a signal has its usual effect and ends the process at once, as a second one does.
    release();
    const patience = delivered > 1 ? 0 : PATIENCE_AFTER_SIGNAL_MS;
    setTimeout(() => process.kill(process.pid, signal), patience).unref();
  };
  const release = (): void => {
    for (const name of names) process.removeListener(name, handle);
  };
  for (const name of names) process.on(name, handle);
  return async () => {
    // Signals arrive between two turns of the loop.
    await new Promise((resolve) => setImmediate(resolve));
    desk.interrupted.throwIfAborted();
    release();
  };
}

/** What bin/captures.js saw before Node started; removed, so that programs that we start do not see it. */
function isStdoutClosed(): boolean {
  const isClosed = process.env['CAPTURES_STDOUT'] === 'closed';
  delete process.env['CAPTURES_STDOUT'];
  return isClosed;
}

function processWorld(signals: SignalDesk, letGoOfSignals: () => Promise<void>): World {
  return {
    stdin: new ProcessInput(),
    stdout: isStdoutClosed()
      ? new ClosedOutput()
      : new ProcessOutput(1, () => process.stdout, true),
    stderr: new ProcessOutput(2, () => process.stderr, false),
    env: process.env,
    cwd: process.cwd(),
    get home() {
      return findHome();
    },
    get userName() {
      return findUserName();
    },
    get hostName() {
      return hostname();
    },
    pid: process.pid,
    get timeZone() {
      return Intl.DateTimeFormat().resolvedOptions().timeZone;
    },
    clock: systemClock,
    signals,
    async prompter() {
      const { inquirerPrompter } = await import('../input/inquirer-prompter.ts');
      return inquirerPrompter(process.stderr, () => process.stderr.columns);
    },
    async serverLogs() {
      const { mysqlServers } = await import('../../wiring.ts');
      return mysqlServers();
    },
    isRunning: isProcess,
    async becomeDaemon() {
      const { becomeDaemon } = await import('./process-memory.ts');
      await becomeDaemon(letGoOfSignals);
    },
    async saveMemory() {
      const { saveMemory } = await import('./process-memory.ts');
      await saveMemory(letGoOfSignals);
    },
    endAtOnce: () => void process.kill(process.pid, 'SIGKILL'),
    async startDaemon(storeDirectory) {
      const { startDaemonProcess } = await import('./child-processes.ts');
      return startDaemonProcess(storeDirectory, process.env);
    },
    async commandFault(command) {
      const { commandFault } = await import('./command-lookup.ts');
      return commandFault(command, process.env['PATH'], process.cwd());
    },
    async runCommand(command, args, interrupted) {
      const { runChildCommand } = await import('./child-processes.ts');
      return runChildCommand(command, args, signals, interrupted);
    },
  };
}

/** @throws AppError `store_unusable` for a user whom the system does not know, without HOME. */
function findHome(): string {
  const home = process.env['HOME'];
  if (home !== undefined && home !== '') return home;
  try {
    return homedir();
  } catch (error) {
    throw new AppError('store_unusable', `The user ${findUserName()} has no home folder`, {
      hint: 'Set HOME, or CAPTURES_HOME to the folder of the store.',
      cause: error,
    });
  }
}

/** `uid-1234` for a user whom the system does not know: `docker run --user 1234`, OpenShift. */
function findUserName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}

function isProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: there is one, of another user.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
