import type { Command } from 'commander';
import { loaded } from '../../command.ts';
import type { Context } from '../../runtime/context.ts';
import { EXIT_STATUS } from '../../runtime/exit-status.ts';
import { inspectionNoun, renderInspection } from '../../render/inspection.ts';

export interface EnvCheckOptions {
  readonly environment: string;
}

export function registerEnvCheck(
  command: Command,
  run: (options: EnvCheckOptions) => Promise<void>,
): void {
  command
    .argument('<environment>', 'id or name')
    .addHelpText(
      'after',
      `
Connects and checks; changes nothing. Exits 0 if a capture could start now, 9 if not, 6 if another
recorder holds the server.

Examples:
  captures env check shop
  captures env check shop --json

JSON fields: ${inspectionNoun.fields.join(', ')}`,
    )
    .action((environment: string) => run({ environment }));
}

export async function runEnvCheck(options: EnvCheckOptions, context: Context): Promise<number> {
  context.checkFields(inspectionNoun);
  const actor = await context.actor();
  const checked = await context.api.environments.check(actor, options.environment);
  const refusal = checked.refusal ?? checked.logOff;
  // As everywhere: with JSON a failure leaves stdout empty and puts its object on stderr.
  if (context.isJson && refusal !== null) throw refusal;
  if (context.wantsReport) {
    const { stdout } = context.world;
    // What is piped is searched: a sentence stays in one line there.
    const width = stdout.isTTY ? context.columns : Infinity;
    await stdout.write(renderInspection(checked, width, await context.paint()));
  } else await context.printOne(inspectionNoun, checked);
  return refusal === null ? 0 : EXIT_STATUS[refusal.code];
}

export const command = loaded(registerEnvCheck, runEnvCheck);
