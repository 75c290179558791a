import type { Actor } from '../access.ts';
import type { Environment } from '../environments/environment.ts';
import { getEnvironment } from '../environments/environment-service.ts';
import {
  readServer,
  warningsOf,
  whyNoRecycling,
  type Readiness,
} from '../environments/readiness.ts';
import { findTapOn } from '../environments/server-identity.ts';
import type { ServerOutlook } from '../environments/server-inspection.ts';
import type { AppError } from '../errors.ts';
import { isAppError } from '../errors.ts';
import type { Outside } from '../outside.ts';
import type { Progress } from '../progress.ts';
import type { ListedCapture } from '../store.ts';
import type { SessionsOfUser } from '../warm-ups/approvals.ts';
import { ALL_CAPTURES } from './capture-list.ts';
import type { PlannedCapture } from './capture-review.ts';
import type { CaptureRules } from './capture-rules.ts';
import type { CaptureRequest } from './capture-timing.ts';
import { ACTIVE_STATUSES } from './capture.ts';
import { expectationOf, type Expectation } from './expectation.ts';
import { sessionsToEnd } from './preparation.ts';
import type { RecordingOptions } from './recording-options.ts';

/** What creating a capture would do and mean. */
export interface CapturePlan {
  readonly planned: PlannedCapture;
  readonly environment: string;
  /** Whether there are statements to record. */
  readonly isRecorded: boolean;
  /** null where no server could be looked at. */
  readonly readiness: Readiness | null;
  readonly outlook: ServerOutlook | null;
  readonly expectation: Expectation | null;
  /** What restores the server by hand, in this order. */
  readonly undo: readonly string[];
  /** Sessions that would be ended if it started now. */
  readonly sessionsToEnd: readonly SessionsOfUser[];
  /** Other captures there, in the time of this one; those in environments of other users are only counted. */
  readonly others: readonly ListedCapture[];
  readonly hiddenOthers: number;
  readonly warnings: readonly string[];
  /** What would be refused, in its order. */
  readonly refusals: readonly AppError[];
  /** Why a capture that is to start later could not, were it now. */
  readonly obstacleAtStart: AppError | null;
}

/** The server's counters are looked at for so long. */
export interface WatchingServer {
  readonly type: 'watching';
  /** See `placeOf`. */
  readonly place: string;
  readonly forMs: number;
}

const LOOK_MS = 2_500;
const PAST_CAPTURES = 20;

/** See `CaptureService.plan`. */
export async function* planCapture(
  outside: Outside,
  rules: CaptureRules,
  actor: Actor,
  request: CaptureRequest,
  signal: AbortSignal,
): Progress<WatchingServer, CapturePlan> {
  const { planned, refusals } = rules.review(actor, request);
  const { options } = planned;
  const environment = getEnvironment(outside.store, actor, 'capture.create', request.environment);
  const { server } = environment;
  const isRecorded = planned.recordsStatements && server !== null;
  const seen = isRecorded
    ? yield* lookAtServer(outside, { ...environment, server }, signal)
    : { readiness: null, outlook: null, refusal: null };
  const { readiness, outlook, refusal } = seen;
  const noRecycling = readiness === null ? null : whyNoRecycling(readiness.inspection, options);
  // Only of a capture that is to begin now: a later one meets the server at its start.
  const isLater = planned.status === 'SCHEDULED';
  if (!isLater) refusals.push(...[refusal, noRecycling].filter((one) => one !== null));
  return {
    planned,
    environment: environment.name,
    isRecorded,
    readiness,
    outlook,
    expectation: outlook === null ? null : await forecast(outside, environment, outlook, planned),
    undo: readiness === null || outlook === null ? [] : undoOf(readiness, outlook, options),
    sessionsToEnd:
      readiness === null ? [] : sessionsToEnd(readiness.coverage, options.recycleUsers ?? []),
    ...othersOn(outside, actor, environment, readiness, planned),
    warnings: [
      ...(readiness === null ? [] : warningsOf(readiness.inspection, options)),
      ...(noRecycling !== null && isLater ? [noRecycling.message] : []),
    ],
    refusals,
    obstacleAtStart: isLater ? refusal : null,
  };
}

