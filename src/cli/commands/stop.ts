import { resultOf } from '../../core/progress.ts';
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
  if (hasWaited) await progress.result(stopped);
  else await context.printOne(captureNoun, stopped);
  // For who types it: a script knows what it wants next.
  if (context.world.stdout.isTTY && hasWaited && stopped.status === 'DONE') {
    await context.note(`What it recorded: captures report ${captureWord(stopped)}`);
  }
}
