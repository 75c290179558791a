import type { Actor } from '../access.ts';
import { hasLiveDaemon, type DaemonStarted, type DaemonStarter } from '../daemon/daemon-starter.ts';
import { getEnvironment } from '../environments/environment-service.ts';
import type { Readiness } from '../environments/readiness.ts';
import type { Notice } from '../notices.ts';
import type { Outside } from '../outside.ts';
import type { Progress } from '../progress.ts';
import type { ListedCapture, Store } from '../store.ts';
import type { CaptureRules } from './capture-rules.ts';
import type { CaptureRequest } from './capture-timing.ts';
import {
  prepareRecording,
  type Preparation,
  type PreparationEvent,
  type PreparationOptions,
} from './preparation.ts';

export type CreationEvent = DaemonStarted | PreparationEvent;

/** A capture that was stored. */
export interface CreatedCapture extends ListedCapture {
  /** Whether there are sessions whose executes may come without values: see `CaptureService.firstValues`. */
  readonly mayLackValues: boolean;
}

/** See `CaptureService.create`. */
export async function* createCapture(
  outside: Outside,
  rules: CaptureRules,
  starter: DaemonStarter,
  actor: Actor,
  request: CaptureRequest,
  options: Partial<PreparationOptions>,
  signal: AbortSignal,
): Progress<CreationEvent, CreatedCapture> {
  const { store, clock } = outside;
  const planned = rules.check(actor, request);
  const isLater = planned.status === 'SCHEDULED';
  let prepared: Preparation = { options: planned.options, readiness: null };
  if (planned.recordsStatements) {
    const environment = getEnvironment(store, actor, 'capture.create', request.environment);
    const how = { approved: [], waitsForLog: false, ...options, isLater };
    prepared = yield* prepareRecording(outside, environment, planned.options, how, signal);
  }
  signal.throwIfAborted();
  const created = rules.create(actor, { ...request, options: prepared.options });
  const { readiness } = prepared;
  if (created.recordsStatements && !isLater) yield* starter.ensure();
  for (const notice of isLater ? startNotices(store, created, readiness, clock.now()) : []) {
    yield { type: 'notice', notice };
  }
  return { ...created, mayLackValues: !isLater && readiness !== null && mayLackValues(readiness) };
}

/**
 * What to say of a capture that starts later: from when on a daemon must run that stays, unless one does, and
 * when its warm-up begins.
 */
function startNotices(
  store: Store,
  { scheduledStart, options: { warmUp } }: ListedCapture,
  readiness: Readiness | null,
  now: number,
): readonly Notice[] {
  const isNeeded = readiness === null || readiness.inspection.values.ownersLog === null;
  const isWarmedUp = warmUp !== null && scheduledStart !== null && isNeeded;
  const from = isWarmedUp ? Math.max(scheduledStart - warmUp, now) : null;
  const isOneAlive = hasLiveDaemon(store, now);
  const isLasting = isOneAlive && store.lease.find()?.background === false;
  return [
    ...(isLasting
      ? []
      : [{ code: 'lasting_daemon_needed', isOneAlive, warmUpFrom: from } as const]),
    ...(from === null || !isWarmedUp
      ? []
      : [{ code: 'warm_up_planned', from, until: scheduledStart, wanted: warmUp } as const]),
  ];
}

/** Whether there are sessions whose statements may have been prepared before, with nothing that covered them. */
function mayLackValues({ inspection, coverage }: Readiness): boolean {
  const { logged, prepared } = inspection.values;
  return logged !== 'always' && prepared !== 0 && coverage.covered < coverage.sessions;
}
