import type { Actor } from '../../core/access.ts';
import { resultOf } from '../../core/progress.ts';
import type { Replay } from '../../core/replays/replay.ts';
import { defineCommand } from './command.ts';
import { CAPTURE } from '../input/arguments.ts';
import type { Context } from '../runtime/context.ts';
import { captureDetailNoun, detailNounOf } from '../render/one-capture.ts';
import { tellEvents } from '../output/capture-events.ts';
import { Progress } from '../output/progress-line.ts';

interface Options {
  readonly capture: string;
  readonly watch?: boolean;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command.argument(...CAPTURE).option('--watch', 'show its progress until it is over'),
  help: `Shows everything about a capture: its times, what was recorded, its files and their size on disk, gaps and warnings, and which metrics were fetched.

--watch shows a live line on a terminal and prints a line every ten seconds elsewhere; with --json it
prints an object a line (NDJSON), with the progress under "live".

Examples:
  captures get 7
  captures get nightly --watch
  captures get shop/friday --json

JSON fields: ${captureDetailNoun.fields.join(', ')}.
Of a replay: those of captures replay.`,
  prints: null,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.asker();
  if (options.watch === true) {
    await watch(options.capture, actor, context);
    return;
  }
  const details = await context.api.captures.details(actor, options.capture);
  if (details.type === 'REPLAY') {
    await printDetails(await context.api.replays.get(actor, String(details.id)), context);
  } else await context.printOne(detailNounOf(details), details);
}

/** As data it is what `captures replay` prints. */
async function printDetails(replay: Replay, context: Context): Promise<void> {
  const { ALL_ROWS, printReplay } = await import('../output/replay-output.ts');
  if (context.outputMode !== 'table') return printReplay(context, replay, ALL_ROWS, false);
  const { replayDetailNoun } = await import('../render/replay/one-replay.ts');
  await context.printOne(replayDetailNoun, replay);
}

async function watch(capture: string, actor: Actor, context: Context): Promise<void> {
  const { interrupted } = context.world.signals;
  const progress = new Progress(context, { isData: true });
  const over = await resultOf(
    context.api.captures.watch(actor, capture, interrupted),
    tellEvents(context, progress),
  ).finally(() => progress.clear());
  await progress.end(over);
}
