import { namingEnvironment } from '../preflight.ts';
import { shellQuoted } from '../../core/shell.ts';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { AppError, isAppError } from '../../core/errors.ts';
import { RecoveryService } from '../../core/recovery/recovery-service.ts';
import type { Leftovers } from '../../core/environments/server-inspection.ts';
import { loaded } from '../command.ts';
import type { Context } from '../runtime/context.ts';
import {
  confirmEnding,
  confirmReclaim,
  lookAtServer,
  watchUntilSilent,
  type RecoveryTarget,
} from '../recovery.ts';
import { recoveryNoun, type RecoveredServer } from '../render/recovery.ts';
import { programVersion } from '../runtime/version.ts';

export interface RecoverOptions {
  readonly environment: string | null;
  readonly save?: string;
  readonly discard?: boolean;
  readonly force?: boolean;
  readonly forget?: boolean;
  readonly yes?: boolean;
}

export function registerRecover(
  command: Command,
  run: (options: RecoverOptions) => Promise<void>,
): void {
  command
    .argument('[environment]', 'id or name; without it every server that this store has to restore')
    .option('--save <folder>', "keep a lost recorder's statements there, not in the store")
    .option('--discard', "drop a lost recorder's statements")
    .option('--force', 'do not wait to see whether a recently active recorder returns')
    .option('--forget', 'forget a server that is gone for good: nothing is done there')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `
Restores servers by hand: log settings, log table and rows as they were, nothing
of ours left. After a daemon was killed it does what the next one would do: it
records what was logged and finishes captures that are over. It ends captures that
are not over; their owners and admins may do that. While a daemon is at work there
is nothing to recover: the daemon restores servers by itself.

With an environment it also looks at the server. If a recorder of another store
left the log on and will never come back, the server is restored from what that
recorder wrote there; an admin of the environment may do that. Statements that were
logged and not recorded are kept as a workload, in the store or where --save says.

A server that is gone for good cannot be restored. With --forget the store stops
trying, so that the environment can be deleted. An admin may do that.

Interrupted anywhere, it can be run again.

Examples:
  captures recover
  captures recover shop
  captures recover shop --save ./left-behind

JSON: an array, one object a server. Fields:
${recoveryNoun.fields.join(', ')}`,
    )
    .action((environment: string | undefined, options: Omit<RecoverOptions, 'environment'>) =>
      run({ ...options, environment: environment ?? null }),
    );
}

export async function runRecover(options: RecoverOptions, context: Context): Promise<number> {
  const { world, store } = context;
  if (options.discard === true && options.save !== undefined) {
    throw new AppError('invalid', '--save and --discard contradict one another', {
      hint: 'Give one of the two.',
    });
  }
  const service = new RecoveryService(store, world.clock, world);
  if (options.forget === true) return forget(options, context, service);
  const found = await findTargets(options, context, service);
  const { failures } = found;
  const { targets, saveTo } = await approve(options, context, service, found.targets);

  const rows: RecoveredServer[] = [];
  const debtors = targets.filter(({ debt }) => debt !== null);
  for (const target of targets) {
    if (target.leftovers !== null) rows.push(await reclaim(context, service, target, saveTo));
    else if (target.debt === null) rows.push(nothingDone(target));
  }
  rows.push(...(await payDebts(context, service, debtors, failures)));
  const [failure] = failures;
  if (failure !== undefined && context.isJson) throw failure;
  if (rows.length > 0 || failure === undefined) await report(context, rows);
  if (failure !== undefined) throw failure;
  return 0;
}

/** Asks with what would stay on the server. */
async function forget(
  { environment: ref, save, discard, force, yes }: RecoverOptions,
  context: Context,
  service: RecoveryService,
): Promise<number> {
  const actor = await context.actor();
  const { store, world } = context;
  if (ref === null || save !== undefined || discard === true || force === true) {
    throw new AppError('invalid', '--forget takes one server, and no other option', {
      hint: 'For example: captures recover shop --forget',
    });
  }
  const { id, name } = await context.api.environments.get(actor, ref, 'environment.reclaim');
  const isOwed = store.taps.list().some(({ environmentId }) => environmentId === id);
  if (!isOwed) {
    await context.note(`Nothing to forget: no restore is pending for the server of ${name}.`);
    return 0;
  }
  const { requireNoDaemon } = await import('../../daemon/recovery.ts');
  await requireNoDaemon({ store, clock: world.clock }, world.signals.interrupted);
  if (yes !== true) {
    const prompter = await context.prompter(
      `The pending restore of the server of "${name}" would be forgotten, and there is no terminal to confirm on`,
      'To forget it without confirmation add --yes.',
    );
    await context.tell(
      `If the server of ${name} returns, its log is still on, and no daemon restores it.`,
    );
    const answer = await prompter.ask("Type the environment's name to forget its pending restore");
    if (answer.trim() !== name) {
      throw new AppError('declined', 'The name does not match; nothing changed');
    }
  }
  service.forget(actor, ref);
  await context.note(
    `Forgot the pending restore of the server of ${name}. If it returns: captures recover ${shellQuoted(name)}`,
  );
  return 0;
}

