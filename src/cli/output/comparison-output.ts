import type { MetricReport } from '../../core/metrics/metric-service.ts';
import { meaningOf } from '../input/report-files.ts';
import type { Noun } from '../render/column.ts';
import type { DiffParts } from '../render/diff/diff-screen.ts';
import type { ReportView } from '../render/report/report-view.ts';
import type { Context } from '../runtime/context.ts';
import { extraMetrics } from './extra-metrics.ts';
import { terminalView } from './terminal-view.ts';

/** How a comparison is printed; A and B as they were typed. */
interface ComparisonOptions {
  readonly a: string;
  readonly b: string;
  readonly limit?: number;
  readonly all?: boolean;
  readonly ascii?: boolean;
}

/** What a comparison, of captures or of replays, is printed as. */
interface ComparisonForms<Shown extends object, Row> {
  readonly noun: Noun<Shown>;
  readonly rowNoun: Noun<Row>;
  readonly rows: (parts: Omit<DiffParts, 'metrics'>) => readonly Row[];
  /** @param height as that of `renderDiff`. */
  readonly draw: (parts: DiffParts, view: ReportView, height: number | null) => string;
}

/** Prints a comparison as the options say: as one object, as rows, or as a screen of text. */
export async function printComparison<Shown extends { readonly cautions: readonly string[] }, Row>(
  shown: Shown,
  { noun, rowNoun, rows, draw }: ComparisonForms<Shown, Row>,
  options: ComparisonOptions,
  context: Context,
): Promise<void> {
  const { stdout } = context.world;
  const { limit = null, all = false, ascii = false } = options;
  const mode = context.outputMode;
  if (mode === 'yaml' || (mode === 'json' && context.options.fields !== null)) {
    return context.printOne(noun, shown);
  }
  if (mode === 'json') {
    const { comparisonJson } = await import('../render/diff/diff-noun.ts');
    return context.printPieces(comparisonJson(shown));
  }
  if (!context.wantsReport || mode !== 'table') {
    for (const caution of shown.cautions) await context.warn(caution);
    return context.print(rowNoun, rows({ limit, all }));
  }
  const view = await terminalView(context, ascii);
  const metrics = await drawnMetrics(options, view, context);
  const height = stdout.isTTY ? (stdout.rows ?? null) : null;
  await stdout.write(draw({ limit, all, metrics }, view, height));
}

/** What metrics changed most, in a few lines; none where one has none, or is a file. */
async function drawnMetrics(
  sides: Pick<ComparisonOptions, 'a' | 'b'>,
  view: ReportView,
  context: Context,
): Promise<readonly string[]> {
  const both = await metricsOfBoth(sides, context);
  if (both === null) return [];
  const { metricsLines } = await import('../render/diff/diff-metrics.ts');
  return metricsLines(both, sides, view);
}

/** null where one of the two has no metrics, or is a file. */
export async function metricsOfBoth(
  { a, b }: Pick<ComparisonOptions, 'a' | 'b'>,
  context: Context,
): Promise<{ readonly a: MetricReport; readonly b: MetricReport } | null> {
  if ((await meaningOf(a, context)) === 'file' || (await meaningOf(b, context)) === 'file') {
    return null;
  }
  const ofA = await extraMetrics(context, a);
  const ofB = ofA === null ? null : await extraMetrics(context, b);
  if (ofA === null || ofB === null) return null;
  return hasPoints(ofA) && hasPoints(ofB) ? { a: ofA, b: ofB } : null;
}

function hasPoints({ series }: MetricReport): boolean {
  return series.some(({ tracks }) => tracks.some(({ times }) => times.length > 0));
}
