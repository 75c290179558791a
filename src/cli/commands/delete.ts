import { AppError, isAppError } from '../../core/errors.ts';
import { resultOf } from '../../core/progress.ts';
import type { ListedCapture } from '../../core/store.ts';
import { shellQuoted } from '../render/shell-quoting.ts';
import { defineCommand } from './command.ts';
import { YES, REASON } from '../input/arguments.ts';
import { confirmLoss } from '../input/confirmation.ts';
import { hintText } from '../output/hint-texts.ts';
import type { Context } from '../runtime/context.ts';
import { tellEvents } from '../output/capture-events.ts';
import { captureNoun } from '../render/captures.ts';
import { counted, formatBytes } from '../../core/units.ts';
import { fullName } from '../render/full-name.ts';

interface Options {
  readonly captures: readonly string[];
  readonly yes?: boolean;
  readonly keepWorkload?: boolean;
  readonly reason?: string;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command
      .argument('<captures...>', 'id, name, or environment/name')
      .option(...YES)
      .option('--keep-workload', 'keep the folders of the workloads')
      .option(...REASON),
  help: `Stops captures that are not over, then deletes them with their workloads. Its owner and the admins of its environment may delete a capture. Checks every name before it deletes anything. If one capture cannot be deleted, the others still are, and the exit status is that of the first failure. JSON is an array of the deleted captures.

Examples:
  captures delete friday
  captures delete 7 8 9 --yes`,
  prints: captureNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  // All are looked up before any is deleted: a typo in the last name must not cost the first.
  const doomed = new Map<number, ListedCapture>();
  const refused: { ref: string; error: AppError }[] = [];
  for (const ref of options.captures) {
    try {
      const capture = await context.api.captures.get(actor, ref, 'capture.delete');
      doomed.set(capture.id, capture);
    } catch (error) {
      if (!isAppError(error)) throw error;
      refused.push({ ref, error });
    }
  }
  const [first] = refused;
  if (first !== undefined) throw refusalOf(options.captures.length, first.error, refused);
  const captures = [...doomed.values()];
  const keepsWorkload = options.keepWorkload === true;
  if (options.yes !== true) await confirm(context, captures, keepsWorkload);
  const how = { keepsWorkload, reason: options.reason ?? null };
  const { deleted, failures } = await deleteAll(context, captures, how);
  const failure = failureOf(captures.length, deleted, failures);
  if (context.isDataAsked && !(context.isJson && failure !== null)) {
    await context.print(captureNoun, deleted);
  }
  if (failure !== null) throw failure;
}

/** Names each capture that cannot be deleted; for a single one the message is the reference API's. */
function refusalOf(
  asked: number,
  first: AppError,
  refused: readonly { ref: string; error: AppError }[],
): AppError {
  if (asked === 1) return first;
  const lines = refused.map(({ ref, error }) =>
    [`${shellQuoted(ref)}: ${error.message}`, hintText(error.hint)].filter(Boolean).join('. '),
  );
  return new AppError(first.code, first.message, {
    hint: [...lines, 'Nothing was deleted.'].join('\n'),
    cause: first,
  });
}

async function confirm(
  context: Context,
  captures: readonly ListedCapture[],
  keepsWorkload: boolean,
): Promise<void> {
  const [first, ...others] = captures;
  if (first === undefined) return;
  const losses = captures.map((capture) => lossOf(capture, keepsWorkload));
  const all = `delete ${captures.length} captures`;
  const question =
    others.length === 0
      ? { expected: first.name, ask: "Type the capture's name to delete it" }
      : { expected: all, ask: `Type "${all}" to delete them` };
  await confirmLoss(context, losses, question);
}

function lossOf(capture: ListedCapture, keepsWorkload: boolean): string {
  const what = `${fullName(capture)} (id ${capture.id}, ${capture.status})`;
  if (capture.records === null) return `${what}: it has no statements.`;
  const size = formatBytes(capture.fileBytes ?? 0);
  const records = `${counted(capture.records, 'record')} (${size})`;
  return `${what}: its ${records} will be ${keepsWorkload ? 'kept' : 'deleted'}.`;
}

interface Failed {
  readonly capture: ListedCapture;
  readonly error: AppError;
}

async function deleteAll(
  context: Context,
  captures: readonly ListedCapture[],
  how: { readonly keepsWorkload: boolean; readonly reason: string | null },
): Promise<{ deleted: ListedCapture[]; failures: Failed[] }> {
  const deleted: ListedCapture[] = [];
  const failures: Failed[] = [];
  const actor = await context.actor();
  const { interrupted } = context.world.signals;
  for (const capture of captures) {
    try {
      const run = context.api.captures.delete(actor, String(capture.id), how, interrupted);
      deleted.push(await resultOf(run, tellEvents(context)));
    } catch (error) {
      if (!isAppError(error)) throw error;
      failures.push({ capture, error });
    }
  }
  return { deleted, failures };
}

/** The failure to report when some were not deleted, with the code of the first. */
function failureOf(
  asked: number,
  deleted: readonly ListedCapture[],
  failures: readonly Failed[],
): AppError | null {
  const [first] = failures;
  if (first === undefined) return null;
  if (asked === 1) return first.error;
  const lines = failures.map(({ capture, error }) => `${fullName(capture)}: ${error.message}`);
  const rest =
    deleted.length === 0 ? 'Nothing was deleted.' : `Deleted: ${deleted.map(fullName).join(', ')}`;
  return new AppError(
    first.error.code,
    `${failures.length} of ${asked} captures could not be deleted`,
    { hint: [...lines, rest].join('\n'), cause: first.error },
  );
}
