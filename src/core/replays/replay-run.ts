import type { Actor } from '../access.ts';
import { AuditTrail, captureSubject, PROGRAM } from '../audit/audit-trail.ts';
import type { CaptureRules } from '../captures/capture-rules.ts';
import { MESSAGES } from '../captures/capture.ts';
import { RECORD_EVERYTHING } from '../captures/recording-options.ts';
import { AppError, isAppError, messageOf } from '../errors.ts';
import type { TargetDoubt } from '../hints.ts';
import type { Outside } from '../outside.ts';
import type { Progress } from '../progress.ts';
import type { ListedCapture } from '../store.ts';
import { LatestEvents } from './latest-events.ts';
import { replayName } from './replay-names.ts';
import type { ReplayedRecord } from './replay-player.ts';
import {
  keptOf,
  passOver,
  prepareReplay,
  reachTarget,
  recordOf,
  type PreparedReplay,
} from './replay-preparation.ts';
import type { ReplayRequest } from './replay-request.ts';
import { ReplayWatch } from './replay-watch.ts';
import type { Replay, ReplayEvent, ReplayPlan, ReplayResult } from './replay.ts';
import { requireMeant } from './target-doubts.ts';
import type { ReplayTarget } from './target.ts';

/** What is needed to play. */
interface Playing {
  readonly actor: Actor;
  readonly prepared: PreparedReplay;
  readonly record: ReplayedRecord;
  readonly plan: ReplayPlan;
  readonly target: ReplayTarget;
  /** Its row. */
  readonly capture: ListedCapture;
  /** The target's clock less ours, in milliseconds. */
  readonly skew: number;
}

/** See `ReplayService.run`. */
export async function* runReplay(
  outside: Outside,
  rules: CaptureRules,
  actor: Actor,
  ref: string,
  request: ReplayRequest,
  signal: AbortSignal,
): Progress<ReplayEvent, Replay> {
  const prepared = await prepareReplay(outside, rules, actor, ref, request, true);
  const { capture: source, environment, options } = prepared;
  // Said before the target is reached and the record read.
  replayName(outside.store.captures, request.name, source.name, environment);
  // What is being played ends by itself when it is told to, and is answered for: only before that, and when its
  // end takes too long, the connections are simply dropped.
  const connections = new AbortController();
  const drop = (): void => {
    connections.abort(signal.reason);
  };
  signal.addEventListener('abort', drop);
  if (signal.aborted) drop();
  try {
    const { target, doubt } = await reachTarget(outside, prepared, connections.signal);
    try {
      const gravest: TargetDoubt | null = doubt ?? (options.writes ? 'writes' : null);
      requireMeant(environment, source, gravest, request);
      const record = recordOf(outside, prepared);
      const programs = await target.programs();
      const plan = yield* passOver(outside, record, options, programs, signal);
      yield { type: 'planned', plan };
      const skew = (await target.now()) - outside.clock.now();
      signal.throwIfAborted();
      signal.removeEventListener('abort', drop);
      const capture = begin(outside, rules, actor, prepared, request.name, { plan, target, skew });
      const playing = { actor, prepared, record, plan, target, capture, skew };
      return yield* play(outside, rules, playing, signal);
    } finally {
      await target.close();
    }
  } catch (error) {
    // Its connections were dropped because of that: that they were lost is not what happened.
    if (isAppError(error, 'remote_failed')) signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', drop);
    connections.abort();
  }
}

/** Stores the replay: from here on it is in lists, can be stopped, and has to be settled. */
function begin(
  { store, clock, origin }: Outside,
  rules: CaptureRules,
  actor: Actor,
  { capture: source, source: described, environment, options }: PreparedReplay,
  asked: string | null,
  { plan, target, skew }: Pick<Playing, 'plan' | 'target' | 'skew'>,
): ListedCapture {
  const audit = new AuditTrail(store, clock, origin);
  return store.transaction(() => {
    // Reading the record may have taken an hour.
    rules.requireStill(actor, source, 'capture.replay');
    const owned = { id: source.id, environmentId: environment.id, ownerId: actor.userId };
    rules.requireStill(actor, owned, options.writes ? 'replay.write' : 'replay.run');
    const now = clock.now();
    const { id } = store.captures.insert(
      {
        name: replayName(store.captures, asked, source.name, environment),
        environmentId: environment.id,
        ownerId: actor.userId,
        type: 'REPLAY',
        status: 'STARTING',
        start: null,
        scheduledStart: null,
        scheduledEnd: null,
        end: null,
        duration: null,
        reason: null,
        recordsStatements: false,
        options: RECORD_EVERYTHING,
      },
      now,
    );
    const { hostName: host, pid } = origin;
    store.replays.insert({ captureId: id, source: described, options, host, pid, heardAt: now });
    store.replays.saveTarget(id, keptOf(target));
    store.replays.savePlan(id, plan);
    const started = audit.moveCapture(PROGRAM, id, 'STARTING', 'RUNNING', {
      start: Math.floor(now + skew),
    });
    const found = store.captures.find(id);
    if (started === null || found === null) throw new Error('A replay was not stored');
    audit.record(actor, 'replay.run', captureSubject(found), {
      details: {
        source: `${described.environmentName}/${described.captureName}`,
        writes: options.writes,
      },
    });
    return found;
  });
}

