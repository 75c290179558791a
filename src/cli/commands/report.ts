import { DIMENSIONS, SORT_KEYS, type Dimension, type Report } from '../../core/reports/report.ts';
import type { ReportInRows, ReportRequest, SortKey } from '../../core/reports/report.ts';
import type { TallyProgress } from '../../core/reports/tally.ts';
import { REPLAY_SORT_KEYS, type ReplaySortKey } from '../../core/replays/replay-row-order.ts';
import { AppError } from '../../core/errors.ts';
import { resultOf, type Progress } from '../../core/progress.ts';
import { counted as amount, formatBytes, formatCount } from '../../core/units.ts';
import { CAPTURE, count } from '../input/arguments.ts';
import { choice, contradiction } from '../input/choices.ts';
import { parseDuration } from '../input/durations.ts';
import { readPastTime } from '../input/typed-times.ts';
import { LateProgress } from '../output/late-progress.ts';
import { terminalView } from '../output/terminal-view.ts';
import { reportNoun, reportRowNoun } from '../render/report/report-noun.ts';
import { replayNoun, replayRowNoun } from '../render/replay/replay-noun.ts';
import type { ReportView } from '../render/report/report-view.ts';
import type { Context } from '../runtime/context.ts';
import { defineCommand } from './command.ts';

const ON_A_TERMINAL = 20;
const WATCH_INTERVAL_MS = 2_000;
const SHORTEST_INTERVAL_MS = 1_000;

/** Those of captures, and those that replays alone have. */
const ALL_SORT_KEYS = [...new Set([...SORT_KEYS, ...REPLAY_SORT_KEYS])];

interface Options {
  readonly capture: string;
  readonly by?: Dimension;
  readonly sort?: SortKey | ReplaySortKey;
  readonly limit?: number;
  readonly since?: string;
  readonly until?: string;
  readonly digest?: string;
  readonly watch?: boolean;
  /** Milliseconds. */
  readonly interval?: number;
  readonly ascii?: boolean;
  readonly html?: string;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command
      .argument(...CAPTURE)
      .option('--by <dimension>', DIMENSIONS.join(', '), choice(DIMENSIONS, '--by'))
      .option('--sort <key>', SORT_KEYS.join(', '), choice(ALL_SORT_KEYS, '--sort'))
      .option(
        '--limit <n>',
        `at most this many rows (default: what fits a terminal, else all)`,
        count('--limit'),
      )
      .option('--since <when>', 'only statements from then on')
      .option('--until <when>', 'only statements before then')
      .option('--digest <digest>', 'one digest in full, by the beginning of its id')
      .option('--watch', 'redraw while the capture runs: keys sort, q quits')
      .option(
        '--interval <duration>',
        'time between two looks of --watch (default: 2s)',
        parseDuration,
      )
      .option('--ascii', 'draw with ASCII characters only')
      .option('--html <file>', 'write a page of HTML; - for stdout'),
  help: `Shows what a capture recorded: how true and how complete the record is, the rate over time, and the
statements put together by their digest (the statement without its values) or by table, user, host,
database, class or session. Of a RUNNING capture, those committed so far.

A terminal gets this as a screen, a pipe or file as TSV with a line for each row. To page through the
screen, or to have it through ssh: captures report friday -o table | less

Rows are sorted by total time where the server measured it for most statements, else by count. Times
come from the server's performance_schema; averages and rows examined are per execution.

--html writes one page with charts, the first 500 digests, tables, users, hosts, sessions and metrics. It
loads nothing from anywhere and can be mailed. The file is readable to you alone; a page that is there is
replaced, any other file is not.

Of a replay (captures replay) it shows what became of every record, latencies and lateness, and the digests
with their errors, latencies and rows; --digest draws how the latencies of one are distributed. Sorted by
${REPLAY_SORT_KEYS.join(', ')}.

Examples:
  captures report friday
  captures report friday --by table
  captures report friday --sort average --limit 50
  captures report friday --since 02:00 --until 02:15
  captures report friday --digest 3f2a
  captures report friday --watch
  captures report friday --html friday.html
  captures report friday --json > friday.json
  captures report friday -o tsv --fields name,count,text
  captures report friday -o table --limit 100 | less

JSON fields: ${reportNoun.fields.join(', ')}.
Fields of a row (CSV, TSV): ${reportRowNoun.fields.join(', ')}.`,
  prints: null,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  await context.world.saveMemory();
  const isData = !context.wantsReport || context.outputMode !== 'table';
  checkFieldsOfAny(context);
  if (options.digest !== undefined && options.by !== undefined && options.by !== 'digest') {
    throw contradiction('--digest', `--by ${options.by}`);
  }
  const actor = await context.actor();
  const capture = await context.api.captures.get(actor, options.capture);
  if (capture.type === 'REPLAY') {
    const { reportReplay } = await import('../output/replayed-report.ts');
    return reportReplay(context, actor, capture, options);
  }
  checkFields(context);
  if (options.watch === true) return watch(options, context);
  if (options.interval !== undefined) {
    throw new AppError('invalid', '--interval is for --watch');
  }
  if (options.html !== undefined) return writePage(options, options.html, context);
  const request = await requestOf(options, isData, context);
  const { reports } = context.api;
  if (isData) {
    return printData(
      await load(reports.reportInRows(actor, options.capture, request), context),
      context,
    );
  }
  const report = await load(reports.report(actor, options.capture, request), context);
  const view = await terminalView(context, options.ascii);
  const { stdout } = context.world;
  await stdout.write(
    await drawn(report, options, request, view, stdout.isTTY ? (stdout.rows ?? null) : null),
  );
}

