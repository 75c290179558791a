import type { Command } from 'commander';
import { resultOf } from '../../core/progress.ts';
import { loaded } from '../command.ts';
import type { Context } from '../runtime/context.ts';
import { captureDetailNoun, detailNounOf } from '../render/capture-details.ts';
import { tellEvents } from '../output/capture-events.ts';
import { Progress } from '../output/progress.ts';

export interface GetOptions {
  readonly capture: string;
  readonly watch?: boolean;
}

export function registerGet(command: Command, run: (options: GetOptions) => Promise<void>): void {
  command
    .argument('<capture>', 'id, name, or environment/name')
    .option('--watch', 'show its progress until it is over')
    .addHelpText(
      'after',
      `
Shows everything about a capture: its times, what was recorded, its files and their size on disk, gaps and warnings, and which metrics were fetched.

With --watch: a live line on a terminal, a line every ten seconds elsewhere, and with --json an object
a line (NDJSON), each with its progress under "live".

Examples:
  captures get 7
  captures get nightly --watch
  captures get shop/friday --json

JSON fields: ${captureDetailNoun.fields.join(', ')}`,
    )
    .action((capture: string, options: { watch?: boolean }) => run({ ...options, capture }));
}

export async function runGet(options: GetOptions, context: Context): Promise<number> {
  const actor = await context.actor();
  if (options.watch === true) {
    await watch(options.capture, context);
    return 0;
  }
  const details = await context.api.captures.details(actor, options.capture);
  await context.printOne(detailNounOf(details), details);
  return 0;
}

async function watch(capture: string, context: Context): Promise<void> {
  const { interrupted } = context.world.signals;
  const progress = new Progress(context, { isData: true });
  const over = await resultOf(
    context.api.captures.watch(await context.actor(), capture, interrupted),
    tellEvents(context, progress),
  ).finally(() => progress.clear());
  await progress.end(over);
}

export const command = loaded(registerGet, runGet);
