import { shellQuoted } from '../render/shell-quoting.ts';
import { AppError } from '../../core/errors.ts';
import type { MetricReport, MetricRequest } from '../../core/metrics/metric-service.ts';
import { parseStatistic, STATISTICS } from '../../core/metrics/metric-source.ts';
import { choice, offering, contradiction } from '../input/choices.ts';
import { defineCommand } from './command.ts';
import type { Context } from '../runtime/context.ts';
import { parseDuration } from '../input/durations.ts';
import type { OutputMode } from '../input/global-options.ts';
import {
  metricNoun,
  metricPointNoun,
  pointRows,
  type MetricData,
} from '../render/charts/metric-data.ts';
import type { MetricView } from '../render/charts/metrics-overview.ts';
import { readPastTime } from '../input/typed-times.ts';
import { terminalView } from '../output/terminal-view.ts';

const SOURCES = ['cloudwatch', 'server'] as const;
const ORIGINS = { cloudwatch: 'provider', server: 'server' } as const;

interface Options {
  readonly capture?: string;
  readonly metric?: readonly string[];
  /** Full charts of everything. */
  readonly all?: boolean;
  readonly stat?: string;
  /** Milliseconds. */
  readonly period?: number;
  readonly source?: (typeof SOURCES)[number];
  readonly from?: string;
  readonly to?: string;
  /** Milliseconds; undefined for the usual margin of charts. */
  readonly margin?: number;
  readonly compare?: string;
  readonly watch?: boolean;
  readonly refresh?: boolean;
  readonly ascii?: boolean;
  readonly csv?: boolean;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command
      .usage('CAPTURE [options]')
      .argument('[capture]', 'id, name, or environment/name')
      .option('--metric <metric...>', 'full charts of these, by label or type')
      .option('--all', 'full charts of everything')
      .option(
        '--stat <statistic>',
        `${STATISTICS.join(', ')} or a percentile (p95)`,
        offering(STATISTICS, (text: string) => parseStatistic(text)),
      )
      .option('--period <duration>', 'length of one data point', parseDuration)
      .option('--source <source>', `only ${SOURCES.join(' or ')}`, choice(SOURCES, '--source'))
      .option('--from <when>', "start here instead of at the capture's start")
      .option('--to <when>', "end here instead of at the capture's end")
      .option(
        '--margin <duration>',
        'time shown before and after the capture (default: 15m for CloudWatch)',
        parseDuration,
      )
      .option('--compare <capture>', 'compare with another capture, both counted from their start')
      .option('--watch', 'redraw while the capture runs')
      .option('--refresh', 'ask CloudWatch again instead of using kept points')
      .option('--ascii', 'draw with ASCII characters only')
      .addOption(command.createOption('--csv', 'the same as --output csv').hideHelp()),
  help: `Shows what the server did: the recorded workload, CloudWatch's metrics of the RDS instance, and the
server's own counters (sampled every 5 s while statements are recorded). CloudWatch's points are kept
in the store once the capture is over. Data (JSON, CSV, TSV) covers exactly the capture's window.

Examples:
  captures metrics friday
  captures metrics friday --metric CPUUtilization ReadIOPS
  captures metrics friday --compare saturday
  captures metrics friday -o csv > friday.csv
  captures metrics friday --json | jq '.[].label'

JSON fields: ${metricNoun.fields.join(', ')}; of a data point: Timestamp, Maximum, Unit, Average …
CSV fields: ${metricPointNoun(['Average']).fields.join(', ')} …`,
  prints: null,
  run,
});

/** The options, with the capture and the names of the metrics one by one. */
type Asked = Options & { readonly capture: string; readonly metric: readonly string[] };

/** `--metric A B CAPTURE`: an option with several values takes the capture for one of them. */
function withCapture(options: Options): Asked {
  const names = [...(options.metric ?? [])];
  const found = options.capture ?? (names.length > 1 ? names.pop() : undefined);
  if (found === undefined) {
    throw new AppError('invalid', 'Say which capture: its id, its name, or environment/name', {
      hint: 'To see captures: captures list',
    });
  }
  const metric = names.flatMap((name) => name.split(',')).filter((name) => name.trim() !== '');
  return { ...options, metric, capture: found };
}

