import type { Actor } from '../access.ts';
import type { CaptureRules } from '../captures/capture-rules.ts';
import { isOver } from '../captures/capture.ts';
import { bind, requireAccountReference } from '../environments/confinement.ts';
import { getEnvironment } from '../environments/environment-service.ts';
import { placeOf, type ServerEnvironment } from '../environments/environment.ts';
import { isLeftToDaemon } from '../environments/server-looks.ts';
import { AppError, isAppError } from '../errors.ts';
import type { TargetDoubt } from '../hints.ts';
import type { Outside } from '../outside.ts';
import type { Progress } from '../progress.ts';
import type { ListedCapture } from '../store.ts';
import { committedFacts } from '../workloads/committed.ts';
import { committedSpan, deletedOr } from '../workloads/committed-spans.ts';
import { EVERY_STATEMENT } from '../workloads/statement-search.ts';
import type { RecordingFacts } from '../workloads/workload.ts';
import type { ReplayedRecord } from './replay-player.ts';
import { checkReplayOptions, type PlannedReplay, type ReplayRequest } from './replay-request.ts';
import type {
  ReplayEvent,
  ReplayOptions,
  ReplayPlan,
  ReplaySource,
  StoredReplay,
} from './replay.ts';
import { knownAs } from './target-doubts.ts';
import type { ReplayTarget, TargetProgram } from './target.ts';

/** A replay that was asked for and may be made, but for what its target says. */
export interface PreparedReplay {
  readonly capture: ListedCapture;
  readonly facts: RecordingFacts | null;
  readonly source: ReplaySource;
  readonly environment: ServerEnvironment;
  /** As asked for, with digests by their whole ids. */
  readonly options: ReplayOptions;
}

/**
 * Looks at what is asked for, without a look at the target.
 * @param isRun whether it is to be made, not only planned: who plans changes nothing.
 * @throws AppError as `ReplayService.run`.
 */
export async function prepareReplay(
  outside: Outside,
  rules: CaptureRules,
  actor: Actor,
  ref: string,
  { environment: target, options }: ReplayRequest,
  isRun: boolean,
): Promise<PreparedReplay> {
  const { store } = outside;
  const capture = replayable(outside, rules.get(actor, ref, 'capture.replay'), ref);
  const operation = options.writes ? 'replay.write' : 'replay.run';
  const looks = getEnvironment(store, actor, isRun ? operation : 'environment.check', target);
  const environment = withServer(looks);
  checkReplayOptions(options);
  await admitUsers(outside, actor, environment, options, isRun);
  if (await isLeftToDaemon(outside, environment.server)) {
    throw new AppError(
      'forbidden',
      `The password of ${environment.name} can be read only by the daemon`,
      { hint: { code: 'replay_at_daemon' } },
    );
  }
  const { checkedSearch } = await import('../workloads/checked-search.ts');
  const search = await checkedSearch(outside, capture, options.search, false);
  const facts = committedFacts(store.recordings.find(capture.id));
  const server = facts?.server ?? null;
  return {
    capture,
    facts,
    source: {
      captureId: capture.id,
      captureName: capture.name,
      environmentName: capture.environmentName,
      server: server === null ? null : { flavor: server.flavor, version: server.version },
    },
    environment,
    options: { ...options, search },
  };
}

/** @throws AppError for a capture that there is no record of to replay. */
function replayable({ store }: Outside, capture: ListedCapture, ref: string): ListedCapture {
  const { name, environmentName, status } = capture;
  if (capture.type === 'REPLAY') {
    const source = store.replays.find(capture.id)?.source;
    const of = source === undefined ? null : store.captures.find(source.captureId);
    throw new AppError('invalid', `"${name}" is a replay: it has no record of its own`, {
      hint:
        of === null
          ? { code: 'see_replay', capture: { environmentName, name } }
          : { code: 'replay_source', capture: of },
    });
  }
  if (!capture.recordsStatements) {
    throw new AppError('not_found', `The capture "${name}" has no workload`, {
      hint: { code: 'see_metrics', capture: { environmentName, name } },
    });
  }
  if (!isOver(status)) {
    throw new AppError('conflict', `The capture "${name}" is ${status}`, {
      hint: { code: 'replay_when_over', capture: ref },
    });
  }
  if (capture.start !== null && capture.records !== null) return capture;
  throw new AppError('conflict', `The capture "${name}" is ${status} and recorded nothing`);
}

function withServer<Found extends ServerEnvironment | { server: null; name: string }>(
  environment: Found,
): Found & ServerEnvironment {
  if (environment.server !== null) return environment as Found & ServerEnvironment;
  const { name } = environment;
  throw new AppError(
    'invalid',
    `The environment "${name}" has no server to replay to: it is metrics-only`,
    { hint: { code: 'give_server', environment: name } },
  );
}

