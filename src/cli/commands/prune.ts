import { endedAt } from '../../core/captures/retention.ts';
import { AppError } from '../../core/errors.ts';
import type { ListedCapture } from '../../core/store.ts';
import { YES, count } from '../input/arguments.ts';
import { defineCommand } from './command.ts';
import type { Context } from '../runtime/context.ts';
import { parseDuration } from '../input/durations.ts';
import {
  formatBytes,
  formatCount,
  formatExactDuration,
  formatRelative,
  counted,
} from '../../core/units.ts';
import { captureNoun } from '../render/captures.ts';
import { orphanNoun } from '../render/orphans.ts';
import { fullName } from '../render/full-name.ts';

interface Options {
  /** Milliseconds. */
  readonly olderThan?: number;
  readonly keep?: number;
  readonly env?: string;
  /** Delete workloads without a capture instead. */
  readonly orphans?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

const MOST_TOLD = 10;

export const command = defineCommand<Options>({
  declare: (command) =>
    command
      .option(
        '--older-than <duration>',
        'captures that ended this long ago or earlier: 30d',
        parseDuration,
      )
      .option('--keep <n>', 'keep the newest n of each environment, however old', count('--keep'))
      .option('--env <environment>', 'only captures of this environment (id or name)')
      .option('--orphans', 'delete workloads that belong to no capture instead (administrators)')
      .option('--dry-run', 'show what would be deleted, and delete nothing')
      .option(...YES),
  help: `Deletes captures that are over, with their workloads: your own, and every one in environments where
you are an admin. A capture that never started counts from its scheduled start. If a prune is
interrupted, the next one, or the daemon, finishes it. --orphans deletes folders of workloads that
belong to no capture, except those that delete --keep-workload left. JSON is an array of what was
deleted.

Examples:
  captures prune --older-than 30d --dry-run
  captures prune --older-than 90d --keep 5 --env shop --yes
  captures prune --orphans

JSON fields: ${captureNoun.fields.join(', ')}; with --orphans: ${orphanNoun.fields.join(', ')}`,
  prints: null,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  context.checkFields(options.orphans === true ? orphanNoun : captureNoun);
  const actor = await context.actor();
  const { olderThan } = options;
  if (options.orphans === true) return pruneOrphans(options, context);
  if (olderThan === undefined) {
    throw new AppError('invalid', '--older-than is missing', {
      hint: 'For example: captures prune --older-than 30d --dry-run',
    });
  }
  const { captures, notOurs } = await context.api.captures.planPrune(actor, {
    olderThan,
    keep: options.keep ?? null,
    environment: options.env ?? null,
  });
  if (notOurs > 0) {
    await context.note(`Kept ${counted(notOurs, 'capture')} of other owners.`);
  }
  if (options.dryRun === true) {
    await context.print(captureNoun, captures);
    await context.note(`${lossOf(captures)} would be deleted.`);
    return;
  }
  if (captures.length > 0 && options.yes !== true) await confirm(context, captures);
  const pruned = await context.api.captures.prune(
    actor,
    captures.map(({ id }) => id),
    `older than ${formatExactDuration(olderThan)}`,
    context.world.signals.interrupted,
  );
  if (context.isDataAsked) await context.print(captureNoun, pruned);
  await context.note(
    pruned.length === 0 ? 'No capture is old enough to be deleted.' : `Deleted ${lossOf(pruned)}.`,
  );
}

/**
 * Deletes workloads that belong to no capture, and finishes what a crash interrupted.
 * @throws AppError `forbidden` to all but administrators of the store: their owners are unknown.
 */
async function pruneOrphans(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  const { workloads } = context.api;
  if (options.olderThan !== undefined || options.keep !== undefined || options.env !== undefined) {
    throw new AppError('invalid', '--orphans removes all of them', {
      hint: 'Leave out --older-than, --keep and --env.',
    });
  }
  const orphans = await workloads.listOrphans(actor);
  const bytes = orphans.reduce((sum, orphan) => sum + orphan.bytes, 0);
  const loss = `${counted(orphans.length, 'workload')} without a capture (${formatBytes(bytes)} on disk)`;
  if (options.dryRun === true) {
    await context.print(orphanNoun, orphans);
    await context.note(`${loss} would be removed.`);
    return;
  }
  if (orphans.length > 0 && options.yes !== true) {
    const lines = orphans.map((orphan) => `${orphan.folder} (${formatBytes(orphan.bytes)})`);
    await confirmAfter(context, lines, `Remove ${loss}?`);
  }
  await workloads.removeOrphans(
    actor,
    orphans.map(({ captureId }) => captureId),
  );
  if (context.options.output !== null) await context.print(orphanNoun, orphans);
  await context.note(
    orphans.length === 0 ? 'Every workload belongs to a capture.' : `Removed ${loss}.`,
  );
}

/** @throws AppError `declined`; `invalid` where no prompt can be shown. */
async function confirm(context: Context, captures: readonly ListedCapture[]): Promise<void> {
  const now = context.now();
  const lines = captures.map((capture) => {
    const when = formatRelative(endedAt(capture), now, 1);
    return `${fullName(capture)} (id ${capture.id}, ${capture.status}, ${when})`;
  });
  await confirmAfter(context, lines, `Delete ${lossOf(captures)}?`);
}

/** Shows the first lines of what is lost, and asks. */
async function confirmAfter(
  context: Context,
  lines: readonly string[],
  question: string,
): Promise<void> {
  const prompter = await context.prompter(
    'Pruning needs confirmation, and there is no terminal to confirm on',
    'To delete without confirmation add --yes; to see what would be deleted: --dry-run.',
  );
  for (const line of lines.slice(0, MOST_TOLD)) await context.tell(line);
  if (lines.length > MOST_TOLD) {
    await context.tell(`and ${formatCount(lines.length - MOST_TOLD)} more`);
  }
  if (!(await prompter.confirm(question))) {
    throw new AppError('declined', 'Nothing was deleted');
  }
}

function lossOf(captures: readonly ListedCapture[]): string {
  const bytes = captures.reduce((sum, { fileBytes }) => sum + (fileBytes ?? 0), 0);
  return `${counted(captures.length, 'capture')} (${formatBytes(bytes)} on disk)`;
}
