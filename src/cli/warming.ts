import { inspectServer } from './preflight.ts';
import { listUnrestored } from '../core/recovery/recovery-rules.ts';
import { coverageOf } from '../core/warm-ups/value-coverage.ts';
import type { Environment, ServerAddress } from '../core/environments/environment.ts';
import { AppError } from '../core/errors.ts';
import type { ServerInspection } from '../core/environments/server-inspection.ts';
import type { WarmUp } from '../core/warm-ups/warm-up.ts';
import type { Context } from './runtime/context.ts';
import { DaemonKeeper } from './runtime/starter.ts';
import { ownersCover, ownersLogOutput, slowLogText } from './render/values-outlook.ts';
import type { WarmUpStatus } from './render/warm-ups.ts';
import { shellQuoted } from '../core/shell.ts';

const POLL_MS = 50;
/** A server answers within seconds, or somebody wants to know that it does not. */
const PATIENCE_MS = 20_000;

/** What `slow_query_log` has beside it: everything goes into a log whose threshold is so short, in seconds. */
const LOGS_EVERYTHING_S = 0.1;

/** Looks at a server and says how its warm-ups are, and which sessions are covered. */
export async function readWarmUpStatus(
  context: Context,
  environment: Environment & { readonly server: ServerAddress },
): Promise<{ status: WarmUpStatus; inspection: ServerInspection }> {
  const { store } = context;
  const inspection = await inspectServer(context, environment);
  const warmUps = store.warmUps.listOf(environment.id);
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

/**
 * Waits until a warm-up is on, or is over, or is kept from coming on by a capture whose log covers more.
 * @throws AppError `remote_failed` when the server lets it wait; it is tried again until its time is up.
 */
export async function untilOn(context: Context, id: number): Promise<WarmUp> {
  const actor = await context.actor();
  const { store, world } = context;
  const keeper = new DaemonKeeper(context);
  const deadline = context.now() + PATIENCE_MS;
  const { interrupted } = world.signals;
  for (;;) {
    const warmUp = store.warmUps.find(id);
    if (warmUp === null) throw new AppError('conflict', 'The environment was deleted meanwhile');
    const isRecorded = store.captures
      .listByStatus(['STARTING', 'RUNNING'])
      .some(({ environmentId }) => environmentId === warmUp.environmentId);
    if (warmUp.state !== 'waiting' || isRecorded) return warmUp;
    await keeper.ensure();
    if (context.now() >= deadline) {
      const name = store.environments.find(warmUp.environmentId)?.name ?? '';
      const trouble = listUnrestored(store, actor).find((one) => one.environmentName === name);
      throw new AppError(
        'remote_failed',
        `The warm-up is not on yet: ${trouble?.trouble?.reason ?? 'the daemon has not reached the server'}`,
        {
          hint: `It is retried until its time is up. To see its state: captures env warm-up ${shellQuoted(name)}; to end it: add --stop`,
        },
      );
    }
    await world.clock.sleep(POLL_MS, interrupted);
    if (!interrupted.aborted) continue;
    const name = shellQuoted(store.environments.find(warmUp.environmentId)?.name ?? '');
    await context.note(
      `It is still requested. To end it: captures env warm-up ${shellQuoted(name)} --stop`,
    );
    interrupted.throwIfAborted();
  }
}

/** Waits until the warm-ups of an environment that were asked for by themselves are over and undone. */
export async function untilEnded(context: Context, environmentId: number): Promise<void> {
  const { store, world } = context;
  const keeper = new DaemonKeeper(context);
  const began = context.now();
  const deadline = began + PATIENCE_MS;
  const { interrupted } = world.signals;
  for (;;) {
    const open = store.warmUps.listOpen();
    const isOpen = open.some(
      (one) => one.environmentId === environmentId && one.captureId === null && one.until <= began,
    );
    // Not while captures, or warm-ups of it or of another environment of the same server, are there.
    const isOwed = store.taps
      .list()
      .some(
        (tap) =>
          tap.environmentId === environmentId &&
          store.recordings.listOfTap(tap.id).length === 0 &&
          !open.some((one) => one.environmentId === environmentId || one.tapId === tap.id),
      );
    if (!isOpen && !isOwed) return;
    await keeper.ensure();
    if (context.now() >= deadline) {
      throw new AppError('remote_failed', 'The server is not restored yet', {
        hint: 'The daemon will retry. To see why: captures doctor',
      });
    }
    await world.clock.sleep(POLL_MS, interrupted);
    if (!interrupted.aborted) continue;
    await context.note('The daemon ends it.');
    interrupted.throwIfAborted();
  }
}
