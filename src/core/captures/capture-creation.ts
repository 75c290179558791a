import type { Actor } from '../access.ts';
import { hasLiveDaemon, type DaemonStarted } from '../daemon/daemon-starter.ts';
import { getEnvironment } from '../environments/environment-service.ts';
import type { Readiness } from '../environments/readiness.ts';
import type { Notice, Noticed } from '../notices.ts';
import type { Outside } from '../outside.ts';
import type { Progress } from '../progress.ts';
import type { ListedCapture, Store } from '../store.ts';
import type { PlannedCapture } from './capture-review.ts';
import {
  prepareRecording,
  type Preparation,
  type PreparationEvent,
  type PreparationOptions,
} from './preparation.ts';
import { requireLoggedIn } from '../users/standing.ts';

export type CreationEvent = DaemonStarted | PreparationEvent;

/** A capture that was stored. */
export interface CreatedCapture extends ListedCapture {
  /** Whether there are sessions whose executes may come without values: see `CaptureService.firstValues`. */
  readonly mayLackValues: boolean;
}

/** Looks at the server of a capture to be made, where it has statements to record. @throws AppError as `prepareRecording`. */
export async function* prepareCapture(
  outside: Outside,
  actor: Actor,
  { recordsStatements, status, options, environmentId }: PlannedCapture,
  how: Partial<PreparationOptions>,
  signal: AbortSignal,
): Progress<PreparationEvent, Preparation> {
  if (!recordsStatements) return { options, readiness: null };
  const environment = getEnvironment(outside.store, actor, 'capture.create', String(environmentId));
  const isLater = status === 'SCHEDULED';
  const requireStill = (): void => {
    requireLoggedIn(outside.store, actor, outside.clock.now());
    getEnvironment(outside.store, actor, 'capture.create', String(environmentId));
  };
  const all = { approved: [], waitsForLog: false, ...how, isLater, requireStill };
  return yield* prepareRecording(outside, environment, options, all, signal);
}

/** What to say of a capture that was stored. */
export function* announced(
  { store, clock }: Outside,
  created: ListedCapture,
  readiness: Readiness | null,
): Generator<Noticed, CreatedCapture, void> {
  const isLater = created.status === 'SCHEDULED';
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
