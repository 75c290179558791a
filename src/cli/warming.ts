import { inspectServer } from './preflight.ts';
import { coverageOf } from '../core/warm-ups/value-coverage.ts';
import type { Environment, ServerEnvironment } from '../core/environments/environment.ts';
import { AppError } from '../core/errors.ts';
import type { ServerInspection } from '../core/environments/server-inspection.ts';
import type { WarmUp } from '../core/warm-ups/warm-up.ts';
import type { Context } from './runtime/context.ts';
import { ownersCover, ownersLogOutput, slowLogText } from './render/values-outlook.ts';
import type { WarmUpStatus } from './render/warm-ups.ts';

/** What `slow_query_log` has beside it: everything goes into a log whose threshold is so short, in seconds. */
const LOGS_EVERYTHING_S = 0.1;

/** Looks at a server and says how its warm-ups are, and which sessions are covered. */
export async function readWarmUpStatus(
  context: Context,
  environment: ServerEnvironment,
): Promise<{ status: WarmUpStatus; inspection: ServerInspection }> {
  const inspection = await inspectServer(context, environment);
  const { warmUps } = await context.api.warmUps.list(await context.actor(), String(environment.id));
  const open = warmUps.filter(({ state }) => state !== 'over');
  const { values } = inspection;
  const [last = null] = [...warmUps].sort((one, other) => lastMoment(other) - lastMoment(one));
  return {
    inspection,
    status: {
      environment: environment.name,
      state: stateOf(inspection, open),
      coveredBy: values.coveredBy,
      since: open.length === 0 ? null : Math.min(...open.map(({ begin }) => begin)),
      until: open.length === 0 ? null : Math.max(...open.map(({ until }) => until)),
      reason: last?.outcome ?? null,
      coverage: coverageOf(values, warmUps),
      slowLog: { ...values.slowLog, output: ownersLogOutput(inspection) },
    },
  };
}

/** When it was over; one that is not comes last of all. */
function lastMoment({ state, until }: WarmUp): number {
  return state === 'over' ? until : Infinity;
}

function stateOf(inspection: ServerInspection, open: readonly WarmUp[]): WarmUpStatus['state'] {
  const { values, logSwitch } = inspection;
  if (values.logged === 'always') return 'not_needed';
  if (open.some(({ state }) => state === 'on')) return 'on';
  if (open.length > 0) return 'waiting';
  if (ownersCover(inspection) !== null) return 'not_needed';
  return logSwitch === 'recorder' ? 'off' : 'not_possible';
}

/** Why nothing has to be changed on a server, a sentence; null where something has to be. */
export function whyNotNeeded(inspection: ServerInspection): string | null {
  const { values, server } = inspection;
  if (values.logged === 'always') {
    return `${server.flavor === 'mysql' ? 'MySQL' : 'This server'} ${server.version} logs the values of every prepared statement: no warm-up is needed`;
  }
  switch (ownersCover(inspection)) {
    case 'general_log':
      return 'Its general log is already on and covers every session: nothing changes';
    case 'slow_log':
      return 'Its slow log is already on and covers the sessions since then: nothing changes';
    case null:
      return null;
  }
}

/**
 * Has somebody agree to a warm-up that would write nearly everything into the slow log.
 * @throws AppError `declined`; `invalid` where no prompt can be shown.
 */
export async function confirmFullSlowLog(
  context: Context,
  inspection: ServerInspection,
): Promise<void> {
  const { longerThan, withoutIndex } = inspection.values.slowLog;
  const output = ownersLogOutput(inspection);
  if (output === 'NONE' || (longerThan >= LOGS_EVERYTHING_S && !withoutIndex)) return;
  const prompter = await context.prompter(
    `The slow log would get more than slow statements: ${slowLogText(inspection)}`,
    'Raise long_query_time, or switch log_queries_not_using_indexes off, first; or add --yes.',
  );
  await context.tell(`While it lasts, ${slowLogText(inspection)}.`);
  if (!(await prompter.confirm('Is there enough space for that?'))) {
    throw new AppError('declined', 'Nothing was changed');
  }
}

/** The sentence for a server whose slow log only its parameter group sets. */
export function inParameterGroup(environment: Environment): AppError {
  const group = environment.instance === null ? 'GROUP' : `the group of ${environment.instance}`;
  return new AppError(
    'remote_failed',
    'The slow log of this server can be set only in its parameter group',
    {
      hint: [
        `Run, with the right to change ${group}:`,
        'aws rds modify-db-parameter-group --db-parameter-group-name GROUP --parameters "ParameterName=slow_query_log,ParameterValue=1,ApplyMethod=immediate"',
      ].join('\n'),
    },
  );
}
