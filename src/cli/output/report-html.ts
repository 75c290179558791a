import type { TallyProgress } from '../../core/reports/tally.ts';
import type { MetricReport } from '../../core/metrics/metric-service.ts';
import type { Dimension, Report, ReportRequest } from '../../core/reports/report.ts';
import { AppError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Context } from '../runtime/context.ts';
import { reportPage } from '../render/html/report-page.ts';
import { writeHtml } from './html-file.ts';
import { readPageParts } from './page-parts.ts';

const ROWS_OF_OTHERS = 100;

/** Tables that follow the first one. */
const FOLLOWING: readonly Dimension[] = ['table', 'user', 'host', 'session'];

/** A report for a page, and what follows it there. */
export function reportsForPage(
  { reports }: Pick<Context['api'], 'reports'>,
  actor: Awaited<ReturnType<Context['actor']>>,
  ref: string,
  request: ReportRequest,
): Progress<TallyProgress, { readonly report: Report; readonly others: readonly Report[] }> {
  const others = FOLLOWING.filter((by) => by !== request.by).map((by) => ({
    by,
    limit: ROWS_OF_OTHERS,
  }));
  // One digest is looked at alone.
  return reports.reports(actor, ref, request, request.digest === null ? others : []);
}

/**
 * Writes a report as a page of HTML, with the metrics of its window.
 * @param target as `htmlTarget` gives it.
 */
export async function writeReportHtml(
  context: Context,
  target: string,
  page: { readonly report: Report; readonly others: readonly Report[] },
): Promise<void> {
  const [parts, metrics] = await Promise.all([readPageParts(), metricsFor(context, page.report)]);
  await writeHtml(context, target, reportPage({ ...page, metrics }, parts));
}

/** The metrics of a report's window; null, with a warning where that is a failure, if there are none. */
async function metricsFor(
  context: Context,
  { capture, window }: Pick<Report, 'capture' | 'window'>,
): Promise<MetricReport | null> {
  if (window.from === null || window.to === null) return null;
  try {
    return await context.api.metrics.report(await context.actor(), String(capture.id), {
      origins: null,
      names: [],
      statistic: null,
      period: null,
      from: Date.parse(window.from),
      to: Date.parse(window.to),
      margin: 0,
      refresh: false,
    });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (error.code === 'remote_failed') await context.warn(`No metrics: ${error.message}`);
    return null;
  }
}
