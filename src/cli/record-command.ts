import { captureWord } from '../core/shell.ts';
import type { ListedCapture } from '../core/store.ts';
import { AppError } from '../core/errors.ts';
import type { Context } from './runtime/context.ts';
import { EXIT_STATUS } from './runtime/exit-status.ts';
import { tellLackingValues } from './output/first-values.ts';
import type { Recording } from './recording.ts';
import { formatCount, formatDuration } from '../core/units.ts';
import { refuseFailed } from '../core/captures/following.ts';

const CANNOT_START = 127;

/**
 * Records for as long as a command runs: its streams are the caller's, and so is its exit status.
 * @returns the command's status, or that of a failed capture when the command succeeded.
 */
export async function recordCommand(
  capture: ListedCapture,
  command: readonly string[],
  context: Context,
  recording: Recording,
): Promise<number> {
  const running = await recording.untilRunning(capture);
  const [program = '', ...args] = command;
  let status: number;
  try {
    ({ status } = await context.world.runCommand(program, args));
  } catch (error) {
    await recording.stop(running);
    await context.warn(whyNotStarted(program, error));
    return CANNOT_START;
  }
  // The command may have been ended by Ctrl-C; the capture is to be ended well all the same.
  const over = await recording.stop(running);
  if (status === 0) refuseFailed(over);
  if (over.status === 'FAILED') {
    await context.warn(`The capture ${over.name} failed: ${over.reason ?? 'reason unknown'}`);
    return status === 0 ? EXIT_STATUS.capture_failed : status;
  }
  await context.note(summaryOf(over));
  await tellLackingValues(context, over);
  return status;
}

function summaryOf(capture: ListedCapture): string {
  const length =
    capture.start === null || capture.end === null
      ? ''
      : ` in ${formatDuration(capture.end - capture.start)}`;
  const statements =
    capture.records === null ? 'no statements' : `${formatCount(capture.records)} statements`;
  return `Recorded ${statements}${length}: captures get ${captureWord(capture)}`;
}

function whyNotStarted(program: string, error: unknown): string {
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
  if (code === 'ENOENT') return `The command ${program} was not found; the capture is stopped.`;
  if (code === 'EACCES') return `The command ${program} may not be run; the capture is stopped.`;
  if (error instanceof AppError || code === null) throw error;
  return `The command ${program} cannot be started (${code}); the capture is stopped.`;
}
