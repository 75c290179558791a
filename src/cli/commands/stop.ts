import type { Actor } from '../../core/access.ts';
import { resultOf } from '../../core/progress.ts';
import type { ListedCapture } from '../../core/store.ts';
import { defineCommand } from './command.ts';
import { CAPTURE, REASON } from '../input/arguments.ts';
import type { Context } from '../runtime/context.ts';
import { captureNoun } from '../render/captures.ts';
import { captureWord } from '../render/shell-quoting.ts';
import { tellEvents } from '../output/capture-events.ts';
import { Progress } from '../output/progress-line.ts';

interface Options {
  readonly capture: string;
  /** undefined: until it is over; false: not at all. */
  readonly wait?: boolean;
  readonly reason?: string;
  readonly giveUp?: boolean;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command
      .argument(...CAPTURE)
      .option('--no-wait', 'return while it is STOPPING')
      .option('--give-up', 'do not wait for a server that cannot be reached')
      .option(...REASON),
  help: `Waits until everything is recorded and the server's settings are restored.
Its owner and the admins of its environment may stop a capture.

If the server cannot be reached, the capture stays STOPPING until it can; captures get shows why.
With --give-up it ends at once as FAILED: it keeps what is recorded, with a gap for the rest. The
server's settings are restored when it can be reached again.

A replay that is stopped ends within seconds, and is DONE: captures replay then exits 8.

Examples:
  captures stop friday
  captures stop 7 --no-wait
  captures stop friday --give-up
  captures stop friday --reason 'too much load'`,
  prints: captureNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const { capture, reason = null, wait, giveUp } = options;
  const actor = await context.actor();
  const { captures } = context.api;
  const { interrupted } = context.world.signals;
  const progress = new Progress(context, { isData: false });
  // Never set by default: commander sets that of a lone --no-… before a command is loaded.
  const waits = wait !== false;
  const stopped = await resultOf(
    giveUp === true
      ? captures.giveUp(actor, capture, reason, interrupted)
      : captures.stop(actor, capture, { reason, waits }, interrupted),
    tellEvents(context, giveUp === true ? null : progress),
  ).finally(() => progress.clear());
  const hasWaited = giveUp !== true && waits && stopped.recordsStatements;
  if (stopped.type === 'REPLAY' && context.outputMode === 'table') {
    await printReplay(context, actor, stopped);
  } else if (hasWaited) await progress.result(stopped);
  else await context.printOne(captureNoun, stopped);
  // For who types it: a script knows what it wants next.
  if (context.world.stdout.isTTY && hasWaited && stopped.status === 'DONE') {
    await context.note(`What it recorded: captures report ${captureWord(stopped)}`);
  }
}

/** What became of a replay: as data it is a capture like any other. */
async function printReplay(context: Context, actor: Actor, stopped: ListedCapture): Promise<void> {
  const { replayDetailNoun } = await import('../render/replay/one-replay.ts');
  await context.printOne(
    replayDetailNoun,
    await context.api.replays.get(actor, String(stopped.id)),
  );
  await context.note(`What was done: captures report ${captureWord(stopped)}`);
}
