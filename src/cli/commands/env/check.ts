import { defineCommand } from '../command.ts';
import { ENVIRONMENT } from '../../input/arguments.ts';
import type { Context } from '../../runtime/context.ts';
import { EXIT_STATUS } from '../../runtime/exit-status.ts';
import { inspectionNoun, renderInspection } from '../../render/inspected-server.ts';

interface Options {
  readonly environment: string;
}

export const command = defineCommand<Options>({
  declare: (command) => command.argument(...ENVIRONMENT),
  help: `Connects and checks; changes nothing. Exits 0 if a capture could start now, 9 if not, 6 if another
recorder is using the server.

Examples:
  captures env check shop
  captures env check shop --json`,
  prints: inspectionNoun,
  run,
});

async function run(options: Options, context: Context): Promise<number> {
  const actor = await context.actor();
  const checked = await context.api.environments.check(actor, options.environment);
  const refusal = checked.refusal ?? checked.logOff;
  // As everywhere: with JSON a failure leaves stdout empty and puts its object on stderr.
  if (context.isJson && refusal !== null) throw refusal;
  if (context.wantsReport) {
    const { stdout } = context.world;
    // Piped output is searched: a sentence stays on one line.
    const width = stdout.isTTY ? context.columns : Infinity;
    await stdout.write(renderInspection(checked, width, await context.paint()));
  } else await context.printOne(inspectionNoun, checked);
  return refusal === null ? 0 : EXIT_STATUS[refusal.code];
}
