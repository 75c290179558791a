import { isAppError, type AppError, type Failure } from '../errors.ts';
import type { Environment } from '../environments/environment.ts';
import {
  readServer,
  warmUpNotNeeded,
  warningsOf,
  whyLogIsOff,
  whyNoRecycling,
  type Readiness,
} from '../environments/readiness.ts';
import { isLeftToDaemon } from '../environments/server-looks.ts';
import type { Notice, Noticed } from '../notices.ts';
import type { Outside } from '../outside.ts';
import type { Progress } from '../progress.ts';
import {
  requireApproved,
  warmUpApproval,
  type Approval,
  type SessionsOfUser,
} from '../warm-ups/approvals.ts';
import type { Coverage } from '../warm-ups/value-coverage.ts';
import { matchesPattern } from './name-patterns.ts';
import type { RecordingOptions } from './recording-options.ts';

export type PreparationEvent =
  | Noticed
  /** The server's log is off, and only its owner can switch it on: it is waited for. */
  | { readonly type: 'log_off'; readonly failure: Failure }
  /** It is on now; else it was looked at for another minute. */
  | { readonly type: 'log_looked_at'; readonly isOn: boolean };

export interface PreparationOptions {
  readonly approved: readonly Approval['for'][];
  /** Whether a log that only the server's owner can switch on is waited for; else it is a refusal. */
  readonly waitsForLog: boolean;
}

export interface Preparation {
  /** What to record, without what is not needed. */
  readonly options: RecordingOptions;
  /** null where the server was not looked at. */
  readonly readiness: Readiness | null;
}

const LOOK_EVERY_MS = 3_000;
const SAY_EVERY_LOOKS = 20;

/**
 * Looks at a server before anything is stored. One of a capture that starts later has to be there at its
 * start: now it is looked at only where something is done for the values of prepared statements.
 * @param how.requireStill throws where who waits may not do so any more.
 * @throws AppError `remote_failed` (unreachable, refused, a privilege missing); `conflict` where somebody else
 *   records it; `invalid` for what nobody approved (the hint says what) or is not possible.
 */
export async function* prepareRecording(
  outside: Outside,
  { server, ...environment }: Environment,
  options: RecordingOptions,
  how: PreparationOptions & { readonly isLater: boolean; readonly requireStill: () => void },
  signal: AbortSignal,
): Progress<PreparationEvent, Preparation> {
  const { isLater, approved } = how;
  const isForValues = options.warmUp !== null || options.recycleUsers !== null;
  if (server === null || (isLater && !isForValues)) return { options, readiness: null };
  const notices: Notice[] = [];
  let readiness: Readiness | null = null;
  if (!isLater && (await isLeftToDaemon(outside, server))) {
    notices.push({ code: 'daemon_checks_server' });
  } else {
    try {
      readiness = await readServer(outside, { ...environment, server });
    } catch (error) {
      if (!isLater || !isAppError(error)) throw error;
      notices.push({ code: 'server_not_checked', failure: error });
    }
  }
  if (readiness !== null && !isLater) {
    if (readiness.refusal !== null) throw readiness.refusal;
    const off = await whyLogIsOff(outside, readiness);
    if (off !== null) readiness = yield* waitForLog(outside, readiness, off, how, signal);
    for (const text of warningsOf(readiness.inspection, options)) {
      notices.push({ code: 'server_warning', text });
    }
  }
  const needed = {
    warmUp: preparedWarmUp(options, readiness, notices),
    recycling: preparedRecycling(options, readiness, isLater, notices),
  };
  requireApproved([needed.warmUp, needed.recycling], approved);
  for (const notice of notices) yield { type: 'notice', notice };
  const isAlwaysLogged = readiness?.inspection.values.logged === 'always';
  return {
    readiness,
    options: {
      ...options,
      warmUp: isAlwaysLogged ? null : options.warmUp,
      recycleUsers: needed.recycling === null ? null : options.recycleUsers,
    },
  };
}

/** Waits until the owner has switched the log on. @throws `off` at once where it is not to be waited for. */
async function* waitForLog(
  outside: Outside,
  { environment }: Readiness,
  off: AppError,
  { waitsForLog, requireStill }: PreparationOptions & { readonly requireStill: () => void },
  signal: AbortSignal,
): Progress<PreparationEvent, Readiness> {
  if (!waitsForLog) throw off;
  yield { type: 'log_off', failure: off };
  for (let looks = 1; ; looks++) {
    await outside.clock.sleep(LOOK_EVERY_MS, signal);
    signal.throwIfAborted();
    requireStill();
    const readiness = await readServer(outside, environment);
    if (readiness.refusal !== null) throw readiness.refusal;
    const isOn = readiness.inspection.logOff === null;
    if (isOn || looks % SAY_EVERY_LOOKS === 0) yield { type: 'log_looked_at', isOn };
    if (isOn) return readiness;
  }
}

/** What a warm-up has to be approved for; null for nothing. */
function preparedWarmUp(
  { warmUp }: RecordingOptions,
  readiness: Readiness | null,
  notices: Notice[],
): Approval | null {
  if (warmUp === null || readiness === null) return null;
  const notNeeded = warmUpNotNeeded(readiness);
  if (notNeeded === null) return warmUpApproval(readiness.inspection.values.slowLog);
  notices.push(notNeeded);
  return null;
}

/**
 * The ending of sessions that is to be approved; null where none is to be ended.
 * @throws AppError `invalid` where that is not possible; `remote_failed` for a privilege that is missing now.
 */
function preparedRecycling(
  options: RecordingOptions,
  readiness: Readiness | null,
  isLater: boolean,
  notices: Notice[],
): Approval | null {
  const { recycleUsers: users } = options;
  if (users === null) return null;
  if (readiness === null) return { for: 'recycling', users, isLater, sessions: null };
  const { inspection, coverage } = readiness;
  if (inspection.values.logged === 'always') {
    notices.push({ code: 'recycling_not_needed', why: 'always_logged' });
    return null;
  }
  const obstacle = whyNoRecycling(inspection, options);
  if (obstacle !== null && !(isLater && obstacle.code === 'remote_failed')) throw obstacle;
  if (obstacle !== null) notices.push({ code: 'recycling_not_possible', failure: obstacle });
  if (coverage.sessions > 0 && coverage.lacking.length === 0 && !isLater) {
    notices.push({ code: 'recycling_not_needed', why: 'all_covered' });
    return null;
  }
  const sessions = sessionsToEnd(coverage, users);
  if (sessions.length === 0 && users.length > 0) {
    notices.push({ code: 'no_session_to_recycle', users });
  }
  return { for: 'recycling', users, isLater, sessions };
}

/** The sessions that recycling would end now, by user, most first. */
export function sessionsToEnd(
  { lacking }: Coverage,
  patterns: readonly string[],
): readonly SessionsOfUser[] {
  const counts = new Map<string, number>();
  for (const { user } of lacking) {
    if (user === null) continue;
    if (patterns.length > 0 && !patterns.some((pattern) => matchesPattern(pattern, user))) continue;
    counts.set(user, (counts.get(user) ?? 0) + 1);
  }
  return Array.from(counts, ([user, sessions]) => ({ user, sessions })).sort(
    (one, other) => other.sessions - one.sessions,
  );
}
