import { ALL_CAPTURES, type CaptureListRequest } from '../../core/captures/capture-list.ts';
import type { CaptureStatus, CaptureType } from '../../core/captures/capture.ts';
import { AppError } from '../../core/errors.ts';
import type { CaptureOrder, ListedCapture } from '../../core/store.ts';
import { count, parseOrder, parseStatuses, parseType, type ListOrder } from '../input/arguments.ts';
import { contradiction } from '../input/choices.ts';
import { defineCommand } from './command.ts';
import type { Context } from '../runtime/context.ts';
import { captureNoun, listNounOf } from '../render/captures.ts';
import { readPastTime } from '../input/typed-times.ts';

interface Options {
  readonly env?: string;
  readonly status?: CaptureStatus[];
  readonly type?: CaptureType;
  readonly owner?: string;
  readonly name?: string;
  readonly since?: string;
  readonly until?: string;
  readonly sort?: ListOrder;
  readonly reverse?: boolean;
  readonly limit?: number;
  readonly all?: boolean;
  readonly watch?: boolean;
}

const DEFAULT_LIMIT = 30;
const DEFAULT_ORDER: ListOrder = { order: 'created', isReversed: false };

export const command = defineCommand<Options>({
  declare: (command) =>
    command
      .option('--env <environment>', 'only captures of this environment (id or name)')
      .option(
        '--status <statuses>',
        'only captures with one of these statuses: RUNNING,DONE',
        parseStatuses,
      )
      .option('--type <type>', 'only captures, or only replays: capture or replay', parseType)
      .option('--owner <user>', 'only captures of this user; me: your own')
      .option('--name <glob>', 'only names that match; * is any text, ? any character')
      .option('--since <when>', 'only captures that end after this')
      .option('--until <when>', 'only captures that start before this')
      .option('--sort <field>', 'created, name, start or end; -name reverses', parseOrder)
      .addOption(command.createOption('--reverse', 'reverse the order').hideHelp())
      .option('--limit <n>', `at most this many (default: ${DEFAULT_LIMIT})`, count('--limit'))
      .option('--all', 'all of them')
      .option('--watch', 'refresh until Ctrl-C'),
  help: `Lists the captures of the environments you are a member of, newest first. --sort name sorts from A to Z, --sort start and end from the latest. --since and --until select captures whose window overlaps that time; a capture that has not started counts by its schedule.

Examples:
  captures list
  captures list --env shop --status RUNNING,STOPPING
  captures list --owner me --name "nightly*" --since "yesterday" --sort -start
  captures list --type replay
  captures list --all --json --fields id,name,status
  captures list --status RUNNING --watch

Replays (captures replay) are in it, too: a column then says which of the two each is.

JSON fields: ${captureNoun.fields.join(', ')}`,
  prints: null,
  run,
});

async function run(options: Options, context: Context): Promise<number> {
  const actor = await context.asker();
  const { captures } = context.api;
  if (options.all === true && options.limit !== undefined) {
    throw contradiction('--all', '--limit');
  }
  const request = await requestOf(options, context);
  if (options.all === true && options.watch !== true) {
    const all = captures.walk(actor, request);
    if (context.outputMode !== 'table') {
      await context.print(captureNoun, all);
      return 0;
    }
    const rows: ListedCapture[] = [];
    for await (const capture of all) rows.push(capture);
    await context.print(listNounOf(rows, request, context.options.fields), rows);
    return 0;
  }
  const limit = options.limit ?? DEFAULT_LIMIT;
  if (options.watch === true) {
    if (!context.isJson && !context.world.stdout.isTTY) {
      context.refuseDataOptions('It prints a line a change here; for data add --json');
    }
    const { watchList } = await import('../output/list-watch.ts');
    const load = (most: number) => captures.list(actor, { ...request, limit: most });
    return watchList(context, load, limit, request);
  }
  // One more than is shown tells whether there are more.
  const found = await captures.list(actor, { ...request, limit: limit + 1 });
  await context.print(listNounOf(found, request, context.options.fields), found.slice(0, limit));
  if (found.length > limit) {
    const which = options.sort === undefined && options.reverse !== true ? 'newest' : 'first';
    await context.note(`These are the ${which} ${limit}; for more: --limit N or --all`);
  }
  return 0;
}

async function requestOf(options: Options, context: Context): Promise<CaptureListRequest> {
  const since = await readPastTime(context, 'since', options.since);
  const until = await readPastTime(context, 'until', options.until);
  if (since !== null && until !== null && since > until) {
    throw new AppError('invalid', '--since is later than --until');
  }
  const { order, isReversed } = options.sort ?? DEFAULT_ORDER;
  return {
    ...ALL_CAPTURES,
    environment: options.env ?? null,
    owner: options.owner ?? null,
    statuses: options.status ?? null,
    type: options.type ?? null,
    name: options.name ?? null,
    since,
    until,
    order,
    descending: isDescendingByNature(order) !== (isReversed !== (options.reverse === true)),
  };
}

/** Names sort from A to Z, times from the latest. */
function isDescendingByNature(order: CaptureOrder): boolean {
  return order !== 'name';
}
