import { resolve } from 'node:path';
import { AppError } from '../../core/errors.ts';
import { formatBytes, formatCount } from '../../core/units.ts';
import {
  fileStem,
  STATEMENT_FORMATS,
  type StatementFormat,
} from '../../core/workloads/transfer.ts';
import { isEveryStatement } from '../../core/workloads/statement-search.ts';
import type { StatementsNotRun } from '../../core/workloads/workload-files.ts';
import { CAPTURE } from '../input/arguments.ts';
import { choice } from '../input/choices.ts';
import {
  registerSearchOptions,
  searchOf,
  type TypedSearch,
} from '../input/statement-search-options.ts';
import { fileIn, writeNewFile } from '../output/new-file.ts';
import { exportNoun } from '../render/exports.ts';
import { fullName } from '../render/full-name.ts';
import type { Context } from '../runtime/context.ts';
import { defineCommand } from './command.ts';

interface Options extends TypedSearch {
  readonly capture: string;
  readonly to?: string;
  readonly format?: StatementFormat;
  readonly force?: boolean;
}

/** What a file is called in a folder, behind the capture's name. */
const ENDINGS: Readonly<Record<StatementFormat, string>> = {
  ndjson: 'ndjson',
  sql: 'sql',
  csv: 'csv',
  'general-log': 'log',
  parquet: 'parquet',
};
const ARCHIVE_ENDING = 'captures.tar';

export const command = defineCommand<Options>({
  declare: (command) =>
    registerSearchOptions(command.argument(...CAPTURE))
      .option('--to <file>', 'the file to write, or the folder to write it in; - for stdout')
      .option(
        '--format <format>',
        `only the statements: ${STATEMENT_FORMATS.join(', ')}`,
        choice(STATEMENT_FORMATS, '--format'),
      )
      .option('--force', 'replace a file that is there'),
  help: `Writes a capture to one file. Without --format this is all of it, for captures import on this or another
machine: a tar with the manifest, the segments as they are, metrics, times, and SHA256SUMS for sha256sum -c.
The capture has to be over. Extracted, the folder can be checked with captures verify --folder, and
DuckDB and ClickHouse read its segments.

With --format it is the statements for another program; of a RUNNING capture, those committed so far:

  ndjson       a JSON object a line, as captures workload prints it
  sql          for a MySQL client; what cannot be run again is a comment
  csv          RFC 4180, with a header line
  general-log  a general log as MySQL writes it, for pt-query-digest and vt;
               executes of prepared statements are Query lines, because these
               programs pass over Execute lines
  parquet      for DuckDB, ClickHouse, Spark, pandas; compressed with zstd

The file is readable to you alone, and there whole or not at all. A file that is there is not replaced
(exit 6) unless --force says so. It holds whatever the statements hold: passwords are taken out of them
when they are recorded, other values only with create --redact literals.

Examples:
  captures export friday --to /backup
  captures export shop/friday --to friday.parquet --format parquet
  captures export friday --to app.csv --format csv --user "app*" --since 14:00
  captures export friday --to - | ssh db2 captures import - --env shop
  captures export friday --to friday.log --format general-log
  pt-query-digest --type genlog friday.log`,
  prints: exportNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const { capture: ref, to, format = null } = options;
  if (to === undefined) {
    throw new AppError('invalid', '--to is missing', {
      hint: 'For example: captures export friday --to . (a file, a folder, or - for stdout)',
    });
  }
  const { stdout } = context.world;
  if (to === '-') {
    context.refuseDataOptions('The export itself goes to stdout.');
    const isText = format !== null && format !== 'parquet';
    if (stdout.isTTY) {
      throw new AppError('invalid', 'An export is not for a terminal', {
        hint: isText
          ? 'To see the statements: captures workload. To keep them: --to FILE'
          : 'Name a file: --to FILE',
      });
    }
  }
  const search = await searchOf(options, context);
  if (format === null && !isEveryStatement(search)) {
    throw new AppError('invalid', 'Only some statements are exported with a --format', {
      hint: `Add one: ${STATEMENT_FORMATS.join(', ')}. The file for captures import holds all of them.`,
    });
  }
  const actor = await context.actor();
  const { transfers } = context.api;
  const capture = await transfers.exportable(actor, ref, format);
  const id = String(capture.id);
  let notRun: readonly StatementsNotRun[] = [];
  const statements = async function* (of: StatementFormat): AsyncGenerator<Uint8Array> {
    notRun = yield* transfers.statements(actor, id, of, { search });
  };
  const chunks = format === null ? transfers.archive(actor, id) : statements(format);
  if (to === '-') {
    for await (const chunk of chunks) await stdout.write(chunk);
  } else {
    const ending = format === null ? ARCHIVE_ENDING : ENDINGS[format];
    const path = resolve(context.world.cwd, to) + (/[/\\\\]$/.test(to) ? '/' : '');
    const file = await fileIn(path, `${fileStem(capture.name)}.${ending}`);
    const { world } = context;
    const bytes = await writeNewFile(file, chunks, { replaces: options.force === true, world });
    if (context.isDataAsked) {
      await context.printOne(exportNoun, { capture, file, format: format ?? 'archive', bytes });
    }
    await context.note(`Exported ${fullName(capture)} to ${file} (${formatBytes(bytes)})`);
  }
  for (const { reason, count } of notRun) {
    const are = count === 1 ? 'statement is a comment' : 'statements are comments';
    await context.note(`${formatCount(count)} ${are} and will not run: ${reason}`);
  }
}
