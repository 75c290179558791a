import { AppError, isAppError } from '../../core/errors.ts';
import type { ServerFault } from '../../core/hints.ts';
import type { ListedCapture } from '../../core/store.ts';
import type { Context } from '../runtime/context.ts';
import { fullName } from '../render/full-name.ts';
import { captureWord } from '../render/shell-quoting.ts';
import { hintText } from './hint-texts.ts';

/** Those after which nobody knows whether the server did what was asked for. */
const UNCERTAIN: readonly ServerFault[] = [
  'lost',
  'lost_in_clear',
  'silent',
  'proxy',
  'busy',
  'not_understood',
];

/** What is wrong with the server of captures; null for every other failure, one of a database too. */
export function serverFaultOf(error: unknown): ServerFault | 'other_version' | null {
  if (!isAppError(error, 'remote_failed') || error.hint === null) return null;
  if (typeof error.hint === 'string') return null;
  if (error.hint.code === 'check_server') return error.hint.fault;
  return error.hint.code === 'other_version' ? 'other_version' : null;
}

/** Whether what was asked for may have been done, and its answer was lost. */
export function mayBeDone(error: unknown): boolean {
  const fault = serverFaultOf(error);
  return fault !== null && (UNCERTAIN as readonly string[]).includes(fault);
}

/**
 * The failure to throw where a capture is lost sight of: it says where the capture is, and how to look at it.
 * @returns every other failure as it is.
 */
export function losingSight(error: unknown, context: Context, capture: ListedCapture): unknown {
  const { server } = context;
  if (server === null || !isAppError(error)) return error;
  if (serverFaultOf(error) === null && error.code !== 'unauthenticated') return error;
  return withMore(
    error,
    `${fullName(capture)} (id ${capture.id}) was ${capture.status} when ${server.name} last answered, and goes on without this command. To look at it: captures get ${captureWord(capture)}`,
  );
}

/**
 * The failure to throw where a capture was to be ended that nothing else ends: it says how to.
 * @returns one that says what became of the capture as it is.
 */
export function leavingUnended(
  error: AppError,
  context: Pick<Context, 'onServer'>,
  capture: ListedCapture,
): AppError {
  if (error.code === 'not_found' || error.code === 'capture_failed') return error;
  const isRefused = error.code === 'unauthenticated' || error.code === 'forbidden';
  const [goesOn, when] = isRefused ? ['goes on', ''] : ['may go on', ', once that is possible'];
  return withMore(
    error,
    `${fullName(capture)} (id ${capture.id})${context.onServer} ${goesOn}, and nothing else ends it. To end it${when}: captures stop ${captureWord(capture)}`,
  );
}

/** The same failure with a sentence before its hint. */
export function withMore(error: AppError, sentence: string): AppError {
  const hint = error.hint === null ? null : hintText(error.hint);
  return new AppError(error.code, error.message, {
    hint: hint === null ? sentence : `${sentence}\n${hint}`,
    cause: error,
  });
}
