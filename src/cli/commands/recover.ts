import { resolve } from 'node:path';
import { AppError, type Failure } from '../../core/errors.ts';
import { resultOf } from '../../core/progress.ts';
import type { RecoveredServer } from '../../core/recovery/recovery-service.ts';
import { shellQuoted } from '../render/shell-quoting.ts';
import { defineCommand } from './command.ts';
import { YES } from '../input/arguments.ts';
import { contradiction } from '../input/choices.ts';
import { confirmEnding, confirmReclaim } from '../input/recovery-questions.ts';
import { recoveryNoun } from '../render/recovered-servers.ts';
import { formatDuration } from '../../core/units.ts';
import type { Context } from '../runtime/context.ts';
import { askToType } from '../input/confirmation.ts';

interface Options {
  readonly environment?: string;
  readonly save?: string;
  readonly discard?: boolean;
  readonly force?: boolean;
  readonly forget?: boolean;
  readonly yes?: boolean;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command
      .argument(
        '[environment]',
        'id or name (default: every server that this store has to restore)',
      )
      .option('--save <folder>', "keep a lost recorder's statements there, not in the store")
      .option('--discard', "drop a lost recorder's statements")
      .option('--force', 'do not wait to see whether a recently active recorder returns')
      .option('--forget', 'stop trying to restore a server that is gone for good')
      .option(...YES),
  help: `Restores servers by hand: their log settings, log table and rows; the recorder's tables are dropped.
After a daemon was killed it does what the next one would do: it records what was logged and finishes
captures that are over. It also ends captures that are not over: only their owner, or an admin of the
environment, may do that. While a daemon is running there is nothing to recover: it restores servers by
itself.

With an environment it also looks at the server. If a recorder of another store left the log on and
will not return, recover restores the server from what that recorder saved there; an admin of the
environment may do that. Statements that were logged but not recorded are kept as a workload, in the
store or in the folder of --save.

A server that is gone for good cannot be restored. With --forget the store stops trying, so that the
environment can be deleted. An admin may do that.

If it is interrupted, run it again.

Examples:
  captures recover
  captures recover shop
  captures recover shop --save ./left-behind`,
  prints: recoveryNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  context.refuseOnClient('captures recover');
  const { environment = null, save, discard = false, force = false } = options;
  if (discard && save !== undefined) {
    throw contradiction('--save', '--discard');
  }
  const isAboutOne = save !== undefined || discard || force;
  if (options.forget === true) {
    if (environment === null || isAboutOne) {
      throw new AppError('invalid', '--forget takes one server, and no other option', {
        hint: 'For example: captures recover shop --forget',
      });
    }
    return forget(environment, options, context);
  }
  if (environment === null && isAboutOne) {
    throw new AppError('invalid', '--save, --discard and --force need an environment', {
      hint: 'For example: captures recover shop --save ./left-behind',
    });
  }
  const { world } = context;
  const { interrupted } = world.signals;
  const { recovery } = context.api;
  const actor = await context.actor();
  const saveTo = save === undefined ? null : resolve(world.cwd, save);
  const plan = await resultOf(
    recovery.check(actor, { environment, saveTo, discard, force }, interrupted),
    async ({ recorder, silentMs, waitMs }) =>
      context.note(
        `its recorder (${recorder ?? 'unknown'}) was active ${formatDuration(silentMs)} ago; waiting ${formatDuration(waitMs)} for it to return (--force does not wait)`,
      ),
  );
  if (options.yes !== true) {
    for (const target of plan.targets) {
      if (target.leftovers !== null) await confirmReclaim(context, target, target.leftovers);
    }
    await confirmEnding(context, plan.targets);
  }
  const rows: RecoveredServer[] = [];
  const { failures } = await resultOf(recovery.restore(actor, plan, interrupted), (row) => {
    rows.push(row);
  }).catch(async (error: unknown) => {
    if (interrupted.aborted) await context.note('Not restored yet. To continue: captures recover');
    throw error;
  });
  const [failure] = [...plan.failures, ...failures];
  if (failure !== undefined && context.isJson) throw asError(failure);
  if (rows.length > 0 || failure === undefined) await report(context, rows);
  if (failure !== undefined) throw asError(failure);
}

function asError({ code, message, hint }: Failure): AppError {
  return new AppError(code, message, { hint });
}

/** Forgets a server after it has said what stays switched on there, and asked. */
async function forget(ref: string, { yes }: Pick<Options, 'yes'>, context: Context): Promise<void> {
  const actor = await context.actor();
  const { recovery } = context.api;
  const { interrupted } = context.world.signals;
  const { name, isPending } = await recovery.checkForgetting(actor, ref, interrupted);
  if (!isPending) {
    await context.note(`Nothing to forget: no restore is pending for the server of ${name}.`);
    return;
  }
  if (yes !== true) {
    const prompter = await context.prompter(
      `The pending restore of the server of "${name}" would be forgotten, and there is no terminal to confirm on`,
      'To forget it without confirmation add --yes.',
    );
    await context.tell(
      `If the server of ${name} returns, its log is still on, and no daemon restores it.`,
    );
    const ask = "Type the environment's name to forget its pending restore";
    await askToType(prompter, { expected: name, ask }, 'nothing changed');
  }
  await recovery.forget(actor, ref);
  await context.note(
    `Forgot the pending restore of the server of ${name}. If it returns: captures recover ${shellQuoted(name)}`,
  );
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
  for (const { recovered, environment } of rows) {
    if (recovered) await context.note(`${environment} is restored.`);
  }
}
