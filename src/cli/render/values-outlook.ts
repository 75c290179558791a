import type { ServerInspection, ValuesOutlook } from '../../core/server-log.ts';
import type { Coverage } from '../../core/value-coverage.ts';
import type { JsonObject } from './column.ts';
import { coverageText } from './warm-ups.ts';
import { formatCount, formatDuration } from './units.ts';
import { shellQuoted } from './escape.ts';

/** What decides whether values are recorded, and for how many of the sessions there. */
export function outlookJson(
  { logged, coveredBy, sinceStart, uptime, prepared, sessions, slowLog }: ValuesOutlook,
  coverage: Coverage,
): JsonObject {
  return {
    logged,
    coveredBy,
    sinceStart,
    uptime,
    prepared,
    sessions: coverage.sessions,
    covered: coverage.covered,
    users: coverage.users.map((user) => ({
      ...user,
      longestIdle: longestIdle(sessions, user.user),
    })),
    slowLog: { ...slowLog },
  };
}

/** Whether what sessions prepare that come from now on is recorded with its values. */
export function newSessionsText(
  { values, logSwitch }: ServerInspection,
  environment: string,
): string {
  if (values.logged === 'always') return 'recorded, whenever a statement was prepared';
  if (values.coveredBy !== null) {
    return `recorded for sessions that come from now on: the ${values.coveredBy.replace('_', ' ')} is on`;
  }
  const remedy =
    logSwitch === 'recorder'
      ? `captures env warm-up ${shellQuoted(environment)} --for 1h`
      : 'slow_query_log = 1 in its parameter group';
  return `not recorded of what is prepared before a capture starts. To cover sessions that come from now on: ${remedy}`;
}

/** What goes into the slow log meanwhile, as half a sentence. */
export function slowLogText({ values }: ServerInspection): string {
  const { longerThan, withoutIndex, output, file } = values.slowLog;
  const where =
    output === 'NONE'
      ? 'nowhere, for log_output is NONE'
      : output
          .split(',')
          .map((one) => (one === 'TABLE' ? 'the table mysql.slow_log' : `the file ${file}`))
          .join(' and ');
  const also = withoutIndex ? ', and those that use no index,' : '';
  return `statements that take longer than ${longerThan} s${also} go to ${where}`;
}

/** The sessions that are there: whose, how old, and whether they are covered. */
export function sessionsText(values: ValuesOutlook, coverage: Coverage): string {
  if (coverage.sessions === 0) return 'no session is there now';
  const idle = Math.max(0, ...values.sessions.map(({ seconds }) => seconds));
  const users = coverage.users
    .slice(0, 3)
    .map(({ user, sessions }) => `${user ?? 'unknown user'} ${formatCount(sessions)}`);
  const more = coverage.users.length > 3 ? ', …' : '';
  const age = `there for at most ${formatDuration(values.uptime * 1_000)}, as long as the server; idle for up to ${formatDuration(idle * 1_000)}`;
  return `${users.join(', ')}${more}: ${age}. Covered: ${coverageText(coverage)}${whyText(values)}`;
}

function whyText({ logged, coveredBy, sinceStart }: ValuesOutlook): string {
  if (logged === 'always') return '';
  if (coveredBy === null)
    return '; the slow log is off, and was when they came, as far as is known';
  const log = coveredBy.replace('_', ' ');
  return sinceStart
    ? `; its configuration has the ${log} on`
    : `; the ${log} was switched on later than the server, and only those that came in a warm-up of this store are known to be covered`;
}

function longestIdle(sessions: ValuesOutlook['sessions'], user: string | null): number {
  return Math.max(
    0,
    ...sessions.filter((one) => one.user === user && one.isIdle).map(({ seconds }) => seconds),
  );
}
