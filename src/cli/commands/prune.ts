import type { Command } from 'commander';
import { endedAt } from '../../core/retention.ts';
import { AppError } from '../../core/errors.ts';
import type { ListedCapture } from '../../core/store.ts';
import { parseCount } from '../arguments.ts';
import { loaded } from '../command.ts';
import type { Context } from '../context.ts';
import { formatExactDuration, parseDuration } from '../durations.ts';
import { captureNoun } from '../render/captures.ts';
import { formatBytes, formatCount, formatRelative } from '../render/units.ts';

export interface PruneOptions {
  /** Milliseconds. */
  readonly olderThan?: number;
  readonly keep?: number;
  readonly env?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

const MOST_TOLD = 10;

export function registerPrune(
  command: Command,
  run: (options: PruneOptions) => Promise<void>,
): void {
  command
    .option('--older-than <duration>', 'captures that ended longer ago: 30d', parseDuration)
    .option('--keep <n>', 'keep the newest n of each environment, however old', (text) =>
      parseCount(text, '--keep'),
    )
    .option('--env <environment>', 'only captures of this environment (id or name)')
    .option('--dry-run', 'show what would be deleted, and delete nothing')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `
Deletes captures that are over, with their workloads: those you own, and all in the environments you
are an admin of. One that failed to start counts from when it should have. An interrupted prune is
finished by the next one, or by the daemon.

Examples:
  captures prune --older-than 30d --dry-run
  captures prune --older-than 90d --keep 5 --env shop --yes

JSON: an array of the deleted captures. Fields: ${captureNoun.fields.join(', ')}`,
    )
    .action((options: PruneOptions) => run(options));
}

export async function runPrune(options: PruneOptions, context: Context): Promise<number> {
  const { actor } = context;
  const { olderThan } = options;
  if (olderThan === undefined) {
    throw new AppError('invalid', 'Say which captures are old enough: --older-than is missing', {
      hint: 'For example: captures prune --older-than 30d --dry-run',
    });
  }
  const retention = await context.retention();
  const { captures, notOurs } = retention.plan(actor, {
    olderThan,
    keep: options.keep ?? null,
    environment: options.env ?? null,
  });
  if (notOurs > 0) {
    await context.note(
      `${formatCount(notOurs)} as old ${notOurs === 1 ? 'belongs' : 'belong'} to others and ${notOurs === 1 ? 'stays' : 'stay'}.`,
    );
  }
  if (options.dryRun === true) {
    await context.print(captureNoun, captures);
    await context.note(`${lossOf(captures)} would be deleted.`);
    return 0;
  }
  if (captures.length > 0 && options.yes !== true) await confirm(context, captures);
  await retention.finishInterrupted();
  const pruned: ListedCapture[] = [];
  const reason = `older than ${formatExactDuration(olderThan)}`;
  for (const capture of captures) {
    context.world.signals.interrupted.throwIfAborted();
    if (await retention.prune(actor, capture.id, reason)) pruned.push(capture);
  }
  if (context.options.output !== null) await context.print(captureNoun, pruned);
  await context.note(
    pruned.length === 0 ? 'Nothing is old enough to be deleted.' : `Deleted ${lossOf(pruned)}.`,
  );
  return 0;
}

/** @throws AppError `declined`; `invalid` where nobody can be asked. */
async function confirm(context: Context, captures: readonly ListedCapture[]): Promise<void> {
  const prompter = await context.prompter(
    'Pruning asks for confirmation and there is no terminal to ask on',
    'To delete without being asked add --yes; to see what it would be: --dry-run.',
  );
  const now = context.now();
  for (const capture of captures.slice(0, MOST_TOLD)) {
    const { environmentName, name, id, status } = capture;
    const when = formatRelative(endedAt(capture), now, 1);
    await context.tell(`${environmentName}/${name} (id ${id}, ${status}, ${when})`);
  }
  if (captures.length > MOST_TOLD) {
    await context.tell(`and ${formatCount(captures.length - MOST_TOLD)} more`);
  }
  if (!(await prompter.confirm(`Delete ${lossOf(captures)}?`))) {
    throw new AppError('declined', 'Nothing was deleted');
  }
}

function lossOf(captures: readonly ListedCapture[]): string {
  const bytes = captures.reduce((sum, { fileBytes }) => sum + (fileBytes ?? 0), 0);
  const number = captures.length === 1 ? '1 capture' : `${formatCount(captures.length)} captures`;
  return `${number} (${formatBytes(bytes)} on disk)`;
}

export const command = loaded(registerPrune, runPrune, captureNoun);
