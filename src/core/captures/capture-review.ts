import type { Actor } from '../access.ts';
import { getEnvironment } from '../environments/environment-service.ts';
import { AppError, isAppError } from '../errors.ts';
import { checkName } from '../names.ts';
import type { NewCapture, Store } from '../store.ts';
import { requireLoggedIn } from '../users/standing.ts';
import { MESSAGES } from './capture.ts';
import { timingOf, type CaptureRequest } from './capture-timing.ts';
import { checkRecordingOptions, RECORD_EVERYTHING } from './recording-options.ts';

/** What a request would store. */
export type PlannedCapture = Required<Omit<NewCapture, 'type'>>;

/** What is to be said of a request for a capture. */
export interface Review {
  /** As it would be stored, but for what is refused. */
  readonly planned: PlannedCapture;
  /** Empty where it can be stored. */
  readonly refusals: AppError[];
}

const WITHOUT_TIMES = { start: null, scheduledStart: null, duration: null, status: null };

/** As `CaptureRules.review`. @param now milliseconds since the epoch. */
export function reviewRequest(
  store: Store,
  actor: Actor,
  request: CaptureRequest,
  now: number,
): Review {
  requireLoggedIn(store, actor, now);
  const { id, name, server } = getEnvironment(store, actor, 'capture.create', request.environment);
  const options = request.options ?? RECORD_EVERYTHING;
  const refusals: AppError[] = [];
  const attempt = <Result>(rule: () => Result): Result | null => {
    try {
      return rule();
    } catch (error) {
      if (!isAppError(error)) throw error;
      refusals.push(error);
      return null;
    }
  };
  attempt(() => {
    checkName('capture', request.name);
    const isTaken = store.captures
      .findByName(request.name, actor)
      .some(({ environmentId }) => environmentId === id);
    if (isTaken) {
      throw new AppError('invalid', MESSAGES.nameTaken, {
        hint: { code: 'other_name', capture: { environmentName: name, name: request.name } },
      });
    }
  });
  const asked = attempt(() => timingOf(request, server !== null, now));
  const timing = asked ?? timingOf(WITHOUT_TIMES, server !== null, now);
  attempt(() => {
    const nothing = server === null ? 'metrics_only' : 'registered';
    checkRecordingOptions(options, timing.recordsStatements ? null : nothing, name);
    if (options.warmUp === null || asked === null || asked.scheduledStart !== null) return;
    throw new AppError('invalid', 'A warm-up goes before a scheduled start', {
      hint: { code: 'start_or_warm_up_first', environment: name },
    });
  });
  const planned = {
    name: request.name,
    environmentId: id,
    ownerId: actor.userId,
    duration: request.duration,
    reason: null,
    options,
    ...timing,
  };
  return { planned, refusals };
}