/**
 * Passwords of users that recorded ones log in as, where somebody from elsewhere names them: as those of an
 * environment, by who may, and from then on they go to this server alone.
 */
async function admitUsers(
  { store, origin, confinement }: Outside,
  actor: Actor,
  { server }: ServerEnvironment,
  { users }: ReplayOptions,
  isRun: boolean,
): Promise<void> {
  if (origin.address === undefined) return;
  const named = users
    .filter(({ passwordFrom }) => passwordFrom !== null)
    .map(({ user, passwordFrom }) => ({ ...server, user, passwordFrom }));
  if (named.length === 0) return;
  const allowed = await confinement();
  store.transaction(() => {
    for (const one of named) {
      requireAccountReference(store, actor, one, allowed);
      if (isRun) bind(store.references, one);
    }
  });
}

/** A target that was reached, and what is known of its server. */
export interface ReachedTarget {
  readonly target: ReplayTarget;
  readonly doubt: Exclude<TargetDoubt, 'writes'> | null;
}

/** Connects, and tries the accounts that recorded users are mapped to. @throws AppError `remote_failed`. */
export async function reachTarget(
  { store, replayTargets }: Outside,
  { capture, facts, environment, options }: PreparedReplay,
  signal: AbortSignal,
): Promise<ReachedTarget> {
  const targets = await replayTargets();
  signal.throwIfAborted();
  const target = await targets.open(
    environment.server,
    { readOnly: !options.writes, lockWait: options.deadline },
    signal,
  );
  try {
    await checkAccounts(target, options);
  } catch (error) {
    await target.close();
    throw error;
  }
  const doubt = knownAs(store, capture, facts, environment.id, target.server);
  return { target, doubt };
}

/** Logs in as each user that recorded ones are mapped to: one that is refused would lose all their sessions. */
async function checkAccounts(target: ReplayTarget, { users }: ReplayOptions): Promise<void> {
  const checked = new Set<string>();
  for (const account of users) {
    const key = JSON.stringify([account.user, account.passwordFrom]);
    if (checked.has(key)) continue;
    checked.add(key);
    try {
      (await target.openSession({ account })).close();
    } catch (error) {
      if (!isAppError(error)) throw error;
      throw new AppError(
        error.code,
        `Recorded sessions of "${account.recorded}" cannot log in as "${account.user}": ${error.message}`,
        {
          hint: error.hint,
          cause: error,
        },
      );
    }
  }
}

/** The record as a player reads it. */
export function recordOf(
  outside: Outside,
  { capture, facts }: Pick<PreparedReplay, 'capture' | 'facts'>,
): ReplayedRecord {
  const { id, records } = capture;
  return {
    captureId: id,
    records: records ?? 0,
    facts,
    async *read() {
      const query = { search: EVERY_STATEMENT, limit: null, after: null };
      try {
        const workloads = await outside.workloads();
        yield* workloads.records(id, committedSpan(outside, id), query);
      } catch (error) {
        throw deletedOr(error, outside, id);
      }
    },
  };
}

/** Reads the record, and tells of the plan. */
export async function* passOver(
  { replayPlayer }: Outside,
  record: ReplayedRecord,
  options: ReplayOptions,
  programs: readonly TargetProgram[],
  signal: AbortSignal,
): Progress<ReplayEvent, ReplayPlan> {
  const player = await replayPlayer();
  const plan = yield* player.plan(record, options, programs, signal);
  signal.throwIfAborted();
  return plan;
}

/** See `ReplayService.plan`. */
export async function* planReplay(
  outside: Outside,
  rules: CaptureRules,
  actor: Actor,
  ref: string,
  request: ReplayRequest,
  signal: AbortSignal,
): Progress<ReplayEvent, PlannedReplay> {
  const prepared = await prepareReplay(outside, rules, actor, ref, request, false);
  const { target, doubt } = await reachTarget(outside, prepared, signal).catch((error: unknown) => {
    // Its connections were dropped because of that.
    signal.throwIfAborted();
    throw error;
  });
  const server = keptOf(target);
  let programs: readonly TargetProgram[];
  try {
    programs = await target.programs();
  } finally {
    await target.close();
  }
  const record = recordOf(outside, prepared);
  const plan = yield* passOver(outside, record, prepared.options, programs, signal);
  const { environment, source } = prepared;
  return {
    plan,
    source,
    target: {
      environment: environment.name,
      place: placeOf(environment.server),
      server,
      isSource: doubt === 'source',
      isRecorded: doubt !== null,
    },
  };
}

/** The part of the target's identity that is kept. */
export function keptOf({ server }: ReplayTarget): NonNullable<StoredReplay['target']> {
  const { flavor, version, hostname, port } = server;
  return { flavor, version, hostname, port };
}