/** Data is printed as well where it is asked for. */
async function writePage(options: Options, file: string, context: Context): Promise<void> {
  const { htmlTarget, ROWS_OF_A_PAGE } = await import('../output/html-file.ts');
  const html = await import('../output/report-html.ts');
  // Before anything is counted.
  const target = await htmlTarget(context, file);
  const request = {
    ...(await requestOf(options, true, context)),
    limit: options.limit ?? ROWS_OF_A_PAGE,
  };
  const pages = html.reportsForPage(context.api, await context.actor(), options.capture, request);
  const page = await load(pages, context);
  await html.writeReportHtml(context, target, page);
  if (context.options.dataFlags.length > 0) await printData(page.report, context);
}

/** Before it is known whether it is a replay. @throws AppError `invalid`. */
function checkFieldsOfAny(context: Context): void {
  try {
    checkFields(context);
  } catch (error) {
    const { fields } = context.options;
    const known = [...replayNoun.fields, ...replayRowNoun.fields];
    const isOfReplay = fields?.every((field) =>
      known.some((one) => one === field || one.startsWith(`${field}.`)),
    );
    if (isOfReplay !== true) throw error;
  }
}

/** @throws AppError `invalid`. */
function checkFields(context: Context): void {
  const isOneObject = context.outputMode === 'json' || context.outputMode === 'yaml';
  context.checkFields(isOneObject ? reportNoun : reportRowNoun);
}

async function watch(options: Options, context: Context): Promise<void> {
  const interval = options.interval ?? WATCH_INTERVAL_MS;
  if (interval < SHORTEST_INTERVAL_MS) throw new AppError('invalid', '--interval is at least 1 s');
  if (options.digest !== undefined) throw contradiction('--digest', '--watch');
  if (options.until !== undefined) throw contradiction('--until', '--watch');
  if (options.html !== undefined) throw contradiction('--html', '--watch');
  if (!context.isJson) {
    context.refuseDataOptions('It draws a screen; for an object a line add --json', [
      '--output table',
    ]);
  }
  const { watchReport } = await import('../output/report-watch.ts');
  return watchReport(context, {
    capture: options.capture,
    request: await requestOf(options, true, context),
    interval,
    viewOf: () => terminalView(context, options.ascii),
    progressText,
  });
}

async function requestOf(
  options: Options,
  isData: boolean,
  context: Context,
): Promise<ReportRequest> {
  const since = await readPastTime(context, 'since', options.since);
  const until = await readPastTime(context, 'until', options.until);
  if (since !== null && until !== null && since > until) {
    throw new AppError('invalid', '--since is later than --until');
  }
  return {
    by: options.by ?? 'digest',
    sort: sortKeyOf(options.sort),
    limit: options.limit ?? (isData ? null : ON_A_TERMINAL),
    since,
    until,
    digest: options.digest ?? null,
  };
}

/** @throws AppError `invalid` for one that only replays have. */
function sortKeyOf(sort: Options['sort']): SortKey | null {
  if (sort === undefined) return null;
  const found = SORT_KEYS.find((key) => key === sort);
  if (found !== undefined) return found;
  throw new AppError('invalid', `Only the report of a replay is sorted by ${sort}`, {
    hint: `Choose from: ${SORT_KEYS.join(', ')}`,
  });
}

async function load<Result>(
  counted: Progress<TallyProgress, Result>,
  context: Context,
): Promise<Result> {
  const { interrupted } = context.world.signals;
  const progress = new LateProgress(context);
  return resultOf(counted, (event) => {
    interrupted.throwIfAborted();
    progress.show(progressText(event));
  }).finally(() => progress.clear());
}

export function progressText({ bytes, of }: TallyProgress): string {
  const share = of === 0 ? '' : ` (${Math.floor((100 * bytes) / of)} %)`;
  return `counted ${formatBytes(bytes)} of ${formatBytes(of)}${share}`;
}

async function printData(report: ReportInRows, context: Context): Promise<void> {
  const mode = context.outputMode;
  const { fields } = context.options;
  const isObject = mode === 'json' || mode === 'yaml';
  if (!isObject || fields?.includes('verdict') === false) await warnOfMissing(report, context);
  if (mode === 'yaml' || (mode === 'json' && fields !== null)) {
    return context.printOne(reportNoun, { ...report, rows: Array.from(report.rows) });
  }
  if (mode !== 'json') {
    await context.print(reportRowNoun, report.rows);
    // A header alone does not say whether something went wrong.
    if (report.statements === 0) await context.note('No statement was recorded in this time.');
    return;
  }
  const { reportJson } = await import('../render/report/report-noun.ts');
  await context.printPieces(reportJson(report));
}

/** For data that does not have the verdict in it. */
async function warnOfMissing(report: ReportInRows, context: Context): Promise<void> {
  const { verdict, coverage, unlisted, by } = report;
  const { read, committed } = coverage.records;
  // One that is still being recorded is whole so far.
  if (verdict.verdict === 'damaged' || verdict.verdict === 'not_whole') {
    await context.warn(`The record is not complete: ${verdict.line}`);
  }
  if (read < committed) {
    const records = amount(committed, 'record');
    await context.warn(`${formatCount(read)} of ${records} could be read: the rows are of those`);
  }
  if (unlisted !== null) {
    const { unlistedWarning } = await import('../render/report/report-unlisted.ts');
    await context.warn(unlistedWarning(unlisted.count, by));
  }
}

async function drawn(
  report: Report,
  options: Options,
  request: ReportRequest,
  view: ReportView,
  height: number | null,
): Promise<string> {
  if (options.digest === undefined) {
    const { renderReport } = await import('../render/report/report-screen.ts');
    return renderReport(report, view, options.limit === undefined ? height : null, request);
  }
  const { renderDigest } = await import('../render/report/report-detail.ts');
  return report.rows.map((row) => renderDigest(row, report, view, request)).join('\n');
}
