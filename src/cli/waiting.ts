import { MESSAGES } from '../core/captures.ts';
import { AppError } from '../core/errors.ts';
import type { ListedCapture } from '../core/store.ts';
import type { Context } from './context.ts';
import type { DaemonKeeper } from './daemons.ts';

const POLL_MS = 50;

/**
 * Waits until the store says that a capture has come as far as `isReached` wants, keeping a daemon
 * alive meanwhile where one is needed.
 * @param options.signal ends the wait early; the capture is returned as it is then.
 * @throws AppError `not_found` when somebody deletes it meanwhile.
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
  for (;;) {
    const counter = store.changeCounter();
    if (capture === null || counter !== seen) {
      seen = counter;
      capture = store.captures.find(id);
      if (capture === null) throw new AppError('not_found', MESSAGES.captureMissing);
    }
    if (isReached(capture) || options.signal.aborted) return capture;
    if (capture.recordsStatements) await options.keeper?.ensure();
    else if (settleIfDue(context, capture)) seen = null;
    await options.onLook?.(capture);
    await world.clock.sleep(POLL_MS, options.signal);
  }
}

/** A metrics-only capture has no daemon that ends it: who looks does. */
function settleIfDue(context: Context, capture: ListedCapture): boolean {
  if (capture.scheduledEnd === null || capture.scheduledEnd > context.now()) return false;
  context.captures.settle();
  return true;
}

/** @throws AppError `capture_failed` with its reason, when the capture FAILED. */
export function refuseFailed(capture: ListedCapture): void {
  if (capture.status !== 'FAILED') return;
  throw new AppError(
    'capture_failed',
    `The capture "${capture.name}" failed: ${capture.reason ?? 'no reason is known'}`,
    { hint: `What was recorded until then is kept: captures get ${capture.id}` },
  );
}