/** Plays, and settles the replay whatever comes of that, also where nobody takes what is yielded any more. */
async function* play(
  outside: Outside,
  rules: CaptureRules,
  playing: Playing,
  signal: AbortSignal,
): Progress<ReplayEvent, Replay> {
  const watch = new ReplayWatch(outside, rules, playing, signal);
  const events = new LatestEvents<ReplayEvent>(({ type }) => type === 'played');
  events.push({ type: 'started', capture: playing.capture });
  const played = perform(outside, playing, watch, events).finally(() => {
    events.end();
  });
  // It is awaited below; until then its failure is nobody's.
  played.catch(() => undefined);
  try {
    yield* events;
    return await played;
  } finally {
    watch.end();
    await played.catch(() => undefined);
  }
}

/** @throws what the player did, once the replay is settled as FAILED. */
async function perform(
  outside: Outside,
  { prepared, record, plan, target, capture }: Playing,
  watch: ReplayWatch,
  events: LatestEvents<ReplayEvent>,
): Promise<Replay> {
  let result: ReplayResult | null = null;
  let failure: Error | null = null;
  try {
    await watch.begin();
    const player = await outside.replayPlayer();
    const run = player.play(record, prepared.options, plan, target, watch.signal);
    for (let step = await run.next(); ; step = await run.next()) {
      if (step.done === true) {
        result = step.value;
        break;
      }
      if (step.value.type === 'played') watch.progress = step.value.progress;
      events.push(step.value);
    }
  } catch (error) {
    if (!watch.signal.aborted) failure = asError(error);
  }
  await watch.leave(result);
  // The result is written meanwhile.
  const closing = target.close(watch.closingTime ?? undefined);
  return settle(outside, capture, watch, result, failure, closing);
}

/**
 * Writes the result, then what became of the replay. Where that cannot be written, as on a full disk, the result is
 * returned all the same: statements were sent.
 * @param closing resolves when its connections are gone: it is not over before.
 * @throws `failure`, where there is one.
 */
async function settle(
  outside: Outside,
  { id, start }: ListedCapture,
  watch: ReplayWatch,
  result: ReplayResult | null,
  failure: Error | null,
  closing: Promise<void>,
): Promise<Replay> {
  const { store, clock } = outside;
  const end = Math.max(Math.floor(clock.now() + watch.skew), start ?? 0);
  const workloads = await outside.workloads();
  let unwritten: Error | null = null;
  if (result !== null && store.captures.find(id) !== null) {
    try {
      await workloads.writeReplayResult(id, result);
    } catch (error) {
      unwritten = asError(error);
    }
  }
  await closing;
  const why = failure ?? unwritten;
  try {
    const failed = why === null ? lossOf(result) : messageOf(why);
    const isCut = result?.ended.why !== 'complete';
    const reason = failed ?? (isCut ? watch.interruption : null);
    const isGone = noteEnd(outside, id, { end, reason }, failed !== null);
    if (isGone) await workloads.removeDeleted({ asked: id });
    if (why !== null) throw why;
  } catch (error) {
    const unkept =
      failure === null && result !== null ? keptHere(store, id, end, result, error) : null;
    if (unkept === null) throw why ?? error;
    return unkept;
  }
  const stored = store.replays.find(id);
  const settled = store.captures.find(id);
  if (stored === null || settled === null) {
    throw new AppError('not_found', MESSAGES.captureMissing, {
      hint: 'It was deleted while it was replayed.',
    });
  }
  return { capture: settled, stored, result };
}

/** @returns whether it was deleted behind our back: what was just written goes, too. */
function noteEnd(
  { store, clock, origin }: Outside,
  id: number,
  changes: { readonly end: number; readonly reason: string | null },
  isFailed: boolean,
): boolean {
  const audit = new AuditTrail(store, clock, origin);
  return store.transaction(() => {
    const now = store.captures.find(id);
    if (now === null) {
      store.removals.insert(id);
      return true;
    }
    if (now.status === 'RUNNING' || now.status === 'STOPPING') {
      audit.moveCapture(PROGRAM, id, now.status, isFailed ? 'FAILED' : 'DONE', changes);
      store.metrics.packSamples(id);
    }
    return false;
  });
}

/** A replay whose result could not be stored; null where its row is gone. */
function keptHere(
  store: Outside['store'],
  id: number,
  end: number,
  result: ReplayResult,
  error: unknown,
): Replay | null {
  const stored = store.replays.find(id);
  const capture = store.captures.find(id);
  if (stored === null || capture === null) return null;
  const unkept = messageOf(error);
  return { capture: { ...capture, status: 'FAILED', end, reason: unkept }, stored, result, unkept };
}

/** What ended it that nobody had asked for. */
function lossOf(result: ReplayResult | null): string | null {
  return result !== null && 'message' in result.ended ? result.ended.message : null;
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(messageOf(thrown));
}
