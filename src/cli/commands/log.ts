import { count } from '../input/arguments.ts';
import { defineCommand } from './command.ts';
import type { Context } from '../runtime/context.ts';
import { AppError } from '../../core/errors.ts';
import { callNoun } from '../render/calls.ts';
import type { Noun } from '../render/column.ts';
import { auditNoun } from '../render/audit.ts';
import { readPastTime } from '../input/typed-times.ts';

const DEFAULT_LIMIT = 50;

interface Options {
  readonly capture?: string;
  readonly env?: string;
  readonly since?: string;
  readonly limit?: number;
  readonly all?: boolean;
  readonly calls?: boolean;
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
      .option('--all', 'all of them')
      .option(
        '--calls',
        'what was asked of a server of this store instead (captures daemon --listen)',
      ),
  help: `Shows who changed what, when, from where and why, newest first: in your environments, and what you did
elsewhere. An administrator of the store also sees users, tokens and deleted environments. What the
program did by itself is listed under "daemon" and "captures". --calls shows every request to a server
instead, refused ones too: your own, or everybody's to an administrator of the store. They are kept for
30 days, the newest 200,000 of them.

Examples:
  captures log friday
  captures log --env shop --since yesterday
  captures log --all --json
  captures log --calls --since yesterday

JSON fields: ${auditNoun.fields.join(', ')}; with --calls: ${callNoun.fields.join(', ')}`,
  prints: null,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  context.checkFields(options.calls === true ? callNoun : auditNoun);
  const actor = await context.actor();
  const most = options.all === true ? null : (options.limit ?? DEFAULT_LIMIT);
  const since = await readPastTime(context, 'since', options.since);
  // One more than is shown tells whether there are more.
  const limit = most === null ? null : most + 1;
  const { audit } = context.api;
  if (options.calls === true) {
    if (options.capture !== undefined || options.env !== undefined) {
      throw new AppError('invalid', '--calls shows those of every environment', {
        hint: 'Leave out the capture and --env.',
      });
    }
    await show(context, callNoun, await audit.listCalls(actor, { since, limit }), most);
    return;
  }
  const { capture = null, env: environment = null } = options;
  const found = await audit.list(actor, { capture, environment, since, limit });
  await show(context, auditNoun, found, most);
}

async function show<Row>(
  context: Context,
  noun: Noun<Row>,
  found: readonly Row[],
  most: number | null,
): Promise<void> {
  const shown = most === null ? found : found.slice(0, most);
  await context.print(noun, shown);
  if (shown.length < found.length) {
    await context.note(`These are the newest ${shown.length}; for more: --limit N or --all`);
  }
}
