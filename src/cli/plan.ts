import type { CaptureRequest } from '../core/captures/capture-timing.ts';
import { ACTIVE_STATUSES } from '../core/captures/capture.ts';
import type { Environment, ServerAddress } from '../core/environments/environment.ts';
import { AppError, isAppError } from '../core/errors.ts';
import { expectationOf, type Expectation, type Experience } from '../core/captures/expectation.ts';
import { RECORD_EVERYTHING } from '../core/captures/recording-options.ts';
import { findTapOn } from '../core/environments/server-identity.ts';
import type { ServerInspection, ServerOutlook } from '../core/environments/server-inspection.ts';
import type { ListedCapture, NewCapture } from '../core/store.ts';
import { coverageOf } from '../core/warm-ups/value-coverage.ts';
import { diskSpace } from '../workload/disk-space.ts';
import { hintText } from './output/hints.ts';
import type { Context } from './runtime/context.ts';
import { EXIT_STATUS } from './runtime/exit-status.ts';
import { inspectServer, warningsOf, whyNotRecordable } from './preflight.ts';
import { whyNoRecycling } from './recycling.ts';
import { planNoun, type PlanFacts } from './render/plan.ts';
import { renderPlan } from './render/plan-report.ts';
import { ownersCover } from './render/values-outlook.ts';

/** How long the server's counters are looked at. */
const LOOK_MS = 2_500;
const PAST_CAPTURES = 20;

/**
 * Says what `create` would do and mean, without doing it: nothing is stored, nothing is changed on the
 * server. What `create` would refuse is part of the report.
 * @returns the exit status that `create` would have had.
 * @throws AppError `not_found`, `forbidden` for an environment that there is no planning for; with JSON
 *   also what `create` would refuse, for a failure leaves stdout empty.
 */
export async function planCapture(request: CaptureRequest, context: Context): Promise<number> {
  context.checkFields(planNoun);
  const actor = await context.actor();
  const environment = await context.api.environments.get(actor, request.environment);
  const { planned, refusals } = await checkRequest(request, context);
  const server = planned.recordsStatements ? environment.server : null;
  const look =
    server === null ? null : await lookAtServer({ name: environment.name, server }, context);
  const seen = look === null || look instanceof AppError ? null : look;
  const obstacle =
    look instanceof AppError
      ? look
      : seen === null
        ? null
        : whyNotRecordable(seen.inspection, context.store.taps, environment.name);
  // `create` looks at the server of a capture that is to begin now; a later one meets it at its start.
  const isLater = planned.status === 'SCHEDULED';
  if (obstacle !== null && !isLater) refusals.push(obstacle);
  const noRecycling = seen === null ? null : whyNoRecycling(seen.inspection, optionsOf(planned));
  if (noRecycling !== null && !isLater) refusals.push(noRecycling);
  const facts: PlanFacts = {
    planned,
    environment: environment.name,
    isRecorded: server !== null,
    ...(seen === null
      ? { inspection: null, outlook: null }
      : { inspection: seen.inspection, outlook: withUndo(seen.outlook, seen.inspection, planned) }),
    isHeldByUs: seen?.inspection.lockHolder != null && obstacle?.code !== 'conflict',
    ...(await othersOn(environment, seen?.inspection ?? null, planned, context)),
    coverage:
      seen === null
        ? null
        : coverageOf(seen.inspection.values, context.store.warmUps.listOf(environment.id)),
    expectation: seen === null ? null : await forecast(environment, seen.outlook, planned, context),
    obstacleAtStart: isLater ? obstacle : null,
    warnings: [
      ...(seen === null ? [] : warningsOf(seen.inspection, optionsOf(planned))),
      ...(noRecycling !== null && isLater ? [noRecycling.message] : []),
    ],
    refusals,
  };
  const [first, ...more] = refusals;
  if (context.isJson && first !== undefined) throw withAll(first, more);
  if (context.wantsReport) {
    const view = { width: context.columns, zone: context.timeZone };
    await context.world.stdout.write(renderPlan(facts, view, await context.paint()));
  } else {
    await context.printOne(planNoun, facts);
  }
  return first === undefined ? 0 : EXIT_STATUS[first.code];
}

/** What undoes by hand, besides the log, what is done for values. */
function withUndo(
  outlook: ServerOutlook,
  inspection: ServerInspection,
  planned: NewCapture,
): ServerOutlook {
  const { values, recycling } = inspection;
  const { warmUp, recycleUsers } = optionsOf(planned);
  const isWarmedUp =
    warmUp !== null && values.logged !== 'always' && ownersCover(inspection) === null;
  const isRecycled = recycleUsers !== null && recycling.length > 0;
  return {
    ...outlook,
    undo: [
      ...(isWarmedUp ? ['SET GLOBAL slow_query_log = OFF'] : []),
      ...(isRecycled ? ["UNINSTALL SONAME 'metadata_lock_info'"] : []),
      ...outlook.undo,
    ],
  };
}

