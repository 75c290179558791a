import { AppError } from '../core/errors.ts';
import type { RecordingOptions } from '../core/recording-options.ts';
import type { ServerInspection } from '../core/server-log.ts';
import type { Context } from './context.ts';
import { lacking } from './preflight.ts';
import { endedText } from './render/values-outlook.ts';

/** What an application sees of it. */
const EFFECT =
  'An application sees one error on a stale connection, unless its pool checks or retries; what a session kept (temporary tables, variables) is gone.';

/**
 * Why the sessions that are to be ended could not be; null where they could, and where none has to be.
 */
export function whyNoRecycling(
  { logSwitch, recycling, values, ...inspection }: ServerInspection,
  { recycleUsers }: RecordingOptions,
): AppError | null {
  if (recycleUsers === null || values.logged === 'always') return null;
  if (logSwitch === 'parameter-group') {
    return new AppError(
      'invalid',
      'Sessions of an RDS instance are not ended: who holds a lock cannot be known there',
      { hint: 'Leave --recycle-sessions out, and restart the connection pools by hand.' },
    );
  }
  const missing = recycling.filter(({ state }) => state === 'missing');
  return missing.length === 0 ? null : lacking(inspection, missing, '--recycle-sessions');
}

/**
 * Makes sure that ending sessions is possible and agreed to, before a capture is stored.
 * @param inspection null where the server could not be looked at: a capture that starts later.
 * @param isLater whether it starts later: what is missing now may be there then.
 * @returns the options, without it where it is not needed.
 * @throws AppError `declined`; `remote_failed` for a privilege that is missing; `invalid` where nobody can
 *   be asked, and where it is not possible.
 */
export async function approveRecycling(
  context: Context,
  options: RecordingOptions,
  inspection: ServerInspection | null,
  { isAgreed, isLater }: { readonly isAgreed: boolean; readonly isLater: boolean },
): Promise<RecordingOptions> {
  const { recycleUsers } = options;
  if (recycleUsers === null) return options;
  if (inspection?.values.logged === 'always') {
    await context.note(
      'This server logs the values of whatever was prepared: no session has to be ended.',
    );
    return { ...options, recycleUsers: null };
  }
  const obstacle = inspection === null ? null : whyNoRecycling(inspection, options);
  if (obstacle !== null && !(isLater && obstacle.code === 'remote_failed')) throw obstacle;
  if (obstacle !== null) {
    await context.warn(`No session will be ended as things are: ${obstacle.message}`);
    if (obstacle.hint !== null) await context.note(obstacle.hint);
  }
  if (isAgreed) return options;
  const prompter = await context.prompter(
    '--recycle-sessions ends sessions of others, and nobody can be asked here',
    'To do it without being asked add --yes.',
  );
  const when = isLater ? 'When the capture starts' : 'When the log is on';
  await context.tell(
    `${when}, sessions${whose(recycleUsers)} that were there before are ended: those alone that are idle, without an open transaction and without a lock, at most four a second and for two minutes.`,
  );
  if (inspection !== null)
    await context.tell(`Now that would be: ${endedText(inspection, recycleUsers)}.`);
  await context.tell(EFFECT);
  if (!(await prompter.confirm('End them?'))) {
    throw new AppError('declined', 'Nothing was changed');
  }
  return options;
}

function whose(patterns: readonly string[]): string {
  return patterns.length === 0 ? '' : ` of ${patterns.join(', ')}`;
}
