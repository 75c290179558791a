import { spawn } from 'node:child_process';
import {
  closeSync,
  constants as fsConstants,
  fchmodSync,
  fstatSync,
  openSync,
  renameSync,
  statSync,
} from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../../core/errors.ts';
import { DAEMON_NODE_FLAGS, daemonEnvironment } from './process-memory.ts';
import { PACKAGE_FOLDER } from '../../package.ts';
import type { SignalDesk } from './signals.ts';
import type { CommandEnd, StartedProcess } from './world.ts';
import { errnoOf } from './private-files.ts';

const PROGRAM = join(PACKAGE_FOLDER, 'bin/captures.js');

/** Starts the store's daemon in a session of its own; it holds none of the caller's streams. */
export function startDaemonProcess(
  storeDirectory: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<StartedProcess> {
  const logFile = join(storeDirectory, 'daemon.log');
  const log = openLog(storeDirectory, logFile);
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
          env: {
            ...daemonEnvironment(env),
            CAPTURES_HOME: storeDirectory,
            CAPTURES_SERVER: 'local',
          },
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

/**
 * Opens the daemon's log, for all who share the store. One that another user of it made for themselves
 * alone, as an older version did, is set aside.
 */
function openLog(storeDirectory: string, logFile: string): number {
  const isShared = (statSync(storeDirectory).mode & 0o020) !== 0;
  const mode = isShared ? 0o660 : 0o600;
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = fsConstants;
  const open = (): number => {
    // In a folder that others can write it is no link to a file of ours.
    const log = openSync(logFile, O_APPEND | O_CREAT | O_NOFOLLOW | O_WRONLY, mode);
    // Whatever the umask is.
    if (fstatSync(log).uid === process.getuid?.()) fchmodSync(log, mode);
    return log;
  };
  try {
    try {
      return open();
    } catch (error) {
      if (!isShared || errnoOf(error) !== 'EACCES') throw error;
      renameSync(logFile, `${logFile}.${Date.now()}`);
      return open();
    }
  } catch (error) {
    const why = errnoOf(error) === 'EACCES' ? 'no permission' : errnoOf(error);
    throw new AppError('store_unusable', `The daemon's log ${logFile} cannot be opened: ${why}`, {
      hint: 'Check that you may write the folder of the store.',
      cause: error,
    });
  }
}

/**
 * Runs a command with our own streams, handing on the signals that are meant to end it.
 * @param interrupted where it is aborted already, nothing is run, and its reason is thrown.
 */
export function runChildCommand(
  command: string,
  args: readonly string[],
  signals: SignalDesk,
  interrupted: AbortSignal,
): Promise<CommandEnd> {
  return new Promise((resolve, reject) => {
    interrupted.throwIfAborted();
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
