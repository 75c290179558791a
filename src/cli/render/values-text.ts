import type {
  ServerInspection,
  ValuesOutlook,
  WarmUpLog,
} from '../../core/environments/server-inspection.ts';
import type { SessionsOfUser } from '../../core/warm-ups/approvals.ts';
import type { Coverage } from '../../core/warm-ups/value-coverage.ts';
import type { JsonObject } from './column.ts';
import { coverageText } from './warm-ups.ts';
import { counted, formatCount, formatDuration } from '../../core/units.ts';
import { shellQuoted } from './shell-quoting.ts';

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
export function newSessionsText({ values }: ServerInspection, environment: string): string {
  if (values.logged === 'always') return 'recorded, whenever a statement was prepared';
  if (values.ownersLog !== null) {
    return `recorded for new sessions: the ${values.ownersLog.replace('_', ' ')} is on`;
  }
  if (values.coveredBy !== null) {
    const what = values.coveredBy === 'general_log' ? 'capture' : 'warm-up';
    return `recorded for sessions that connect while the ${what} there lasts`;
  }
  const remedy =
    values.warmUpObstacle === null
      ? `captures env warm-up ${shellQuoted(environment)} --for 1h`
      : 'slow_query_log = 1 in its parameter group';
  return `not recorded for statements prepared before a capture starts. To cover new sessions: ${remedy}`;
}

/** What goes into the slow log meanwhile, as half a sentence. */
export function slowLogText({ longerThan, withoutIndex, file, output }: WarmUpLog): string {
  const where =
    output === 'NONE'
      ? 'nowhere, because log_output is NONE'
      : output
          .split(',')
          .map((one) => (one === 'TABLE' ? 'the table mysql.slow_log' : `the file ${file}`))
          .join(' and ');
  if (longerThan === 0) return `every statement goes to ${where}`;
  const also = withoutIndex ? ', and those that use no index,' : '';
  return `statements that take longer than ${longerThan} s${also} go to ${where}`;
}

/** The sessions that are there: whose, how old, and whether they are covered. */
export function sessionsText({ values, privileges }: ServerInspection, coverage: Coverage): string {
  if (!seesSessions({ privileges })) return 'unknown: the account lacks PROCESS';
  if (coverage.sessions === 0) return 'there are no sessions now';
  const users = coverage.users
    .slice(0, 3)
    .map(({ user, sessions }) => `${user ?? 'unknown user'} ${formatCount(sessions)}`);
  const more = coverage.users.length > 3 ? ', …' : '';
  return `${users.join(', ')}${more}: ${howMany(coverage)}${whyText(values)}. ${ageText(values)}`;
}

function howMany(coverage: Coverage): string {
  if (coverage.covered === 0) return 'none is covered';
  return coverage.covered === coverage.sessions
    ? 'all are covered'
    : `covered: ${coverageText(coverage)}`;
}

function ageText({ sessions, uptime }: ValuesOutlook): string {
  const idle = Math.max(0, ...sessions.map(({ isIdle, seconds }) => (isIdle ? seconds : 0)));
  const worked =
    idle < 1
      ? 'all were active within the last second'
      : `the longest idle time is ${formatDuration(idle * 1_000)}`;
  return `The server has been up for ${formatDuration(uptime * 1_000)}; ${worked}`;
}

function whyText({ logged, coveredBy, sinceStart }: ValuesOutlook): string {
  if (logged === 'always') return '';
  if (coveredBy === null) return ', the slow log is off';
  const log = coveredBy.replace('_', ' ');
  return sinceStart
    ? `; the configuration has the ${log} on`
    : `; the ${log} was switched on after the server's start, and which sessions came before is unknown`;
}

/** Whether the sessions of others are seen. */
export function seesSessions({ privileges }: Pick<ServerInspection, 'privileges'>): boolean {
  return !privileges.some(({ privilege, state }) => privilege === 'PROCESS' && state === 'missing');
}

/** The sessions that recycling would end, by user: `23 sessions: app 20, root 3`. */
export function endedText(users: readonly SessionsOfUser[], patterns: readonly string[]): string {
  if (users.length === 0) return 'none';
  const sum = users.reduce((total, { sessions }) => total + sessions, 0);
  const named = users.slice(0, 5).map(({ user, sessions }) => `${user} ${formatCount(sessions)}`);
  const more = users.length > 5 ? ', …' : '';
  const choice = users.length > 1 && patterns.length === 0 ? ' (limit with --recycle-user)' : '';
  return `${counted(sum, 'session')}: ${named.join(', ')}${more}${choice}`;
}

function longestIdle(sessions: ValuesOutlook['sessions'], user: string | null): number {
  return Math.max(
    0,
    ...sessions.filter((one) => one.user === user && one.isIdle).map(({ seconds }) => seconds),
  );
}
