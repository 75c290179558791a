import type { Coverage } from '../../core/warm-ups/value-coverage.ts';
import type { WarmUpStatus } from '../../core/warm-ups/warm-up-status.ts';
import type { Column, JsonObject, Noun } from './column.ts';
import { isoTime, localMoment } from './moments.ts';
import { formatCount } from '../../core/units.ts';

function warmUpJson(status: WarmUpStatus): JsonObject {
  const { coverage, slowLog } = status;
  return {
    environment: status.environment,
    state: status.state,
    coveredBy: status.coveredBy,
    since: isoTime(status.since),
    until: isoTime(status.until),
    reason: status.reason,
    sessions: coverage.sessions,
    covered: coverage.covered,
    users: coverage.users.map(({ user, sessions, covered }) => ({ user, sessions, covered })),
    slowLog: { ...slowLog },
  };
}

/** `18 of 20 sessions; not covered: app 2`. */
export function coverageText({ sessions, covered, users }: Coverage): string {
  if (sessions === 0) return 'there are no sessions';
  const lacking = users.filter((user) => user.sessions > user.covered);
  const whose = lacking
    .slice(0, 3)
    .map((user) => `${user.user ?? 'unknown user'} ${formatCount(user.sessions - user.covered)}`);
  const more = lacking.length > 3 ? ', …' : '';
  const rest = lacking.length === 0 ? '' : `; not covered: ${whose.join(', ')}${more}`;
  return `${formatCount(covered)} of ${formatCount(sessions)} sessions${rest}`;
}

const COLUMNS: readonly Column<WarmUpStatus>[] = [
  { field: 'environment', header: 'ENVIRONMENT', cell: ({ environment }) => environment },
  { field: 'state', header: 'WARM-UP', cell: ({ state }) => state.replace('_', ' ') },
  {
    field: 'until',
    header: 'UNTIL',
    cell: ({ until }, view) => (until === null ? '-' : localMoment(until, view)),
  },
  { field: 'covered', header: 'COVERED', cell: ({ coverage }) => coverageText(coverage) },
];

export const warmUpNoun: Noun<WarmUpStatus> = {
  fields: [
    'environment',
    'state',
    'coveredBy',
    'since',
    'until',
    'reason',
    'sessions',
    'covered',
    'users',
    'slowLog',
  ],
  toJson: warmUpJson,
  columns: COLUMNS,
  detail: [
    ...COLUMNS,
    {
      field: 'coveredBy',
      header: 'NEW SESSIONS',
      cell: ({ coveredBy, state }) =>
        coveredBy === 'general_log' && state !== 'not_needed'
          ? 'covered by the log while a capture records'
          : coveredBy !== null
            ? `covered, by the ${coveredBy.replace('_', ' ')}`
            : state === 'not_needed'
              ? 'covered'
              : 'not covered',
    },
    { field: 'reason', header: 'LAST ENDED', cell: ({ reason }) => reason ?? '-' },
  ],
  reference: ({ environment }) => environment,
  none: 'No warm-up.',
};
