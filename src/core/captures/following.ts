import type { Actor } from '../access.ts';
import { AppError } from '../errors.ts';
import type { CaptureName } from '../hints.ts';
import type { DaemonStarted, DaemonStarter } from '../daemon/daemon-starter.ts';
import type { Outside } from '../outside.ts';
import type { Progress } from '../progress.ts';
import type { ListedCapture } from '../store.ts';
import { CaptureRules } from './capture-rules.ts';
import { MESSAGES } from './capture.ts';
import { liveFactsOf, type LiveFacts } from './live-facts.ts';

/** What happens to a capture while a use case waits for it. */
export type CaptureEvent =
  | DaemonStarted
  /** How it stands: at each change of its status, and four times a second. */
  | { readonly type: 'seen'; readonly capture: ListedCapture; readonly live: LiveFacts }
  /** It is to end and waits for its server, which cannot be read. Said once. */
  | {
      readonly type: 'waits_for_server';
      readonly capture: ListedCapture;
      readonly reason: string;
    }
  /** It is stopped, because it is to be over. */
  | { readonly type: 'stopping'; readonly capture: ListedCapture };

const POLL_MS = 50;
const SEEN_EVERY_MS = 250;
/** A daemon in the background stays when something is due within a minute; it takes some seconds to come up. */
const DAEMON_AHEAD_MS = 30_000;
/** A capture waits for its server as long as it takes; who waits for it, perhaps a script, does not. */
const LONGEST_WAIT_MS = 60_000;

/**
 * Waits until the store says that a capture has come as far as `isReached` wants, keeping a daemon
 * alive meanwhile where one is needed.
 * @param actor who waits: as long as they may get the capture.
 * @param starter null to look on alone: then no daemon is started, and it waits for as long as it takes.
 * @param signal ends the wait: its reason is thrown.
 * @throws AppError `not_found` when somebody deletes it meanwhile, and to who may not see it any more; `unauthenticated`
 *   to who is not logged in any more; `capture_failed` when it is to end and has
 *   been waiting for its server for a minute.
 */
export async function* followCapture(
  { store, clock, origin }: Outside,
  actor: Actor,
  id: number,
  isReached: (capture: ListedCapture) => boolean,
  starter: DaemonStarter | null,
  signal: AbortSignal,
): Progress<CaptureEvent, ListedCapture> {
  const rules = new CaptureRules(store, clock, origin);
  let counter: number | null = null;
  let capture: ListedCapture | null = null;
  let status: string | null = null;
  let seenAt = 0;
  let waitingSince: number | null = null;
  for (;;) {
    const now = clock.now();
    const current = store.changeCounter();
    if (capture === null || current !== counter) {
      counter = current;
      capture = store.captures.find(id);
      if (capture === null) throw new AppError('not_found', MESSAGES.captureMissing);
    }
    rules.requireStill(actor, capture, 'capture.get');
    if (isReached(capture)) return capture;
    signal.throwIfAborted();
    const { trouble } = capture;
    if (starter === null || capture.status !== 'STOPPING' || trouble === null) {
      waitingSince = null;
    } else if (waitingSince === null) {
      waitingSince = now;
      yield { type: 'waits_for_server', capture, reason: trouble.reason };
    } else if (now - waitingSince >= LONGEST_WAIT_MS) {
      throw new AppError(
        'capture_failed',
        `The capture "${capture.name}" is still STOPPING: it has waited for its server for a minute (${trouble.reason})`,
        { hint: { code: 'end_without_rest', capture: nameOf(capture) } },
      );
    }
    if (starter !== null && needsDaemon(capture, now)) yield* starter.ensure();
    // Who looks notices that nobody replays it any more.
    if (capture.type === 'REPLAY') {
      rules.settle();
      counter = null;
    }
    if (isOverdue(capture, now)) {
      // A metrics-only capture has no daemon that ends it: who looks does.
      rules.settle();
      capture = null;
      continue;
    }
    if (capture.status !== status || now - seenAt >= SEEN_EVERY_MS) {
      status = capture.status;
      seenAt = now;
      yield { type: 'seen', capture, live: liveFactsOf(store, id, now) };
    }
    await clock.sleep(POLL_MS, signal);
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

/** Whether it records nothing and its end has passed. */
function isOverdue(
  { recordsStatements, status, scheduledEnd }: ListedCapture,
  now: number,
): boolean {
  return !recordsStatements && status === 'RUNNING' && scheduledEnd !== null && scheduledEnd <= now;
}

/** @throws AppError `capture_failed` with its reason, when the capture FAILED. */
export function refuseFailed(capture: ListedCapture): void {
  if (capture.status !== 'FAILED') return;
  throw new AppError(
    'capture_failed',
    `The capture "${capture.name}" failed: ${capture.reason ?? 'reason unknown'}`,
    { hint: { code: 'see_what_is_kept', capture: nameOf(capture) } },
  );
}

function nameOf({ environmentName, name }: ListedCapture): CaptureName {
  return { environmentName, name };
}
