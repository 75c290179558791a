import type { Coverage } from '../../core/warm-ups/value-coverage.ts';
import type { WarmUpStatus } from '../../core/warm-ups/warm-up-status.ts';
import { column, jsonFields, orDash, type Column, type Noun } from './column.ts';
import { isoTime, localMoment } from './moments.ts';
import { counted, formatCount } from '../../core/units.ts';

/** `18 of 20 sessions; not covered: app 2`. */
export function coverageText({ sessions, covered, users }: Coverage): string {
  if (sessions === 0) return 'there are no sessions';
  const lacking = users.filter((user) => user.sessions > user.covered);
  const whose = lacking
    .slice(0, 3)
    .map((user) => `${user.user ?? 'unknown user'} ${formatCount(user.sessions - user.covered)}`);
  const more = lacking.length > 3 ? ', …' : '';
  const rest = lacking.length === 0 ? '' : `; not covered: ${whose.join(', ')}${more}`;
  return `${formatCount(covered)} of ${counted(sessions, 'session')}${rest}`;
}

const COLUMNS: readonly Column<WarmUpStatus>[] = [
  column('environment', 'ENVIRONMENT', ({ environment }) => environment),
  column('state', 'WARM-UP', ({ state }) => state.replace('_', ' ')),
  column('until', 'UNTIL', ({ until }, view) => orDash(until, (at) => localMoment(at, view))),
  column('covered', 'COVERED', ({ coverage }) => coverageText(coverage)),
];

export const warmUpNoun: Noun<WarmUpStatus> = {
  ...jsonFields<WarmUpStatus>({
    environment: ({ environment }) => environment,
    state: ({ state }) => state,
    coveredBy: ({ coveredBy }) => coveredBy,
    since: ({ since }) => isoTime(since),
    until: ({ until }) => isoTime(until),
    reason: ({ reason }) => reason,
    sessions: ({ coverage }) => coverage.sessions,
    covered: ({ coverage }) => coverage.covered,
    users: ({ coverage }) =>
      coverage.users.map(({ user, sessions, covered }) => ({ user, sessions, covered })),
    slowLog: ({ slowLog }) => ({ ...slowLog }),
  }),
  columns: COLUMNS,
  detail: [
    ...COLUMNS,
    column('coveredBy', 'NEW SESSIONS', ({ coveredBy, state }) =>
      coveredBy === 'general_log' && state !== 'not_needed'
        ? 'covered by the log while a capture records'
        : coveredBy !== null
          ? `covered, by the ${coveredBy.replace('_', ' ')}`
          : state === 'not_needed'
            ? 'covered'
            : 'not covered',
    ),
    column('reason', 'REASON', ({ reason }) => orDash(reason)),
  ],
  reference: ({ environment }) => environment,
  none: 'No warm-up.',
};
