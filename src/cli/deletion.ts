import { resultOf } from '../core/progress.ts';
import type { ListedCapture } from '../core/store.ts';
import { tellEvents } from './output/capture-events.ts';
import type { Context } from './runtime/context.ts';

export interface DeletionOptions {
  readonly keepsWorkload: boolean;
  /** Why, in the user's words. */
  readonly reason: string | null;
}

/**
 * Deletes a capture and its workload, and says so.
 * @throws AppError as `CaptureService.delete`.
 */
export async function deleteCapture(
  context: Context,
  capture: ListedCapture,
  options: DeletionOptions,
): Promise<ListedCapture> {
  const actor = await context.actor();
  const { interrupted } = context.world.signals;
  const deleted = await resultOf(
    context.api.captures.delete(actor, String(capture.id), options, interrupted),
    tellEvents(context),
  );
  const name = `${capture.environmentName}/${capture.name}`;
  if (!capture.recordsStatements) {
    await context.note(`Deleted ${name}.`);
  } else if (deleted.workloadFolder !== null) {
    await context.note(`Deleted ${name}; its workload stays in ${deleted.workloadFolder}.`);
  } else {
    await context.note(`Deleted ${name} and its workload.`);
  }
  return deleted;
}
