import type { Command } from 'commander';
import { isOver } from '../../core/captures/capture.ts';
import type { ListedCapture } from '../../core/store.ts';
import { readDetails } from '../capture-details.ts';
import { loaded } from '../command.ts';
import type { Context } from '../runtime/context.ts';
import { captureDetailNoun, detailNounOf } from '../render/capture-details.ts';
import { interruption } from '../runtime/signals.ts';
import { waitForCapture } from '../waiting.ts';
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
  const capture = context.api.captures.get(actor, options.capture);
  if (options.watch === true) await watch(context, capture);
  else {
    const details = await readDetails(context, capture);
    await context.printOne(detailNounOf(details), details);
  }
  return 0;
}

async function watch(context: Context, capture: ListedCapture): Promise<void> {
  const { interrupted } = context.world.signals;
  const progress = new Progress(context, { isData: true });
  const over = await Promise.race([
    waitForCapture(context, capture.id, ({ status }) => isOver(status), {
      keeper: null,
      signal: interrupted,
      onLook: progress.show,
    }),
    interruption(interrupted),
  ]).finally(() => progress.clear());
  await progress.end(over);
}

export const command = loaded(registerGet, runGet);
