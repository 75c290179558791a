import type { Clock } from '../../core/clock.ts';
import type { Source } from '../../core/source.ts';
import type { ScryptCost } from '../../core/users/passwords.ts';
import type { Prompter } from '../input/prompter.ts';
import type { SignalDesk } from './signals.ts';

/** Where text goes: a terminal, a pipe or a file. */
export interface OutputStream {
  readonly isTTY: boolean;
  /** Columns of the terminal; null when it is none, or it does not say. */
  readonly columns: number | null;
  /** Its lines; absent or null when unknown. */
  readonly rows?: number | null;
  /**
   * Resolves when there is room for more.
   * @throws ClosedPipe when the reader has gone; OutputFailure when it cannot be written.
   */
  write(data: string | Uint8Array): Promise<void>;
}

export interface InputStream {
  readonly isTTY: boolean;
  /**
   * The first line, without its end; null when the input is empty. Nothing behind it is read.
   * @param longest bytes; 64 KiB where it is left out.
   * @throws AppError `invalid` for a line that is longer.
   */
  readFirstLine(signal: AbortSignal, longest?: number): Promise<string | null>;
  /** All of it, in pieces as they come; ended by `signal`. */
  chunks(signal: AbortSignal): AsyncIterable<Uint8Array>;
  /**
   * Hands each key over as it is pressed, unseen, until the returned function is called; Ctrl-C among them,
   * which is no signal meanwhile. Absent where there are no keys.
   */
  onKeys?(listener: (keys: string) => void): () => void;
}

export interface StartedProcess {
  readonly pid: number;
  readonly logFile: string;
}

export interface CommandEnd {
  /** Its exit status; 128 + the signal's number when a signal ended it. */
  readonly status: number;
}

/** There is no such command; or there is, and it may not be executed. */
export type CommandFault = 'missing' | 'forbidden';

/**
 * Everything of the machine that a run of the program may touch. `process.ts` hands in the real
 * one; tests hand in their own streams, clock and answers.
 */
export interface World {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
  /** Name of the operating system's user. */
  readonly userName: string;
  readonly hostName: string;
  readonly pid: number;
  /** The system's IANA time zone. */
  readonly timeZone: string;
  readonly clock: Clock;
  readonly signals: SignalDesk;
  /** What the hash of a new password costs; absent: the usual cost. Tests say a cheap one. */
  readonly passwordCost?: ScryptCost;
  /** Who answers questions; called only when there is a terminal to ask on. */
  prompter(): Promise<Prompter>;
  serverLogs(): Promise<Source>;
  /** Whether a process with this id runs on this machine, of any user. */
  isRunning(pid: number): boolean;
  /** Makes this process fit to run for long, which may mean to start it over under the same pid. */
  becomeDaemon(): Promise<void>;
  /** Makes this process get by with less memory, which may mean the same: before it has read anything. */
  saveMemory(): Promise<void>;
  /** Ends this process whatever holds it: nothing ends the wait for a file that never comes. */
  endAtOnce(): void;
  /** Starts `captures daemon --background` for a store, detached from the caller's streams. */
  startDaemon(storeDirectory: string): Promise<StartedProcess>;
  /** Why a command cannot be run, looked up as a shell does; null where it can. */
  commandFault(command: string): Promise<CommandFault | null>;
  /**
   * Runs a command with the caller's own streams; signals are handed on to it. One that came before,
   * which aborted `interrupted`, is thrown, and nothing is run.
   * @throws AppError `invalid` when it cannot be started.
   */
  runCommand(
    command: string,
    args: readonly string[],
    interrupted: AbortSignal,
  ): Promise<CommandEnd>;
}

/** The reader of our output has gone, which is not an error: `captures list | head -1`. */
export class ClosedPipe extends Error {}

/**
 * Waits for output whose reader may go before its end, where the exit status says what was found: `verify | head`
 * fails all the same under `set -o pipefail`.
 */
export async function printedToAnyone(writing: Promise<void>): Promise<void> {
  try {
    await writing;
  } catch (error) {
    if (!(error instanceof ClosedPipe)) throw error;
  }
}

/** The output went nowhere: a full disk, a descriptor that is not open for writing. */
export class OutputFailure extends Error {}
