import type { ValuesOutlook } from '../environments/server-inspection.ts';
import type { ServerSession } from './source-sessions.ts';
import { isCovered, type WarmUp } from './warm-up.ts';

/** The sessions of one user, and for how many of them what they prepare is recorded with its values. */
interface UserCoverage {
  readonly user: string | null;
  readonly sessions: number;
  readonly covered: number;
}

export interface Coverage {
  readonly sessions: number;
  readonly covered: number;
  /** Those with most sessions that are not covered first. */
  readonly users: readonly UserCoverage[];
  /** The sessions that are not covered. */
  readonly lacking: readonly ServerSession[];
}

/**
 * Which of the sessions that are there now are covered, as far as is known: where a log is on that nobody
 * knows since when, only those that came in a warm-up of ours.
 */
export function coverageOf(
  { logged, coveredBy, sinceStart, serverStart, sessions }: ValuesOutlook,
  warmUps: readonly WarmUp[],
): Coverage {
  const all = logged === 'always' || (coveredBy !== null && sinceStart);
  const isOn = coveredBy === 'slow_log';
  const isSafe = ({ id }: ServerSession): boolean =>
    all || isCovered(id, serverStart, warmUps, isOn);
  const users = new Map<string | null, { sessions: number; covered: number }>();
  for (const session of sessions) {
    const counted = users.get(session.user) ?? { sessions: 0, covered: 0 };
    counted.sessions += 1;
    if (isSafe(session)) counted.covered += 1;
    users.set(session.user, counted);
  }
  return {
    sessions: sessions.length,
    covered: sessions.filter(isSafe).length,
    lacking: sessions.filter((session) => !isSafe(session)),
    users: Array.from(users, ([user, counted]) => ({ user, ...counted })).sort(
      (one, other) => other.sessions - other.covered - (one.sessions - one.covered),
    ),
  };
}
