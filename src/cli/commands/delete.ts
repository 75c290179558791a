import type { Command } from 'commander';
import { isOver } from '../../core/captures.ts';
import { AppError } from '../../core/errors.ts';
import type { ListedCapture } from '../../core/store.ts';
import { loaded } from '../command.ts';
import type { Context } from '../context.ts';
import { DaemonKeeper } from '../daemons.ts';
import { captureNoun } from '../render/captures.ts';
import { formatBytes, formatCount } from '../render/units.ts';
import { interruption } from '../signals.ts';
import { waitForCapture } from '../waiting.ts';

export interface DeleteOptions {
  readonly captures: readonly string[];
  readonly yes?: boolean;
  readonly keepWorkload?: boolean;
}

export function registerDelete(
  command: Command,
  run: (options: DeleteOptions) => Promise<void>,
): void {
  command
    .argument('<captures...>', 'id, name, or environment/name')
    .option('--yes', 'do not ask')
    .option('--keep-workload', "keep the workload's folder")
    .addHelpText(
      'after',
      `
A capture that is not over is stopped first, whatever its status. The workload is deleted too.
Its owner and the admins of its environment may delete a capture.

Examples:
  captures delete friday
  captures delete 7 8 9 --yes

JSON: an array of the deleted captures. Fields: ${captureNoun.fields.join(', ')}`,
    )
    .action((captures: string[], options: Omit<DeleteOptions, 'captures'>) =>
      run({ ...options, captures }),
    );
}

export async function runDelete(options: DeleteOptions, context: Context): Promise<number> {
  const { actor } = context;
  // All are looked up before any is touched: a slip in the last name must not cost the first.
  const doomed = new Map<number, ListedCapture>();
  for (const ref of options.captures) {
    const capture = context.captures.get(actor, ref, 'capture.delete');
    doomed.set(capture.id, capture);
  }
  const captures = [...doomed.values()];
  if (options.yes !== true) await confirm(context, captures, options.keepWorkload === true);
  const deleted: ListedCapture[] = [];
  for (const capture of captures) {
    deleted.push(await deleteOne(context, capture, options.keepWorkload === true));
  }
  if (context.options.output !== null) await context.print(captureNoun, deleted);
  return 0;
}

/** @throws AppError `declined`; `invalid` where nobody can be asked. */
async function confirm(
  context: Context,
  captures: readonly ListedCapture[],
  keepsWorkload: boolean,
): Promise<void> {
  const [first, ...others] = captures;
  if (first === undefined) return;
  const prompter = await context.prompter(
    'Deleting asks for confirmation and there is no terminal to ask on',
    'To delete without being asked add --yes.',
  );
  for (const capture of captures) await context.tell(lossOf(capture, keepsWorkload));
  const expected = others.length === 0 ? first.name : `delete ${captures.length} captures`;
  const question =
    others.length === 0
      ? "Type the capture's name to delete it"
      : `Type "${expected}" to delete them`;
  if ((await prompter.ask(question)).trim() !== expected) {
    throw new AppError('declined', 'That is not it: nothing was deleted');
  }
}

function lossOf(capture: ListedCapture, keepsWorkload: boolean): string {
  const what = `${capture.environmentName}/${capture.name} (id ${capture.id}, ${capture.status})`;
  if (capture.records === null) return `${what}: no statements are recorded.`;
  const size = formatBytes(capture.fileBytes ?? 0);
  const statements = `${formatCount(capture.records)} statements (${size})`;
  return keepsWorkload
    ? `${what}: its ${statements} are kept.`
    : `${what}: ${statements} are lost.`;
}

async function deleteOne(
  context: Context,
  capture: ListedCapture,
  keepsWorkload: boolean,
): Promise<ListedCapture> {
  const { workloadFolder } = await import('../workloads.ts');
  const folder = workloadFolder(context.store, capture.id);
  const deleted = await deleteRow(context, capture.id);
  const name = `${capture.environmentName}/${capture.name}`;
  if (!capture.recordsStatements) {
    await context.note(`Deleted ${name}.`);
  } else if (keepsWorkload) {
    await context.note(`Deleted ${name}; its workload stays in ${folder}.`);
  } else {
    const { removeWorkload } = await import('../../workload/workload-folder.ts');
    await removeWorkload(folder);
    await context.note(`Deleted ${name} and its workload.`);
  }
  return deleted;
}

/** Brings a capture to an end if it has not come to one, and deletes its row. */
async function deleteRow(context: Context, id: number): Promise<ListedCapture> {
  const { actor, world } = context;
  const { interrupted } = world.signals;
  const keeper = new DaemonKeeper(context);
  for (;;) {
    const deleted = context.captures.delete(actor, String(id));
    if (deleted !== null) return deleted;
    const { status, name } = context.captures.get(actor, String(id), 'capture.delete');
    if (status === 'RUNNING') {
      await context.note(`Stopping ${name} first.`);
      stopUnlessOver(context, id);
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
function stopUnlessOver(context: Context, id: number): void {
  try {
    context.captures.requestStop(context.actor, String(id));
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'conflict') throw error;
  }
}

export const command = loaded(registerDelete, runDelete);
