import { resultOf } from '../../core/progress.ts';
import { formatCount } from '../../core/units.ts';
import type { FollowEvent } from '../../core/workloads/committed-spans.ts';
import { isEveryStatement } from '../../core/workloads/statement-search.ts';
import { STATEMENT_KINDS } from '../../core/workloads/statements.ts';
import type { StatementRequest } from '../../core/workloads/workload-service.ts';
import { CAPTURE, count } from '../input/arguments.ts';
import { choice, contradiction } from '../input/choices.ts';
import {
  mistakesIn,
  registerSearchOptions,
  searchOf,
  type TypedSearch,
} from '../input/statement-search-options.ts';
import { escapeJson, escapeLines } from '../../display/escape.ts';
import { fullName } from '../render/full-name.ts';
import { statementNoun } from '../render/recorded-statements.ts';
import type { StatementMode } from '../output/statement-output.ts';
import type { Context } from '../runtime/context.ts';
import { defineCommand } from './command.ts';

const FORMATS = ['ndjson', 'sql'] as const;
const NEWLINE = 10;

interface Options extends TypedSearch {
  readonly capture: string;
  readonly format?: (typeof FORMATS)[number];
  readonly limit?: number;
  readonly follow?: boolean;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    registerSearchOptions(command.argument(...CAPTURE))
      .option(
        '--format <format>',
        `${FORMATS.join(' or ')} (default: ndjson)`,
        choice(FORMATS, '--format'),
      )
      .option('--limit <n>', 'only the first n that match', count('--limit'))
      .option('--follow', 'go on with what comes, until the capture is over or Ctrl-C'),
  help: `Prints the statements in the order the server received them, an object a line (NDJSON); of a RUNNING
capture, those committed so far. -o has other forms: json is an array, table cuts long statements. Files and
pipes get the text as it was recorded; on a terminal, control characters are escaped. SQL is safe to feed to a
client: statements that cannot be run again are comments.

--grep searches for text, not for a regular expression: such an expression can take for ever on a
statement that somebody chose. For one, pipe the lines to grep -P or rg. --user matches by case,
--host, --db and --table do not. --digest and --table find queries and executes, as captures report
counts them; an EXECUTE by the row behind it, which has the statement and its values.

Examples:
  captures workload friday | jq -r .sql
  captures workload friday --grep "for update" --since "today 14:00"
  captures workload friday --table orders -o csv --fields time,user,sql
  captures workload friday --user "app*" --digest 3f9a1c --limit 3
  captures workload friday --follow --since now -o table
  captures workload friday --format sql > friday.sql

Kinds: ${STATEMENT_KINDS.join(', ')}.
bytes (base64 of text that is not UTF-8) and flags are there only where they apply.`,
  prints: statementNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const mode = modeOf(options, context);
  const actor = await context.actor();
  const request: StatementRequest = {
    search: await searchOf(options, context),
    limit: options.limit ?? null,
    after: null,
    follow:
      options.follow === true
        ? { signal: context.world.signals.interrupted, tell: tellOf(context) }
        : null,
  };
  const { workloads } = context.api;
  const { capture } = options;
  if (mode === 'sql') {
    await printSql(workloads.readSql(actor, capture, request), context);
    return;
  }
  let isFound: boolean;
  if (mode === 'ndjson' && context.options.fields === null) {
    isFound = await printLines(workloads.read(actor, capture, request), context);
  } else {
    const { printStatements } = await import('../output/statement-output.ts');
    const records = workloads.records(actor, capture, request);
    isFound = (await printStatements(records, mode, context)) > 0;
  }
  if (!isFound && !isEveryStatement(request.search)) {
    // A table says by itself that it has none.
    const none = mode === 'table' ? [] : ['No statement matches.'];
    const notes = [...none, ...mistakesIn(request.search)];
    if (notes.length > 0) await context.note(notes.join(' '));
  }
}

/** @throws AppError `invalid` for forms that contradict one another, and options that do nothing. */
function modeOf({ format, follow }: Options, context: Context): StatementMode | 'sql' {
  const { output, dataFlags } = context.options;
  // A default of the environment is for commands that print a table or TSV: pipes rely on the lines.
  const asked = dataFlags.find((flag) => flag === '--json' || flag.startsWith('--output '));
  if (format !== undefined && asked !== undefined) {
    throw contradiction(`--format ${format}`, asked);
  }
  if (asked === undefined || output === null) {
    if (format === 'sql') context.refuseDataOptions('SQL has no fields and no header.');
    context.refuseDataOptions('It prints objects; for lines with a header: -o csv, tsv or table', [
      '--fields',
    ]);
    return format ?? 'ndjson';
  }
  // An array has to end.
  return output === 'json' && follow === true ? 'ndjson' : output;
}

/** @returns whether there was any. */
async function printLines(chunks: AsyncIterable<Uint8Array>, context: Context): Promise<boolean> {
  const { stdout, signals } = context.world;
  const decoder = new TextDecoder();
  let isFound = false;
  for await (const chunk of chunks) {
    const data = stdout.isTTY ? escapeJson(decoder.decode(chunk, { stream: true })) : chunk;
    await stdout.write(data);
    isFound = true;
    // A line of a long statement comes in several chunks: it is not left in its middle.
    if (chunk.at(-1) === NEWLINE) signals.interrupted.throwIfAborted();
  }
  return isFound;
}

async function printSql(
  sql: ReturnType<Context['api']['workloads']['readSql']>,
  context: Context,
): Promise<void> {
  const { stdout, signals } = context.world;
  const notRun = await resultOf(sql, async (text) => {
    await stdout.write(stdout.isTTY ? escapeLines(Buffer.from(text).toString()) : text);
    signals.interrupted.throwIfAborted();
  });
  for (const { reason, count: many } of notRun) {
    const statements = many === 1 ? 'statement is a comment' : 'statements are comments';
    await context.note(`${formatCount(many)} ${statements} and will not run: ${reason}`);
  }
}

function tellOf(context: Context): (event: FollowEvent) => Promise<void> {
  return async ({ type, capture }) => {
    const name = fullName(capture);
    switch (type) {
      case 'waits_for_start':
        return context.note(`${name} is ${capture.status}: waiting for its start.`);
      case 'daemon_left':
        return context.warn(
          context.server === null
            ? `No daemon records ${name} now. To continue it: captures daemon`
            : `No daemon records ${name} now. Who runs ${context.server.name} can continue it with: captures daemon`,
        );
      case 'daemon_returned':
        return context.note(`A daemon records ${name} again.`);
      case 'over':
        return capture.status === 'FAILED'
          ? context.warn(`${name} failed: ${capture.reason ?? 'reason unknown'}`)
          : context.note(`${name} is ${capture.status}.`);
    }
  };
}