interface SeenServer {
  readonly readiness: Readiness | null;
  readonly outlook: ServerOutlook | null;
  /** Why it could not be looked at, or cannot be recorded. */
  readonly refusal: AppError | null;
}

async function* lookAtServer(
  outside: Outside,
  environment: Readiness['environment'],
  signal: AbortSignal,
): Progress<WatchingServer, SeenServer> {
  try {
    const readiness = await readServer(outside, environment);
    const { place } = readiness.inspection;
    yield { type: 'watching', place, forMs: LOOK_MS };
    const source = await outside.servers();
    const outlook = await source.forecast(environment.server, async () => {
      await outside.clock.sleep(LOOK_MS, signal);
      signal.throwIfAborted();
    });
    return { readiness, outlook, refusal: readiness.refusal };
  } catch (error) {
    if (isAppError(error)) return { readiness: null, outlook: null, refusal: error };
    throw error;
  }
}

/** What undoes by hand, besides the log, what is done for values. */
function undoOf(
  { inspection }: Readiness,
  { undo, undoWarmUp, undoRecycling }: ServerOutlook,
  { warmUp, recycleUsers }: RecordingOptions,
): readonly string[] {
  const { logged, ownersLog } = inspection.values;
  const isWarmedUp = warmUp !== null && logged !== 'always' && ownersLog === null;
  const isRecycled = recycleUsers !== null && inspection.recycling.length > 0;
  return [...(isWarmedUp ? undoWarmUp : []), ...(isRecycled ? undoRecycling : []), ...undo];
}

/** Captures of this store that are or will be recorded on the server beside the planned one. */
function othersOn(
  { store, clock }: Outside,
  actor: Actor,
  { id: environmentId }: Environment,
  readiness: Readiness | null,
  planned: PlannedCapture,
): Pick<CapturePlan, 'others' | 'hiddenOthers'> {
  const tap =
    readiness === null ? null : findTapOn(readiness.inspection, store.taps, environmentId);
  const tapped = new Set(
    tap === null ? [] : store.recordings.listOfTap(tap.id).map(({ captureId }) => captureId),
  );
  const from = planned.scheduledStart ?? clock.now();
  const until = planned.duration === null ? Infinity : from + planned.duration;
  const others: ListedCapture[] = [];
  let hiddenOthers = 0;
  for (const { id } of store.captures.listByStatus(['SCHEDULED', ...ACTIVE_STATUSES])) {
    const other = store.captures.find(id);
    if (other?.recordsStatements !== true) continue;
    if (other.environmentId !== environmentId && !tapped.has(id)) continue;
    const begin = other.scheduledStart ?? other.start ?? 0;
    if (begin >= until || (other.scheduledEnd ?? Infinity) <= from) continue;
    if (store.members.roleOf(other.environmentId, actor) === null) hiddenOthers += 1;
    else others.push(other);
  }
  return { others, hiddenOthers };
}

async function forecast(
  { store, workloads }: Outside,
  { id }: Environment,
  { load }: ServerOutlook,
  { options, duration }: PlannedCapture,
): Promise<Expectation> {
  const experience = { records: 0, textBytes: 0, fileBytes: 0 };
  const recent = { type: 'CAPTURE', limit: PAST_CAPTURES } as const;
  const past = { ...ALL_CAPTURES, ...recent, environmentIds: [id], ownerId: null };
  for (const { records, textBytes, fileBytes } of store.captures.list(past)) {
    experience.records += records ?? 0;
    experience.textBytes += textBytes ?? 0;
    experience.fileBytes += fileBytes ?? 0;
  }
  const disk = await (await workloads()).diskSpace();
  return expectationOf(load, experience, disk, { options, duration });
}
