import type { TallyProgress } from '../../core/reports/tally.ts';
import type { Dimension, Report, ReportRequest } from '../../core/reports/report.ts';
import type { Progress } from '../../core/progress.ts';
import type { Context } from '../runtime/context.ts';
import { reportPage } from '../render/html/report-page.ts';
import { extraMetrics } from './extra-metrics.ts';
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
  const { capture, window } = page.report;
  const [parts, metrics] = await Promise.all([
    readPageParts(),
    window.from === null || window.to === null
      ? null
      : extraMetrics(context, String(capture.id), {
          origins: null,
          from: Date.parse(window.from),
          to: Date.parse(window.to),
        }),
  ]);
  await writeHtml(context, target, reportPage({ ...page, metrics }, parts));
}
