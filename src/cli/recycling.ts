import { AppError } from '../core/errors.ts';
import type { RecordingOptions } from '../core/captures/recording-options.ts';
import type { ServerInspection } from '../core/environments/server-inspection.ts';
import { hintText } from './output/hints.ts';
import type { Context } from './runtime/context.ts';
import { lacking } from './preflight.ts';
import { coverageOf } from '../core/warm-ups/value-coverage.ts';
import { endedText } from './render/values-outlook.ts';
import { confirmFullSlowLog, whyNotNeeded } from './warming.ts';

/** What an application sees of it. */
const EFFECT =
  'An application sees one error on a stale connection, unless its pool checks or retries; session state (temporary tables, variables) is lost.';

/**
 * Why the sessions that are to be ended could not be; null where they could, and where none has to be.
 */
export function whyNoRecycling(
  { logSwitch, recycling, values, ...inspection }: ServerInspection,
  { recycleUsers }: RecordingOptions,
): AppError | null {
  if (recycleUsers === null || values.logged === 'always') return null;
  if (logSwitch === 'owner') {
    return new AppError(
      'invalid',
      'Sessions of an RDS instance are not ended: it does not show which session holds a lock',
      { hint: 'Leave --recycle-sessions out, and restart the connection pools by hand.' },
    );
  }
  const missing = recycling.filter(({ state }) => state === 'missing');
  return missing.length === 0 ? null : lacking(inspection, missing, '--recycle-sessions');
}

interface Approval {
  /** The capture's environment, by id or name. */
  readonly environment: string;
  readonly isAgreed: boolean;
  /** Whether it starts later: what is missing now may be there then. */
  readonly isLater: boolean;
}

/**
 * Has what is done for the values of what was prepared before agreed to, before a capture is stored: a
 * warm-up that would write much, and the ending of sessions.
 * @param inspection null where the server could not be looked at: a capture that starts later.
 * @returns the options, without what is not needed.
 * @throws AppError as `confirmFullSlowLog` and `approveRecycling`; `not_found` for the environment.
 */
export async function approveForValues(
  context: Context,
  options: RecordingOptions,
  inspection: ServerInspection | null,
  approval: Approval,
): Promise<RecordingOptions> {
  const { warmUp } = options;
  if (warmUp === null || inspection === null) {
    return approveRecycling(context, options, inspection, approval);
  }
  const needless = whyNotNeeded(inspection);
  if (needless !== null) await context.note(`${needless}.`);
  else if (!approval.isAgreed) await confirmFullSlowLog(context, inspection);
  const isNever = inspection.values.logged === 'always';
  const left = isNever ? { ...options, warmUp: null } : options;
  return approveRecycling(context, left, inspection, approval);
}

/**
 * Makes sure that ending sessions is possible and agreed to, before a capture is stored.
 * @returns the options, without it where it is not needed.
 * @throws AppError `declined`; `remote_failed` for a privilege that is missing; `invalid` where nobody can
 *   be asked, and where it is not possible.
 */
async function approveRecycling(
  context: Context,
  options: RecordingOptions,
  inspection: ServerInspection | null,
  { environment, isAgreed, isLater }: Approval,
): Promise<RecordingOptions> {
  const { recycleUsers } = options;
  if (recycleUsers === null) return options;
  if (inspection?.values.logged === 'always') {
    await context.note(
      'This server logs the values of every prepared statement: no session has to be ended.',
    );
    return { ...options, recycleUsers: null };
  }
  const obstacle = inspection === null ? null : whyNoRecycling(inspection, options);
  if (obstacle !== null && !(isLater && obstacle.code === 'remote_failed')) throw obstacle;
  if (obstacle !== null) {
    await context.warn(`No session will be ended as things are: ${obstacle.message}`);
    for (const line of hintText(obstacle.hint)?.split('\n') ?? []) await context.note(line);
  }
  const coverage =
    inspection === null
      ? null
      : coverageOf(
          inspection.values,
          context.store.warmUps.listOf(
            (await context.api.environments.get(await context.actor(), environment)).id,
          ),
        );
  if (coverage !== null && coverage.sessions > 0 && coverage.lacking.length === 0 && !isLater) {
    await context.note(
      'All prepared statements there are recorded with values: no session has to be ended.',
    );
    return { ...options, recycleUsers: null };
  }
  if (isAgreed) {
    const isNobody = coverage !== null && endedText(coverage, recycleUsers) === 'none';
    if (isNobody && recycleUsers.length > 0) {
      await context.warn(`There is no session${whose(recycleUsers)} to end now`);
    }
    return options;
  }
  const prompter = await context.prompter(
    '--recycle-sessions ends sessions of others, and there is no terminal to confirm on',
    'To confirm without a prompt add --yes.',
  );
  const when = isLater ? 'When the capture starts' : 'When the log is on';
  await context.tell(
    `${when}, sessions${whose(recycleUsers)} from before are ended if they are idle and have no open transaction and no lock: at most four a second, for two minutes.`,
  );
  if (coverage !== null) {
    await context.tell(`Now that would be: ${endedText(coverage, recycleUsers)}.`);
  }
  await context.tell(EFFECT);
  if (!(await prompter.confirm('End them?'))) {
    throw new AppError('declined', 'Nothing was changed');
  }
  return options;
}

function whose(patterns: readonly string[]): string {
  return patterns.length === 0 ? '' : ` of ${patterns.join(', ')}`;
}
