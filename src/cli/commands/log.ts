import { count } from '../input/arguments.ts';
import { defineCommand } from './command.ts';
import type { Context } from '../runtime/context.ts';
import { auditNoun } from '../render/audit.ts';
import { readPastTime } from '../input/typed-times.ts';

const DEFAULT_LIMIT = 50;

interface Options {
  readonly capture?: string;
  readonly env?: string;
  readonly since?: string;
  readonly limit?: number;
  readonly all?: boolean;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command
      .argument(
        '[capture]',
        'only its changes: id (also of a deleted one), name, or environment/name',
      )
      .option('--env <environment>', 'only changes in this environment (id or name)')
      .option('--since <when>', 'only changes after this')
      .option('--limit <n>', `at most this many (default: ${DEFAULT_LIMIT})`, count('--limit'))
      .option('--all', 'all of them'),
  help: `Shows who changed what, when, from where and why, newest first: in your environments, and what you did
elsewhere. An administrator of the store also sees users, tokens and deleted environments. What the
program did by itself is listed under "daemon" and "captures".

Examples:
  captures log friday
  captures log --env shop --since yesterday
  captures log --all --json`,
  prints: auditNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  const limit = options.all === true ? null : (options.limit ?? DEFAULT_LIMIT);
  // One more than is shown tells whether there are more.
  const found = await context.api.audit.list(actor, {
    capture: options.capture ?? null,
    environment: options.env ?? null,
    since: await readPastTime(context, 'since', options.since),
    limit: limit === null ? null : limit + 1,
  });
  const shown = limit === null ? found : found.slice(0, limit);
  await context.print(auditNoun, shown);
  if (shown.length < found.length) {
    await context.note(`These are the newest ${shown.length}; for more: --limit N or --all`);
  }
}