/**
 * The servers that are asked for. Without an environment one that fails does not keep the others from
 * being restored.
 */
async function findTargets(
  { environment: ref, save, discard, force }: RecoverOptions,
  context: Context,
  service: RecoveryService,
): Promise<{ targets: RecoveryTarget[]; failures: AppError[] }> {
  const actor = await context.actor();
  const { store } = context;
  if (ref !== null) {
    const environment = await context.api.environments.get(actor, ref, 'environment.recover');
    return { targets: [await lookAtServer(context, service, environment)], failures: [] };
  }
  if (save !== undefined || discard === true || force === true) {
    throw new AppError('invalid', '--save, --discard and --force need an environment', {
      hint: 'For example: captures recover shop --save ./left-behind',
    });
  }
  const targets: RecoveryTarget[] = [];
  const failures: AppError[] = [];
  for (const { environmentId } of service.listTaps(actor)) {
    const environment = store.environments.find(environmentId);
    if (environment === null) continue;
    try {
      const target = await lookAtServer(context, service, environment);
      // What others left there has to be asked for by the environment's name.
      targets.push({ ...target, leftovers: null });
    } catch (error) {
      if (!isAppError(error)) throw error;
      failures.push(error.code === 'remote_failed' ? notRestored(environment.name, error) : error);
    }
  }
  return { targets, failures };
}

function notRestored(name: string, { code, message, hint }: AppError): AppError {
  return new AppError(code, `The server of "${name}" is not restored: ${message}`, { hint });
}

/** Refuses what is not to be done, and asks about what would be lost, before anything is changed. */
async function approve(
  options: RecoverOptions,
  context: Context,
  service: RecoveryService,
  found: readonly RecoveryTarget[],
): Promise<{ targets: RecoveryTarget[]; saveTo: string | null }> {
  const actor = await context.actor();
  const { store, world } = context;
  const isAsking = options.yes !== true;
  const targets: RecoveryTarget[] = [];
  let saveTo: string | null = null;
  const { requireNoDaemon } = await import('../../daemon/recovery.ts');
  for (const { debt } of found) {
    if (debt === null) continue;
    await requireNoDaemon({ store, clock: world.clock }, world.signals.interrupted);
    service.requireEndable(debt, actor);
  }
  for (const target of found) {
    const { environment } = target;
    if (target.leftovers === null) {
      targets.push(target);
      continue;
    }
    await context.api.environments.get(actor, String(environment.id), 'environment.reclaim');
    saveTo = folderFor(options, context, target.leftovers, environment.id);
    if (saveTo !== null) {
      const { requireEmptyFolder } = await import('../../daemon/reclaim.ts');
      await requireEmptyFolder(saveTo);
    }
    const leftovers =
      options.force === true ? target.leftovers : await watchUntilSilent(context, target);
    targets.push({ ...target, leftovers });
    if (isAsking && leftovers !== null) await confirmReclaim(context, target, leftovers, saveTo);
  }
  if (isAsking) await confirmEnding(context, targets);
  return { targets, saveTo };
}

/** Where a lost recorder's statements are kept; null where there are none, or they are dropped. */
function folderFor(
  { save, discard }: RecoverOptions,
  context: Context,
  { statements }: Leftovers,
  environmentId: number,
): string | null {
  const { world, store } = context;
  if (save !== undefined) return resolve(world.cwd, save);
  if (discard === true || statements === 0) return null;
  const time = new Date(context.now()).toISOString().replaceAll(/[-:]/g, '');
  return join(store.directory, 'recovered', `${environmentId}-${time}`);
}

