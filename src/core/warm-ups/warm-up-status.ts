import type { Readiness } from '../environments/readiness.ts';
import type { ValuesOutlook, WarmUpLog } from '../environments/server-inspection.ts';
import type { Coverage } from './value-coverage.ts';
import type { WarmUp } from './warm-up.ts';

/** How a server stands with what its sessions prepare. */
export interface WarmUpStatus {
  readonly environment: string;
  /**
   * `waiting`: asked for, and not on yet; `not_needed`: sessions that come are covered without one;
   * `not_possible`: only its owner can switch the log on that a warm-up needs.
   */
  readonly state: 'on' | 'waiting' | 'off' | 'not_needed' | 'not_possible';
  readonly coveredBy: ValuesOutlook['coveredBy'];
  readonly since: number | null;
  readonly until: number | null;
  /** Why the last one is over; null where none is. */
  readonly reason: string | null;
  readonly coverage: Coverage;
  readonly slowLog: WarmUpLog;
}

/** @param warmUps the latest of the environment. */
export function warmUpStatusOf(
  { environment, inspection, coverage }: Readiness,
  warmUps: readonly WarmUp[],
): WarmUpStatus {
  const { values } = inspection;
  const open = warmUps.filter(({ state }) => state !== 'over');
  const [last = null] = [...warmUps].sort((one, other) => lastMoment(other) - lastMoment(one));
  return {
    environment: environment.name,
    state: stateOf(values, open),
    coveredBy: values.coveredBy,
    since: open.length === 0 ? null : Math.min(...open.map(({ begin }) => begin)),
    until: open.length === 0 ? null : Math.max(...open.map(({ until }) => until)),
    reason: last?.outcome ?? null,
    coverage,
    slowLog: values.slowLog,
  };
}

/** When it was over; one that is not comes last of all. */
function lastMoment({ state, until }: WarmUp): number {
  return state === 'over' ? until : Infinity;
}

function stateOf(
  { logged, ownersLog, warmUpObstacle }: ValuesOutlook,
  open: readonly WarmUp[],
): WarmUpStatus['state'] {
  if (logged === 'always') return 'not_needed';
  if (open.some(({ state }) => state === 'on')) return 'on';
  if (open.length > 0) return 'waiting';
  if (ownersLog !== null) return 'not_needed';
  return warmUpObstacle === null ? 'off' : 'not_possible';
}
