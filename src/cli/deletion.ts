import { isOver } from '../core/captures/capture.ts';
import { isAppError } from '../core/errors.ts';
import type { ListedCapture } from '../core/store.ts';
import type { Context } from './runtime/context.ts';
import { DaemonKeeper } from './runtime/starter.ts';
import { interruption } from './runtime/signals.ts';
import { waitForCapture } from './waiting.ts';

export interface DeletionOptions {
  readonly keepsWorkload: boolean;
  /** Why, in the user's words. */
  readonly reason: string | null;
}

/**
 * Deletes a capture and its workload. One that is not over is stopped first, and nothing stays
 * switched on at the server for it.
 * @returns the capture as it was at its end.
 * @throws AppError `not_found` when somebody else was faster; `forbidden`; `store_unusable`.
 */
export async function deleteCapture(
  context: Context,
  capture: ListedCapture,
  options: DeletionOptions,
): Promise<ListedCapture> {
  const { removeDeletedWorkloads, workloadFolder } =
    await import('../workload/deleted-workloads.ts');
  const folder = workloadFolder(context.store, capture.id);
  const deleted = await deleteRow(context, capture.id, options);
  const name = `${capture.environmentName}/${capture.name}`;
  if (!capture.recordsStatements) {
    await context.note(`Deleted ${name}.`);
  } else if (options.keepsWorkload) {
    await context.note(`Deleted ${name}; its workload stays in ${folder}.`);
  } else {
    await removeDeletedWorkloads(context.store, { asked: capture.id });
    await context.note(`Deleted ${name} and its workload.`);
  }
  return deleted;
}

/** Brings a capture to an end if it has not come to one, and deletes its row. */
async function deleteRow(
  context: Context,
  id: number,
  { reason, ...how }: DeletionOptions,
): Promise<ListedCapture> {
  for (;;) {
    const deleted = context.api.captures.delete(await context.actor(), String(id), reason, how);
    if (deleted !== null) return deleted;
    await endCapture(context, id, reason);
  }
}

/**
 * Stops a capture for its deletion, and waits until it is over.
 * @throws AppError `not_found` when somebody deleted it; `not_as_asked` when that takes too long.
 */
export async function endCapture(
  context: Context,
  id: number,
  reason: string | null,
): Promise<void> {
  const actor = await context.actor();
  const { world } = context;
  const { interrupted } = world.signals;
  const keeper = new DaemonKeeper(context);
  for (;;) {
    const { status, name } = context.api.captures.get(actor, String(id), 'capture.delete');
    if (isOver(status)) return;
    if (status === 'RUNNING') {
      await context.note(`Stopping ${name} first.`);
      await stopUnlessOver(context, id, reason);
      continue;
    }
    await Promise.race([
      waitForCapture(
        context,
        id,
        (capture) =>
          isOver(capture.status) || (status === 'STARTING' && capture.status === 'RUNNING'),
        { keeper, signal: interrupted },
      ),
      interruption(interrupted),
    ]);
  }
}

/** Somebody else, or its end, may have stopped it since we looked: that is what is wanted. */
async function stopUnlessOver(context: Context, id: number, reason: string | null): Promise<void> {
  try {
    context.api.captures.requestStop(await context.actor(), String(id), reason);
  } catch (error) {
    if (!isAppError(error, 'conflict')) throw error;
  }
}
