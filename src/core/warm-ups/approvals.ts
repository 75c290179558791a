import { AppError } from '../errors.ts';
import type { WarmUpLog } from '../environments/server-inspection.ts';

/** What disturbs others, and is done only where somebody agreed to it. */
export type Approval =
  /** The log of slow statements would get others, too. */
  | { readonly for: 'warm_up'; readonly slowLog: WarmUpLog }
  /** Idle sessions of these users (patterns; none: of all) are ended. */
  | {
      readonly for: 'recycling';
      readonly users: readonly string[];
      /** Whether at a start to come, not now. */
      readonly isLater: boolean;
      /** Those that would be ended now; null where the server was not looked at. */
      readonly sessions: readonly SessionsOfUser[] | null;
    };

/** How many sessions a user has. */
export interface SessionsOfUser {
  readonly user: string;
  readonly sessions: number;
}

/** Everything goes into a log whose threshold is so short, in seconds. */
const LOGS_EVERYTHING_S = 0.1;

/** What a warm-up needs somebody to agree to: it would have nearly everything written; null for nothing. */
export function warmUpApproval(slowLog: WarmUpLog): Approval | null {
  const { longerThan, withoutIndex, output } = slowLog;
  if (output === 'NONE' || (longerThan >= LOGS_EVERYTHING_S && !withoutIndex)) return null;
  return { for: 'warm_up', slowLog };
}

/** @throws AppError `invalid`, with what is needed and was not approved, as data. */
export function requireApproved(
  needed: readonly (Approval | null)[],
  approved: readonly Approval['for'][],
): void {
  const approvals = needed.filter(
    (one) => one !== null && !approved.includes(one.for),
  ) as Approval[];
  if (approvals.length === 0) return;
  throw new AppError('invalid', 'This disturbs others, and has to be approved', {
    hint: { code: 'approve', approvals },
  });
}
