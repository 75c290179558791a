import { MESSAGES } from '../core/captures/capture.ts';
import { AppError } from '../core/errors.ts';
import type { ListedCapture } from '../core/store.ts';
import type { Context } from './runtime/context.ts';
import { captureWord } from '../core/shell.ts';
import { formatDuration } from './render/units.ts';
import type { DaemonKeeper } from './runtime/starter.ts';

const POLL_MS = 50;
/** A daemon in the background stays when something is due within a minute; it takes some seconds to come up. */
const DAEMON_AHEAD_MS = 30_000;
/** A capture waits for its server as long as it takes; a command, which may be a script's, does not. */
const LONGEST_WAIT_MS = 60_000;

/**
 * Waits until the store says that a capture has come as far as `isReached` wants, keeping a daemon
 * alive meanwhile where one is needed.
 * @param options.signal ends the wait early; the capture is returned as it is then.
 * @throws AppError `not_found` when somebody deletes it meanwhile; `capture_failed` when it is to end and has
 *   been waiting for its server for a minute, and a daemon is kept alive for it.
 */
export async function waitForCapture(
  context: Context,
  id: number,
  isReached: (capture: ListedCapture) => boolean,
  options: {
    keeper: DaemonKeeper | null;
    signal: AbortSignal;
    onLook?: (capture: ListedCapture) => Promise<void>;
  },
): Promise<ListedCapture> {
  const { store, world } = context;
  let seen: number | null = null;
  let capture: ListedCapture | null = null;
  let waiting: number | null = null;
  for (;;) {
    const counter = store.changeCounter();
    if (capture === null || counter !== seen) {
      seen = counter;
      capture = store.captures.find(id);
      if (capture === null) throw new AppError('not_found', MESSAGES.captureMissing);
    }
    if (isReached(capture) || options.signal.aborted) return capture;
    if (options.keeper !== null) waiting = await watchTrouble(context, capture, waiting);
    if (needsDaemon(capture, context.now())) await options.keeper?.ensure();
    if (!capture.recordsStatements && settleIfDue(context, capture)) seen = null;
    await options.onLook?.(capture);
    await world.clock.sleep(POLL_MS, options.signal);
  }
}

/**
 * Whether somebody has to be at work for it now: from a little before its start or its warm-up on. One in
 * the background would leave earlier than that, for there is nothing to do.
 */
function needsDaemon(capture: ListedCapture, now: number): boolean {
  const { status, scheduledStart, recordsStatements, options } = capture;
  if (status !== 'SCHEDULED' || scheduledStart === null) return recordsStatements;
  return scheduledStart - (options.warmUp ?? 0) - DAEMON_AHEAD_MS <= now;
}

/**
 * Says once what a capture that is to end waits for.
 * @param since when it was said; null for not yet.
 */
async function watchTrouble(
  context: Context,
  { status, trouble, name, environmentName }: ListedCapture,
  since: number | null,
): Promise<number | null> {
  if (status !== 'STOPPING' || trouble === null) return null;
  const now = context.now();
  const hint = `It is finished when the server can be read again. To end it without what is still there: captures stop ${captureWord({ environmentName, name })} --give-up`;
  if (since === null) {
    await context.note(`"${name}" waits for its server: ${trouble.reason}. ${hint}`);
    return now;
  }
  if (now - since < LONGEST_WAIT_MS) return since;
  throw new AppError(
    'capture_failed',
    `The capture "${name}" is still STOPPING: it waits for its server, and this command waited for ${formatDuration(LONGEST_WAIT_MS)} (${trouble.reason})`,
    { hint },
  );
}

/** A metrics-only capture has no daemon that ends it: who looks does. */
function settleIfDue(context: Context, capture: ListedCapture): boolean {
  if (capture.status !== 'RUNNING') return false;
  if (capture.scheduledEnd === null || capture.scheduledEnd > context.now()) return false;
  context.api.captures.settle();
  return true;
}

/** @throws AppError `capture_failed` with its reason, when the capture FAILED. */
export function refuseFailed(capture: ListedCapture): void {
  if (capture.status !== 'FAILED') return;
  throw new AppError(
    'capture_failed',
    `The capture "${capture.name}" failed: ${capture.reason ?? 'no reason is known'}`,
    { hint: `What was recorded until then is kept: captures get ${captureWord(capture)}` },
  );
}
