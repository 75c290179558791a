import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { DAEMON_NODE_FLAGS, daemonEnvironment } from './daemon-memory.ts';
import { PACKAGE_FOLDER } from './package-folder.ts';
import type { SignalDesk } from './signals.ts';
import type { CommandEnd, StartedProcess } from './world.ts';

const PROGRAM = join(PACKAGE_FOLDER, 'bin/captures.js');

/** Starts the store's daemon in a session of its own; it holds none of the caller's streams. */
export function startDaemonProcess(
  storeDirectory: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<StartedProcess> {
  const logFile = join(storeDirectory, 'daemon.log');
  const log = openSync(logFile, 'a', 0o600);
  return new Promise((resolve, reject) => {
    try {
      const child = spawn(
        process.execPath,
        [...DAEMON_NODE_FLAGS, PROGRAM, 'daemon', '--background'],
        {
          detached: true,
          stdio: ['ignore', log, log],
          cwd: storeDirectory,
          // The caller's environment, because credentials may be in it, and the very same store.
          env: { ...daemonEnvironment(env), CAPTURES_HOME: storeDirectory },
        },
      );
      child.once('error', (error) =>
        reject(
          new AppError('internal', `The daemon cannot be started: ${error.message}`, {
            cause: error,
          }),
        ),
      );
      child.once('spawn', () => {
        child.unref();
        resolve({ pid: child.pid ?? 0, logFile });
      });
    } finally {
      closeSync(log);
    }
  });
}

/** Runs a command with our own streams, handing on the signals that are meant to end it. */
export function runChildCommand(
  command: string,
  args: readonly string[],
  signals: SignalDesk,
): Promise<CommandEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit' });
    // A terminal sends Ctrl-C to the child as well; one more does it no harm and a script needs it.
    const stopListening = signals.listen((signal) => void child.kill(signal));
    child.once('error', (error: NodeJS.ErrnoException) => {
      stopListening();
      reject(error);
    });
    child.once('close', (status, signal) => {
      stopListening();
      resolve({ status: signal === null ? (status ?? 1) : 128 + constants.signals[signal] });
    });
  });
}
