import { AppError } from '../core/errors.ts';
import type { RecordingOptions } from '../core/recording-options.ts';
import type { ServerInspection } from '../core/server-log.ts';
import { matchesPattern } from '../sql/name-patterns.ts';
import type { Context } from './context.ts';
import { lacking } from './preflight.ts';
import { formatCount } from './render/units.ts';

/** What an application sees of it. */
const EFFECT =
  'An application sees one error on a stale connection, unless its pool checks or retries; what a session kept (temporary tables, variables) is gone.';

/**
 * Makes sure that ending sessions is possible and agreed to, before a capture is stored.
 * @param inspection null where the server is not looked at now: a capture that starts later.
 * @returns the options, without it where it is not needed.
 * @throws AppError `declined`; `remote_failed` for a privilege that is missing; `invalid` where nobody can
 *   be asked, and where it is not possible.
 */
export async function approveRecycling(
  context: Context,
  options: RecordingOptions,
  inspection: ServerInspection | null,
  isAgreed: boolean,
): Promise<RecordingOptions> {
  const { recycleUsers } = options;
  if (recycleUsers === null) return options;
  if (inspection?.values.logged === 'always') {
    await context.note(
      'This server logs the values of whatever was prepared: no session has to be ended.',
    );
    return { ...options, recycleUsers: null };
  }
  if (inspection?.logSwitch === 'parameter-group') {
    throw new AppError(
      'invalid',
      'Sessions of an RDS instance are not ended: who holds a lock cannot be known there',
      {
        hint: 'Leave --recycle-sessions out, and restart the connection pools by hand.',
      },
    );
  }
  const missing = inspection?.recycling.filter(({ state }) => state === 'missing') ?? [];
  if (inspection !== null && missing.length > 0)
    throw lacking(inspection, missing, '--recycle-sessions');
  if (isAgreed) return options;
  const prompter = await context.prompter(
    '--recycle-sessions ends sessions of others, and there is no terminal to ask on',
    'To do it without being asked add --yes.',
  );
  await context.tell(
    `When the capture starts, sessions${whose(recycleUsers)} that were there before are ended${numbers(recycleUsers, inspection)}: those alone that are idle, without an open transaction and without a lock, at most four a second and for two minutes.`,
  );
  await context.tell(EFFECT);
  if (!(await prompter.confirm('End them?'))) {
    throw new AppError('declined', 'Nothing was changed');
  }
  return options;
}

function whose(patterns: readonly string[]): string {
  return patterns.length === 0 ? '' : ` of ${patterns.join(', ')}`;
}

function numbers(patterns: readonly string[], inspection: ServerInspection | null): string {
  if (inspection === null) return '';
  const matching = inspection.values.sessions.filter(
    ({ user }) =>
      user !== null &&
      (patterns.length === 0 || patterns.some((pattern) => matchesPattern(pattern, user))),
  );
  const users = [...new Set(matching.map(({ user }) => user ?? ''))].sort();
  return matching.length === 0
    ? ' (there are none now)'
    : ` (now ${formatCount(matching.length)}, of ${users.join(', ')})`;
}
