import { ALL_CAPTURES } from '../../../core/captures/capture-list.ts';
import { isOver } from '../../../core/captures/capture.ts';
import type { Environment } from '../../../core/environments/environment.ts';
import { defineCommand } from '../command.ts';
import { ENVIRONMENT, YES } from '../../input/arguments.ts';
import { confirmLoss } from '../../input/confirmation.ts';
import { resultOf } from '../../../core/progress.ts';
import { tellEvents } from '../../output/capture-events.ts';
import type { Context } from '../../runtime/context.ts';
import { environmentNoun } from '../../render/environments.ts';
import { formatBytes, formatCount, counted } from '../../../core/units.ts';

interface Options {
  readonly environment: string;
  readonly withCaptures?: boolean;
  readonly yes?: boolean;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command
      .argument(...ENVIRONMENT)
      .option('--with-captures', 'delete its captures and their workloads too')
      .option(...YES),
  help: `Its admins may delete an environment. Refuses while it has captures, unless you give --with-captures: then it stops those that are not over, restores the server's settings and deletes them all.

Examples:
  captures env delete shop
  captures env delete shop --with-captures --yes`,
  prints: environmentNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  const { captures, environments } = context.api;
  const { withCaptures = false } = options;
  // Refused before anything is asked.
  const environment = await environments.checkDeletion(actor, options.environment, withCaptures);
  if (options.yes !== true) {
    await confirmLoss(context, [await lossOf(context, environment)], {
      expected: environment.name,
      ask: "Type the environment's name to delete it",
    });
  }
  const ref = String(environment.id);
  if (withCaptures) {
    const { interrupted } = context.world.signals;
    await resultOf(captures.deleteAllOf(actor, ref, interrupted), tellEvents(context));
  }
  await environments.delete(actor, ref);
  await context.note(`Deleted the environment ${environment.name}.`);
  await context.printIfAsked(environmentNoun, environment);
}

async function lossOf(context: Context, environment: Environment): Promise<string> {
  const actor = await context.actor();
  const { captures } = context.api;
  let [count, open, records, bytes] = [0, 0, 0, 0];
  const request = { ...ALL_CAPTURES, environment: String(environment.id) };
  for await (const capture of captures.walk(actor, request)) {
    count += 1;
    if (!isOver(capture.status)) open += 1;
    records += capture.records ?? 0;
    bytes += capture.fileBytes ?? 0;
  }
  if (count === 0) return `The environment ${environment.name}, which has no captures.`;
  const active = open === 0 ? '' : ` (${formatCount(open)} not over: they are stopped first)`;
  const lost =
    records === 0 ? '' : `; ${counted(records, 'record')} (${formatBytes(bytes)}) will be deleted`;
  return `${environment.name}: the environment with ${counted(count, 'capture')}${active}${lost}.`;
}