function optionsOf(planned: NewCapture): NonNullable<NewCapture['options']> {
  return planned.options ?? RECORD_EVERYTHING;
}

/**
 * Everything that `create` would refuse of a request, not the first of it alone: the name, the times
 * and the options are each looked at with the others left out.
 */
async function checkRequest(
  request: CaptureRequest,
  context: Context,
): Promise<{ planned: NewCapture; refusals: AppError[] }> {
  const actor = await context.actor();
  const { captures } = context.api;
  const times = { start: null, scheduledStart: null, duration: null, status: null };
  // Nobody has it: a name ends with the program that made it.
  const free = { ...request, name: `plan ${context.world.pid} ${context.now()}` };
  const plain = { ...free, ...times, options: RECORD_EVERYTHING };
  const refusals: AppError[] = [];
  const attempt = async (asked: CaptureRequest): Promise<NewCapture | null> => {
    try {
      return await captures.check(actor, asked);
    } catch (error) {
      if (!isAppError(error, 'invalid')) throw error;
      refusals.push(error);
      return null;
    }
  };
  await attempt({ ...plain, name: request.name });
  // A warm-up goes with the times.
  const warmUp = request.options?.warmUp ?? null;
  const timed = await attempt({ ...free, options: { ...RECORD_EVERYTHING, warmUp } });
  await attempt({ ...plain, options: { ...(request.options ?? RECORD_EVERYTHING), warmUp: null } });
  const planned = timed ?? (await captures.check(actor, plain));
  const options = request.options ?? RECORD_EVERYTHING;
  return { planned: { ...planned, name: request.name, options }, refusals };
}

async function lookAtServer(
  environment: { readonly name: string; readonly server: ServerAddress },
  context: Context,
): Promise<{ inspection: ServerInspection; outlook: ServerOutlook } | AppError> {
  const { clock, signals } = context.world;
  try {
    const logs = await context.wiring.servers();
    const inspection = await inspectServer(context, environment);
    await context.note(`Watching ${inspection.server.hostname} for ${LOOK_MS / 1_000} s …`);
    const outlook = await logs.forecast(environment.server, async () => {
      await clock.sleep(LOOK_MS, signals.interrupted);
      signals.interrupted.throwIfAborted();
    });
    return { inspection, outlook };
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

/** Captures of this store that are or will be recorded on the server beside the planned one. */
async function othersOn(
  environment: Environment,
  inspection: ServerInspection | null,
  planned: NewCapture,
  context: Context,
): Promise<Pick<PlanFacts, 'others' | 'hiddenOthers'>> {
  const actor = await context.actor();
  const { store } = context;
  const tap = inspection === null ? null : findTapOn(inspection, store.taps, environment.id);
  const tapped = new Set(
    tap === null ? [] : store.recordings.listOfTap(tap.id).map(({ captureId }) => captureId),
  );
  const from = planned.scheduledStart ?? context.now();
  const until = planned.duration === null ? Infinity : from + planned.duration;
  const others: ListedCapture[] = [];
  let hiddenOthers = 0;
  for (const { id } of store.captures.listByStatus(['SCHEDULED', ...ACTIVE_STATUSES])) {
    const other = store.captures.find(id);
    if (other?.recordsStatements !== true) continue;
    if (other.environmentId !== environment.id && !tapped.has(id)) continue;
    const begin = other.scheduledStart ?? other.start ?? 0;
    if (begin >= until || (other.scheduledEnd ?? Infinity) <= from) continue;
    if (store.members.roleOf(other.environmentId, actor.userId) === null) hiddenOthers += 1;
    else others.push(other);
  }
  return { others, hiddenOthers };
}

async function forecast(
  environment: Environment,
  outlook: ServerOutlook,
  planned: NewCapture,
  context: Context,
): Promise<Expectation> {
  const past = context.store.captures.list({
    environmentIds: [environment.id],
    statuses: null,
    ownerId: null,
    name: null,
    since: null,
    until: null,
    order: 'created',
    descending: true,
    limit: PAST_CAPTURES,
  });
  const sum = (of: (capture: ListedCapture) => number | null): number =>
    past.reduce((total, capture) => total + (of(capture) ?? 0), 0);
  const experience: Experience = {
    records: sum(({ records }) => records),
    textBytes: sum(({ textBytes }) => textBytes),
    fileBytes: sum(({ fileBytes }) => fileBytes),
  };
  return expectationOf(outlook.load, experience, await diskSpace(context.store.directory), {
    options: optionsOf(planned),
    duration: planned.duration,
  });
}

/** One failure that names the others in its hint. */
function withAll(first: AppError, more: readonly AppError[]): AppError {
  if (more.length === 0) return first;
  const hint = [
    ...(first.hint === null ? [] : [hintText(first.hint)]),
    ...more.map(({ message }) => `Also: ${message}`),
  ].join('\n');
  return new AppError(first.code, first.message, { hint, cause: first });
}
