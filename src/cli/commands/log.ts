import type { Command } from 'commander';
import { parseCount } from '../input/arguments.ts';
import { loaded } from '../command.ts';
import type { Context } from '../runtime/context.ts';
import { auditNoun } from '../render/audit.ts';
import { readTime } from '../input/typed-times.ts';

const DEFAULT_LIMIT = 50;

export interface LogOptions {
  readonly capture?: string;
  readonly env?: string;
  readonly since?: string;
  readonly limit?: number;
  readonly all?: boolean;
}

export function registerLog(command: Command, run: (options: LogOptions) => Promise<void>): void {
  command
    .argument(
      '[capture]',
      'only its changes: id (also of a deleted one), name, or environment/name',
    )
    .option('--env <environment>', 'only changes in this environment (id or name)')
    .option('--since <when>', 'only changes after this')
    .option('--limit <n>', `at most this many (default: ${DEFAULT_LIMIT})`, (text) =>
      parseCount(text, '--limit'),
    )
    .option('--all', 'all of them')
    .addHelpText(
      'after',
      `
Shows who changed what, when, from where and why, newest first: in your environments, and what you did
yourself. An administrator of the store also sees users, tokens and deleted environments. What captures
did by itself is listed under "daemon" and "captures".

Examples:
  captures log friday
  captures log --env shop --since yesterday
  captures log --all --json

JSON fields: ${auditNoun.fields.join(', ')}`,
    )
    .action((capture: string | undefined, options: Omit<LogOptions, 'capture'>) =>
      run({ ...options, ...(capture === undefined ? {} : { capture }) }),
    );
}

export async function runLog(options: LogOptions, context: Context): Promise<number> {
  const actor = await context.actor();
  const limit = options.all === true ? null : (options.limit ?? DEFAULT_LIMIT);
  // One more than is shown says whether there is more.
  const found = await context.api.audit.list(actor, {
    capture: options.capture ?? null,
    environment: options.env ?? null,
    since: await readTime(context, 'since', options.since),
    limit: limit === null ? null : limit + 1,
  });
  const shown = limit === null ? found : found.slice(0, limit);
  await context.print(auditNoun, shown);
  if (shown.length < found.length) {
    await context.note(`These are the newest ${shown.length}; for more: --limit N or --all`);
  }
  return 0;
}

export const command = loaded(registerLog, runLog);
