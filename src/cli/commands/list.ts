import type { Command } from 'commander';
import { ALL_CAPTURES } from '../../core/capture-service.ts';
import type { CaptureStatus } from '../../core/captures.ts';
import { parseCount, parseStatuses } from '../arguments.ts';
import { loaded } from '../command.ts';
import type { Context } from '../context.ts';
import { captureNoun } from '../render/captures.ts';

export interface ListOptions {
  readonly env?: string;
  readonly status?: CaptureStatus[];
  readonly limit?: number;
  readonly all?: boolean;
}

const DEFAULT_LIMIT = 30;

export function registerList(command: Command, run: (options: ListOptions) => Promise<void>): void {
  command
    .option('--env <environment>', 'only captures of this environment (id or name)')
    .option('--status <statuses>', 'only with one of these statuses: RUNNING,DONE', parseStatuses)
    .option('--limit <n>', `at most so many (default: ${DEFAULT_LIMIT})`, (text) =>
      parseCount(text, '--limit'),
    )
    .option('--all', 'all of them')
    .addHelpText(
      'after',
      `
Lists the captures of the environments you are a member of, newest first.

Examples:
  captures list
  captures list --env shop --status RUNNING,STOPPING
  captures list --all --json --fields id,name,status

JSON fields: ${captureNoun.fields.join(', ')}`,
    )
    .action((options: ListOptions) => run(options));
}

export async function runList(options: ListOptions, context: Context): Promise<number> {
  const { actor } = context;
  const limit = options.all === true ? null : (options.limit ?? DEFAULT_LIMIT);
  // One more than is shown says whether there is more.
  const found = context.captures.list(actor, {
    ...ALL_CAPTURES,
    environment: options.env ?? null,
    statuses: options.status ?? null,
    limit: limit === null ? null : limit + 1,
  });
  const shown = limit === null ? found : found.slice(0, limit);
  await context.print(captureNoun, shown);
  if (shown.length < found.length) {
    await context.note(`These are the newest ${shown.length}; for more: --limit N or --all`);
  }
  return 0;
}

export const command = loaded(registerList, runList);