async function run(typed: Options, context: Context): Promise<void> {
  const options = withCapture(typed);
  const mode = modeOf(options, context);
  const isDrawn = mode === 'table';
  if (isDrawn) {
    context.refuseDataOptions(
      'It draws charts. For data add -o csv, tsv, json or yaml; to choose charts: --metric NAME',
      ['--output table'],
    );
  }
  if (options.watch === true && !(isDrawn && context.world.stdout.isTTY)) {
    throw new AppError('invalid', '--watch needs a terminal', {
      hint: `Run it again when you need to: captures metrics ${shellQuoted(options.capture)} --json`,
    });
  }
  if (options.compare !== undefined && !isDrawn) {
    throw new AppError('invalid', '--compare draws charts, not data', {
      hint: 'For data run captures metrics once for each capture.',
    });
  }
  if (options.watch === true && options.compare !== undefined) {
    throw contradiction('--watch', '--compare');
  }
  const request = await requestOf(options, isDrawn, context);
  const actor = await context.actor();
  const load = (capture: string): Promise<MetricReport> =>
    context.api.metrics.report(actor, capture, request);
  if (options.watch === true) {
    const { watchMetrics } = await import('../output/metrics-watch.ts');
    await watchMetrics(
      context,
      () => load(options.capture),
      (report) => drawOne(report, options, context),
    );
    return;
  }
  const report = await load(options.capture);
  if (!isDrawn) await printData(report, mode, context);
  else if (options.compare === undefined) {
    await context.world.stdout.write(await drawOne(report, options, context));
  } else {
    const other = await load(options.compare);
    await context.world.stdout.write(await drawBoth(report, other, options, context));
    for (const warning of other.warnings) await context.warn(warning);
  }
  for (const warning of report.warnings) await context.warn(warning);
}

async function requestOf(
  options: Asked,
  isDrawn: boolean,
  context: Context,
): Promise<MetricRequest> {
  if (options.margin !== undefined && options.margin < 0) {
    throw new AppError('invalid', '--margin cannot be negative');
  }
  if (options.period !== undefined && options.period < 1_000) {
    throw new AppError('invalid', '--period is at least 1 s');
  }
  const usual = isDrawn || options.metric.length > 0;
  return {
    // The reference API's data is the server's; the workload's rate only comes when it is asked for.
    origins:
      options.source !== undefined
        ? [ORIGINS[options.source]]
        : usual
          ? null
          : Object.values(ORIGINS),
    names: options.metric,
    statistic: options.stat ?? null,
    period: options.period ?? null,
    from: await readPastTime(context, 'from', options.from),
    to: await readPastTime(context, 'to', options.to),
    margin: isDrawn ? (options.margin ?? null) : 0,
    refresh: options.refresh === true,
  };
}

/** @throws AppError `invalid` when two modes are asked for. */
function modeOf(options: Options, context: Context): OutputMode {
  if (options.csv !== true) return context.outputMode;
  const { output } = context.options;
  if (output === null || output === 'csv') return 'csv';
  throw contradiction('--csv', `--output ${output}`);
}

async function printData(report: MetricReport, mode: OutputMode, context: Context): Promise<void> {
  const data: MetricData[] = report.series.map((series) => ({ series, window: report.window }));
  if (mode !== 'csv' && mode !== 'tsv') return context.print(metricNoun, data, mode);
  const statistics = report.series.flatMap(({ tracks }) => tracks.map((track) => track.statistic));
  const others = new Set(['Average', ...statistics]);
  others.delete('Maximum');
  return context.print(metricPointNoun([...others]), pointRows(data), mode);
}

async function drawOne(report: MetricReport, options: Asked, context: Context): Promise<string> {
  const view = await viewOf(options, context);
  if (isChart(options)) {
    const { renderCharts } = await import('../render/charts/metrics-charts.ts');
    return renderCharts(report, view);
  }
  const { renderOverview } = await import('../render/charts/metrics-overview.ts');
  return renderOverview(report, view);
}

async function drawBoth(
  report: MetricReport,
  other: MetricReport,
  options: Asked,
  context: Context,
): Promise<string> {
  const view = await viewOf(options, context);
  const { renderComparedCharts, renderComparison } =
    await import('../render/charts/metrics-compare.ts');
  return (isChart(options) ? renderComparedCharts : renderComparison)(report, other, view);
}

function isChart(options: Asked): boolean {
  return options.all === true || options.metric.length > 0;
}

async function viewOf({ ascii, stat }: Asked, context: Context): Promise<MetricView> {
  return { ...(await terminalView(context, ascii)), statistic: stat ?? null };
}
