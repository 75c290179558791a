import type { Command } from 'commander';
import { isOver } from '../../core/captures/capture.ts';
import { isAppError } from '../../core/errors.ts';
import type { ListedCapture } from '../../core/store.ts';
import { loaded } from '../command.ts';
import type { Context } from '../runtime/context.ts';
import { DaemonKeeper } from '../runtime/starter.ts';
import { captureNoun } from '../render/captures.ts';
import { interruption } from '../runtime/signals.ts';
import { refuseFailed, waitForCapture } from '../waiting.ts';
import { Progress } from '../output/progress.ts';

export interface StopOptions {
  readonly capture: string;
  /** undefined: until it is over; false: not at all. */
  readonly wait?: boolean;
  readonly reason?: string;
  readonly giveUp?: boolean;
}

export function registerStop(command: Command, run: (options: StopOptions) => Promise<void>): void {
  command
    .argument('<capture>', 'id, name, or environment/name')
    .option('--no-wait', 'return while it is STOPPING')
    .option('--give-up', 'end it without the statements on a server that cannot be read')
    .option('--reason <text>', 'reason, for the audit trail')
    .addHelpText(
      'after',
      `
Waits until everything is recorded and the server's settings are restored.
Its owner and the admins of its environment may stop a capture.

If the server cannot be read, the capture stays STOPPING until it can, however long
that takes; captures get says what it waits for. With --give-up it does not wait:
the capture is FAILED, keeps what is recorded, and has a gap for the rest; the server
is restored when it can be reached.

Examples:
  captures stop friday
  captures stop 7 --no-wait
  captures stop friday --give-up
  captures stop friday --reason 'too much load'

JSON fields: ${captureNoun.fields.join(', ')}`,
    )
    .action((capture: string, options: Omit<StopOptions, 'capture'>) =>
      run({ ...options, capture }),
    );
}

export async function runStop(options: StopOptions, context: Context): Promise<number> {
  const { world } = context;
  if (options.giveUp === true) return giveUp(options, context);
  const keeper = new DaemonKeeper(context);
  const stopping = await requestStop(options, context, keeper);
  if (isOver(stopping.status) || !stopping.recordsStatements) {
    await context.printOne(captureNoun, stopping);
    return 0;
  }
  await keeper.ensure();
  // Never set by default: commander sets that of a lone --no-… before a command is loaded.
  if (options.wait === false) {
    await context.printOne(captureNoun, stopping);
    return 0;
  }
  const { interrupted } = world.signals;
  const progress = new Progress(context, { isData: false });
  const stopped = await Promise.race([
    waitForCapture(context, stopping.id, ({ status }) => isOver(status), {
      keeper,
      signal: interrupted,
      onLook: progress.show,
    }),
    interruption(interrupted),
  ]).finally(() => progress.clear());
  refuseFailed(stopped);
  await progress.result(stopped);
  return 0;
}

/** Of one that is being stopped already the refusal is all that is said; but somebody has to end it. */
async function requestStop(
  { capture: ref, reason }: StopOptions,
  context: Context,
  keeper: DaemonKeeper,
): Promise<ListedCapture> {
  const actor = await context.actor();
  const { captures } = context.api;
  try {
    return captures.requestStop(actor, ref, reason ?? null);
  } catch (error) {
    if (!isAppError(error, 'conflict')) throw error;
    const { status, recordsStatements } = captures.get(actor, ref, 'capture.stop');
    if (status === 'STOPPING' && recordsStatements) await keeper.ensure();
    throw error;
  }
}

/** How long a server that may be all right gets to be read to the end. */
const GIVE_UP_AFTER_MS = 10_000;

async function giveUp(
  { capture: ref, reason: typed }: StopOptions,
  context: Context,
): Promise<number> {
  const actor = await context.actor();
  const { captures } = context.api;
  const { world } = context;
  const reason = typed ?? null;
  const found = captures.get(actor, ref, 'capture.stop');
  const stopping = found.status === 'STOPPING' ? found : captures.requestStop(actor, ref, reason);
  const keeper = new DaemonKeeper(context);
  const deadline = context.now() + GIVE_UP_AFTER_MS;
  const { interrupted } = world.signals;
  const looked = await Promise.race([
    waitForCapture(
      context,
      stopping.id,
      ({ status, trouble }) => isOver(status) || trouble !== null || context.now() >= deadline,
      { keeper, signal: interrupted },
    ),
    interruption(interrupted),
  ]);
  const over = isOver(looked.status) ? looked : captures.giveUp(actor, String(looked.id), reason);
  await context.printOne(captureNoun, over);
  return 0;
}

export const command = loaded(registerStop, runStop, captureNoun);