function nothingDone({ environment, server }: RecoveryTarget): RecoveredServer {
  return {
    environment: environment.name,
    server,
    recovered: false,
    endedCaptures: [],
    settings: null,
    savedStatements: 0,
    savedTo: null,
    returnedStatements: 0,
    droppedStatements: 0,
    warnings: [],
  };
}

async function reclaim(
  context: Context,
  service: RecoveryService,
  target: RecoveryTarget,
  saveTo: string | null,
): Promise<RecoveredServer> {
  const { environment, leftovers } = target;
  const nothing = nothingDone(target);
  if (leftovers === null) return nothing;
  const { reclaimServer } = await import('../../daemon/reclaim.ts');
  service.reclaim(await context.actor(), String(environment.id), leftovers);
  const done = await reclaimServer(
    {
      source: await context.wiring.servers(),
      storeId: context.store.id,
      programVersion: programVersion(),
    },
    environment,
    leftovers,
    saveTo,
  );
  if (done === null) return nothing;
  return {
    ...nothing,
    recovered: true,
    settings: done.settings,
    savedStatements: done.saved,
    savedTo: done.saved > 0 ? saveTo : null,
    returnedStatements: done.returned,
    droppedStatements: done.dropped,
    warnings: done.warnings,
  };
}

/** Does what the next daemon would do for the servers that this store owes something. */
async function payDebts(
  context: Context,
  service: RecoveryService,
  targets: readonly RecoveryTarget[],
  failures: AppError[],
): Promise<RecoveredServer[]> {
  if (targets.length === 0) return [];
  const actor = await context.actor();
  const { world, store } = context;
  const [{ asOnlyDaemon }, { goesToOwners }] = await Promise.all([
    import('../../daemon/recovery.ts'),
    import('../../daemon/reclaim.ts'),
  ]);
  const serverLogs = await context.wiring.servers();
  const rows: RecoveredServer[] = [];
  await asOnlyDaemon(
    {
      store,
      clock: world.clock,
      source: serverLogs,
      log: () => undefined,
      hostname: world.hostName,
      pid: world.pid,
      programVersion: programVersion(),
      userName: world.userName,
    },
    world.signals.interrupted,
    async (giveBack) => {
      for (const target of targets) {
        const { environment, debt } = target;
        if (debt === null) continue;
        const { tap, ending, finishing } = debt;
        try {
          const { warnings } = await giveBack(environment, tap, () =>
            service.end(actor, environment, tap, ending),
          );
          const ids = [...ending, ...finishing].map(({ id }) => id).sort((a, b) => a - b);
          // What is there belongs to a capture, or to none any more.
          const unwanted = ids.length === 0 ? (target.logged ?? 0) : 0;
          const isReturned = goesToOwners(tap.settings);
          rows.push({
            ...nothingDone(target),
            recovered: true,
            endedCaptures: ids,
            returnedStatements: isReturned ? unwanted : 0,
            droppedStatements: isReturned ? 0 : unwanted,
            settings: (await serverLogs.inspect(environment.server, store.id)).settings,
            warnings: [...warnings, ...failedAmong(context, ids)],
          });
        } catch (error) {
          if (!isAppError(error)) throw error;
          failures.push(namingEnvironment(error, environment.name));
        }
      }
    },
  ).catch(async (error: unknown) => {
    if (world.signals.interrupted.aborted) {
      await context.note('Not restored yet. To continue: captures recover');
    }
    throw error;
  });
  return rows;
}

/** A capture that could not be finished does not keep its server from being restored. */
function failedAmong({ store }: Context, ids: readonly number[]): string[] {
  return ids.flatMap((id) => {
    const capture = store.captures.find(id);
    if (capture?.status !== 'FAILED') return [];
    return [
      `The capture "${capture.name}" (id ${id}) failed: ${capture.reason ?? 'reason unknown'}`,
    ];
  });
}

async function report(context: Context, rows: readonly RecoveredServer[]): Promise<void> {
  for (const { warnings } of rows) for (const warning of warnings) await context.warn(warning);
  for (const { recovered, environment, server } of rows) {
    if (!recovered) {
      await context.note(`Nothing to recover: ${environment} (${server}) needs no restore.`);
    }
  }
  if (rows.length === 0) {
    await context.note('Nothing to recover: no server of your environments needs restoring.');
  }
  if (rows.some(({ recovered }) => recovered) || context.isDataAsked) {
    await context.print(recoveryNoun, rows);
  }
}

export const command = loaded(registerRecover, runRecover, recoveryNoun);
