import type { Command } from 'commander';
import { loaded } from '../command.ts';
import type { Context } from '../context.ts';
import { captureNoun } from '../render/captures.ts';

export interface GetOptions {
  readonly capture: string;
}

export function registerGet(command: Command, run: (options: GetOptions) => Promise<void>): void {
  command
    .argument('<capture>', 'id, name, or environment/name')
    .addHelpText(
      'after',
      `
Examples:
  captures get 7
  captures get shop/friday --json

JSON fields: ${captureNoun.fields.join(', ')}`,
    )
    .action((capture: string) => run({ capture }));
}

export async function runGet(options: GetOptions, context: Context): Promise<number> {
  const { actor } = context;
  await context.printOne(captureNoun, context.captures.get(actor, options.capture));
  return 0;
}

export const command = loaded(registerGet, runGet);
