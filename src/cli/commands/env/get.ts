import type { Command } from 'commander';
import { loaded } from '../../command.ts';
import type { Context } from '../../runtime/context.ts';
import { environmentNoun } from '../../render/environments.ts';

export interface EnvGetOptions {
  readonly environment: string;
}

export function registerEnvGet(
  command: Command,
  run: (options: EnvGetOptions) => Promise<void>,
): void {
  command
    .argument('<environment>', 'id or name')
    .addHelpText(
      'after',
      `
Examples:
  captures env get shop
  captures env get 1 --json

JSON fields: ${environmentNoun.fields.join(', ')}`,
    )
    .action((environment: string) => run({ environment }));
}

export async function runEnvGet(options: EnvGetOptions, context: Context): Promise<number> {
  const actor = await context.actor();
  await context.printOne(
    environmentNoun,
    await context.api.environments.get(actor, options.environment),
  );
  return 0;
}

export const command = loaded(registerEnvGet, runEnvGet);
