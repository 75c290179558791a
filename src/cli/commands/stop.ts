import type { Command } from 'commander';
import { isOver } from '../../core/captures.ts';
import { loaded } from '../command.ts';
import type { Context } from '../context.ts';
import { DaemonKeeper } from '../daemons.ts';
import { captureNoun } from '../render/captures.ts';
import { interruption } from '../signals.ts';
import { refuseFailed, waitForCapture } from '../waiting.ts';

export interface StopOptions {
  readonly capture: string;
  /** undefined: until it is over; false: not at all. */
  readonly wait?: boolean;
}

export function registerStop(command: Command, run: (options: StopOptions) => Promise<void>): void {
  command
    .argument('<capture>', 'id, name, or environment/name')
    .option('--no-wait', 'return while it is STOPPING')
    .addHelpText(
      'after',
      `
Waits until everything is recorded and the server's settings are restored.
Its owner and the admins of its environment may stop a capture.

Examples:
  captures stop friday
  captures stop 7 --no-wait

JSON fields: ${captureNoun.fields.join(', ')}`,
    )
    .action((capture: string, options: { wait?: boolean }) => run({ ...options, capture }));
}

export async function runStop(options: StopOptions, context: Context): Promise<number> {
  const { actor, world } = context;
  const stopping = context.captures.requestStop(actor, options.capture);
  if (isOver(stopping.status) || !stopping.recordsStatements) {
    await context.printOne(captureNoun, stopping);
    return 0;
  }
  const keeper = new DaemonKeeper(context);
  await keeper.ensure();
  // Never set by default: commander sets that of a lone --no-… before a command is loaded.
  if (options.wait === false) {
    await context.printOne(captureNoun, stopping);
    return 0;
  }
  const { interrupted } = world.signals;
  const stopped = await Promise.race([
    waitForCapture(context, stopping.id, ({ status }) => isOver(status), {
      keeper,
      signal: interrupted,
    }),
    interruption(interrupted),
  ]);
  refuseFailed(stopped);
  await context.printOne(captureNoun, stopped);
  return 0;
}

export const command = loaded(registerStop, runStop);
