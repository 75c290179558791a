import { resultOf } from '../../core/progress.ts';
import { STATEMENT_KINDS } from '../../core/workloads/statements.ts';
import { CAPTURE, count } from '../input/arguments.ts';
import { choice } from '../input/choices.ts';
import { defineCommand } from './command.ts';
import type { Context } from '../runtime/context.ts';
import { escapeJson, escapeLines } from '../render/escape.ts';
import { formatCount } from '../../core/units.ts';

const FORMATS = ['ndjson', 'sql'] as const;

interface Options {
  readonly capture: string;
  readonly format?: (typeof FORMATS)[number];
  readonly limit?: number;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command
      .argument(...CAPTURE)
      .option(
        '--format <format>',
        `${FORMATS.join(' or ')} (default: ndjson)`,
        choice(FORMATS, '--format'),
      )
      .option('--limit <n>', 'only this many statements from the start', count('--limit')),
  help: `Prints the statements in the order the server received them; of a RUNNING capture, those committed so
far. Files and pipes get the text as it was recorded; on a terminal, control characters are escaped.
SQL is safe to feed to a client: statements that cannot be run again are comments.

Examples:
  captures workload friday | jq -r .sql
  captures workload friday --format sql > friday.sql

Fields of a line: seq, time, session, user, host, db, kind, sql, bytes, flags.
Kinds: ${STATEMENT_KINDS.join(', ')}.`,
  prints: { instead: 'It prints statements: choose --format ndjson or --format sql' },
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  const { workloads } = context.api;
  const { stdout } = context.world;
  const { capture, format = 'ndjson', limit = null } = options;
  if (format === 'ndjson') {
    const decoder = new TextDecoder();
    for await (const chunk of workloads.read(actor, capture, { limit })) {
      const data = stdout.isTTY ? escapeJson(decoder.decode(chunk, { stream: true })) : chunk;
      await stdout.write(data);
    }
    return;
  }
  const notRun = await resultOf(workloads.readSql(actor, capture, { limit }), (text) =>
    stdout.write(stdout.isTTY ? escapeLines(Buffer.from(text).toString()) : text),
  );
  for (const { reason, count: many } of notRun) {
    const statements = many === 1 ? 'statement is a comment' : 'statements are comments';
    await context.note(`${formatCount(many)} ${statements} and will not run: ${reason}`);
  }
}
